"""The guidance: every section has sources from the bibliography, stands alone, and is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from advisor.retrieval.documents import Section, read_documents
from tests.conftest import ROOT

KNOWLEDGE = ROOT / "knowledge"
SECTIONS, SKIPPED = read_documents(KNOWLEDGE)
EVIDENCE = yaml.safe_load((KNOWLEDGE / "evidence.yaml").read_text(encoding="utf-8"))


def test_there_are_at_least_ten_documents_and_none_is_skipped() -> None:
    assert len({section.document for section in SECTIONS}) >= 10
    assert all("of other kinds" in problem for problem in SKIPPED)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: f"{s.document}#{s.heading}")
def test_a_section_names_sources_and_is_short(section: Section) -> None:
    assert section.sources
    assert set(section.sources) <= set(EVIDENCE["sources"])
    assert 20 <= len(section.text.split()) <= 200
    assert section.asks
    # a sentence may be shown alone, so a section never opens by pointing at something before it
    assert not re.match(r"(?:It|This|They|These|That)\b", section.text)


# a number of its own or the end of a range, not part of a name such as GPT-4 or Llama3-8B, nor the mark of a list item
FIGURE = re.compile(r"(?:(?<![\w.,-])|(?<=\d-))\d[\d,]*(?:\.\d+)?(?![\w.]*(?!x\b)[A-Za-z])")


def figures(text: str) -> set[str]:
    return {figure.replace(",", "").rstrip(".") for figure in FIGURE.findall(re.sub(r"(?m)^\s*\d+\. ", "", text))}


def test_what_counts_as_a_figure() -> None:
    text = "1. Llama3-8B of GPT-4 took 256-1024 tokens, 10,000 times, 0.5% (2024)."
    assert figures(text) == {"256", "1024", "10000", "0.5", "2024"}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: f"{s.document}#{s.heading}")
def test_every_figure_of_a_section_stands_in_the_evidence(section: Section) -> None:
    known = {year for source in section.sources if (year := str(years(source)))}
    known |= {n for entry in EVIDENCE["figures"] for n in figures(f"{entry['value']} {entry['claim']} {entry['year']}")}
    assert figures(section.text) - known == set()


def years(source: str) -> int:
    entry = EVIDENCE["sources"][source]
    return int(entry.get("year") or entry["consulted"])


def test_headings_are_unique_within_a_document() -> None:
    places = [(section.document, section.heading) for section in SECTIONS]
    assert len(places) == len(set(places))


def test_every_figure_of_the_evidence_has_a_source_and_a_year() -> None:
    for figure in EVIDENCE["figures"]:
        assert figure["source"] in EVIDENCE["sources"], figure
        assert figure["year"], figure
    for name, source in EVIDENCE["sources"].items():
        assert source["title"], name
        assert source.get("year") or source.get("consulted"), name


def test_every_document_is_titled_and_dated() -> None:
    for path in sorted(Path(KNOWLEDGE).glob("*.md")):
        front = yaml.safe_load(path.read_text(encoding="utf-8").split("---")[1])
        assert front["title"], path
        assert front["date"], path
