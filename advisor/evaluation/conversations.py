"""Playing conversations of a case file, and comparing each turn with what is expected of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from advisor.advisor import Advisor
from advisor.conversation import Conversation, Turn
from advisor.evaluation.cases import Case, known, share


def measure_conversations(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    """Return the share of conversations in which every turn is as expected."""
    passed = []
    for case in cases:
        problems = run_conversation(advisor, case)
        passed.append(not problems)
        for problem in problems:
            note(f"conversation {case['id']}: {problem}")
    return {"cases": len(cases), "passed": share(passed)}


def run_conversation(advisor: Advisor, case: Case) -> list[str]:
    """Play a conversation; return a sentence for each expectation that is not met."""
    conversation = Conversation(session=str(case.get("id", "")))
    problems: list[str] = []
    suggestions: tuple[str, ...] = ()
    for number, step in enumerate(case["turns"], 1):
        message = step["user"]
        if match := re.fullmatch(r"@suggestion:(\d+)", message):
            if int(match[1]) > len(suggestions):
                return [*problems, f"turn {number}: there is no quick reply {match[1]}"]
            message = suggestions[int(match[1]) - 1]
        turn = advisor.turn(conversation, message)
        for problem in unmet(step.get("expect", {}), conversation, turn):
            problems.append(f"turn {number} ({message[:40]!r}): {problem}")
        conversation, suggestions = turn.conversation, turn.suggestions
    return problems


def unmet(expect: Case, before: Conversation, turn: Turn) -> list[str]:
    """Compare a turn with what is expected of it; return a sentence for each difference."""
    answers, old = known(turn.conversation), known(before)
    new = {q: option for q, option in answers.items() if old.get(q) != option}
    asked, decision = turn.conversation.asked, turn.decision or {}
    problems = []

    def check(name: str, holds: Callable[[Any], bool], got: object) -> None:
        if name in expect and not holds(expect[name]):
            problems.append(f"{name} should be {expect[name]!r}, got {got!r}")

    for question, option in expect.get("answers", {}).items():
        if answers.get(question) != option:
            problems.append(f"{question} should be {option!r}, got {answers.get(question)!r}")
    check("no_new_answers", lambda want: want is not True or not new, new)
    check("new_answers", lambda want: len(new) == want, new)
    check("asked_any", lambda want: want == (asked is not None), asked)
    check("asked_in", lambda want: asked in want, asked)
    check("asked_not", lambda want: asked not in want, asked)
    check("asked_same", lambda want: want == (asked == before.asked), (before.asked, asked))
    check("asked_changed", lambda want: want == (asked != before.asked), (before.asked, asked))
    check("cited", lambda want: want == bool(turn.citations), len(turn.citations))
    check("outcome_in", lambda want: decision.get("outcome") in want, decision.get("outcome"))
    check("settled", lambda want: decision.get("settled", False) == want, decision.get("settled"))
    check("reply_has", lambda want: all(re.search(p, turn.reply, re.IGNORECASE) for p in want), turn.reply[:80])
    return problems
