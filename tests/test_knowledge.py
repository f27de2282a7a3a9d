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
    assert not SKIPPED


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: f"{s.document}#{s.heading}")
def test_a_section_names_sources_and_is_short(section: Section) -> None:
    assert section.sources
    assert set(section.sources) <= set(EVIDENCE["sources"])
    assert 20 <= len(section.text.split()) <= 200
    assert section.asks
    # a sentence may be shown alone, so a section never opens by pointing at something before it
    assert not re.match(r"(?:It|This|They|These|That)\b", section.text)


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
