"""A long text → pieces of a size that embeds well, each with words that tell what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator

from advisor.text import one_line, sentences

MAX_WORDS = 150  # of a piece; MiniLM reads 256 tokens
MIN_WORDS = 40  # what is left over and shorter goes with the piece before
OPENING_WORDS = 12

_PARAGRAPH = re.compile(r"\n\s*\n")


def cut(text: str) -> list[str]:
    """Return a text in pieces of at most some 150 words, each verbatim, cut at paragraphs or else at sentences."""
    if _size(text) <= MAX_WORDS:
        return [text] if text else []
    spans: list[tuple[int, int]] = []
    for start, end in _parts(text):
        if spans and _belongs(text, spans[-1], (start, end)):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    if len(spans) > 1 and _size(text[slice(*spans[-1])]) < MIN_WORDS:
        spans[-2:] = [(spans[-2][0], spans[-1][1])]
    return [text[start:end] for start, end in spans]


def opening(piece: str) -> str:
    """Return the beginning of a piece, as a heading for it."""
    if piece.startswith("|"):
        rows = [line.strip("| ").split("|")[0].strip() for line in piece.split("\n")]
        return ", ".join(row for row in rows if row.strip(":- "))
    start, end = next(iter(sentences(piece)), (0, len(piece)))
    words = one_line(piece[start:end]).lstrip("-*|# ").split()
    if len(words) > OPENING_WORDS:
        return " ".join(words[:OPENING_WORDS]).rstrip(",;:–- ") + " …"
    return " ".join(words).rstrip(".,;: ")


def _belongs(text: str, before: tuple[int, int], part: tuple[int, int]) -> bool:
    """Tell whether a part goes with the piece before: there is room, or that piece only leads to it."""
    size = _size(text[before[0] : part[1]])
    return size <= MAX_WORDS or (text[: before[1]].endswith(":") and size <= 2 * MAX_WORDS)


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the paragraphs; of one that is too long its lines, or its sentences where there is one line."""
    start = 0
    for stop, after in [(gap.start(), gap.end()) for gap in _PARAGRAPH.finditer(text)] + [(len(text), len(text))]:
        paragraph = text[start:stop]
        if _size(paragraph) <= MAX_WORDS:
            parts = [(0, len(paragraph))]
        elif "\n" in paragraph:
            parts = [match.span() for match in re.finditer(r"[^\n]+", paragraph)]
        else:
            parts = sentences(paragraph)
        for first, last in parts:
            for begin, end in _words(paragraph, first, last):
                yield start + begin, start + end
        start = after


def _words(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a span, in several where it is far too long, as text without any stop is."""
    if _size(text[start:end]) <= 2 * MAX_WORDS:
        yield start, end
        return
    runs = [match.span() for match in re.finditer(r"\S+", text[start:end])]
    for i in range(0, len(runs), MAX_WORDS):
        yield start + runs[i][0], start + runs[i : i + MAX_WORDS][-1][1]


def _size(text: str) -> int:
    # what has no spaces, such as a table of figures, is counted by its characters
    return max(len(text.split()), len(text) // 10)
