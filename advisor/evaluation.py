"""Measures of quality on case files: decisions, questions and conversations (`python -m advisor eval`).

The files are JSON Lines. decisions.jsonl: `text`, `slots`, `expected`, `acceptable` (and `then`, `slots_after`, …);
questions.jsonl: `question`, `history`, `answerable`, `support` (per point, patterns of which one must match);
conversations.jsonl: `turns` of `user` and `expect`. `tests/cases/README.md` says more.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from advisor.advisor import Advisor
from advisor.conversation import Conversation, Turn

Case = dict[str, Any]
SCRIPTED_TURNS = 8  # a scripted user gives up after so many


def load_cases(path: Path) -> list[Case]:
    """Read a JSON Lines file; a missing one has no cases."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def evaluate(advisor: Advisor, folder: Path, *, note: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Measure everything the folder has cases for.

    Args:
        note: is told of each case that failed, one line each.
    """
    results: dict[str, Any] = {}
    if decisions := load_cases(folder / "decisions.jsonl"):
        results["decisions"] = _decisions(advisor, decisions, note)
    if questions := load_cases(folder / "questions.jsonl"):
        results["questions"] = _questions(advisor, questions, note)
    if conversations := load_cases(folder / "conversations.jsonl"):
        results["conversations"] = _conversations(advisor, conversations, note)
    return results


def table(results: dict[str, Any]) -> str:
    """Return the results as text, a line for each measure."""
    lines = []
    for group, measures in results.items():
        lines.append(f"{group}")
        lines += [f"  {name:<44} {value}" for name, value in measures.items()]
    return "\n".join(lines)


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return round(sum(found) / len(found), 3) if found else 0.0


def known(conversation: Conversation) -> dict[str, str]:
    """Return question id to option id for what is known for certain."""
    return {q: answer.options[0] for q, answer in conversation.answers.items() if len(answer.options) == 1}


def _decisions(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    questions = [question.id for question in advisor.framework.questions]
    cases = [case for case in cases if case["expected"]]
    ruled = [advisor.decide(case["slots"]).outcome for case in cases]
    turns = [advisor.turn(Conversation(), case["text"]) for case in cases]
    read = [known(turn.conversation) for turn in turns]
    outcomes = [advisor.decide(slots).outcome for slots in read]
    dialogues = [_scripted(advisor, case, turn) for case, turn in zip(cases, turns, strict=True)]
    for case, slots, outcome in zip(cases, read, outcomes, strict=True):
        wrong = [f"{q}={slots.get(q)} not {case['slots'][q]}" for q in questions if slots.get(q) != case["slots"][q]]
        if wrong:
            note(f"decision {case['id']}: {', '.join(wrong)}; {outcome}, expected {case['expected']}")
    pairs = [(q, slots.get(q), case["slots"][q]) for case, slots in zip(cases, read, strict=True) for q in questions]
    return {
        "cases": len(cases),
        "rule on true answers, exact": _share(o == c["expected"] for o, c in zip(ruled, cases, strict=True)),
        "rule on true answers, acceptable": _share(o in c["acceptable"] for o, c in zip(ruled, cases, strict=True)),
        "joint accuracy of the answers": _share(
            all(slots.get(q) == case["slots"][q] for q in questions) for case, slots in zip(cases, read, strict=True)
        ),
        "mean accuracy of one answer": _share(got == true for _, got, true in pairs),
        **{f"  accuracy of {q}": _share(got == true for name, got, true in pairs if name == q) for q in questions},
        "invented (not stated, read)": _share(got is not None for _, got, true in pairs if true is None),
        "of the answers read, right": _share(got == true for _, got, true in pairs if got is not None),
        "decision exact, one message": _share(o == c["expected"] for o, c in zip(outcomes, cases, strict=True)),
        "decision acceptable, one message": _share(o in c["acceptable"] for o, c in zip(outcomes, cases, strict=True)),
        "decision exact, dialogue": _share(o == c["expected"] for (o, _), c in zip(dialogues, cases, strict=True)),
        "decision acceptable, dialogue": _share(
            o in c["acceptable"] for (o, _), c in zip(dialogues, cases, strict=True)
        ),
        "turns to the recommendation, median": statistics.median(count for _, count in dialogues),
        "time of a turn, p50 ms": statistics.median(turn.elapsed_ms for turn in turns),
    }


def _scripted(advisor: Advisor, case: Case, turn: Turn) -> tuple[str, int]:
    """Answer every question from the case's slots until a recommendation; return the outcome and the turns taken."""
    count = 1
    while (asked := turn.conversation.asked) and count < SCRIPTED_TURNS:
        true = case["slots"][asked]
        label = advisor.framework.question(asked).option(true).label if true else "Not sure"
        turn = advisor.turn(turn.conversation, label)
        count += 1
    return advisor.decide(turn.conversation.options()).outcome, count


def _questions(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    points: list[bool] = []
    whole: list[bool] = []
    refused: list[bool] = []
    declined: list[bool] = []
    verbatim: list[bool] = []
    lengths: list[int] = []
    texts = {section.document: "" for section in advisor.sections}
    for section in advisor.sections:
        texts[section.document] += section.text + "\n"
    for case in cases:
        history = [(role, text) for role, text in case.get("history", [])]
        grounded = advisor.ask(case["question"], history)
        answer, citations = grounded.render()
        verbatim += [citation.quote in texts[citation.document] for citation in citations]
        if not case["answerable"]:
            declined.append(grounded.abstained)
            if not grounded.abstained:
                note(f"question {case['id']}: should have been declined: {case['question']}")
            continue
        refused.append(grounded.abstained)
        lengths.append(len(answer.split()))
        hits = [any(re.search(p, answer, re.IGNORECASE) for p in patterns) for patterns in case.get("support", [])]
        points += hits
        if hits:
            whole.append(all(hits))
        if not all(hits) or grounded.abstained:
            note(f"question {case['id']}: {sum(hits)} of {len(hits)} points: {case['question']}")
    return {
        "cases": len(cases),
        "answer points found": _share(points) if points else "no patterns given",
        "answered wholly right": _share(whole) if whole else "no patterns given",
        "wrong refusals": _share(refused),
        "unanswerable declined": _share(declined),
        "citations verbatim": _share(verbatim),
        "words of an answer, median": statistics.median(lengths) if lengths else 0,
    }


def _conversations(advisor: Advisor, cases: list[Case], note: Callable[[str], None]) -> dict[str, Any]:
    passed = []
    for case in cases:
        problems = run_conversation(advisor, case)
        passed.append(not problems)
        for problem in problems:
            note(f"conversation {case['id']}: {problem}")
    return {"cases": len(cases), "passed": _share(passed)}


def run_conversation(advisor: Advisor, case: Case) -> list[str]:
    """Play a conversation; return a sentence for each expectation that is not met."""
    conversation = Conversation(session=str(case.get("id", "")))
    problems = []
    suggestions: tuple[str, ...] = ()
    for number, step in enumerate(case["turns"], 1):
        message = step["user"]
        if match := re.fullmatch(r"@suggestion:(\d+)", message):
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
