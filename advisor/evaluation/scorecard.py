"""The figures of an evaluation as a page: `python -m advisor eval --scorecard docs/scorecard.md`."""

from __future__ import annotations

import datetime
from typing import Any

from advisor.wording import wording


def scorecard(results: dict[str, dict[str, Any]], *, date: datetime.date, cases: str, model: str) -> str:
    """Return Markdown: for each group of measures what it means, and a table of figures and targets.

    Args:
        results: what `evaluate` returned.
        date: of the run.
        cases: the folder of the cases, as the reader of the page knows it.
        model: what worded the answers.
    """
    words = wording("scorecard")
    parts = [f"# {words('title')}", words("intro", date=date, cases=cases, model=model)]
    for name, group in words.mapping("groups").items():
        if measures := results.get(name):
            parts += [f"## {group['title']}", group["about"].strip(), _table(measures, group["targets"])]
    return "\n\n".join(parts) + "\n"


def _table(measures: dict[str, Any], targets: dict[str, str]) -> str:
    words = wording("scorecard")
    naive = measures.get("naive reader", {})
    columns = [words("measure"), words("figure"), words("target"), *([words("naive")] if naive else [])]
    lines = [columns, ["---"] * len(columns)]
    for measure, value in measures.items():
        if measure != "naive reader":
            row = [measure.strip(), str(value), targets.get(measure, "")]
            lines.append([*row, str(naive.get(measure, ""))] if naive else row)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
