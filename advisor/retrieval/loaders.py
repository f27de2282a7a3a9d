"""Files → Markdown, by LangChain document loaders. The only place that knows langchain-community."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from langchain_core.documents import Document

from advisor.retrieval import pages, plain

MAX_FILE = 50 * 1024 * 1024  # bytes
MAX_PAGES = 2_000
MAX_SECONDS = 120.0  # for the pages of one PDF
MAX_OUTLINE = 5_000  # bookmarks

_OLE = b"\xd0\xcf\x11\xe0"  # the container of old Word files and of encrypted new ones
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class LoadError(ValueError):
    """A file that cannot be used; the message says why and what to do."""


def load(path: Path) -> Document:
    """Return a file's text as Markdown, and its title, where it states one, as metadata `title`.

    Args:
        path: a file with one of `SUFFIXES`.

    Raises:
        LoadError: the file cannot be used.
    """
    try:
        if (size := path.stat().st_size) > MAX_FILE:
            raise LoadError(f"is larger than {MAX_FILE >> 20} MB ({size >> 20} MB); split it")
        document = _LOADERS[path.suffix.lower()](path)
    except PermissionError as error:
        raise LoadError("may not be read; change its permissions") from error
    except OSError as error:
        raise LoadError(f"cannot be read ({error.strerror or error})") from error
    if not re.search(r"\w", document.page_content):
        raise LoadError("holds no text; remove it, or write something into it")
    return document


def _markdown(path: Path) -> Document:
    return Document(decode(path.read_bytes()))


def _text(path: Path) -> Document:
    return Document(plain.to_markdown(decode(path.read_bytes())))


def decode(data: bytes, declared: str = "") -> str:
    """Return bytes as text: UTF-8, UTF-16, or what Western Windows and Unix once wrote.

    Args:
        data: a text file's content.
        declared: the encoding that the file itself names.

    Raises:
        LoadError: it is no text, or its encoding is none of these.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    elif b"\x00" in data[:4096]:  # UTF-16 without its mark: every other byte of Western text is 0
        even, odd = data[:4096:2].count(0), data[1:4096:2].count(0)
        candidates = ["utf-16-be" if even > odd else "utf-16-le"] if max(even, odd) > 9 * min(even, odd) else []
    else:
        candidates = ["utf-8-sig", *([declared] if declared else ["cp1252", "latin-1"])]
    for encoding in candidates:
        try:
            text = data.decode(encoding)
        except (ValueError, LookupError):
            continue
        if _CONTROL.search(text):
            break
        western = encoding in ("cp1252", "latin-1")
        letters = [letter for letter in text if letter.isalpha()]
        if western and sum(letter > "\x7f" for letter in letters) > 0.3 * len(letters):
            raise LoadError("is in an encoding that is not recognised; save it as UTF-8")
        return text
    raise LoadError("is no text file; give it the suffix of what it is, or save it as UTF-8 text")


def _html(path: Path) -> Document:
    from bs4.dammit import EncodingDetector

    from advisor.retrieval.markup import HtmlLoader

    data = path.read_bytes()
    text = decode(data, EncodingDetector.find_declared_encoding(data, is_html=True) or "")
    if not text.strip():
        return Document("")
    try:
        (document,) = HtmlLoader(text).load()
    except RecursionError as error:
        raise LoadError("is nested too deep; save it as text") from error
    except (ValueError, AssertionError) as error:  # of Beautiful Soup, and of lxml below it
        raise LoadError("is damaged; save the page again") from error
    return document


def _docx(path: Path) -> Document:
    from advisor.retrieval.markup import DocxLoader, TooLargeError

    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        return Document("")
    if start == _OLE:
        raise LoadError("has a password, or is an old Word file; save it as .docx without a password")
    try:
        (document,) = DocxLoader(path).load()
    except TooLargeError as error:
        raise LoadError("unpacks to more than is read; split it") from error
    except RecursionError as error:
        raise LoadError("is nested too deep; save it as text") from error
    except OSError as error:
        raise LoadError("is no Word document; give it the suffix of what it is") from error
    except Exception as error:  # mammoth raises many kinds on damaged files
        raise LoadError("is damaged, or no Word document; save it again as .docx") from error
    return document


def _pdf(path: Path) -> Document:
    with path.open("rb") as file:
        start = file.read(1024)
    if not start:
        return Document("")
    if b"%PDF-" not in start:
        raise LoadError("is no PDF; give it the suffix of what it is")

    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, WrongPasswordError

    try:
        with PdfReader(path) as reader:
            if reader.is_encrypted and not reader.decrypt(""):
                raise LoadError("has a password; save it without one")
            if (count := len(reader.pages)) > MAX_PAGES:
                raise LoadError(f"has more than {MAX_PAGES:,} pages ({count:,}); split it")
            outline = list(_titles(reader.outline))
        found = list(_in_time(_pdf_pages(path)))
    except LoadError:
        raise
    except (FileNotDecryptedError, WrongPasswordError) as error:
        raise LoadError("has a password; save it without one") from error
    except Exception as error:  # pypdf raises many kinds on damaged files
        raise LoadError("is damaged; print it to a new PDF") from error
    text = pages.to_markdown([page.page_content for page in found], outline)
    if not text:
        raise LoadError("holds no text, only pictures; have its text recognised (OCR) first")
    return Document(text, metadata={"title": _sensible(found[0].metadata.get("title"))})


def _pdf_pages(path: Path) -> Iterator[Document]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that langchain-community is at its sunset is known
        from langchain_community.document_loaders import PyPDFLoader
    return PyPDFLoader(path).lazy_load()


def _titles(outline: list[Any]) -> Iterator[str]:
    """Yield the titles of bookmarks; an outline may be nested and may be made to be endless."""
    waiting = list(outline)
    for _ in range(MAX_OUTLINE):
        if not waiting:
            return
        entry = waiting.pop()
        if isinstance(entry, list):
            waiting += entry
        elif entry.title:
            yield str(entry.title)


def _in_time(documents: Iterator[Document]) -> Iterator[Document]:
    deadline = time.monotonic() + MAX_SECONDS
    for document in documents:
        yield document
        if time.monotonic() > deadline:
            raise LoadError(f"takes longer than {MAX_SECONDS:.0f} seconds to read; split it")


def _sensible(title: object) -> str:
    """Return a PDF's title unless a program made it up, such as "Microsoft Word - draft3.docx"."""
    text = " ".join(str(title or "").split())
    made_up = re.search(r"\.\w{2,5}$|^(?:untitled|microsoft \w+ -|print|document)\b", text, re.IGNORECASE)
    return "" if made_up or " " not in text else text


_LOADERS: dict[str, Callable[[Path], Document]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _text,
    ".text": _text,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
}
SUFFIXES = frozenset(_LOADERS)
