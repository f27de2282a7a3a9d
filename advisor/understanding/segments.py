"""A message cut into sentences, and sentences into clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from advisor.text import Span, sentences

# Where a new statement may begin within a sentence
_CLAUSE = re.compile(
    r"(?:[,;:]|\s[-–—])\s+|\s+(?=(?:and|but|although|though|while|because|und|aber|obwohl|y|pero|aunque|et|mais)\s)",
    re.IGNORECASE,
)
MIN_WORDS = 2  # shorter pieces say nothing on their own


@dataclass(frozen=True)
class Sentence:
    """A sentence and its clauses, as places in the message; a sentence of one clause has no other."""

    span: Span
    text: str
    clauses: tuple[Span, ...]


def segment(message: str) -> list[Sentence]:
    """Cut a message; every span is in characters of the message."""
    found = []
    for start, end in sentences(message):
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
