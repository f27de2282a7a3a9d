"""Training examples: phrases as they are, and messages composed of several, with the slips that people make."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from advisor.framework import Framework, Question
from advisor.understanding.segments import in_context

ENGLISH = "en"
ENGLISH_SHARE = 0.67  # of composed messages
MIX = {"messages": 0.53, "composed": 0.12, "clauses": 0.08, "replies": 0.13, "acts": 0.14}
EXTENDED = 0.2  # share of whole messages that are joined with phrases
CONTRARY = 0.15  # share of composed messages that contradict themselves on purpose
CONFLICT = 0.3  # share of clashing joins that are kept, the question then being not stated
COMBINED = 0.3  # share of joins of options that another one combines that are kept, as that one
FRAMED = 0.25  # share of clauses that something leads in
HEARSAY = 0.1  # share of composed messages that also tell of somebody else, or suppose
STATEMENT_ACTS = {"answer", "correct"}  # phrases of the other acts state nothing of the user's case

Answers = dict[str, str | None]  # None: contradicted, so not stated


@dataclass(frozen=True)
class Example:
    """A text with what is to be learned from it; None where nothing is."""

    text: str
    answers: Answers | None
    act: str | None


class Composer:
    """Draws training examples from a folder of phrases.

    Raises:
        ValueError: a phrase names a question or option that the framework lacks.
    """

    def __init__(self, folder: Path, framework: Framework) -> None:
        def read(path: Path) -> Any:
            return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)

        def rows(name: str) -> Any:
            return [row for path in sorted(folder.glob(f"{name}*.yaml")) for row in read(path)]

        self.framework = framework
        self.pools = {kind: rows(kind) for kind in ("clauses", "messages", "replies", "acts")}
        words = read(folder / "languages.yaml")
        self._joins, self._turns = words["joins"], words["turns"]
        self._frames = read(folder / "frames.yaml")
        self._clauses: dict[str, list[Any]] = {}
        for phrase in self.pools["clauses"]:
            self._clauses.setdefault(phrase.get("lang", ENGLISH), []).append(phrase)
        self._sides = [
            sides
            for question in framework.questions
            if not any(option.combines for option in question.options)
            if all(sides := [self._saying({question.id: option}) for option in question.option_ids])
        ]
        for phrase in (*self.pools["clauses"], *self.pools["messages"], *self.pools["replies"]):
            for question, option in phrase["answers"].items():
                if question not in framework.by_id or option not in (None, *framework.question(question).option_ids):
                    raise ValueError(f"unknown answer {question}: {option} in {phrase['text']!r}")
        self._mix = {kind: share for kind, share in MIX.items() if self.pools.get(kind, True)}
        self.act_names = tuple(sorted({phrase["act"] for phrase in self.pools["acts"]}))

    def _saying(self, answers: dict[str, str]) -> list[Any]:
        return [phrase for phrase in self._clauses[ENGLISH] if phrase["answers"] == answers]

    def draw(self, rng: random.Random) -> Example:
        """Return one example."""
        kind = rng.choices(list(self._mix), list(self._mix.values()))[0]
        if kind == "composed":
            text, answers = self._contrary(rng) if rng.random() < CONTRARY else self._composed(rng)
        else:
            phrase = rng.choice(self.pools[kind])
            text, answers = phrase["text"], phrase.get("answers", {})
        if kind == "acts":
            return Example(_noisy(text, rng), None if phrase["act"] in STATEMENT_ACTS else {}, phrase["act"])
        if kind == "replies":
            text = in_context(self.framework.question(phrase["asked"]), text)
        elif kind == "messages" and phrase.get("lang", ENGLISH) == ENGLISH and rng.random() < EXTENDED:
            text, answers = self._composed(rng, phrase)
        elif kind == "clauses" and rng.random() < FRAMED:
            states = rng.random() < 0.6
            text = self._framed(text, "states" if states else "silent", phrase.get("lang", ENGLISH), rng)
            answers = answers if states else {}
        act = "answer" if answers and rng.random() < 0.3 else None
        return Example(_noisy(text, rng), answers, act)

    def _composed(self, rng: random.Random, start: Any = None) -> tuple[str, Answers]:
        """Join phrases of different answers, to a given message or from nothing."""
        others = [language for language in self._clauses if language != ENGLISH]
        language = ENGLISH if start or rng.random() < ENGLISH_SHARE else rng.choice(others)
        parts = [start["text"]] if start else []
        answers: Answers = dict(start["answers"]) if start else {}
        for _ in range(rng.choice([1, 1, 2]) if start else rng.choice([2, 2, 3, 3, 4, 5])):
            phrase = rng.choice(self._clauses[language])
            if (merged := self._merged(answers, phrase["answers"], rng)) is not None:
                framed = rng.random() < FRAMED
                parts.append(self._framed(phrase["text"], "states", language, rng) if framed else phrase["text"])
                answers = merged
        if rng.random() < HEARSAY:
            parts.append(self._framed(rng.choice(self._clauses[language])["text"], "silent", language, rng))
        if not start or rng.random() < 0.4:
            rng.shuffle(parts)
        return self._joined(parts, language, rng), answers

    def _framed(self, clause: str, kind: str, language: str, rng: random.Random) -> str:
        """Return a clause with what leads it in."""
        frame: str = rng.choice(self._frames[kind][language])
        clause = clause.strip().rstrip(".")
        starts = frame.startswith("{}")
        return frame.format(clause[0].upper() + clause[1:] if starts else _continued(clause, language))

    def _contrary(self, rng: random.Random) -> tuple[str, Answers]:
        """A message that says two things on one question."""
        phrases = [rng.choice(side) for side in rng.sample(rng.choice(self._sides), 2)]
        (question,) = phrases[0]["answers"]
        pair = [phrase["text"].strip() for phrase in phrases]
        pair[1] = rng.choice(self._turns) + pair[1]
        rest: list[str] = []
        answers: Answers = {question: None}
        for _ in range(rng.choice([1, 1, 2, 3])):
            phrase = rng.choice(self._clauses[ENGLISH])
            merged = self._merged(answers, phrase["answers"], rng)
            if question not in phrase["answers"] and merged is not None:
                rest.append(phrase["text"])
                answers = merged
        parts = [*rest, self._joined(pair, ENGLISH, rng)] if rng.random() < 0.5 else [pair[0], *rest, pair[1]]
        return self._joined(parts, ENGLISH, rng), answers

    def _merged(self, answers: Answers, new: dict[str, str], rng: random.Random) -> Answers | None:
        """Return the union, or None where the two clash."""
        merged = dict(answers)
        for question_id, option in new.items():
            if question_id in merged and merged[question_id] is None:
                return None
            old = merged.get(question_id, option)
            if old == option:
                merged[question_id] = option
                continue
            together = _combination(self.framework.question(question_id), {old, option})
            if rng.random() >= (COMBINED if together else CONFLICT):
                return None
            merged[question_id] = together
        return merged

    def _joined(self, parts: list[str], language: str, rng: random.Random) -> str:
        text = parts[0].strip()
        for part in (part.strip() for part in parts[1:]):
            kind = rng.random()
            if kind < 0.55:
                stop = "" if text[-1] in ".!?" else "."
                text += stop + rng.choice([" ", " ", "\n"]) + part[0].upper() + part[1:]
            else:
                glue = rng.choice(self._joins[language] if kind < 0.8 else [", ", "; ", " - ", ", "])
                text = text.rstrip(".!") + glue + _continued(part, language)
        return text


def _continued(part: str, language: str) -> str:
    """Return a phrase as it stands within a sentence."""
    keeps_case = part[:2] in ("I ", "I'") or part[:2].isupper() or language == "de"
    return part if keeps_case else part[0].lower() + part[1:]


def _combination(question: Question, options: set[str | None]) -> str | None:
    for option in question.options:
        if option.combines and options <= {option.id, *option.combines}:
            return option.id
    return None


def _noisy(text: str, rng: random.Random) -> str:
    """Lower case, lost punctuation and slips of the keyboard, now and then."""
    if rng.random() < 0.25:
        text = text.lower()
    if rng.random() < 0.08:
        text = text.replace("'", "").replace(",", "")
    if rng.random() < 0.12:
        text = " ".join(_slip(w, rng) if len(w) > 3 and rng.random() < 0.2 else w for w in text.split(" "))
    return text


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    dropped = word[:at] + word[at + 1 :]
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    doubled = word[:at] + word[at] + word[at:]
    return rng.choice([dropped, swapped, doubled])
