"""The values that travel between the steps of a turn. All are immutable and serialise to JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from advisor.text import Span, one_line

MAX_EXCHANGES = 6  # as many as a follow-up question can refer to


class Value(BaseModel):
    """An immutable value without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Act(StrEnum):
    """What a user does in a message."""

    ANSWER = "answer"
    CORRECT = "correct"
    UNSURE = "unsure"
    REFUSE = "refuse"
    ASK = "ask"
    WHY = "why"
    MEANING = "meaning"
    REPEAT = "repeat"
    SUMMARY = "summary"
    WHAT_IF = "what_if"
    NEXT_STEPS = "next_steps"
    DECIDE_NOW = "decide_now"
    BACK = "back"
    RESTART = "restart"
    CANCEL = "cancel"
    GREET = "greet"
    THANKS = "thanks"
    BYE = "bye"
    OFF_TOPIC = "off_topic"
    ABUSE = "abuse"
    INJECTION = "injection"
    UNREADABLE = "unreadable"


How = Literal["stated", "chosen", "confirmed", "unsure"]


class Answer(Value):
    """An answer as the conversation knows it.

    options: one option id, or several when the user is not sure.
    how: stated in free text, chosen from the quick replies, confirmed when asked, or unsure.
    quote: the user's own words.
    """

    options: tuple[str, ...]
    how: How
    quote: str


class ReadAnswer(Value):
    """An answer found in a message: which, how sure (0 to 1), and where it stands (start and end in characters)."""

    question: str
    options: tuple[str, ...]
    how: How
    confidence: float
    start: int
    end: int

    @classmethod
    def over(cls, span: Span, question: str, *options: str, how: How = "stated", confidence: float = 1.0) -> ReadAnswer:
        """Return the answer that stands in a span of the message."""
        start, end = span
        return cls(question=question, options=options, how=how, confidence=round(confidence, 3), start=start, end=end)

    def quote(self, message: str) -> str:
        """Return the user's words for it, from the message it was read in."""
        return one_line(message[self.start : self.end])


class Reading(Value):
    """What a message holds.

    acts: what the user does, the most telling first.
    answers: at most one for each question.
    unclear: answers that the message may hold; they are to be confirmed.
    doubtful: questions about which the message says two different things; they are to be asked.
    forgotten: questions whose answer the user takes back without giving another.
    restored: whether the user takes the latest correction back.
    rejected: whether the user says that what was to be confirmed is wrong.
    foreign: whether the message is in a language that is not read.
    hypothetical: answers that the user only supposes ("what if it changed daily?").
    topic: the part of the message that asks something, to be answered from the guidance.
    """

    acts: tuple[Act, ...] = ()
    answers: tuple[ReadAnswer, ...] = ()
    unclear: tuple[ReadAnswer, ...] = ()
    doubtful: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    restored: bool = False
    rejected: bool = False
    foreign: bool = False
    hypothetical: tuple[ReadAnswer, ...] = ()
    topic: str | None = None


class Guess(Value):
    """An option that the user is asked to confirm, and the words it was read from."""

    option: str
    quote: str


class Exchange(Value):
    """A message and its reply; `topic` is what the user asked of the guidance, if anything."""

    user: str
    advisor: str
    topic: str | None = None


class Conversation(Value):
    """All that is known of a conversation; the server keeps nothing else.

    answers: by question id, the one given last at the end.
    asked: the question now open.
    guess: what the user is asked to confirm of it, where the advisor was not sure it understood.
    failures: replies to it in a row that were not understood.
    replaced: answers that the latest change replaced or took away, for a user who takes the change back.
    """

    session: str = ""
    framework: str = ""
    answers: dict[str, Answer] = {}
    asked: str | None = None
    guess: Guess | None = None
    failures: int = 0
    replaced: dict[str, Answer] = {}
    exchanges: tuple[Exchange, ...] = ()

    def options(self) -> dict[str, tuple[str, ...]]:
        """Return question id to possible options, as `decide` takes them."""
        return {question: answer.options for question, answer in self.answers.items()}

    def with_exchange(self, exchange: Exchange) -> Conversation:
        """Return the conversation with one exchange more, the oldest dropped when there are many."""
        return self.model_copy(update={"exchanges": (*self.exchanges, exchange)[-MAX_EXCHANGES:]})

    def questions(self) -> list[tuple[str, str]]:
        """Return what was asked of the guidance and answered lately, as (role, text) pairs."""
        return [pair for e in self.exchanges if e.topic for pair in (("user", e.topic), ("assistant", e.advisor))]


class Citation(Value):
    """A numbered quote that stands verbatim in a guidance document."""

    n: int
    document: str
    section: str
    quote: str


class Turn(Value):
    """What one turn gives: the reply, and the conversation to go on with."""

    conversation: Conversation
    reply: str
    acts: tuple[Act, ...] = ()
    suggestions: tuple[str, ...] = ()
    decision: dict[str, Any] | None = None
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    model: str = "extractive"
    elapsed_ms: int = 0

    def to_record(self) -> dict[str, Any]:
        """Return the turn record: one JSON object, the same from every channel."""
        return {
            "session": self.conversation.session,
            "reply": self.reply,
            "acts": [act.value for act in self.acts],
            "answers": {
                question: answer.model_dump(mode="json") for question, answer in self.conversation.answers.items()
            },
            "asked": self.conversation.asked,
            "suggestions": list(self.suggestions),
            "decision": self.decision,
            "citations": [citation.model_dump() for citation in self.citations],
            "abstained": self.abstained,
            "model": self.model,
            "elapsed_ms": self.elapsed_ms,
        }
