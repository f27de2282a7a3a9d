"""The answers that sentences state, weighed from the model's chances for the whole, its sentences and clauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from advisor.conversation import Act, ReadAnswer
from advisor.framework import Framework, Question
from advisor.text import Span
from advisor.understanding.segments import Sentence

ACTS = "acts"  # the head for acts, beside one for each question
NOT_STATED = ""

UNCLEAR = 0.35  # an answer read with less confidence is not mentioned at all
SENTENCES = 0.4  # weight of the sentences against the whole text
CLASH = 0.6  # chance from which two sentences count as saying different things

Chance = dict[str, float]  # by option


class Model(Protocol):
    """What gives the chances of each class of each head for some texts.

    normaliser: mends and glosses a text.
    odds: question id to how many times likelier it is answered in a first message than in the training phrases.
    """

    heads: dict[str, tuple[str, ...]]
    normaliser: Callable[[str], str]
    odds: Mapping[str, float]

    def probabilities(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return head to probabilities, (texts, classes)."""
        ...


class Untrained:
    """Stands in for the model of a framework that has no trained phrases: nothing is stated."""

    def __init__(self, framework: Framework) -> None:
        self.heads = {q.id: (NOT_STATED, *q.option_ids) for q in framework.questions} | {ACTS: (Act.ANSWER.value,)}
        self.normaliser: Callable[[str], str] = str
        self.odds: Mapping[str, float] = {}

    def probabilities(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return 1 for the first class of each head."""
        return {name: np.eye(1, len(classes)).repeat(len(texts), 0) for name, classes in self.heads.items()}


class Chances:
    """The model's chances for the texts of one message, each computed once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._rows: dict[str, dict[str, np.ndarray]] = {}

    def __call__(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return head to probabilities, (texts, classes)."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._rows]:
            found = self._model.probabilities(new)
            for i, text in enumerate(new):
                self._rows[text] = {name: rows[i] for name, rows in found.items()}
        return {name: np.stack([self._rows[text][name] for text in texts]) for name in self._model.heads}


@dataclass(frozen=True)
class Found:
    """What a text holds on a question: the chance of each option, where the best is said, and whether it clashes."""

    chances: Chance
    span: Span
    clash: bool

    @property
    def best(self) -> str:
        """The likeliest option."""
        return max(self.chances, key=lambda option: self.chances[option])

    @property
    def is_likely(self) -> bool:
        """Whether it is worth mentioning."""
        return self.clash or self.chances[self.best] >= UNCLEAR


class AnswerReader:
    """Reads answers out of sentences."""

    def __init__(self, framework: Framework, model: Model) -> None:
        # a question of the user's own, that nobody trained, is read from quick replies alone
        self._questions = [question for question in framework.questions if question.id in model.heads]
        self._heads = model.heads
        self._odds = model.odds

    def texts(self, message: str, parts: Sequence[Sentence]) -> list[str]:
        """Return what the answers are read from: all parts together, and each sentence and clause."""
        whole = " ".join(message[slice(*part.span)] for part in parts)
        return [whole, *(message[a:b] for a, b in _spans(parts))]

    def find(self, message: str, parts: Sequence[Sentence], chances: Chances) -> dict[str, Found]:
        """Return question id to what the parts of a message hold on it."""
        if not parts:
            return {}
        rows = chances(self.texts(message, parts))
        sentences = {part.span for part in parts}
        return {q.id: self._weigh(q, rows[q.id], _spans(parts), sentences) for q in self._questions}

    def answers(self, found: Mapping[str, Found], *, first: bool) -> dict[str, ReadAnswer]:
        """Return the answers that are likely enough to be mentioned.

        Args:
            first: whether the message opens a conversation, and so describes a case.
        """
        answers = {}
        for question, what in found.items():
            confidence = shifted(what.chances, self._odds.get(question, 1.0) if first else 1.0)[what.best]
            if not what.clash and confidence >= UNCLEAR:
                answers[question] = ReadAnswer.over(what.span, question, what.best, confidence=confidence)
        return answers

    def as_reply(
        self, message: str, question: str, text: str, chances: Chances, before: ReadAnswer | None
    ) -> ReadAnswer | None:
        """Return the answer that a message gives as a reply to the open question.

        Args:
            text: the message in the context of the question.
            before: the answer to it that the message gives by itself.
        """
        rows = chances([text])
        if question not in rows:
            return None
        chance = dict(zip(self._heads[question], rows[question][0].tolist(), strict=True))
        best = max(chance, key=lambda option: chance[option])
        if best == NOT_STATED or chance[best] < UNCLEAR:
            return None
        span = (before.start, before.end) if before and before.options == (best,) else (0, len(message))
        return ReadAnswer.over(span, question, best, confidence=chance[best])

    def _weigh(self, question: Question, rows: np.ndarray, spans: list[Span], sentences: set[Span]) -> Found:
        """Weigh the whole text against its sentences; rows are those of the whole and of each span."""
        whole, *pieces = (dict(zip(self._heads[question.id], row.tolist(), strict=True)) for row in rows)
        said = [piece for span, piece in zip(spans, pieces, strict=True) if span in sentences]
        combines = any(option.combines for option in question.options)
        best = {option: max(piece[option] for piece in said) for option in question.option_ids}
        result = {option: whole[option] for option in question.option_ids}
        if len(said) > 1:
            total = sum(best.values()) + max(1e-6, 1 - max(best.values()))
            result = {o: (1 - SENTENCES) * whole[o] + SENTENCES * best[o] / total for o in result}
        clash = len(said) > 1 and not combines and min(best.values()) >= CLASH
        top = max(result, key=lambda o: result[o])
        # the shortest piece that says it about as well as any
        strength = max(piece[top] for piece in pieces)
        near = [span for span, piece in zip(spans, pieces, strict=True) if piece[top] >= 0.9 * strength]
        return Found(result, min(near, key=lambda span: span[1] - span[0]), clash)


def shifted(chances: Chance, odds: float) -> Chance:
    """Return the chances where being stated at all is so many times likelier, by Bayes' rule."""
    silent = max(0.0, 1 - sum(chances.values()))
    total = odds * sum(chances.values()) + silent
    return {option: odds * chance / total for option, chance in chances.items()}


def _spans(parts: Sequence[Sentence]) -> list[Span]:
    return list(dict.fromkeys(span for part in parts for span in (part.span, *part.clauses)))
