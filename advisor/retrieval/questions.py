"""Questions that users ask, with the sentences of the guidance that answer them: `questions/` beside the documents.

One CSV file for each document, with the columns `section` (its heading), `sentences` (numbers, the most direct one
first) and `question`. A question like one of them is answered from the same sentences. `unanswered.csv` has questions
that nothing in the guidance answers, in one column; a question like one of these is declined.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from advisor.retrieval.documents import Section
from advisor.retrieval.folders import QUESTIONS

UNANSWERED = "unanswered.csv"


@dataclass(frozen=True)
class Question:
    """A question, the section that answers it, and the numbers of the sentences that do."""

    text: str
    section: Section
    sentences: tuple[int, ...]


def read_questions(folder: Path, sections: Iterable[Section]) -> tuple[list[Question], list[str]]:
    """Read the questions of a folder.

    Args:
        folder: of the documents; `questions/NAME.csv` below it is of `NAME.md`.
        sections: of the documents.

    Returns:
        The questions, and a sentence for each row that could not be used.
    """
    known = {(Path(section.document).stem, section.heading): section for section in sections}
    questions: list[Question] = []
    problems: list[str] = []
    for path in sorted(path for path in (folder / QUESTIONS).glob("*.csv") if path.name != UNANSWERED):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                section = known.get((path.stem, row.get("section") or ""))
                numbers = (row.get("sentences") or "").split()
                if section is None or not numbers or not all(n.isdigit() for n in numbers):
                    problems.append(f"{path.name}, line {reader.line_num}: there is no such section, or no number")
                elif max(map(int, numbers)) >= len(section.units):
                    problems.append(f"{path.name}, line {reader.line_num}: the section has no such sentence")
                else:
                    questions.append(Question(row.get("question") or "", section, tuple(map(int, numbers))))
    return questions, problems


def read_unanswered(folder: Path) -> list[str]:
    """Read the questions that nothing in a folder of documents answers; none where there is no such file."""
    path = folder / QUESTIONS / UNANSWERED
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row["question"] for row in csv.DictReader(file)]
