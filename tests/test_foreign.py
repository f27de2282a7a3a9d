"""Foreign texts as the only guidance: answers are found, short, word for word, and what is not there is declined."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import Advisor, Settings
from advisor.evaluation.cases import load_cases
from advisor.evaluation.questions import measure_questions

TESTS = Path(__file__).parent
CASES = load_cases(TESTS / "cases-foreign" / "questions.jsonl")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    docs = TESTS / "data" / "foreign"
    advisor = Advisor(Settings(data_dir=tmp_path_factory.mktemp("data"), knowledge_dir=docs, knowledge_only=True))
    advisor.wait()
    return advisor


def test_every_file_gives_sections_of_a_sensible_size(foreign: Advisor) -> None:
    assert foreign.skipped == []
    documents = {section.document for section in foreign.sections}
    assert {Path(document).suffix for document in documents} == {".txt", ".html", ".pdf", ".docx"}
    assert max(len(section.text.split()) for section in foreign.sections) <= 180
    assert all(section.heading for section in foreign.sections)


def test_answers_are_found_and_quoted_word_for_word(foreign: Advisor) -> None:
    figures = measure_questions(foreign, CASES[::3] + CASES[-4:], print)
    assert figures["answer points found"] >= 0.8
    assert figures["unanswerable declined"] >= 0.8
    assert figures["citations verbatim"] == 1
    assert figures["words of an answer, median"] <= 90
