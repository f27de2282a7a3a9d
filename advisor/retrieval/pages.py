"""PDF pages → Markdown: lines become paragraphs again, what repeats on each page goes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from advisor.retrieval.plain import is_heading_like, tidy

EDGE = 2  # lines at the top and bottom of a page that may be its header and footer

_PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|página|p\.)?\s*\d{1,4}(?:\s*(?:of|von|de|sur|/)\s*\d{1,4})?\W*", re.IGNORECASE
)
_BULLET = re.compile(r"[•▪◦‣·–*-]\s+|\d{1,2}[.)]\s+")
_ENDS = (".", "!", "?", ":", ".”", '."', ".)")


def to_markdown(pages: Sequence[str], outline: Sequence[str] = ()) -> str:
    """Return the text of a PDF as Markdown.

    Args:
        pages: the text of each page, line by line.
        outline: the bookmarks; lines that say the same are headings.
    """
    lines = [line for page in _without_edges([_lines(page) for page in pages]) for line in page]
    marks = {_key(entry) for entry in outline}
    full = sorted(map(len, lines))[int(0.9 * len(lines))] if lines else 0  # about the width of the column
    known = set(re.findall(r"\w+-\w+", " ".join(lines)))
    blocks: list[str] = []
    is_open = False
    for i, line in enumerate(lines):
        following = lines[i + 1] if i + 1 < len(lines) else ""
        is_new = i == 0 or not is_open or lines[i - 1].endswith(_ENDS)
        if _key(line) in marks or (not marks and is_new and _is_heading(line, following, full)):
            blocks.append(f"{'##' if blocks else '#'} {line}")
            is_open = False
            continue
        if bullet := _BULLET.match(line):
            blocks.append(f"- {line[bullet.end() :]}")
        elif is_open:
            blocks[-1] = _joined(blocks[-1], line, known)
        else:
            blocks.append(line)
        is_open = not (line.endswith(_ENDS) and (len(line) < 0.85 * full or _key(following) in marks))
    return "\n\n".join(blocks)


def _lines(page: str) -> list[str]:
    return [line for line in tidy(page).split("\n") if line]


def _key(line: str) -> str:
    return " ".join(re.findall(r"\w+", line.casefold()))


def _shape(line: str) -> str:
    return re.sub(r"\d+", "0", line.casefold())


def _without_edges(pages: list[list[str]]) -> list[list[str]]:
    """Drop headers, footers and page numbers."""
    edges = Counter(shape for page in pages for shape in {_shape(line) for line in page[:EDGE] + page[-EDGE:]})
    often = max(2, len(pages) // 2)
    kept = []
    for page in pages:
        inner = page
        for _ in range(EDGE):
            inner = inner[1:] if inner and _is_edge(inner[0], edges, often) else inner
            inner = inner[:-1] if inner and _is_edge(inner[-1], edges, often) else inner
        kept.append(inner)
    return kept


def _is_edge(line: str, edges: Counter[str], often: int) -> bool:
    return edges[_shape(line)] >= often or bool(_PAGE_NUMBER.fullmatch(line))


def _is_heading(line: str, following: str, full: int) -> bool:
    return len(line) < 0.75 * full and is_heading_like(line) and following[:1].isupper() and not _BULLET.match(line)


def _joined(text: str, line: str, known: set[str]) -> str:
    """Join a line to the text before it; a hyphen at the line's end goes, unless the word has one elsewhere."""
    parted = re.search(r"(\w+)-$", text)
    start = re.match(r"[a-zà-ÿ]+", line)
    if not parted or not start:
        return f"{text} {line}"
    return (text if f"{parted[1]}-{start[0]}" in known else text[:-1]) + line
