"""Reading free text: sentence by sentence, what the user does and which answers are stated."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from advisor.conversation import Act, Conversation, ReadAnswer, Reading
from advisor.framework import Framework, Question
from advisor.text import Span, words
from advisor.understanding.cues import Cues
from advisor.understanding.quick import QuickReader
from advisor.understanding.segments import Sentence, segment

ACTS = "acts"  # the head for acts, beside one for each question
NOT_STATED = ""

SURE = 0.5  # an answer read with less confidence than this is to be confirmed
UNCLEAR = 0.35  # with less than this it is not mentioned at all
SURE_WHEN_ASKED = 0.4  # the same for the question that is open
SENTENCES = 0.5  # weight of the sentences against the whole text
CLASH = 0.6  # chance from which two sentences count as saying different things
ACT_SURE = 0.4  # an act guessed with less is taken for a statement
ACT_CERTAIN = 0.8  # the same for acts that undo something
STEERING = {Act.RESTART, Act.BACK, Act.CANCEL, Act.DECIDE_NOW}
SILENT = {Act.INJECTION, Act.ABUSE, Act.ASK, Act.WHAT_IF, Act.WHY, Act.MEANING, Act.OFF_TOPIC}  # never hold answers
ASKING = SILENT | {Act.NEXT_STEPS, Act.SUMMARY, Act.DECIDE_NOW, Act.REPEAT, Act.BACK, Act.RESTART}

_FIRST_PERSON = re.compile(
    r"\b(?:we|our|ours|us|my|i|i'm|we're|wir|unsere?\w*|nuestr\w+|nous|notre|nos)\b", re.IGNORECASE
)


_COMMON = frozenset("how is it the must be of often or and a what does our money time".split())


class Reader(Protocol):
    """Turns a message into a reading, given what is known and which question is open."""

    def read(self, message: str, conversation: Conversation) -> Reading:
        """Read a message."""
        ...


@dataclass(frozen=True)
class _Found:
    """The chances of a question's options in a text, and where it is said best."""

    chances: dict[str, float]
    span: Span
    clash: bool


class Model(Protocol):
    """What gives the chances of each class of each head for some texts; `normaliser` mends and glosses a text."""

    heads: dict[str, tuple[str, ...]]
    normaliser: Callable[[str], str]

    def probabilities(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return head to probabilities, (texts, classes)."""
        ...


class Untrained:
    """Stands in for the model of a framework that has no trained phrases: nothing is stated."""

    def __init__(self, framework: Framework) -> None:
        self.heads = {q.id: (NOT_STATED, *q.option_ids) for q in framework.questions} | {ACTS: (Act.ANSWER.value,)}
        self.normaliser: Callable[[str], str] = str

    def probabilities(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return 1 for the first class of each head."""
        return {name: np.eye(1, len(classes)).repeat(len(texts), 0) for name, classes in self.heads.items()}


class TextReader:
    """Reads free text with the trained model, sentence by sentence and as a whole; acts with cues too.

    Args:
        model: trained by `make train` on the phrases beside the framework, or `Untrained`.
    """

    def __init__(self, framework: Framework, cues: Cues, model: Model) -> None:
        self._framework = framework
        self._cues = cues
        self._model = model
        self._quick = QuickReader(framework, cues)

    def read(self, message: str, conversation: Conversation) -> Reading:
        """Read a message; only what is not plain costs a pass of the model."""
        if plain := self._quick.read(message, conversation):
            return plain
        parts = segment(message)
        acts = self._acts(parts)
        groups: dict[str, list[Sentence]] = {"before": [], "after": []}
        corrected = next((i for i, act in enumerate(acts) if act is Act.CORRECT), len(acts))
        for i, (part, act) in enumerate(zip(parts, acts, strict=True)):
            if act not in SILENT:
                groups["after" if i >= corrected else "before"].append(part)

        read = {name: self._answers(message, group) for name, group in groups.items()}
        found = read["before"][0] | read["after"][0]  # what corrects replaces what came before
        answers = {q: answer for q, answer in found.items() if self._is_sure(answer, conversation)}
        unclear = [a for q, a in found.items() if q not in answers and q not in conversation.answers]
        doubtful = [q for name in ("before", "after") for q in read[name][1] if q not in found]
        taken_back = not answers and not doubtful and any(self._cues.takes_back(part.text) for part in parts)
        told: set[Act] = {act for act in acts if act is not Act.ANSWER}
        if answers and Act.CORRECT not in told:
            told.add(Act.ANSWER)
        supposed = " ".join(
            self._cues.supposed(part.text) for part, act in zip(parts, acts, strict=True) if act is Act.WHAT_IF
        )
        asking = [part.text for part, act in zip(parts, acts, strict=True) if act is Act.ASK]
        return Reading(
            acts=tuple(act for act in Act if act in told) or (Act.ANSWER,),
            answers=tuple(answers.values()),
            hypothetical=tuple(self._answers(supposed, segment(supposed))[0].values()),
            unclear=tuple(sorted(unclear, key=lambda answer: -answer.confidence)),
            doubtful=tuple(dict.fromkeys(doubtful)),
            forgotten=self._forgotten(message, conversation) if taken_back else (),
            topic=" ".join(asking) or None,
        )

    def _acts(self, parts: list[Sentence]) -> list[Act]:
        chances = self._model.probabilities([part.text for part in parts])[ACTS]
        names = self._model.heads[ACTS]
        acts = []
        for part, row in zip(parts, chances, strict=True):
            best = int(row.argmax())
            acts.append(self._cues.act(part.text) or self._act(part.text, Act(names[best]), float(row[best])))
        return acts

    def _act(self, text: str, guess: Act, chance: float) -> Act:
        """Weigh the model's guess against the form of the sentence."""
        if text.rstrip().endswith("?"):
            own_case = guess is Act.ANSWER and _FIRST_PERSON.search(text)
            return guess if own_case or guess in ASKING else Act.ASK
        return guess if chance >= (ACT_CERTAIN if guess in STEERING else ACT_SURE) else Act.ANSWER

    def _answers(self, message: str, parts: list[Sentence]) -> tuple[dict[str, ReadAnswer], list[str]]:
        """Return the answers by question, and the questions on which the sentences contradict each other."""
        if not parts:
            return {}, []
        spans = list(dict.fromkeys(span for part in parts for span in (part.span, *part.clauses)))
        whole = " ".join(part.text for part in parts)
        chances = self._model.probabilities([whole, *(message[a:b] for a, b in spans)])
        answers: dict[str, ReadAnswer] = {}
        doubtful: list[str] = []
        for question in self._framework.questions:
            found = self._weigh(question, chances[question.id], spans, {part.span for part in parts})
            option = max(found.chances, key=lambda o: found.chances[o])
            confidence = found.chances[option]
            if found.clash:
                doubtful.append(question.id)
            elif confidence >= UNCLEAR:
                answers[question.id] = ReadAnswer(
                    question=question.id,
                    options=(option,),
                    how="stated",
                    confidence=round(confidence, 3),
                    start=found.span[0],
                    end=found.span[1],
                )
        return answers, doubtful

    @staticmethod
    def _is_sure(answer: ReadAnswer, conversation: Conversation) -> bool:
        return answer.confidence >= (SURE_WHEN_ASKED if answer.question == conversation.asked else SURE)

    def _weigh(self, question: Question, chances: np.ndarray, spans: list[Span], sentences: set[Span]) -> _Found:
        """Weigh the whole text against its sentences."""
        labels = self._model.heads[question.id]
        whole = dict(zip(labels, chances[0].tolist(), strict=True))
        pieces = [dict(zip(labels, row.tolist(), strict=True)) for row in chances[1:]]
        rows = [piece for span, piece in zip(spans, pieces, strict=True) if span in sentences]
        combines = any(option.combines for option in question.options)
        best = {option: max(row[option] for row in rows) for option in question.option_ids}
        result = {option: whole[option] for option in question.option_ids}
        if len(rows) > 1:
            total = sum(best.values()) + max(1e-6, 1 - max(best.values()))
            result = {o: (1 - SENTENCES) * whole[o] + SENTENCES * best[o] / total for o in result}
        clash = len(rows) > 1 and not combines and min(best.values()) >= CLASH
        top = max(result, key=lambda o: result[o])
        # the shortest piece that says it about as well as any
        strength = max(piece[top] for piece in pieces)
        near = [span for span, piece in zip(spans, pieces, strict=True) if piece[top] >= 0.9 * strength]
        return _Found(result, min(near, key=lambda span: span[1] - span[0]), clash)

    def _forgotten(self, message: str, conversation: Conversation) -> tuple[str, ...]:
        """Return the answered question that the message names, or the one answered last."""
        said = set(words(self._model.normaliser(message)))
        named: dict[str, int] = {}
        for question_id in conversation.answers:
            question = self._framework.question(question_id)
            telling = set(words(f"{question.id} {question.name} {question.short}")) - _COMMON
            named[question_id] = len(said & telling)
        if not named:
            return ()
        best = max(named, key=lambda q: named[q])
        return (best if named[best] else list(conversation.answers)[-1],)
