"""Measures on decision cases: what is read from one message, and what a whole dialogue decides."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from advisor.advisor import Advisor
from advisor.conversation import Conversation, Turn
from advisor.evaluation.baseline import FOLDS, naive_answers
from advisor.evaluation.cases import Case, known, share
from advisor.wording import wording

SCRIPTED_TURNS = 10  # a scripted user gives up after so many
Slots = Mapping[str, str]


def measure_decisions(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    """Measure the reader and the decision on cases with an expected outcome."""
    questions = [question.id for question in advisor.framework.core]
    cases = [case for case in cases if case["expected"]]
    turns = [advisor.turn(Conversation(), case["text"]) for case in cases]
    read = [{q: option for q, option in known(turn.conversation).items() if q in questions} for turn in turns]
    dialogues = [scripted(advisor, case, turn) for case, turn in zip(cases, turns, strict=True)]
    outcomes = [advisor.decide(slots).outcome for slots in read]
    for case, slots, outcome in zip(cases, read, outcomes, strict=True):
        wrong = [f"{q}={slots.get(q)} not {case['slots'][q]}" for q in questions if slots.get(q) != case["slots"][q]]
        if wrong:
            note(f"decision {case['id']}: {', '.join(wrong)}; {outcome}, expected {case['expected']}")
    for case, (outcome, count) in zip(cases, dialogues, strict=True):
        if outcome != case["expected"]:
            note(f"dialogue {case['id']}: {outcome} after {count} turns, expected {case['expected']}")
    return {
        "cases": len(cases),
        **_outcomes("rule on true answers", cases, [advisor.decide(case["slots"]).outcome for case in cases]),
        **_reading(cases, read, questions),
        "calibration error of the confidence": _calibration_error(advisor, cases, questions),
        **_outcomes("decision from one message", cases, outcomes),
        **_outcomes("decision in dialogue", cases, [outcome for outcome, _ in dialogues]),
        "turns to the recommendation, median": statistics.median(count for _, count in dialogues),
        "time of a turn, p50 ms": statistics.median(turn.elapsed_ms for turn in turns),
        **_by("kind", cases, read, questions),
        **_by("lang", cases, read, questions),
        "naive reader": _naive(advisor, cases, questions),
    }


def _reading(cases: Sequence[Case], read: Sequence[Slots], questions: Sequence[str]) -> dict[str, float]:
    """Compare what was read with the true answers."""
    pairs = [
        (q, slots.get(q), case["slots"].get(q)) for case, slots in zip(cases, read, strict=True) for q in questions
    ]
    return {
        "joint accuracy of the answers": _joint(cases, read, questions),
        "mean accuracy of one answer": share(got == true for _, got, true in pairs),
        **{f"  accuracy of {q}": share(got == true for name, got, true in pairs if name == q) for q in questions},
        "invented (not stated, read)": share(got is not None for _, got, true in pairs if true is None),
        "of the answers read, right": share(got == true for _, got, true in pairs if got is not None),
    }


def scripted(advisor: Advisor, case: Case, turn: Turn) -> tuple[str, int]:
    """Answer every question from the case's slots, in words of its own; return the outcome and the turns taken.

    What is not in the case is answered with "not sure"; a right guess is confirmed, to a wrong one the answer is given.
    """
    words, rng, count = wording("scripted_user"), random.Random(case["id"]), 1
    while (asked := turn.conversation.asked) and count < SCRIPTED_TURNS:
        true = case["slots"].get(asked)
        guess = turn.conversation.guess
        if guess and guess.option == true:
            said = "yes"
        elif true:
            said = rng.choice(words.list(asked, true))
        else:
            said = rng.choice(words.list("unsure"))
        turn = advisor.turn(turn.conversation, said)
        count += 1
    return advisor.decide(turn.conversation.options()).outcome, count


def _calibration_error(advisor: Advisor, cases: Sequence[Case], questions: Sequence[str]) -> float:
    """Return by how much confidence and accuracy differ, on average over ten bins (Guo et al., 2017)."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for case in cases:
        reading = advisor.read(Conversation(), case["text"])
        for answer in (*reading.answers, *reading.unclear):
            if answer.question in questions:
                hit = case["slots"].get(answer.question) in answer.options
                bins.setdefault(min(9, int(10 * answer.confidence)), []).append((answer.confidence, hit))
    total = sum(map(len, bins.values()))
    gaps = [abs(sum(c for c, _ in found) - sum(hit for _, hit in found)) for found in bins.values()]
    return round(sum(gaps) / total, 3) if total else 0.0


def _joint(cases: Sequence[Case], read: Sequence[Slots], questions: Sequence[str]) -> float:
    return share(
        all(slots.get(q) == case["slots"].get(q) for q in questions) for case, slots in zip(cases, read, strict=True)
    )


def _outcomes(name: str, cases: Sequence[Case], outcomes: Sequence[str]) -> dict[str, float]:
    return {
        f"{name}, exact": share(o == case["expected"] for o, case in zip(outcomes, cases, strict=True)),
        f"{name}, acceptable": share(o in case["acceptable"] for o, case in zip(outcomes, cases, strict=True)),
    }


def _by(key: str, cases: Sequence[Case], read: Sequence[Slots], questions: Sequence[str]) -> dict[str, str]:
    """Joint accuracy and number of cases for each value of a key."""
    groups: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        groups.setdefault(str(case.get(key, "-")), []).append(i)
    measures = {}
    for name, group in sorted(groups.items()):
        joint = _joint([cases[i] for i in group], [read[i] for i in group], questions)
        measures[f"  joint, {key} {name}"] = f"{joint} of {len(group)}"
    return measures


def _naive(advisor: Advisor, cases: Sequence[Case], questions: Sequence[str]) -> dict[str, float]:
    """The same measures for the naive reader."""
    if len(cases) < 2 * FOLDS:
        return {}
    read = naive_answers(cases, questions)
    outcomes = [advisor.decide(slots).outcome for slots in read]
    return _reading(cases, read, questions) | _outcomes("decision from one message", cases, outcomes)
