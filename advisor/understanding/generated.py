"""Answers read by a chat model with structured output, for operators who have a good one (`ADVISOR_READER=model`).

The embedded reader still reads the acts. An answer whose words are not in the message is dropped; when the model fails
or is slow, the embedded reading stands.
"""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from advisor.conversation import Act, Conversation, ReadAnswer, Reading
from advisor.framework import Framework
from advisor.text import Span
from advisor.understanding.reader import Reader
from advisor.wording import wording

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

SECONDS = 8.0  # a reading later than this is of no use to somebody who waits
CONFIDENCE = 0.9  # of an answer whose words are in the message
MAX_ANSWERS = 6  # in one message; a weak model goes on for ever
WORKERS = 8  # readings that wait for the model at once

_log = logging.getLogger(__name__)


class ModelReader:
    """Lets a chat model read the statements that the embedded reader finds in a message."""

    def __init__(self, framework: Framework, model: BaseChatModel, embedded: Reader, seconds: float = SECONDS) -> None:
        self._framework = framework
        self._embedded = embedded
        self._seconds = seconds
        self._words = wording("reading")
        self._model = model.with_structured_output(self.schema(framework))
        self._pool = ThreadPoolExecutor(WORKERS, "model-reader")

    def read(self, message: str, conversation: Conversation) -> Reading:
        """Read a message; the model is asked only where something is stated."""
        reading = self._embedded.read(message, conversation)
        if not {Act.ANSWER, Act.CORRECT} & set(reading.acts):
            return reading
        try:
            said = self._pool.submit(self._model.invoke, self._prompt(message, conversation)).result(self._seconds)
            answers = {a.question: a for found in getattr(said, "answers", ()) if (a := _checked(message, found))}
        except Exception as error:  # each provider raises its own kinds, and garbage raises others
            _log.warning("the model did not read the message (%s)", type(error).__name__)
            return reading
        unconfirmed = [a for a in (*reading.answers, *reading.unclear) if a.question not in answers]
        update = {
            "answers": tuple(answers.values()),
            "unclear": tuple(a for a in unconfirmed if a.question not in conversation.answers),
        }
        return reading.model_copy(update=update)

    @staticmethod
    def schema(framework: Framework) -> type[BaseModel]:
        """Return what the model is to fill in: a list of answers, each with the words that say it."""
        known: Any = Literal[tuple(f"{q.id}={option}" for q in framework.questions for option in q.option_ids)]
        stated: Any = create_model("Stated", answer=(known, ...), words=(str, ...))
        return create_model("Statements", answers=(Annotated[list[stated], Field(max_length=MAX_ANSWERS)], ...))

    def _prompt(self, message: str, conversation: Conversation) -> list[tuple[str, str]]:
        questions = "\n".join(
            self._words(
                "question", name=question.name, explain=question.explain, options=_options(question.id, options)
            )
            for question in self._framework.questions
            for options in [[(option.id, option.says) for option in question.options]]
        )
        asked = self._framework.question(conversation.asked).ask if conversation.asked else self._words("nothing_asked")
        return [
            ("system", self._words("system", questions=questions)),
            ("human", self._words("message", asked=asked, message=message)),
        ]


def _options(question: str, options: list[tuple[str, str]]) -> str:
    return "; ".join(f"{question}={option} ({says})" for option, says in options)


def _checked(message: str, found: Any) -> ReadAnswer | None:
    """Return an answer of the model with its place in the message, None where its words are not there."""
    span = _place(message, found.words)
    if span is None:
        return None
    question, _, option = found.answer.partition("=")
    return ReadAnswer.over(span, question, option, confidence=CONFIDENCE)


def _place(message: str, words: str) -> Span | None:
    """Find words in a message, without regard to case and white space."""
    if not words.split():
        return None
    match = re.search(r"\s+".join(map(re.escape, words.strip(" .,;:!\"'").split())), message, re.IGNORECASE)
    return match.span() if match and match.end() > match.start() else None
