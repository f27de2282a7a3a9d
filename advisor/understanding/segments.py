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
    r"|welche\w*|ist|sind|kann|soll|que\w*|comment|pourquoi|est|quel\w*|combien)\b|\s*¿",
    re.IGNORECASE,
)
# what comes before a question and states nothing of itself
_SUPPOSES = re.compile(
    r"\W*(?:if|suppos\w*|imagine|assum\w*|say|unless|before|si|antes|wenn|falls|angenommen|bevor|avant)\b",
    re.IGNORECASE,
)
# what only calls for attention before a question
_CALLS = re.compile(
    r"\W*(?:(?:hold on|just a|one (?:moment|second|question)|(?:one )?quick (?:question|one)|by the way|btw"
    r"|side question|un momento|una pregunta|por cierto|(?:einen )?moment|kurze frage|nebenbei|un (?:instant|moment)"
    r"|une question|au fait)"
    r"[\w ]{0,20}[,:;!.–—-]+\s*)+",
    re.IGNORECASE,
)
_AND = re.compile(r"(?:and|but|so|or|und|aber|oder|also|y|pero|o|et|mais|ou|donc)\s+", re.IGNORECASE)
STATED = 3  # words before a question that can state something
SELF_ANSWERED = 5  # words of a question that its author answers at once


# "No wait, it changes daily" states what comes after; it is the act that makes it a correction
_INTERJECTION = (
    "no|oh|ah|hm+|well|ok(?:ay)?|wait|sorry|actually|oops|correction|scratch that|nein|moment|halt|stopp"
    "|entschuldigung|espera|perd[oó]n|mejor dicho|non|attends|attendez|pardon"
)
_INTERJECTIONS = re.compile(
    rf"(?:(?:{_INTERJECTION})\s*[,.:;!…–—]+\s*)*"
    r"(?:(?:no|oh|well|but)?,?\s*(?:wait|actually|sorry)[\s,.:;!…–—]+(?:no[,.]\s*)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence: its text, where its statement stands in the message, and its clauses, if there are several."""

    span: Span
    text: str
    clauses: tuple[Span, ...]


def segment(message: str) -> list[Sentence]:
    """Cut a message; every span is in characters of the message."""
    found = []
    for start, end in _questions_apart(message, _with_own_answers(message, sentences(message))):
        text = message[start:end]
        clauses: list[Span] = []
        at = lead = _lead(text)
        for cut in [*_CLAUSE.finditer(text), None]:
            stop = cut.start() if cut else len(text)
            if len(text[at:stop].split()) >= MIN_WORDS:
                clauses.append((start + at, start + stop))
                at = cut.end() if cut else stop
        found.append(Sentence((start + lead, end), text, tuple(clauses)))
    return found


def _lead(text: str) -> int:
    """Return the length of the interjections that a statement begins with."""
    match = _INTERJECTIONS.match(text)
    return match.end() if match and match.end() < len(text) else 0


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


def _questions_apart(message: str, spans: list[Span]) -> list[Span]:
    """Cut a statement off the question that ends its sentence ("Prices change daily, but isn't it slower?").

    What only calls for attention before a question is left out.
    """
    apart: list[Span] = []
    for start, end in spans:
        text = message[start:end]
        call = _CALLS.match(text)
        if call and text.endswith("?") and call.end() < len(text) - 1:
            start += call.end()
            text = message[start:end]
        if text.endswith("?") and not _ASKS.match(text) and not _SUPPOSES.match(text):
            for cut in _CLAUSE.finditer(text):
                rest = text[cut.end() :]
                conjunction = _AND.match(rest)
                if len(text[: cut.start()].split()) >= STATED and _ASKS.match(
                    rest, conjunction.end() if conjunction else 0
                ):
                    apart.append((start, start + cut.start()))
                    start += cut.end()
                    break
        apart.append((start, end))
    return apart


def in_context(question: Question, reply: str) -> str:
    """Return a reply with the question that it was given to, as the reader's model sees it."""
    return f"{question.short} {reply}"
