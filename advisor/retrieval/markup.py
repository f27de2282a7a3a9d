"""HTML and DOCX → Markdown. Headings, lists and table rows are kept; navigation, scripts and layout are dropped."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from lxml import etree, html

from advisor.retrieval.plain import tidy

MAX_UNPACKED = 100 * 1024 * 1024  # bytes of a part of a DOCX file
MAX_STYLES = 20  # styles that are based on one another

_DROPPED = frozenset(
    """script style noscript template nav footer aside form button select textarea svg math iframe object video audio
    canvas head dialog menu""".split()
)
_DROPPED_ROLES = frozenset("navigation banner contentinfo search complementary menu dialog".split())
_BLOCKS = frozenset(
    """address article blockquote body caption dd details div dl dt fieldset figcaption figure h1 h2 h3 h4 h5 h6 header
    hr html li main ol p pre section summary table tbody td tfoot th thead tr ul""".split()
)
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"


class TooLargeError(ValueError):
    """A packed file holds more than is read."""


class HtmlLoader(BaseLoader):
    """The text of a page.

    Args:
        text: the page's source.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def lazy_load(self) -> Iterator[Document]:
        """Yield one document; its metadata has the page's title."""
        parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
        root = html.document_fromstring(self._text.encode(), parser=parser)
        title = " ".join((root.findtext(".//title") or "").split())
        yield Document("\n\n".join(_Page(_main(root)).blocks()), metadata={"title": title})


def _main(root: html.HtmlElement) -> html.HtmlElement:
    """Return the part of a page that holds its article."""
    for name in ("main", "article"):
        if len(found := root.findall(f".//{name}")) == 1 and len(found[0].text_content().split()) > 20:
            return found[0]
    body = root.find(".//body")
    return root if body is None else body


class _Page:
    """A walk over the elements without recursion, as pages may be nested very deep."""

    def __init__(self, root: html.HtmlElement) -> None:
        self._root = root
        self._blocks: list[str] = []
        self._inline: list[str] = []
        self._items: list[str] = []  # list items that are open, as what stands before their text
        self._rows: list[list[str]] = []

    def blocks(self) -> list[str]:
        walk = etree.iterwalk(self._root, events=("start", "end"))
        for event, element in walk:
            name = str(element.tag)
            if event == "start" and element is not self._root and _is_dropped(element, name):
                walk.skip_subtree()
                self._inline.append(element.tail or "")
            elif event == "start":
                if name in _BLOCKS:
                    self._flush("")
                self._start(name, element)
            else:
                self._end(name)
                if element is not self._root:
                    self._inline.append(" " if name == "td" else (element.tail or ""))
        self._flush("")
        blocks = [tidy(block) for block in self._blocks if block.strip()]
        titles = [i for i, block in enumerate(blocks) if block.startswith("# ")]
        return blocks[titles[0] :] if len(titles) == 1 else blocks  # above the title stands the site's own

    def _start(self, name: str, element: html.HtmlElement) -> None:
        if name == "br":
            self._inline.append("\n")
        elif name == "li":
            self._items.append("- ")
        elif name == "tr":
            self._rows.append([])
        self._inline.append(element.text or "" if name != "pre" else (element.text or "").replace("\n", "\n\n"))

    def _end(self, name: str) -> None:
        if name in ("td", "th") and self._rows:
            self._rows[-1].append(_line(self._inline).replace("|", "/"))
            self._inline = []
        elif name == "tr" and self._rows:
            self._row(self._rows.pop())
        elif re.fullmatch("h[1-6]", name):
            self._flush("#" * int(name[1]) + " ")
        elif name == "li" and self._items:
            self._flush("")
            self._items.pop()
        elif name in _BLOCKS:
            self._flush("")

    def _row(self, cells: list[str]) -> None:
        if not any(cells):
            return
        if len(cells) == 1:  # a table for layout
            self._blocks.append(cells[0])
            return
        row = f"| {' | '.join(cells)} |"
        if self._blocks and self._blocks[-1].startswith("|"):
            self._blocks[-1] += f"\n{row}"
        else:
            self._blocks.append(f"{row}\n|{' --- |' * len(cells)}")

    def _flush(self, mark: str) -> None:
        if self._rows:  # inside a cell
            self._inline.append(" ")
            return
        text = _line(self._inline)
        self._inline = []
        if not text:
            return
        if mark:
            text = mark + text.rstrip("¶# ")
        elif self._items:
            text = ("- " if self._items[-1] else "  ") + text
            self._items[-1] = ""  # what follows in this item is a paragraph of its own
            if text.startswith("- ") and self._blocks and self._blocks[-1].startswith("- "):
                self._blocks[-1] += f"\n{text}"
                return
        self._blocks.append(text.strip())


def _line(parts: list[str]) -> str:
    return " ".join("".join(parts).split())


def _is_dropped(element: html.HtmlElement, name: str) -> bool:
    if name in _DROPPED or element.get("role") in _DROPPED_ROLES or element.get("aria-hidden") == "true":
        return True
    if element.get("hidden") is not None or "display:none" in (element.get("style") or "").replace(" ", ""):
        return True
    if name == "sup":
        return bool(re.fullmatch(r"\s*\[\w{1,3}\]\s*", element.text_content()))
    return name in ("ul", "ol") and _is_menu(element)


def _is_menu(element: html.HtmlElement) -> bool:
    """Tell whether a list is made of links alone."""
    links = [" ".join(link.text_content().split()) for link in element.iter("a")]
    everything = "".join(element.text_content().split())
    return len(links) >= 3 and len("".join(links).replace(" ", "")) > 0.9 * len(everything)


class DocxLoader(BaseLoader):
    """The text of a Word document, with its heading styles.

    Args:
        path: a DOCX file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def lazy_load(self) -> Iterator[Document]:
        """Yield one document.

        Raises:
            TooLargeError: a part unpacks to more than is read.
            KeyError: it is a zip file of another kind.
        """
        with zipfile.ZipFile(self._path) as archive:
            names = archive.namelist()
            body = _part(archive, "word/document.xml")
            styles = _heading_styles(_part(archive, "word/styles.xml")) if "word/styles.xml" in names else {}
            core = _part(archive, "docProps/core.xml") if "docProps/core.xml" in names else None
        blocks: list[str] = []
        for element in body.iter(f"{_W}p", f"{_W}tr"):
            inside = next(element.iterancestors(f"{_W}tr", f"{_W}txbxContent"), None) is not None
            if inside:
                continue
            is_row = element.tag == f"{_W}tr"
            block = _docx_row(element) if is_row else _docx_paragraph(element, styles)
            if not block.strip("#-| "):
                continue
            kind = block[:2] if block[:2] in ("| ", "- ") else ""
            if kind and blocks and blocks[-1].startswith(kind):
                blocks[-1] += f"\n{block}"
            elif is_row and kind:
                blocks.append(f"{block}\n|{' --- |' * (block.count(' | ') + 1)}")
            else:
                blocks.append(block)
        title = "" if core is None else " ".join((core.findtext(f".//{_DC_TITLE}") or "").split())
        yield Document(tidy("\n\n".join(blocks)), metadata={"title": title})


def _part(archive: zipfile.ZipFile, name: str) -> etree._Element:
    with archive.open(name) as file:
        data = file.read(MAX_UNPACKED + 1)  # what the archive says of sizes may be wrong
    if len(data) > MAX_UNPACKED:
        raise TooLargeError
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _heading_styles(styles: etree._Element) -> dict[str, int]:
    """Return the level of each style that is a heading, or is based on one."""
    known = {style.get(f"{_W}styleId", ""): style for style in styles.iter(f"{_W}style")}
    levels: dict[str, int] = {}
    for name in known:
        style, steps = known.get(name), 0
        while style is not None and steps < MAX_STYLES:
            if level := _level(style):
                levels[name] = level
                break
            based = style.find(f"{_W}basedOn")
            style, steps = (known.get(based.get(f"{_W}val", "")) if based is not None else None), steps + 1
    return levels


def _level(style: etree._Element) -> int:
    named = style.find(f"{_W}name")
    name = named.get(f"{_W}val", "").lower() if named is not None else ""
    if name == "title":
        return 1
    if match := re.fullmatch(r"heading ([1-9])", name):
        return min(6, int(match[1]))
    return _outline(style)


def _outline(element: etree._Element) -> int:
    outline = element.find(f"{_W}pPr/{_W}outlineLvl")
    value = outline.get(f"{_W}val", "9") if outline is not None else "9"
    return int(value) + 1 if value in "012345" else 0


def _docx_paragraph(paragraph: etree._Element, styles: dict[str, int]) -> str:
    text = " ".join(_docx_text(paragraph).split())
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = style.get(f"{_W}val", "") if style is not None else ""
    if level := _outline(paragraph) or styles.get(name, 0):
        return f"{'#' * level} {text}"
    is_item = paragraph.find(f"{_W}pPr/{_W}numPr") is not None or name.startswith("List")
    return f"- {text}" if is_item else text


def _docx_row(row: etree._Element) -> str:
    cells = [" ".join(_docx_text(cell).split()).replace("|", "/") for cell in row.findall(f"{_W}tc")]
    return f"| {' | '.join(cells)} |" if len(cells) > 1 else "".join(cells)


def _docx_text(element: etree._Element) -> str:
    """Return the text of runs; deleted text has another tag and stays out."""
    parts = {f"{_W}t": None, f"{_W}tab": " ", f"{_W}br": " ", f"{_W}cr": " ", f"{_W}p": " ", f"{_W}noBreakHyphen": "-"}
    return "".join(parts[str(part.tag)] or part.text or "" for part in element.iter(*parts))
