"""HTML and DOCX → Markdown. Headings, lists and table rows are kept; navigation, scripts and layout are dropped."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import mammoth
from bs4 import BeautifulSoup, Tag
from bs4.element import PreformattedString
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from lxml import etree
from markdownify import MarkdownConverter

from advisor.retrieval.plain import tidy
from advisor.text import one_line

MAX_UNPACKED = 20 * 1024 * 1024  # bytes of XML in a DOCX file; mammoth takes some 40 times as much memory
MAX_DEPTH = 200  # of elements in one another; markdownify calls itself for each

_DROPPED = """script, style, noscript, template, nav, footer, aside, form, button, select, textarea, svg, math, iframe,
    object, video, audio, canvas, head, dialog, menu, img, [role=navigation], [role=banner], [role=contentinfo],
    [role=search], [role=complementary], [role=menu], [role=dialog], [aria-hidden=true], [hidden],
    [style*='display:none'], [style*='display: none']"""
_BLOCKS = """address article blockquote body caption center dd details dl dt fieldset figcaption figure header html main
    pre section summary""".split()
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_KEPT = [*_HEADINGS, "p", "div", "ul", "li", "table", "tr", "td", "th"]  # of all else, such as links, the text
_FLOWING: dict[str, Any] = {"bullets": "-", "heading_style": "atx", "table_infer_header": True, "convert": _KEPT}
_FLOWING |= {"wrap": True, "wrap_width": None, "escape_asterisks": False, "escape_underscores": False}


class TooLargeError(ValueError):
    """A packed file holds more than is read."""


class HtmlLoader(BaseLoader):
    """The text of a page, given its source."""

    def __init__(self, text: str) -> None:
        self._text = text

    def lazy_load(self) -> Iterator[Document]:
        """Yield one document; its metadata has the page's title. A page nested too deep is a RecursionError."""
        soup = _soup(self._text)
        mains = [found[0] for name in ("main", "article") if len(found := soup(name)) == 1]
        text = _markdown(next((main for main in mains if len(main.get_text().split()) > 20), soup.body or soup))
        titles = [match.start() for match in re.finditer("^# ", text, re.MULTILINE)]
        text = text[titles[0] :] if len(titles) == 1 else text  # above the title stands the site's own
        yield Document(text, metadata={"title": one_line(soup.title.get_text() if soup.title else "")})


class DocxLoader(BaseLoader):
    """The text of a Word document, with its heading styles."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lazy_load(self) -> Iterator[Document]:
        """Yield one document. XML that is too much is a TooLargeError, a zip file of another kind an OSError."""
        packed, room, parts = io.BytesIO(), MAX_UNPACKED, {}
        with zipfile.ZipFile(self._path) as old, zipfile.ZipFile(packed, "w") as new:  # the same without pictures
            for name in [name for name in old.namelist() if name.endswith((".xml", ".rels"))]:
                with old.open(name) as part:
                    parts[name] = part.read(room + 1)  # what the archive says of sizes may be wrong
                if (room := room - len(parts[name])) < 0:
                    raise TooLargeError
                new.writestr(name, parts[name])
        styles, core = (_xml(parts.get(name, b"<none/>")) for name in ("word/styles.xml", "docProps/core.xml"))
        known = {style.get(f"{_W}styleId", ""): style for style in styles.iter(f"{_W}style")}
        levels = {re.sub("[^a-zA-Z]", r"\\\g<0>", name): _level(style, known) for name, style in known.items()}
        mapping = "\n".join(
            ["p[style-name^='toc '] => !", *(f"p.{name} => h{level}:fresh" for name, level in levels.items() if level)]
        )
        options = {"style_map": mapping, "include_embedded_style_map": False, "convert_image": lambda image: []}
        page = _soup(mammoth.convert_to_html(packed, **options).value)
        for note in page.select("li[id^=footnote-], li[id^=endnote-]"):
            note.extract()
        title = core.findtext(".//{http://purl.org/dc/elements/1.1/}title") or ""
        yield Document(_markdown(page), metadata={"title": one_line(title)})


def _xml(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _level(style: etree._Element, known: dict[str, etree._Element], steps: int = 20) -> int:
    """Return 1 to 6 for a style that is a heading, has the level of one, or is based on one; else 0."""
    tags = [style.find(f".//{_W}{part}") for part in ("name", "outlineLvl", "basedOn")]
    name, outline, base = ("" if tag is None else tag.get(f"{_W}val", "") for tag in tags)
    if heading := re.fullmatch("title|heading ([1-9])", name.lower()):
        return min(6, int(heading[1] or 1))
    if outline in [*"012345"]:
        return int(outline) + 1
    return _level(known[base], known, steps - 1) if base in known and steps else 0


def _soup(text: str) -> BeautifulSoup:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a page is XHTML does not matter
        soup = BeautifulSoup(text, "lxml")
    level: list[Tag] = [soup]
    for _ in range(MAX_DEPTH):
        level = [child for tag in level for child in tag(True, recursive=False)]
    if level:
        raise RecursionError
    return soup


def _markdown(root: Tag) -> str:
    marks = root(string=lambda text: isinstance(text, PreformattedString))  # comments and such
    for dropped in [*marks, *root.select(_DROPPED), *filter(_is_menu_or_mark, root(["ul", "ol", "sup"]))]:
        dropped.extract()
    for end in root(["br", "hr"]):
        end.replace_with("\n")
    for table in reversed(root("table")):  # a table for layout has one column, or holds others
        rows, cells = (
            [part for part in table(kind) if part.find_parent("table") is table] for kind in ("tr", ["td", "th"])
        )
        if table.table or len(cells) <= len(rows):
            for part in [table, *rows, *cells]:
                part.name = "div"
    for tag in [*root(["ol", *_BLOCKS]), *root.select(":is(td, th) :is(ul, li)")]:
        tag.name = "ul" if tag.name == "ol" else "div"
    for tag in root([*_HEADINGS, "tr"]):
        if not tag.get_text(strip=True):
            tag.extract()
    for cell in root(["td", "th"], rowspan=re.compile("^([2-9]|[1-9][0-9])$")):
        place = len(cell.find_previous_siblings(["td", "th"]))
        for row in (cell.parent or cell).find_next_siblings("tr", limit=int(str(cell["rowspan"])) - 1):
            cells = row(["td", "th"])
            row.insert(row.index(cells[place]) if place < len(cells) else len(row), copy(cell))
    for cell in root(["td", "th"]):
        cell.attrs.clear()  # one of many columns, too, is one
        for text in cell(string=re.compile(r"\|")):
            text.replace_with(text.replace("|", "/"))
    markdown = tidy(MarkdownConverter(**_FLOWING).convert_soup(root))
    markdown = re.sub("^(#.*?)[¶# ]+$", r"\1", markdown, flags=re.MULTILINE)  # links to the heading itself
    return re.sub("\n{3,}", "\n\n", markdown).strip()


def _is_menu_or_mark(tag: Tag) -> bool:
    """Tell whether a list is made of links alone, or what is raised is the mark of a note."""
    text, *links = ("".join(part.get_text().split()) for part in [tag, *tag("a")])
    if tag.name == "sup":
        return bool(re.fullmatch(r"\[\w{1,3}\]", text))
    return len(links) >= 3 and len("".join(links)) > 0.9 * len(text)
