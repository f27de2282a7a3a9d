"""Documents are cut into sections that keep their text verbatim."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from advisor.retrieval.cutting import MAX_WORDS, cut
from advisor.retrieval.documents import parse_document
from advisor.retrieval.plain import to_markdown

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
    paragraphs = [f"Paragraph {i} says something. " + "word " * 60 for i in range(6)]
    sections = parse_document("my-notes.txt", "\n\n".join(paragraphs))
    assert len(sections) == 3
    assert {section.title for section in sections} == {"my notes"}
    assert sections[0].heading == "Paragraph 0 says something"
    assert all(len(section.text.split()) <= MAX_WORDS for section in sections)
    assert sum(section.text.count("Paragraph") for section in sections) == 6


@given(st.text(alphabet="ab .\n|-1é", max_size=3000))
def test_pieces_are_verbatim_and_lose_no_word(text: str) -> None:
    pieces = cut(text.strip())
    assert all(piece in text for piece in pieces)
    assert " ".join(pieces).split() == text.split()


def test_a_paragraph_without_end_is_cut_all_the_same() -> None:
    pieces = cut("word " * 5000)
    assert max(len(piece.split()) for piece in pieces) <= 2 * MAX_WORDS


WRAPPED = """Bees in a city garden

Bees fly up to three
kilometres for food.

What they eat
=============

Nectar, and pollen in
the spring:

* clover
* lime, which flowers
  in June

Where they live

A hive wants sun in the
morning.
"""

LINES = """Bees in a city garden
Bees fly up to three kilometres for food. They visit one kind of flower at a time.
What they eat
They eat nectar and pollen. In winter they live on honey, and on sugar where too much honey was taken.
Season | Food |
---|---|
Summer | nectar |
3.1 Where they live
-
A hive wants sun in the morning.
-
It wants no wind.
"""


def test_headings_of_wrapped_text_are_recognised() -> None:
    assert to_markdown(WRAPPED).split("\n\n") == [
        "# Bees in a city garden",
        "Bees fly up to three kilometres for food.",
        "# What they eat",
        "Nectar, and pollen in the spring:",
        "- clover\n- lime, which flowers in June",
        "## Where they live",
        "A hive wants sun in the morning.",
    ]


def test_headings_of_text_with_a_paragraph_a_line_are_recognised() -> None:
    assert to_markdown(LINES).split("\n\n") == [
        "# Bees in a city garden",
        "Bees fly up to three kilometres for food. They visit one kind of flower at a time.",
        "## What they eat",
        "They eat nectar and pollen. In winter they live on honey, and on sugar where too much honey was taken.",
        "| Season | Food |\n| --- | --- |\n| Summer | nectar |",
        "## Where they live",
        "- A hive wants sun in the morning.\n- It wants no wind.",
    ]


def test_a_list_of_short_lines_is_no_row_of_headings() -> None:
    text = "Shopping\n\nEggs\n\nFlour from the mill\n\nSalt\n\nAll of this is sold in the village."
    assert "# Eggs" not in to_markdown(text)
    assert "# Flour" not in to_markdown(text)
    numbered = "Steps to take\n\n1. Buy eggs\n2. Boil water\n3. Wait\n\nThen they are done."
    assert "2. Boil water" in to_markdown(numbered)


def test_front_matter_that_is_no_yaml_does_no_harm() -> None:
    (section,) = parse_document("x.md", "---\ntitle: [\n---\n# Real title\n\nText.")
    assert section.title == "Real title"
