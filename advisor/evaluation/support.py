"""Measures on the check of a chat model's sentences: what is kept of what a passage says, and of what it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from advisor.advisor import Advisor
from advisor.answering.support import Checker
from advisor.evaluation.cases import Case, share
from advisor.models import load_embeddings


def measure_support(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    """Return how many supported sentences are kept and how many others dropped, also for the cases held out (`T`)."""
    embeddings = load_embeddings(advisor.settings)
    kept: list[bool] = []
    dropped: list[bool] = []
    held_out: list[bool] = []
    for case in cases:
        is_kept = Checker(embeddings, [case["passage"]]).place(case["sentence"]) is not None
        (kept if case["supported"] else dropped).append(is_kept == case["supported"])
        if case["id"].startswith("T"):
            held_out.append(is_kept == case["supported"])
        if is_kept != case["supported"]:
            note(f"support {case['id']}: {'kept' if is_kept else 'dropped'}: {case['sentence']}")
    return {
        "cases": len(cases),
        "supported kept": share(kept),
        "unsupported dropped": share(dropped),
        "right, of the cases held out": share(held_out),
    }
