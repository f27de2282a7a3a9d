"""Measures on single sentences: acts, and replies to an open question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from advisor.advisor import Advisor
from advisor.conversation import Conversation
from advisor.evaluation.cases import Case, known, share


def measure_acts(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    """Return how often the act of a sentence is among those read; by language too."""
    hits = []
    for case in cases:
        acts = advisor.read(Conversation(asked=case.get("asked")), case["text"]).acts
        hits.append(case["act"] in acts)
        if not hits[-1]:
            note(f"act {', '.join(acts)} not {case['act']}: {case['text']}")
    languages = sorted({case.get("lang", "en") for case in cases})
    by_language = {
        f"  language {language}": share(
            hit for hit, case in zip(hits, cases, strict=True) if case.get("lang", "en") == language
        )
        for language in languages
    }
    return {"cases": len(cases), "act accuracy": share(hits), **by_language}


def measure_replies(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    """Return how replies to an open question are read: the answer to it, and what is read of one that gives none."""
    right, invented, wrong = [], [], []
    for case in cases:
        asked, true = case["asked"], case["answers"].get(case["asked"])
        got = known(advisor.turn(Conversation(asked=asked), case["text"]).conversation).get(asked)
        if true:
            right.append(got == true)
            wrong.append(got not in (None, true))
        else:
            invented.append(got is not None)
        if got != true:
            note(f"reply to {asked}: {got} not {true}: {case['text']}")
    return {
        "cases": len(cases),
        "answer read rightly": share(right),
        "answer read as another": share(wrong),
        "invented (no answer, read)": share(invented),
    }
