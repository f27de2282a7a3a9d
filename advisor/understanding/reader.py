"""The readers: one that needs no model for what is plain, one that uses embeddings for free text."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from langchain_core.embeddings import Embeddings

from advisor.conversation import Act, Conversation, ReadAnswer, Reading
from advisor.framework import Framework, Question
from advisor.text import Span, words
from advisor.understanding.cues import Cues
from advisor.understanding.heads import NOT_STATED, Heads
from advisor.understanding.segments import Sentence, segment

SURE = 0.6  # an answer read with less confidence than this is left to be asked
ACT_SURE = 0.4
CUE = 0.95  # confidence of an answer that a cue gives
STATEMENTS = {Act.ANSWER, Act.CORRECT}
SILENT = {Act.INJECTION, Act.ABUSE, Act.ASK, Act.WHAT_IF, Act.WHY, Act.MEANING, Act.OFF_TOPIC}  # never hold answers

_ORDINALS = [
    {"1", "a", "first", "one", "former", "primero", "primera", "erste", "erstes", "premier", "première"},
    {"2", "b", "second", "two", "latter", "segundo", "segunda", "zweite", "zweites", "deuxième"},
    {"3", "c", "third", "three", "last", "tercero", "tercera", "dritte", "drittes", "troisième"},
]
_FILLER = frozenset(
    "the one option number please it is its it's would be i'd say i think that and um well so answer".split()
)
_FIRST_PERSON = re.compile(
    r"\b(?:we|our|ours|us|my|i|i'm|we're|wir|unsere?\w*|nuestr\w+|nous|notre|nos)\b", re.IGNORECASE
)


class Reader(Protocol):
    """Turns a message into a reading, given what is known and which question is open."""

    def read(self, message: str, conversation: Conversation) -> Reading:
        """Read a message."""
        ...


class QuickReader:
    """Reads what is plain without a model: quick replies, short replies to the open question, clear acts."""

    def __init__(self, framework: Framework, cues: Cues) -> None:
        self._framework = framework
        self._cues = cues

    def read(self, message: str, conversation: Conversation) -> Reading | None:
        """Return the reading, or None when the message wants the full reader."""
        if not words(message):
            return Reading(acts=(Act.UNREADABLE,))
        if answer := self._chosen(message, conversation) or self._short(message, conversation):
            return Reading(acts=(Act.ANSWER,), answers=(answer,))
        parts = segment(message)
        if len(parts) == 1 and len(words(message)) <= 8 and not self._cues.answers(message):
            act = self._cues.act(message)
            if act and act not in {Act.CORRECT, Act.WHAT_IF, Act.ASK}:
                return Reading(acts=(act,))
        return None

    def _chosen(self, message: str, conversation: Conversation) -> ReadAnswer | None:
        """A quick reply sends its label, of the open question first."""
        said = words(message)
        asked = [q for q in self._framework.questions if q.id == conversation.asked]
        for question in [*asked, *self._framework.questions]:
            for option in question.options:
                if said == words(option.label) and (question in asked or len(said) > 1):
                    return _whole(message, question.id, option.id, chosen=True)
        return None

    def _short(self, message: str, conversation: Conversation) -> ReadAnswer | None:
        if conversation.asked is None or len(words(message)) > 6:
            return None
        question = self._framework.question(conversation.asked)
        said = " ".join(words(message))
        core = [word for word in words(message) if word not in _FILLER]
        for i, option in enumerate(question.options):
            forms = {" ".join(words(form)) for form in option.short_forms}
            if said in forms or " ".join(core) in forms:
                return _whole(message, question.id, option.id)
            ordinal = {word for word in words(message) if i < len(_ORDINALS) and word in _ORDINALS[i]}
            if ordinal and not set(core) - ordinal:
                return _whole(message, question.id, option.id)
        return None


@dataclass(frozen=True)
class _Evidence:
    option: str
    confidence: float
    span: Span
    order: int  # of the sentence
    corrects: bool


class EmbeddedReader:
    """Reads free text with cues, and with linear heads over embeddings of each clause and sentence.

    Args:
        heads: None for a framework without trained phrases; then cues alone read.
    """

    def __init__(self, framework: Framework, cues: Cues, heads: Heads | None, embeddings: Embeddings) -> None:
        self._framework = framework
        self._cues = cues
        self._heads = heads
        self._embeddings = embeddings
        self._quick = QuickReader(framework, cues)

    def read(self, message: str, conversation: Conversation) -> Reading:
        """Read a message; only what is not plain costs a pass of the model."""
        if plain := self._quick.read(message, conversation):
            return plain
        parts = segment(message)
        spans = list(dict.fromkeys(span for part in parts for span in (part.span, *part.clauses)))
        vectors = np.asarray(self._embeddings.embed_documents([message[a:b] for a, b in spans]))
        place = {span: i for i, span in enumerate(spans)}
        acts = [self._act(part, vectors[place[part.span]]) for part in parts]

        evidence: dict[str, list[_Evidence]] = defaultdict(list)
        hypothetical: dict[str, list[_Evidence]] = defaultdict(list)
        for order, (part, act) in enumerate(zip(parts, acts, strict=True)):
            if act in SILENT and act is not Act.WHAT_IF:
                continue
            found = hypothetical if act is Act.WHAT_IF else evidence
            for span in (part.span, *part.clauses):
                for question, option, confidence, where in self._answers(message, span, vectors[place[span]]):
                    found[question].append(_Evidence(option, confidence, where, order, act is Act.CORRECT))

        answers, doubtful = self._resolve(evidence)
        asking = [part.text for part, act in zip(parts, acts, strict=True) if act is Act.ASK]
        told: set[Act] = {act for act in acts if act is not Act.ANSWER}
        if answers:
            told |= {Act.ANSWER} if Act.CORRECT not in told else set()
        return Reading(
            acts=tuple(act for act in Act if act in told) or (Act.ANSWER,),
            answers=tuple(answers),
            hypothetical=tuple(self._resolve(hypothetical)[0]),
            doubtful=tuple(doubtful),
            topic=" ".join(asking) or None,
        )

    def _act(self, part: Sentence, vector: np.ndarray) -> Act:
        if act := self._cues.act(part.text):
            return act
        is_question = part.text.rstrip().endswith("?")
        if self._heads is None:
            return Act.ASK if is_question else Act.ANSWER
        chances = self._heads.acts.probabilities(vector[None])[0]
        best = int(chances.argmax())
        act = Act(self._heads.acts.labels[best])
        if is_question and not (act is Act.ANSWER and _FIRST_PERSON.search(part.text)):
            return act if act in SILENT | {Act.NEXT_STEPS, Act.SUMMARY, Act.DECIDE_NOW} else Act.ASK
        if act is Act.ASK and (chances[best] < 0.6 or self._cues.answers(part.text)):
            return Act.ANSWER
        return act if chances[best] >= ACT_SURE else Act.ANSWER

    def _answers(self, message: str, span: Span, vector: np.ndarray) -> list[tuple[str, str, float, Span]]:
        start, end = span
        cues = self._cues.answers(message[start:end])
        found = [(q, option, CUE, span) for q, options in cues.items() for option in options]
        if self._heads is not None:
            for question, head in self._heads.questions.items():
                if question in cues:
                    continue
                chances = head.probabilities(vector[None])[0]
                for label, chance in zip(head.labels, chances, strict=True):
                    if label != NOT_STATED and chance >= SURE:
                        found.append((question, label, float(chance), span))
        return found

    def _resolve(self, evidence: dict[str, list[_Evidence]]) -> tuple[list[ReadAnswer], list[str]]:
        """Return at most one answer per question, and the questions on which the message contradicts itself."""
        answers: list[ReadAnswer] = []
        doubtful: list[str] = []
        for question in self._framework.questions:
            found = evidence.get(question.id, [])
            if not found:
                continue
            strongest = max(e.confidence for e in found)
            found = [e for e in found if e.confidence >= CUE or strongest < CUE]
            last = max(e.order for e in found)
            if any(e.corrects for e in found if e.order == last):
                found = [e for e in found if e.order == last]  # what corrects replaces what came before
            options = {e.option for e in found}
            option = options.pop() if len(options) == 1 else _combined(question, options)
            if option is None:
                doubtful.append(question.id)
                continue
            best = max(found, key=lambda e: (e.confidence, e.span[0] - e.span[1]))  # of equals the shortest span
            answers.append(
                ReadAnswer(
                    question=question.id,
                    options=(option,),
                    how="stated",
                    confidence=max(e.confidence for e in found),
                    start=best.span[0],
                    end=best.span[1],
                )
            )
        return answers, doubtful


def _combined(question: Question, options: set[str]) -> str | None:
    """Return the option that stands for all of these together, if there is one."""
    for option in question.options:
        if option.combines and options <= {option.id, *option.combines}:
            return option.id
    return None


def _whole(message: str, question: str, option: str, *, chosen: bool = False) -> ReadAnswer:
    start = len(message) - len(message.lstrip())
    return ReadAnswer(
        question=question,
        options=(option,),
        how="chosen" if chosen else "stated",
        confidence=1.0,
        start=start,
        end=len(message.rstrip()),
    )
