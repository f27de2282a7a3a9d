"""The readers: one that needs no model for what is plain, one with a trained model for free text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from advisor.conversation import Act, Conversation, How, ReadAnswer, Reading
from advisor.framework import Framework, Question
from advisor.text import Span, words
from advisor.understanding.cues import Cues
from advisor.understanding.segments import Sentence, segment

ACTS = "acts"  # the head for acts, beside one for each question
NOT_STATED = ""

SURE = 0.5  # an answer read with less confidence than this is to be confirmed
UNCLEAR = 0.35  # with less than this it is not mentioned at all
SURE_WHEN_ASKED = 0.4  # the same for the question that is open
PLAIN_WORDS = 5  # a message this short can be read by cues alone
SENTENCES = 0.5  # weight of the sentences against the whole text
CLASH = 0.6  # chance from which two sentences count as saying different things
ACT_SURE = 0.4  # an act guessed with less is taken for a statement
ACT_CERTAIN = 0.8  # the same for acts that undo something
STEERING = {Act.RESTART, Act.BACK, Act.CANCEL, Act.DECIDE_NOW}
SILENT = {Act.INJECTION, Act.ABUSE, Act.ASK, Act.WHAT_IF, Act.WHY, Act.MEANING, Act.OFF_TOPIC}  # never hold answers
ASKING = SILENT | {Act.NEXT_STEPS, Act.SUMMARY, Act.DECIDE_NOW, Act.REPEAT, Act.BACK, Act.RESTART}

_ORDINALS = [
    {"1", "a", "first", "one", "former", "primero", "primera", "erste", "erstes", "premier", "première"},
    {"2", "b", "second", "two", "latter", "segundo", "segunda", "zweite", "zweites", "deuxième"},
    {"3", "c", "third", "three", "last", "tercero", "tercera", "dritte", "drittes", "troisième"},
]
_FILLER = frozenset(
    "the one option number please it is its it's would be i'd say i think that and um well so answer".split()
)
_YES = frozenset(
    {"yes", "yep", "yeah", "right", "correct", "exactly", "true", "that's right", "yes it is", "sí", "si", "ja", "oui"}
)
_NO = frozenset({"no", "nope", "wrong", "not really", "no it isn't", "nein", "non"})
_FIRST_PERSON = re.compile(
    r"\b(?:we|our|ours|us|my|i|i'm|we're|wir|unsere?\w*|nuestr\w+|nous|notre|nos)\b", re.IGNORECASE
)


_COMMON = frozenset("how is it the must be of often or and a what does our money time".split())


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
        if len(words(message)) <= PLAIN_WORDS and len(segment(message)) == 1:
            act = self._cues.act(message)
            if act and act not in {Act.CORRECT, Act.WHAT_IF, Act.INJECTION}:
                return Reading(acts=(act,))
        return None

    def _chosen(self, message: str, conversation: Conversation) -> ReadAnswer | None:
        """A quick reply sends its label, of the open question first."""
        said = words(message)
        asked = [q for q in self._framework.questions if q.id == conversation.asked]
        for question in [*asked, *self._framework.questions]:
            for option in question.options:
                if said == words(option.label) and (question in asked or len(said) > 1):
                    return _whole(message, question.id, option.id, how="chosen")
        return None

    def _short(self, message: str, conversation: Conversation) -> ReadAnswer | None:
        if conversation.asked is None or len(words(message)) > 6:
            return None
        question = self._framework.question(conversation.asked)
        said = " ".join(words(message))
        if conversation.guess and said in _YES:
            return _whole(message, question.id, conversation.guess.option, how="confirmed")
        if conversation.guess and said in _NO and len(question.options) == 2:
            (other,) = set(question.option_ids) - {conversation.guess.option}
            return _whole(message, question.id, other)
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
            found = self._weigh(question, chances[question.id], message, spans, {part.span for part in parts})
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

    def _weigh(
        self, question: Question, chances: np.ndarray, message: str, spans: list[Span], sentences: set[Span]
    ) -> _Found:
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


def _whole(message: str, question: str, option: str, how: How = "stated") -> ReadAnswer:
    start = len(message) - len(message.lstrip())
    return ReadAnswer(
        question=question,
        options=(option,),
        how=how,
        confidence=1.0,
        start=start,
        end=len(message.rstrip()),
    )
