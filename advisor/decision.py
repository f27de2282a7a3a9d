"""The decision: a pure function from a framework and answers to an outcome and everything that can be said about it.

Every answer moves the case on two axes. With questions open the case is a box: each open question may still be
answered in any way, and what holds for all those completions is certain. The completions are counted exactly, by
adding up the distribution of points question by question instead of listing each combination. A refiner counts only
in the completions whose other answers make it count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from math import log2
from typing import Any

from advisor.framework import Framework, Position, Question, Source

MAX_FLIP = 2  # answers; nobody wants to hear of more at once
Possible = tuple[tuple[str, ...], ...]  # for each question of the framework the options still possible


@dataclass(frozen=True)
class Reason:
    """What one answer weighs. `points` has one number per axis, in the order of the framework."""

    question: str
    option: str
    points: Position
    because: str
    source: Source


@dataclass(frozen=True)
class Flip:
    """A change of answers (question id to option id) that gives another outcome."""

    change: dict[str, str]
    outcome: str


@dataclass(frozen=True)
class Decision:
    """What the answers so far give.

    outcome: outcome id; what is still open adds nothing.
    settled: no completion of the open answers gives another outcome.
    robustness: share of completions that keep the outcome, 0 to 1.
    runner_up: the outcome that the other completions give most often, or the nearest flip when settled.
    box: per axis the lowest and highest position a completion can reach.
    position: per axis where the answers given put the case.
    shares: outcome id to the share of completions that give it.
    next_question: the open question whose answer is expected to tell most, None when settled, or when what is still
        open is hardly worth asking.
    """

    outcome: str
    settled: bool
    robustness: float
    runner_up: str | None
    box: dict[str, tuple[int, int]]
    position: dict[str, int]
    shares: dict[str, float]
    reasons: tuple[Reason, ...]
    flips: tuple[Flip, ...]
    contradictions: tuple[str, ...]
    next_question: str | None

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form that every channel shares."""
        return {
            "outcome": self.outcome,
            "settled": self.settled,
            "robustness": round(self.robustness, 4),
            "runner_up": self.runner_up,
            "axes": {axis: list(bounds) for axis, bounds in self.box.items()},
            "reasons": [
                {
                    "question": reason.question,
                    "option": reason.option,
                    **dict(zip(self.box, reason.points, strict=True)),
                    "because": reason.because,
                    "source": str(reason.source),
                }
                for reason in self.reasons
            ],
            "flips": [{"change": flip.change, "outcome": flip.outcome} for flip in self.flips],
            "contradictions": list(self.contradictions),
        }


def decide(framework: Framework, answers: Mapping[str, Collection[str]]) -> Decision:
    """Decide from the answers so far.

    Args:
        framework: the rules.
        answers: question id to the options that may be true: one when it is known, several when the user is not
            sure. A question that is missing is open.

    Raises:
        ValueError: a question or option is not in the framework, or a set of options is empty.
    """
    possible = _possible(framework, answers)
    counts = _completions(framework, possible)
    total = counts.total()
    outcome = _outcome(framework, possible)
    by_outcome = _by_outcome(framework, counts)
    shares = {name: count / total for name, count in by_outcome.most_common()}
    flips = _flips(framework, answers, possible, outcome)
    others = [name for name in shares if name != outcome] or [flip.outcome for flip in flips]
    settled = by_outcome[outcome] == total
    return Decision(
        outcome=outcome,
        settled=settled,
        robustness=by_outcome[outcome] / total,
        runner_up=others[0] if others else None,
        box={
            axis: (min(position[i] for position in counts), max(position[i] for position in counts))
            for i, axis in enumerate(framework.axes)
        },
        position=dict(zip(framework.axes, _position(framework, possible), strict=True)),
        shares=shares,
        reasons=_reasons(framework, answers, possible),
        flips=flips,
        contradictions=tuple(
            contradiction.says
            for contradiction in framework.contradictions
            if all(set(answers.get(q, ())) == {option} for q, option in contradiction.when.items())
        ),
        next_question=None if settled else _next_question(framework, answers, possible),
    )


def counting(framework: Framework, answers: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the ids of the questions that are certain to count with these answers."""
    possible = _possible(framework, answers)
    return frozenset(question.id for question in framework.questions if _counts(framework, question, possible))


def information_gain(framework: Framework, answers: Mapping[str, Collection[str]], question_id: str) -> float:
    """Return how much the answer to a question is expected to tell of the outcome, in bits.

    The mutual information between that answer and the outcome, every completion being equally likely.
    """
    return _gain(framework, _possible(framework, answers), question_id)


def _possible(framework: Framework, answers: Mapping[str, Collection[str]]) -> Possible:
    for question_id, options in answers.items():
        if question_id not in framework.by_id:
            raise ValueError(f"unknown question '{question_id}'; known: {', '.join(framework.by_id)}")
        known = framework.question(question_id).option_ids
        unknown = sorted(set(options) - set(known))
        if unknown or not options:
            raise ValueError(f"unknown answer '{', '.join(unknown)}' to '{question_id}'; known: {', '.join(known)}")
    return tuple(
        tuple(option for option in q.option_ids if q.id not in answers or option in answers[q.id])
        for q in framework.questions
    )


def _shared(points: list[Position]) -> Position:
    """Return what all these options agree on, per axis: the common part of their points, else 0."""
    x, y = (
        min(values) if min(values) > 0 else max(values) if max(values) < 0 else 0
        for values in zip(*points, strict=True)
    )
    return x, y


def _counts(framework: Framework, question: Question, possible: Possible) -> bool:
    """Tell whether a question is certain to count."""
    given = dict(zip(framework.by_id, possible, strict=True))
    return all(set(given[other]) <= set(options) for other, options in question.refines.items())


def _can_count(framework: Framework, question: Question, possible: Possible) -> bool:
    """Tell whether a question counts in some completion."""
    given = dict(zip(framework.by_id, possible, strict=True))
    return all(set(given[other]) & set(options) for other, options in question.refines.items())


def _position(framework: Framework, possible: Possible) -> Position:
    shared = [
        _shared([framework.points(question.id, option) for option in options])
        for question, options in zip(framework.questions, possible, strict=True)
        if _counts(framework, question, possible)
    ]
    return sum(x for x, _ in shared), sum(y for _, y in shared)


def _completions(framework: Framework, possible: Possible, *, core: bool = False) -> Counter[Position]:
    """Count the completions that end in each position; of the core questions alone, if asked for."""
    telling = {other for question in framework.questions for other in question.refines}
    nowhere = (0, 0)
    # what was chosen where it matters to refiners → the completions in each position
    states: dict[tuple[tuple[str, str], ...], Counter[Position]] = {(): Counter({nowhere: 1})}
    for question, options in zip(framework.core if core else framework.questions, possible, strict=not core):
        if question.id in telling:
            states = {
                (*chosen, (question.id, option)): _moved(counts, [framework.points(question.id, option)])
                for chosen, counts in states.items()
                for option in options
            }
            continue
        points = [framework.points(question.id, option) for option in options]
        for chosen, counts in states.items():
            applies = all(option in question.refines.get(other, (option,)) for other, option in chosen)
            states[chosen] = _moved(counts, points if applies else [nowhere] * len(options))
    return sum(states.values(), Counter())


def _moved(counts: Counter[Position], points: list[Position]) -> Counter[Position]:
    """Spread every position by each of the points."""
    if not any(map(any, points)):
        return Counter({position: count * len(points) for position, count in counts.items()})
    moved: dict[Position, int] = defaultdict(int)
    for (x, y), count in counts.items():
        for dx, dy in points:
            moved[x + dx, y + dy] += count
    return Counter(moved)


def _by_outcome(framework: Framework, counts: Counter[Position]) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for position, count in counts.items():
        outcomes[framework.outcome_at(position)] += count
    return outcomes


def _outcome(framework: Framework, possible: Possible) -> str:
    """What is certain comes first: where all completions agree, that is the outcome."""
    certain = _by_outcome(framework, _completions(framework, possible))
    return next(iter(certain)) if len(certain) == 1 else framework.outcome_at(_position(framework, possible))


def _reasons(framework: Framework, answers: Mapping[str, Collection[str]], possible: Possible) -> tuple[Reason, ...]:
    reasons = []
    for question in framework.questions:
        if len(chosen := set(answers.get(question.id, ()))) == 1 and _counts(framework, question, possible):
            option = question.option(*chosen)
            points = framework.points(question.id, option.id)
            reasons.append(Reason(question.id, option.id, points, option.because, option.source))
    return tuple(sorted(reasons, key=lambda reason: -sum(map(abs, reason.points))))


def _flips(
    framework: Framework, answers: Mapping[str, Collection[str]], possible: Possible, outcome: str
) -> tuple[Flip, ...]:
    """Return all changes of the fewest given answers, up to `MAX_FLIP`, that give another outcome."""
    given = [i for i, question in enumerate(framework.questions) if question.id in answers]
    for size in range(1, MAX_FLIP + 1):
        flips = []
        for changed in combinations(given, size):
            alternatives = (
                [option for option in framework.questions[i].option_ids if {option} != set(possible[i])]
                for i in changed
            )
            for options in product(*alternatives):
                new = dict(zip(changed, options, strict=True))
                other = _outcome(framework, tuple((new[i],) if i in new else kept for i, kept in enumerate(possible)))
                if other != outcome:
                    flips.append(Flip({framework.questions[i].id: o for i, o in new.items()}, other))
        if flips:
            return tuple(flips)
    return ()


def _entropy(counts: Counter[str]) -> float:
    total = counts.total()
    return -sum(count / total * log2(count / total) for count in counts.values())


def _gain(framework: Framework, possible: Possible, question_id: str) -> float:
    index = next(i for i, question in enumerate(framework.questions) if question.id == question_id)
    before = _entropy(_by_outcome(framework, _completions(framework, possible)))
    after = sum(
        _entropy(
            _by_outcome(framework, _completions(framework, (*possible[:index], (option,), *possible[index + 1 :])))
        )
        for option in possible[index]
    ) / len(possible[index])
    return before - after


def _next_question(framework: Framework, answers: Mapping[str, Collection[str]], possible: Possible) -> str | None:
    """The questions that always count come first; then all that is worth asking, refiners among it."""
    core = [question.id for question in framework.core if question.id not in answers]
    if core and len(_by_outcome(framework, _completions(framework, possible, core=True))) > 1:
        # max keeps the first of equals: the order of the framework
        return max(core, key=lambda q: round(_gain(framework, possible, q), 9))
    worth = {
        question.id: round(_gain(framework, possible, question.id), 9)
        for question in framework.questions
        if question.id not in answers and _can_count(framework, question, possible)
    }
    best = max(worth, key=lambda q: worth[q], default=None)
    return best if best and worth[best] >= framework.refine_from else None
