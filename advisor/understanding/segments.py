"""A message cut into sentences, and sentences into clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from advisor.framework import Question
from advisor.text import Span, sentences

# Where a new statement may begin within a sentence
_CLAUSE = re.compile(
    r"(?:[,;:]|\s[-–—])\s+|\s+(?=(?:and|but|although|though|while|because|und|aber|obwohl|y|pero|aunque|et|mais)\s)",
    re.IGNORECASE,
)
MIN_WORDS = 2  # shorter pieces say nothing on their own
# "A big budget? Hardly." is a statement; a question that begins like one is not
_ASKS = re.compile(
    r"\W*(?:what|how|why|which|who|whose|when|where|is|are|am|was|were|do|does|did|can|could|should|would|will|may|might"
    r"|has|have|had|must|any|isn't|aren't|don't|doesn't|can't|qu[eé]|c[oó]mo|cu[aá]\w+|por|es|hay|was|wie|warum|wer|wo"
    r"|welche\w*|ist|sind|kann|soll|que\w*|comment|pourquoi|est|quel\w*|combien)\b",
    re.IGNORECASE,
)
SELF_ANSWERED = 5  # words of a question that its author answers at once


@dataclass(frozen=True)
class Sentence:
    """A sentence and its clauses, as places in the message; a sentence of one clause has no other."""

    span: Span
    text: str
    clauses: tuple[Span, ...]


def segment(message: str) -> list[Sentence]:
    """Cut a message; every span is in characters of the message."""
    found = []
    for start, end in _with_own_answers(message, sentences(message)):
        text = message[start:end]
        clauses: list[Span] = []
        at = 0
        for cut in [*_CLAUSE.finditer(text), None]:
            stop = cut.start() if cut else len(text)
            if len(text[at:stop].split()) >= MIN_WORDS:
                clauses.append((start + at, start + stop))
                at = cut.end() if cut else stop
        found.append(Sentence((start, end), text, tuple(clauses)))
    return found


def _with_own_answers(message: str, spans: list[Span]) -> list[Span]:
    """Join a rhetorical question with the sentence that answers it."""
    joined: list[Span] = []
    for start, end in spans:
        before = message[slice(*joined[-1])] if joined else ""
        rhetorical = before.endswith("?") and len(before.split()) <= SELF_ANSWERED and not _ASKS.match(before)
        if rhetorical and not message[start:end].endswith("?"):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def in_context(question: Question, reply: str) -> str:
    """Return a reply with the question that it was given to, as the reader's model sees it."""
    return f"{question.short} {reply}"
