"""Guidance documents, cut into sections that stand alone.

A section may carry, besides its text, a comment `<!-- asks: … | … -->` with questions it answers and a last line
`Sources: id, id`. Both are kept as data and are not part of what is quoted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

import yaml

from advisor.retrieval.cutting import cut, opening
from advisor.retrieval.folders import files_in
from advisor.retrieval.loaders import LoadError, load
from advisor.retrieval.plain import MAX_HEADING
from advisor.text import sentences

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_ASKS = re.compile(r"<!--\s*asks:(.*?)-->", re.DOTALL)
_SOURCES = re.compile(r"^Sources:\s*(.+?)\s*\Z", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$", re.MULTILINE)
_LIST_MARK = re.compile(r"\s*(?:[-*+•]|\d{1,2}[.)])\s+")
_TABLE_RULE = re.compile(r"\s*\|?[\s:|-]+\|?\s*$")


@dataclass(frozen=True)
class Section:
    """A part of a document that stands alone; `text` is verbatim."""

    document: str
    title: str
    heading: str
    text: str
    asks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """A hash of the content."""
        content = "\n".join((self.document, self.title, self.heading, self.text, *self.asks))
        return hashlib.sha256(content.encode()).hexdigest()[:24]

    @cached_property
    def units(self) -> tuple[str, ...]:
        """The sentences, list items and table rows, each a verbatim piece of `text`."""
        return tuple(_units(self.text))

    def excerpt(self, first: int, last: int) -> str:
        """Return the text from one unit to another, as it stands."""
        start = self.text.index(self.units[first])
        return self.text[start : self.text.index(self.units[last], start) + len(self.units[last])]

    def is_item(self, unit: str) -> bool:
        """Tell whether a unit is (the beginning of) a list item or a table row."""
        start = self.text.find(unit)
        before = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        return unit.startswith("|") or bool(_LIST_MARK.fullmatch(before))

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """The list items; of a section without a list the first sentences."""
        return tuple(unit for unit in self.units if self.is_item(unit)) or self.units[:3]


def read_documents(folder: Path) -> tuple[list[Section], list[str]]:
    """Read all documents below a folder.

    Returns:
        The sections, and a sentence for each file that could not be used.
    """
    sections: list[Section] = []
    paths, skipped = files_in(folder)
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            document = load(path)
        except LoadError as error:
            skipped.append(f"{name}: {error}")
            continue
        sections += parse_document(name, document.page_content, document.metadata.get("title", ""))
    return sections, skipped


def parse_document(name: str, text: str, title: str = "") -> list[Section]:
    """Cut a document into sections.

    Args:
        name: what citations call the document, its path below the knowledge folder.
        text: Markdown, or plain text.
        title: what the document's metadata call it.
    """
    stated = ""
    if front := _FRONT_MATTER.match(text):
        stated = _title(front[1])
        text = text[front.end() :]
    headings = list(_HEADING.finditer(text))
    title = stated or next((h[2] for h in headings if len(h[1]) == 1), "") or title or _opening(name, text)
    bounds = [(title, 0, headings[0].start() if headings else len(text))]
    for heading, following in zip_longest(headings, headings[1:]):
        bounds.append((heading[2], heading.end(), following.start() if following else len(text)))
    return [section for heading, start, end in bounds for section in _sections(name, title, heading, text[start:end])]


def _title(front_matter: str) -> str:
    try:
        data = yaml.safe_load(front_matter)
    except yaml.YAMLError:
        return ""
    return str(data.get("title", "")) if isinstance(data, dict) else ""


def _opening(name: str, text: str) -> str:
    """Return the first line where it can be a title, else the file's name."""
    first = text.strip().partition("\n")[0].lstrip("# ")
    return first if len(first) <= MAX_HEADING else Path(name).stem.replace("-", " ").replace("_", " ")


def _sections(document: str, title: str, heading: str, body: str) -> Iterator[Section]:
    """Take the metadata out of what stands below a heading; cut it where it is long."""
    asks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    if match := _ASKS.search(body):
        asks = tuple(ask.strip() for ask in match[1].split("|") if ask.strip())
        body = body[: match.start()] + body[match.end() :]
    if match := _SOURCES.search(body):
        sources = tuple(source.strip() for source in match[1].split(",") if source.strip())
        body = body[: match.start()]
    pieces = cut(body.strip())
    for piece in pieces:
        begins = opening(piece) if len(pieces) > 1 else ""
        name = f"{heading}: {begins}" if begins and heading != title else begins or heading
        yield Section(document, title, name, piece, asks, sources)


def _units(text: str) -> Iterator[str]:
    lines = text.split("\n")
    paragraph: list[str] = []
    for i, line in enumerate([*lines, ""]):
        is_row = line.lstrip().startswith("|")
        mark = _LIST_MARK.match(line)
        if paragraph and (is_row or mark or not line.strip()):
            block = "\n".join(paragraph)
            yield from (block[start:end] for start, end in sentences(block))
            paragraph = []
        if is_row:
            is_header = i + 1 < len(lines) and bool(_TABLE_RULE.match(lines[i + 1])) and "-" in lines[i + 1]
            if not is_header and not _TABLE_RULE.match(line):
                yield line.strip()
        elif mark:
            paragraph = [line[mark.end() :]]
        elif line.strip():
            paragraph.append(line)
