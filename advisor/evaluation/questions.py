"""Measures on question cases: what the answers hold, what is declined, and whether the quotes are real."""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from advisor.advisor import Advisor
from advisor.evaluation.cases import Case, share


def points_held(text: str, case: Case) -> list[bool]:
    """Return which points of the right answer a text holds, by the patterns of the case."""
    return [any(re.search(p, text, re.IGNORECASE) for p in patterns) for patterns in case.get("support", [])]


def measure_questions(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    """Measure the answers on questions with known points."""
    points: list[bool] = []
    whole: list[bool] = []
    refused: list[bool] = []
    declined: list[bool] = []
    verbatim: list[bool] = []
    lengths: list[int] = []
    times: list[float] = []
    by_type: dict[str, list[bool]] = defaultdict(list)
    models: Counter[str] = Counter()
    texts = {section.document: "" for section in advisor.sections}
    for section in advisor.sections:
        texts[section.document] += section.text + "\n"
    for case in cases:
        history = [(role, text) for role, text in case.get("history", [])]
        started = time.perf_counter()
        grounded = advisor.ask(case["question"], history)
        times.append(1000 * (time.perf_counter() - started))
        models[grounded.model] += not grounded.abstained
        answer, citations = grounded.render()
        verbatim += [citation.quote in texts[citation.document] for citation in citations]
        if not case["answerable"]:
            declined.append(grounded.abstained)
            if not grounded.abstained:
                note(f"question {case['id']}: should have been declined: {case['question']}")
            continue
        refused.append(grounded.abstained)
        lengths.append(len(answer.split()))
        hits = points_held(answer, case)
        points += hits
        by_type[case.get("type", "-")] += hits
        if hits:
            whole.append(all(hits))
        if not all(hits) or grounded.abstained:
            note(f"question {case['id']}: {sum(hits)} of {len(hits)} points: {case['question']}")
    return {
        "cases": len(cases),
        "answer points found": share(points) if points else "no patterns given",
        "answered wholly right": share(whole) if whole else "no patterns given",
        "wrong refusals": share(refused),
        "unanswerable declined": share(declined),
        "citations verbatim": share(verbatim),
        "words of an answer, median": statistics.median(lengths) if lengths else 0,
        "time of an answer, p50 ms": round(statistics.median(times)),
        **{
            f"  points found, {name}": f"{share(hits)} of {len(hits)}" for name, hits in sorted(by_type.items()) if hits
        },
        **{f"  answers by {name}": count for name, count in models.items()},
    }
