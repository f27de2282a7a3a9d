"""How likely first messages are to answer each question, against the training phrases.

Phrases are written to show how each answer sounds, so they say nothing of how often users give it. The shift of the
odds is fitted on labelled messages, by the likelihood of their labels (after Saerens et al., "Adjusting the Outputs of
a Classifier to New a Priori Probabilities", 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

from advisor.framework import Framework
from advisor.understanding.answers import shifted
from advisor.understanding.reader import TextReader

ODDS = [2 ** (i / 2) for i in range(-2, 7)]  # tried: half to eight times
LEAST = 0.05  # no single case may decide


def fit_odds(framework: Framework, reader: TextReader, cases: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return question id to how many times likelier it is answered than the reader thinks.

    Args:
        cases: with `text` and `slots`; a question that is in no case's slots keeps its odds.
    """
    found = [reader.find(case["text"]) for case in cases]
    odds = {}
    for question in framework.questions:
        labelled = [
            (what[question.id].chances, case["slots"][question.id])
            for what, case in zip(found, cases, strict=True)
            if question.id in case["slots"] and question.id in what
        ]
        if labelled:
            odds[question.id] = max(ODDS, key=lambda o: sum(_likelihood(shifted(c, o), true) for c, true in labelled))
    return odds


def _likelihood(chances: dict[str, float], true: str | None) -> float:
    chance = chances[true] if true else 1 - sum(chances.values())
    return log(max(LEAST, chance))
