"""What the reader's encoder gets to see: English with slips mended, other languages word for word in English.

MiniLM knows English only. A gloss is no translation, but it keeps the words that tell one answer from another.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import yaml
from py3langid.langid import MODEL_FILE, LanguageIdentifier

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "er", "ers")
ENGLISH = "en"
MIN_WORDS = 4  # fewer do not tell that a language is foreign
CLEAR = 0.9  # chance from which a foreign language counts as found


@dataclass(frozen=True)
class _Gloss:
    """English for the words of a language: for whole words, for stems, and for expressions of several words."""

    whole: dict[str, str]
    stems: dict[str, str]
    expressions: dict[str, str]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """An expression, the longest first, or a word."""
        several = sorted(self.expressions, key=len, reverse=True)
        return re.compile("|".join([*(rf"\b{re.escape(e)}\b" for e in several), _WORD.pattern]), re.IGNORECASE)


class Normaliser:
    """Mends and glosses text.

    Args:
        folder: phrases, with `languages.yaml` and `gloss/LANGUAGE.words`.
        encoder: folder of the encoder, with `vocab.txt`: its words, one a line, the common ones first.
    """

    def __init__(self, folder: Path, encoder: str) -> None:
        data = yaml.safe_load((folder / "languages.yaml").read_text(encoding="utf-8"))
        self._signs = {language: set(text.split()) for language, text in data["signs"].items()}
        self._lookalikes = set(data["lookalikes"].split())
        self._contractions: dict[str, str] = data["contractions"]
        self._glosses = {
            language: _read_gloss(folder / "gloss" / f"{language}.words")
            for language in self._signs
            if language != ENGLISH
        }
        lines = (Path(encoder) / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self._ranks = {w: i for i, w in enumerate(lines) if w.isascii() and w.isalpha() and len(w) > 2}
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._mended = lru_cache(20_000)(self._mend)

    def __call__(self, text: str) -> str:
        """Return the text as the encoder should see it."""
        if self.language(text) == ENGLISH:
            return re.sub("[A-Za-z]+", lambda word: self._mended(word[0]), text)
        return self.gloss(text)

    def gloss(self, text: str) -> str:
        """Return a text of another language word for word in English; English is left as it is."""
        language = self.language(text)
        if language == ENGLISH:
            return text
        pattern = self._glosses[language].pattern
        return pattern.sub(lambda word: self._in_english(word[0], language) or word[0], re.sub("['’]", " ", text))

    def language(self, text: str) -> str:
        """Return the language of a text, English where none of the others is clear."""
        words = [word.lower() for word in _WORD.findall(text)]
        hits = {language: sum(word in signs for word in words) for language, signs in self._signs.items()}
        own = self._signs[ENGLISH] | self._lookalikes
        score = {
            language: hits[language] + sum(self._tells(word, language) for word in words if word not in own) / 2
            for language in self._glosses
        }
        best = max(score, key=lambda language: score[language])
        clear = hits[best] > hits[ENGLISH] or (score[best] > hits[ENGLISH] and score[best] >= len(words) / 4)
        return best if clear else ENGLISH

    def is_foreign(self, text: str) -> bool:
        """Tell whether a text is clearly in a language that is none of these."""
        letters = [letter for letter in text if letter.isalpha()]
        latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters)
        if letters and latin < len(letters) / 2:
            return True
        words = [word.lower() for word in _WORD.findall(text)]
        known = max(sum(word in signs for word in words) for signs in self._signs.values())
        if len(words) < MIN_WORDS or known >= max(2, len(words) / 4):
            return False
        language, chance = self._identifier.classify(text)
        return language not in self._signs and float(chance) >= CLEAR

    def _tells(self, word: str, language: str) -> bool:
        english = self._in_english(word, language)
        return english is not None and _plain(english)[:3] != _plain(word)[:3]

    def _in_english(self, word: str, language: str) -> str | None:
        gloss = self._glosses[language]
        if word.lower() in gloss.expressions:
            return gloss.expressions[word.lower()]
        whole, stems = gloss.whole, gloss.stems
        word = _plain(word)
        if word in whole:
            return whole[word]
        head = next((stems[word[:n]] for n in range(len(word), 2, -1) if word[:n] in stems), None)
        return self._compound(word, head, whole, stems) or head if language == "de" and len(word) > 8 else head

    @staticmethod
    def _compound(word: str, head: str | None, whole: dict[str, str], stems: dict[str, str]) -> str | None:
        """Gloss the last part of a German compound as well as the first."""
        for n in range(3, len(word) - 3):
            tail = word[n:]
            cut = range(len(tail), max(4, len(tail) - 4), -1)
            last = whole.get(tail) or next((stems[tail[:m]] for m in cut if tail[:m] in stems), None)
            if last:
                first = head or whole.get(word[:n]) or whole.get(word[:n].rstrip("s"))
                return f"{first} {last}" if first and first != last else last
        return None

    def _mend(self, word: str) -> str:
        """Return the commonest known word one slip away, or the word itself."""
        known, low = self._ranks, word.lower()
        if low in self._contractions:
            return self._contractions[low]
        if len(low) < 4 or low in known or not word.islower():  # a capital marks a name
            return word
        if any(low.endswith(e) and {low[: -len(e)], low[: -len(e)] + "e"} & known.keys() for e in _ENDINGS):
            return word
        swapped = {low[:i] + low[i + 1] + low[i] + low[i + 2 :] for i in range(len(low) - 1)}
        cuts = [(low[:i], low[i:]) for i in range(1, len(low) + 1)]  # the first letter is held to be right
        near = {a + c + b for a, b in cuts for c in _LETTERS} | {a + b[1:] for a, b in cuts if b}
        if len(low) > 5:
            near |= {a + c + b[1:] for a, b in cuts if b for c in _LETTERS}
        for candidates in (swapped, {word for word in near if len(word) > 3}):
            if hits := candidates & known.keys():
                return min(hits, key=lambda hit: known[hit])
        return word


def _plain(word: str) -> str:
    folded = unicodedata.normalize("NFD", word.lower().replace("ß", "ss"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def _read_gloss(path: Path) -> _Gloss:
    """Read `word:english` pairs; a word that ends in `*` is a stem, `_` stands for a space."""
    gloss = _Gloss({}, {}, {})
    for entry in path.read_text(encoding="utf-8").split():
        word, _, english = entry.replace("_", " ").partition(":")
        if " " in word:
            gloss.expressions.setdefault(word, english)
        else:
            (gloss.stems if word.endswith("*") else gloss.whole).setdefault(_plain(word.rstrip("*")), english)
    return gloss
