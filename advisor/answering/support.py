"""Whether a passage says what a sentence says, as far as that can be told without a model of entailment.

A sentence is taken apart into clauses. Each must find its words, figures and names in one sentence of the passage, on
the same side of the comparison, with the same sign. What remains is judged by likeness in meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import yaml
from langchain_core.embeddings import Embeddings

from advisor.settings import KNOWLEDGE
from advisor.text import words

SUPPORT = 1.58  # likeness and share of words together, from which a sentence counts as supported
COVERAGE = 0.75  # share of its words that must be there in any case

_DATA: dict[str, Any] = yaml.safe_load((KNOWLEDGE / "phrases" / "support.yaml").read_text(encoding="utf-8"))
_LITTLE = frozenset(_DATA["little"].split())
_NEGATIONS = frozenset(_DATA["negations"].split())
_NUMBERS = {word: str(number) for word, number in _DATA["numbers"].items()}
_OPPOSITES = [tuple(frozenset(group.split()) for group in pair) for pair in _DATA["opposites"]]
_SIDES = {word: i for i, side in enumerate(_DATA["sides"]) for word in side}
_SILENT = _LITTLE | _NEGATIONS | _SIDES.keys()
_ORDER = ("than", "before", "after")  # what stands before and behind one of these may not change places

_JOINS = ("and", "or", "nor")

_BREAK = re.compile(r"[,;:|()]|\b(?:while|whereas|but|because|so|yet|since|although|though|which)\b", re.IGNORECASE)
_TOKEN = re.compile(r"\d[\d.,]*\d|\d|%|[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_ENDINGS = ("ings", "ing", "edly", "ed", "ies", "ly", "es", "s", "e", "y")


@dataclass(frozen=True)
class Place:
    """The sentences of a passage that support a sentence: one, or two neighbours."""

    passage: int
    first: int
    last: int


@dataclass(frozen=True)
class _Clause:
    """A part of a sentence that says one thing."""

    text: str
    tokens: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        found = (token.casefold().replace("’", "'") for token in _TOKEN.findall(self.text))
        object.__setattr__(self, "tokens", tuple(_NUMBERS.get(token, token) for token in found))

    @cached_property
    def figures(self) -> frozenset[str]:
        return frozenset(t.replace(",", "") for t in self.tokens if t[0].isdigit() or t == "%")

    @cached_property
    def stems(self) -> frozenset[str]:
        """What it says, without endings, sides and little words."""
        return frozenset(
            _stem(t) for t in self.tokens if t not in _LITTLE | _NEGATIONS and t not in _SIDES and len(t) > 1
        )

    @cached_property
    def sides(self) -> frozenset[int]:
        """The side it speaks of; several where they are joined by a word such as `and`."""
        found = [i for i, token in enumerate(self.tokens) if token in _SIDES]
        joined = [i for i in found if i == found[0] or self.tokens[i - 1] in _JOINS]
        return frozenset(_SIDES[self.tokens[i]] for i in joined)

    @property
    def negative(self) -> bool:
        return bool(_NEGATIONS & set(self.tokens))

    def around(self, word: str) -> tuple[frozenset[str], frozenset[str]]:
        """What stands before a word, and what behind it."""
        at = self.tokens.index(word)
        return _told(self.tokens[:at]), _told(self.tokens[at + 1 :])


class Checker:
    """Checks sentences against passages, each a list of sentences."""

    def __init__(self, embeddings: Embeddings, passages: Sequence[Sequence[str]]) -> None:
        self._embeddings = embeddings
        self._passages = [[_clauses(unit) for unit in units] for units in passages]
        self._words = [frozenset(words(" ".join(units))) for units in passages]
        vectors = iter(embeddings.embed_documents([unit for units in passages for unit in units]))
        self._vectors = [np.asarray([next(vectors) for _ in units]) for units in passages]

    def place(self, sentence: str) -> Place | None:
        """Return where a sentence is supported best, None when it is not."""
        clauses = [clause for clause in _clauses(sentence) if clause.stems or clause.figures]
        said = frozenset[str]().union(*(clause.stems for clause in clauses))
        if not said:
            return None
        vector = np.asarray(self._embeddings.embed_query(sentence))
        best, place = SUPPORT, None
        for candidate in self._candidates():
            units = self._passages[candidate.passage][candidate.first : candidate.last + 1]
            held = frozenset[str]().union(*(clause.stems for unit in units for clause in unit))
            coverage = len(said & held) / len(said)
            if coverage < COVERAGE or not _names(sentence) <= self._words[candidate.passage]:
                continue
            mean = self._vectors[candidate.passage][candidate.first : candidate.last + 1].mean(axis=0)
            score = float(vector @ mean / np.linalg.norm(mean)) + coverage
            if score >= best and all(_says(units, clause) for clause in clauses):
                best, place = score, candidate
        return place

    def _candidates(self) -> Iterator[Place]:
        for i, units in enumerate(self._passages):
            yield from (Place(i, j, j) for j in range(len(units)))
            yield from (Place(i, j, j + 1) for j in range(len(units) - 1))


def _clauses(sentence: str) -> list[_Clause]:
    """Cut a sentence at conjunctions and commas; at `and` only between two statements."""
    clauses = []
    for part in _BREAK.split(sentence):
        halves = [_Clause(half) for half in re.split(r"\band\b", part, maxsplit=1)]
        whole = len(halves) == 1 or min(len(half.stems) for half in halves) < 2
        clauses += [_Clause(part)] if whole else halves
    return [clause for clause in clauses if clause.tokens]


def _says(units: Sequence[Sequence[_Clause]], clause: _Clause) -> bool:
    """Tell whether one of the sentences holds the clause, and no part of it says the contrary."""
    unit = max(units, key=lambda unit: sum(len(clause.stems & part.stems) for part in unit))
    if not _has_figures(unit, clause):
        return False
    part = max(unit, key=lambda part: len(clause.stems & part.stems))
    if not clause.stems & part.stems:
        return True  # other words for it; likeness must tell
    subject = part.sides or next((p.sides for p in unit if p.sides), frozenset())
    same_side = not clause.sides or not subject or bool(clause.sides & subject)
    turned = _turned(clause, unit) or _turned(clause, [part])
    if "than" in part.tokens and not same_side and turned:
        return clause.negative == part.negative  # A is slower than B, B is faster than A
    return same_side and not turned and clause.negative == part.negative and not _swapped(clause, part)


def _has_figures(unit: Sequence[_Clause], clause: _Clause) -> bool:
    """Tell whether a sentence has the figures of a clause, where it speaks of the same thing."""
    if not clause.figures <= frozenset[str]().union(*(part.figures for part in unit)):
        return False
    there = [part for part in unit if (clause.figures & part.figures) - {"%"}]
    subject = next((stem for t in clause.tokens if (stem := _stem(t)) in clause.stems), "")
    elsewhere = [part for part in unit if subject in part.stems]
    return len(there) != 1 or not elsewhere or there[0] in elsewhere or len([p for p in unit if p.figures]) == 1


def _turned(clause: _Clause, unit: Sequence[_Clause]) -> bool:
    """Tell whether a word of the clause has its opposite in the sentence, and is not there itself."""
    said, held = set(clause.tokens), {token for part in unit for token in part.tokens}
    return any(
        said & here and held & there and not held & here for pair in _OPPOSITES for here, there in (pair, pair[::-1])
    )


def _swapped(clause: _Clause, part: _Clause) -> bool:
    """Tell whether what stands around `than` or `before` has changed places."""
    for word in _ORDER:
        if word in clause.tokens and word in part.tokens:
            (a, b), (c, d) = clause.around(word), part.around(word)
            if a & d and b & c:
                return True
    return False


def _names(sentence: str) -> frozenset[str]:
    """Return the words with a capital letter, save the first."""
    return frozenset(words(" ".join(re.findall(r"(?<=\s)[(“\"']?([A-Z][\w-]*)", sentence.strip()))))


def _told(tokens: Sequence[str]) -> frozenset[str]:
    """Return stems and sides."""
    sides = (str(_SIDES[token]) for token in tokens if token in _SIDES)
    return frozenset([*sides, *(_stem(token) for token in tokens if token not in _SILENT)])


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
