"""Reading free text: sentence by sentence, what the user does and which answers are stated."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from advisor.conversation import Act, Conversation, ReadAnswer, Reading
from advisor.framework import Framework
from advisor.text import words
from advisor.understanding.answers import ACTS, AnswerReader, Chances, Found, Model
from advisor.understanding.cues import Cues
from advisor.understanding.quick import QuickReader
from advisor.understanding.segments import Sentence, in_context, segment

SURE = 0.45  # an answer read with less confidence than this is to be confirmed
SURE_WHEN_ASKED = 0.4  # the same for the question that is open
SURE_TO_REPLACE = 0.7  # the same for one that is answered, where nothing says that this is a correction
REPLY_WORDS = 25  # a message longer than this is more than a reply
ACT_SURE = 0.4  # an act guessed with less is taken for a statement
ACT_CERTAIN = 0.8  # the same for acts that undo something
OFF_TOPIC_SURE = 0.6  # a question guessed off topic with less is answered
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


class TextReader:
    """Reads free text with the trained model, sentence by sentence and as a whole; acts with cues too.

    Args:
        model: trained by `make train` on the phrases beside the framework, or `Untrained`.
        is_foreign: tells that a text is in a language that the model does not know.
    """

    def __init__(
        self, framework: Framework, cues: Cues, model: Model, is_foreign: Callable[[str], bool] = lambda text: False
    ) -> None:
        self._framework = framework
        self._cues = cues
        self._model = model
        self._is_foreign = is_foreign
        self._answers = AnswerReader(framework, model)
        self._quick = QuickReader(framework, cues)

    def read(self, message: str, conversation: Conversation) -> Reading:
        """Read a message; only what is not plain costs a pass of the model."""
        if plain := self._quick.read(message, conversation):
            return plain
        if self._is_foreign(message):
            return Reading(acts=(Act.UNREADABLE,), foreign=True)
        parts, chances = segment(message), Chances(self._model)
        reply = self._reply(message, parts, conversation)
        # all that is likely to be needed, in one pass
        chances([part.text for part in parts] + self._answers.texts(message, parts) + [reply][: bool(reply)])
        acts = self._acts(parts, chances)
        stated = self._statements(message, parts, acts, chances)
        doubtful = tuple(question for question, what in stated.items() if what.clash)
        found = self._answers.answers(stated, first=not conversation.answers)
        if reply and conversation.asked and Act.ANSWER in acts and Act.CORRECT not in acts:
            given = self._answers.as_reply(message, conversation.asked, reply, chances, found.get(conversation.asked))
            found = found | ({given.question: given} if given else {})
        replaces = Act.CORRECT in acts
        answers = {q: a for q, a in found.items() if a.confidence >= _least(q, conversation, replaces=replaces)}
        unclear = [a for q, a in found.items() if q not in answers and q not in conversation.answers]
        reading = Reading(
            acts=_told(acts, answered=bool(answers)),
            answers=tuple(answers.values()),
            unclear=tuple(sorted(unclear, key=lambda answer: -answer.confidence)),
            doubtful=doubtful,
            hypothetical=self._supposed(parts, acts, chances),
            topic=" ".join(part.text for part, act in zip(parts, acts, strict=True) if act is Act.ASK) or None,
        )
        if answers or doubtful:
            return reading
        return reading.model_copy(update=self._withdrawn(message, parts, conversation))

    def find(self, message: str) -> dict[str, Found]:
        """Return question id to what a first message states on it, however unlikely."""
        parts, chances = segment(message), Chances(self._model)
        return self._statements(message, parts, self._acts(parts, chances), chances)

    def _reply(self, message: str, parts: list[Sentence], conversation: Conversation) -> str:
        """Return a short message, without its questions, as a reply to the open one: what the model was trained on."""
        if conversation.asked is None or len(words(message)) > REPLY_WORDS:
            return ""
        said = " ".join(part.text for part in parts if not part.text.endswith("?"))
        return in_context(self._framework.question(conversation.asked), said or message)

    def _acts(self, parts: list[Sentence], chances: Chances) -> list[Act]:
        rows = chances([part.text for part in parts])[ACTS]
        names = self._model.heads[ACTS]
        acts = []
        for part, row in zip(parts, rows, strict=True):
            best = int(row.argmax())
            acts.append(self._cues.act(part.text) or _act(part.text, Act(names[best]), float(row[best])))
        return acts

    def _statements(self, message: str, parts: list[Sentence], acts: list[Act], chances: Chances) -> dict[str, Found]:
        """Return what is stated; what comes with a correction, or after it, replaces what came before."""
        corrected = next((i for i, act in enumerate(acts) if act is Act.CORRECT), len(acts))
        stating = [i for i, act in enumerate(acts) if act not in SILENT]
        found = self._answers.find(message, [parts[i] for i in stating if i < corrected], chances)
        corrections = self._answers.find(message, [parts[i] for i in stating if i >= corrected], chances)
        return found | {q: what for q, what in corrections.items() if q not in found or what.is_likely}

    def _supposed(self, parts: list[Sentence], acts: list[Act], chances: Chances) -> tuple[ReadAnswer, ...]:
        """Read what is only supposed."""
        text = " ".join(self._cues.supposed(p.text) for p, act in zip(parts, acts, strict=True) if act is Act.WHAT_IF)
        found = self._answers.find(text, segment(text), chances)
        return tuple(self._answers.answers(found, first=False).values())

    def _withdrawn(self, message: str, parts: list[Sentence], conversation: Conversation) -> dict[str, object]:
        """Return what a message without answers takes back: a correction, or an answer."""
        if any(self._cues.restores(part.text) for part in parts):
            return {"restored": True, "acts": (Act.CORRECT,)}
        if any(self._cues.takes_back(part.text) for part in parts):
            return {"forgotten": self._forgotten(message, conversation)}
        return {}

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
        if named[best]:
            return (best,)
        return (list(conversation.answers)[0 if "first" in said else -1],)


def _act(text: str, guess: Act, chance: float) -> Act:
    """Weigh the model's guess against the form of the sentence."""
    if text.rstrip().endswith("?"):
        own_case = guess is Act.ANSWER and _FIRST_PERSON.search(text)
        least = OFF_TOPIC_SURE if guess is Act.OFF_TOPIC else ACT_SURE
        return guess if own_case or (guess in ASKING and chance >= least) else Act.ASK
    return guess if chance >= (ACT_CERTAIN if guess in STEERING else ACT_SURE) else Act.ANSWER


def _told(acts: list[Act], *, answered: bool) -> tuple[Act, ...]:
    """Return the acts of a message in their order; a plain statement counts where it answers, or stands alone."""
    told: set[Act] = {act for act in acts if act is not Act.ANSWER}
    if answered and Act.CORRECT not in told:
        told.add(Act.ANSWER)
    return tuple(act for act in Act if act in told) or (Act.ANSWER,)


def _least(question: str, conversation: Conversation, *, replaces: bool) -> float:
    """Return the confidence from which an answer counts as given."""
    if question in conversation.answers and not replaces:
        return SURE_TO_REPLACE
    return SURE_WHEN_ASKED if question == conversation.asked else SURE
