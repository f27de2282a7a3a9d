"""Cutting text into sentences and words, with the places where they stand."""

from __future__ import annotations

import re

Span = tuple[int, int]

# A stop ends a sentence when white space and a new beginning follow; after a short form it does not.
_STOP = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s)|\n\s*\n""")
_SHORT_FORM = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|vs|etc|approx|cf|No|Dr|Mr|Ms|Prof|St|vol|bzw|z\.B|p\.ej)|\b[A-Z])\.$"
)


def sentences(text: str) -> list[Span]:
    """Return start and end of each sentence, without the white space around it."""
    spans: list[Span] = []
    start = 0
    for stop in _STOP.finditer(text):
        end = stop.end()
        lower = re.match(r"\s*[a-zà-ÿ]", text[end:])
        if _SHORT_FORM.search(text[start:end]) and not text[stop.start() :].startswith("\n"):
            continue
        if re.search(r"\bno\.$", text[start:end]) and re.match(r"\s+\d", text[end:]):
            continue  # the number of an issue
        if lower and text[stop.start()] in ".…" and stop.end() - stop.start() > 1:
            continue  # an ellipsis in mid-sentence
        spans += _trimmed(text, start, end)
        start = end
    return spans + _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> list[Span]:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    end -= len(part) - len(part.rstrip())
    return [(start, end)] if start < end else []


def words(text: str) -> list[str]:
    """Return the words in lower case."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.casefold())


def one_line(text: str) -> str:
    """Return the text with every run of white space as one space."""
    return " ".join(text.split())


def as_typed(text: str) -> str:
    """Return Markdown that shows the text as it is, markup and all."""
    return re.sub(r"[&<>\\`*_\[\]|$#~!]", lambda mark: f"&#{ord(mark[0])};", text)
