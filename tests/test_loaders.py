"""Files of all kinds become clean Markdown; one that cannot be used is named with what to do."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from pypdf import PdfWriter

from advisor.retrieval import pages
from advisor.retrieval.documents import read_documents
from advisor.retrieval.loaders import MAX_FILE, MAX_PAGES, LoadError, decode, load
from advisor.retrieval.markup import MAX_UNPACKED

FOREIGN = Path(__file__).parent / "data" / "foreign"
CAR = FOREIGN / "car-leasing.pdf"
PICTURE = Path(__file__).parents[1] / "docs" / "screenshot.png"


def page(folder: Path, body: str) -> str:
    path = folder / "page.html"
    path.write_text(f"<!DOCTYPE html><html><head><title>T</title></head><body>{body}</body></html>", encoding="utf-8")
    return load(path).page_content


def test_a_page_keeps_its_article_and_drops_the_rest() -> None:
    document = load(FOREIGN / "sourdough.html")
    text = document.page_content
    assert text.startswith("# Sourdough or baker’s yeast?\n\nBread rises because")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[:2] == ["What makes the dough rise", "Taste and crust"]
    assert "| Days without mould | eight | four |" in text
    assert "- Grey liquid on top is only hunger: pour it off and feed twice.\n- A pink" in text
    for dropped in ("Shop", "dataLayer", "font-family", "Most read", "Imprint", "an aside", "The Crumb Letter"):
        assert dropped not in text


def test_a_page_without_a_main_part_drops_menus_and_what_is_hidden(tmp_path: Path) -> None:
    menu = "<ul>" + "".join(f'<li><a href="/{i}">Page {i}</a></li>' for i in range(4)) + "</ul>"
    text = page(
        tmp_path, f"{menu}<p>One<br>two <b>three</b>.</p><p hidden>no</p><div role='navigation'>no</div><p>Four."
    )
    assert text == "One two three.\n\nFour."


def test_nested_lists_and_tables_in_cells_keep_their_lines(tmp_path: Path) -> None:
    text = page(tmp_path, "<ul><li>a<ul><li>b c</li></ul></li><li><p>d</p><p>e</p></li></ul>")
    assert text == "- a\n- b c\n- d\n\ne"
    text = page(tmp_path, "<table><tr><td><p>a</p><p>b</p></td><td>c|d</td></tr><tr><td>1</td><td>2</td></tr></table>")
    assert text == "| a b | c/d |\n| --- | --- |\n| 1 | 2 |"


def test_a_page_laid_out_by_a_table_is_read_as_its_parts(tmp_path: Path) -> None:
    inner = "<table><tr><td rowspan=2>A</td><td colspan=999>1</td></tr><tr><td>2</td></tr></table>"
    quote = '<blockquote>see <a href="http://x.example">the*site_</a></blockquote><?echo no?>'
    text = page(
        tmp_path, f"<table><tr><td><h1>H<img src=data:x alt=no></h1><br></td><td>{inner}{quote}</td></tr></table>"
    )
    assert text == "# H\n\n| A | 1 |\n| --- | --- |\n| A | 2 |\n\nsee the*site_"


def test_a_page_says_its_encoding(tmp_path: Path) -> None:
    source = '<html><head><meta charset="iso-8859-2"></head><body><p>Zażółć gęślą jaźń.</p></body></html>'
    (tmp_path / "a.htm").write_bytes(source.encode("iso-8859-2"))
    assert load(tmp_path / "a.htm").page_content == "Zażółć gęślą jaźń."


def test_a_page_that_is_nested_very_deep_is_read_or_named(tmp_path: Path) -> None:
    (tmp_path / "deep.html").write_text("<div>" * 100_000 + "text", encoding="utf-8")
    (tmp_path / "good.txt").write_text("Text.", encoding="utf-8")
    sections, skipped = read_documents(tmp_path)
    assert len(sections) + len(skipped) == 2
    assert sections[-1].document == "good.txt"


def test_a_word_document_keeps_heading_styles_lists_and_tables() -> None:
    document = load(FOREIGN / "solar-for-tenants.docx")
    assert document.metadata["title"] == "Solar power on a rented roof"
    lines = document.page_content.split("\n")
    assert lines[0] == "# Solar power when you rent"
    assert "## Permission" in lines
    assert "| Cooperative | from 250 euros | 3.1 percent of the share | the share stays yours |" in lines
    assert sum(line.startswith("- ") for line in lines) == 3


def test_a_word_document_of_a_template_keeps_its_headings(tmp_path: Path) -> None:
    word = WordDocument()
    style = word.styles.add_style("Firma Größe 1", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = word.styles["Heading 2"]
    word.add_paragraph("Title", style="Title")
    word.add_paragraph("Own heading", style=style)
    word.add_paragraph("Item", style="List Bullet")
    table = word.add_table(2, 2)
    table.cell(0, 0).merge(table.cell(1, 0)).text = "both"
    table.cell(0, 1).text, table.cell(1, 1).text = "a|b", "c"
    word.add_picture(str(PICTURE), width=1)
    word.save(str(tmp_path / "a.docx"))
    assert load(tmp_path / "a.docx").page_content == (
        "# Title\n\n## Own heading\n\n- Item\n\n| both | a/b |\n| --- | --- |\n| both | c |"
    )


def test_a_word_document_without_what_was_deleted(tmp_path: Path) -> None:
    word = WordDocument()
    word.add_paragraph("Kept.")
    word.save(str(tmp_path / "a.docx"))
    body = "<w:del><w:r><w:delText>Gone.</w:delText></w:r></w:del><w:ins><w:r><w:t> New.</w:t></w:r></w:ins>"
    edited(
        tmp_path / "a.docx", tmp_path / "b.docx", lambda text: text.replace("</w:r></w:p>", f"</w:r>{body}</w:p>", 1)
    )
    assert load(tmp_path / "b.docx").page_content == "Kept. New."


def edited(source: Path, target: Path, edit: Callable[[str], str]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, edit(data.decode()) if name == "word/document.xml" else data)


def test_a_pdf_is_flowing_text_without_headers_and_hyphens() -> None:
    document = load(CAR)
    text = document.page_content
    assert document.metadata["title"] == "Leasing or buying a car"
    headings = re.findall(r"^##? (.+)$", text, re.MULTILINE)
    assert headings[:3] == ["Leasing or buying a car", "What each contract is", "What it costs over the years"]
    assert "Insurance and repairs" in headings
    assert "issue 14" not in text
    assert "Page 2" not in text
    assert "the deprecia" not in text.replace("depreciation", "")
    assert not re.search(r"\w-\s", text)
    assert "beat every other way in our calculation by at least" in text


def test_a_hyphen_that_belongs_to_a_word_stays() -> None:
    lines = "A well-known rule, and a well-\nknown one at that, says some-\nthing of it here."
    assert pages.to_markdown([lines]) == "A well-known rule, and a well-known one at that, says something of it here."


def test_bookmarks_are_headings() -> None:
    text = "Care\nAn unusual line about care,\nand more of it.\nlong life\nIt lasts for long, they say, and longer"
    assert "## long life" in pages.to_markdown([text], ["Long life"])


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Größe – naïve “café”"),
        ("utf-8-sig", "Größe – naïve “café”"),
        ("utf-16", "Größe – naïve “café”"),
        ("utf-16-le", "Größe – naïve “café”"),
        ("utf-16-be", "Größe – naïve “café”"),
        ("cp1252", "Größe – naïve “café”"),
        ("latin-1", "Größe und niño"),
    ],
)
def test_text_of_any_western_encoding_reads_right(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


def blank(path: Path, count: int = 1, password: str | None = None, owner: str | None = None) -> None:
    writer = PdfWriter(clone_from=CAR) if owner else PdfWriter()
    for _ in range(count):
        writer.add_blank_page(200, 200)
    if password is not None:
        writer.encrypt(password, owner, algorithm="RC4-128")
    writer.write(path)


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as part:
        for _ in range(MAX_UNPACKED // (1 << 20) + 1):
            part.write(bytes(1 << 20))


def packed(path: Path, name: str, content: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)


def deep(path: Path) -> None:
    parts = "<w:sdt><w:sdtContent>" * 5_000, "</w:sdtContent></w:sdt>" * 5_000
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{space}"><w:body>{parts[0]}{parts[1]}</w:body></w:document>'
    packed(path, "word/document.xml", body)


ENTITIES = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><d>&b;</d>'


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("empty.md", lambda path: path.write_text(" \n"), "holds no text"),
        ("empty.html", lambda path: path.write_text("<html></html>"), "holds no text"),
        ("empty.docx", lambda path: path.touch(), "holds no text"),
        ("empty.pdf", lambda path: path.touch(), "holds no text"),
        ("cut.pdf", lambda path: path.write_bytes(CAR.read_bytes()[:900]), "is damaged; print it"),
        ("pictures.pdf", blank, "only pictures"),
        ("secret.pdf", lambda path: blank(path, password="secret"), "has a password"),
        ("long.pdf", lambda path: blank(path, MAX_PAGES + 1), "more than 2,000 pages (2,001); split it"),
        ("picture.pdf", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40)), "is no PDF"),
        ("binary.txt", lambda path: path.write_bytes(bytes(range(256)) * 9), "is no text file"),
        ("russian.txt", lambda path: path.write_bytes("Привет, как дела?".encode("cp1251")), "save it as UTF-8"),
        ("large.txt", sparse, "larger than 50 MB"),
        ("bomb.docx", bomb, "unpacks to more than is read"),
        ("deep.docx", deep, "is nested too deep"),
        ("deep.html", lambda path: path.write_text("<table><tr><td>" * 5_000 + "x"), "is nested too deep"),
        ("cut.docx", lambda path: path.write_bytes(b"PK\x03\x04 and no more"), "is damaged"),
        ("table.docx", lambda path: packed(path, "xl/workbook.xml", "<x/>"), "is no Word document"),
        ("entities.docx", lambda path: packed(path, "word/document.xml", ENTITIES), "is damaged"),
        ("old.docx", lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0 old"), "without a password"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(
    tmp_path: Path, name: str, make: Callable[[Path], object], says: str
) -> None:
    make(tmp_path / name)
    (tmp_path / "good.txt").write_text("The rest goes in.", encoding="utf-8")
    sections, skipped = read_documents(tmp_path)
    assert [section.document for section in sections] == ["good.txt"]
    (problem,) = skipped
    assert problem.startswith(f"{name}: ")
    assert says in problem
    assert ";" in problem, "it says what to do"


def test_a_pdf_that_anybody_may_read_is_read(tmp_path: Path) -> None:
    blank(tmp_path / "a.pdf", password="", owner="secret")
    assert "Gap insurance" in load(tmp_path / "a.pdf").page_content


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text", encoding="utf-8")
    path.chmod(0)
    was = os.geteuid()
    os.seteuid(65534 if was == 0 else was)  # the permissions of a file mean nothing to root
    try:
        with pytest.raises(LoadError, match="change its permissions"):
            load(path)
    finally:
        os.seteuid(was)


def test_a_folder_gives_its_own_visible_files(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("Outside.", encoding="utf-8")
    docs = tmp_path / "docs"
    for name in ("b.txt", "sub/a.TXT", ".hidden.txt", ".git/c.txt", "..data/mounted.txt", "x.xlsx", "y.pptx", "z.pptx"):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(f"This is {name}.", encoding="utf-8")
    (docs / "mounted.txt").symlink_to("..data/mounted.txt")  # as Kubernetes mounts files
    (docs / "again.txt").symlink_to("b.txt")
    (docs / "out.txt").symlink_to(outside)
    (docs / "outer").symlink_to(tmp_path)
    (docs / "loop").symlink_to(docs / "loop")
    (docs / "round").symlink_to(docs)
    os.mkfifo(docs / "pipe.txt")
    sections, skipped = read_documents(docs)
    assert [section.document for section in sections] == ["b.txt", "mounted.txt", "sub/a.TXT"]
    assert sorted(skipped) == [
        "3 files of other kinds left out: .pptx, .xlsx",
        "loop: is a link that leads nowhere; remove it",
        "out.txt: is a link that leads out of the folder; copy what it leads to",
        "outer: is a link that leads out of the folder; copy what it leads to",
    ]
