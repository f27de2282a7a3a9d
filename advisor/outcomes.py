"""The table of outcomes over all sets of answers, so that a change of the framework shows line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import product

from advisor.decision import counting, decide
from advisor.framework import Framework

OPEN = ""


def outcome_table(framework: Framework) -> str:
    """Return the table as CSV: an answer for each question, empty where it is open, then what it gives.

    First come all sets of answers to the questions that always count, open ones among them; then, for each complete
    set that leaves the outcome open, all answers to the refiners that count with it.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*framework.by_id, "outcome", "settled", "next_question"])
    for answers in _sets(framework):
        decision = decide(framework, {question: {option} for question, option in answers.items()})
        given = [answers.get(question, OPEN) for question in framework.by_id]
        writer.writerow([*given, decision.outcome, "yes" if decision.settled else "no", decision.next_question or ""])
    return file.getvalue()


def _sets(framework: Framework) -> Iterator[dict[str, str]]:
    core = [[OPEN, *question.option_ids] for question in framework.core]
    for options in product(*core):
        yield {q.id: option for q, option in zip(framework.core, options, strict=True) if option != OPEN}
    for options in product(*(question.option_ids for question in framework.core)):
        answers = {q.id: option for q, option in zip(framework.core, options, strict=True)}
        given = {question: {option} for question, option in answers.items()}
        if decide(framework, given).settled:
            continue
        refiners = [q for q in framework.questions if q.refines and q.id in counting(framework, given)]
        for finer in product(*(question.option_ids for question in refiners)):
            yield answers | {q.id: option for q, option in zip(refiners, finer, strict=True)}
