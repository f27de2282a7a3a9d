"""Documents are cut into sections that keep their text verbatim."""

from __future__ import annotations

from pathlib import Path

from advisor.retrieval.documents import MAX_SECTION, parse_document, read_documents

MARKDOWN = """---
title: Bees
date: 2026-01-01
---

# Bees

## Feeding
<!-- asks: what do bees eat? | feeding -->
Bees eat nectar and pollen. In winter, e.g. in January, they eat honey.

- Sugar water helps in spring.
- It is given warm.

| Season | Food |
| --- | --- |
| Summer | nectar |

Sources: smith-2020, jones-2021
"""


def test_a_section_keeps_its_text_and_gives_up_its_metadata() -> None:
    (section,) = parse_document("bees.md", MARKDOWN)
    assert (section.title, section.heading) == ("Bees", "Feeding")
    assert section.asks == ("what do bees eat?", "feeding")
    assert section.sources == ("smith-2020", "jones-2021")
    assert section.units == (
        "Bees eat nectar and pollen.",
        "In winter, e.g. in January, they eat honey.",
        "Sugar water helps in spring.",
        "It is given warm.",
        "| Summer | nectar |",
    )
    assert all(unit in MARKDOWN for unit in section.units)
    assert [section.is_item(unit) for unit in section.units] == [False, False, True, True, True]
    assert section.steps == section.units[2:]


def test_plain_text_is_cut_at_paragraphs() -> None:
    paragraphs = [f"Paragraph {i} says something. " + "word " * 80 for i in range(6)]
    sections = parse_document("notes.txt", "\n\n".join(paragraphs))
    assert len(sections) == 2
    assert all(len(section.text) <= MAX_SECTION for section in sections)
    assert sum(section.text.count("Paragraph") for section in sections) == 6


def test_a_file_that_cannot_be_used_is_named_and_the_rest_goes_in(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("# Good\n\nText here.", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("  \n", encoding="utf-8")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00bad")
    (tmp_path / "picture.png").write_bytes(b"png")
    sections, skipped = read_documents([tmp_path])
    assert [section.document for section in sections] == ["good.md"]
    assert sorted(problem.split(":")[0] for problem in skipped) == ["binary.txt", "empty.txt"]


def test_front_matter_that_is_no_yaml_does_no_harm() -> None:
    (section,) = parse_document("x.md", "---\ntitle: [\n---\n# Real title\n\nText.")
    assert section.title == "Real title"
