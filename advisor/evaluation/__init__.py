"""Measures of quality on case files (`python -m advisor eval`).

The files are JSON Lines; `tests/cases/README.md` says what they hold. A file that is missing is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from advisor.advisor import Advisor
from advisor.evaluation.cases import load_cases
from advisor.evaluation.conversations import measure_conversations
from advisor.evaluation.decisions import measure_decisions
from advisor.evaluation.questions import measure_questions
from advisor.evaluation.sentences import measure_acts, measure_replies
from advisor.evaluation.support import measure_support

MEASURES = {
    "decisions": measure_decisions,
    "replies": measure_replies,
    "acts": measure_acts,
    "support": measure_support,
    "questions": measure_questions,
    "conversations": measure_conversations,
}

Results = dict[str, dict[str, Any]]


def evaluate(advisor: Advisor, folder: Path, *, note: Callable[[str], None] = lambda line: None) -> Results:
    """Measure everything the folder has cases for.

    Args:
        note: is told of each case that failed, one line each.
    """
    files = {name: load_cases(folder / f"{name}.jsonl") for name in MEASURES}
    return {name: MEASURES[name](advisor, cases, note) for name, cases in files.items() if cases}


def table(results: Results) -> str:
    """Return the results as text, a line for each measure; the naive reader's figures stand beside ours."""
    lines = []
    for group, measures in results.items():
        naive = measures.get("naive reader", {})
        lines.append(f"{group:<46} {'naive reader' if naive else '':>20}")
        for name, value in measures.items():
            if name != "naive reader":
                lines.append(f"  {name:<44} {value!s:<14} {naive.get(name, '')}".rstrip())
    return "\n".join(lines)
