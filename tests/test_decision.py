"""Properties of the decision, against a plain enumeration of all completions, and the cases experts labelled."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.decision import MAX_FLIP, Decision, decide, information_gain
from advisor.evaluation.cases import load_cases
from advisor.framework import Framework, load_framework
from tests.conftest import ROOT

FRAMEWORK = load_framework(ROOT / "knowledge" / "framework.yaml")
Answers = dict[str, set[str]]


@st.composite
def answer_sets(draw: st.DrawFn) -> Answers:
    """Any subset of the questions, each answered with one option or left between several; few refiners are open."""
    answers: Answers = {}
    for question in FRAMEWORK.questions:
        if draw(st.booleans()) or (question.refines and draw(st.booleans())):
            answers[question.id] = draw(st.sets(st.sampled_from(question.option_ids), min_size=1))
    return answers


def completions(answers: Answers) -> list[dict[str, str]]:
    pools = [sorted(answers.get(question.id, question.option_ids)) for question in FRAMEWORK.questions]
    ids = [question.id for question in FRAMEWORK.questions]
    return [dict(zip(ids, options, strict=True)) for options in product(*pools)]


def position_of(completion: dict[str, str]) -> tuple[int, int]:
    counting = [
        FRAMEWORK.points(question.id, completion[question.id])
        for question in FRAMEWORK.questions
        if all(completion[other] in options for other, options in question.refines.items())
    ]
    return sum(x for x, _ in counting), sum(y for _, y in counting)


def outcome_of(completion: dict[str, str]) -> str:
    return FRAMEWORK.outcome_at(position_of(completion))


@settings(deadline=None)
@given(answer_sets())
def test_settled_means_that_no_completion_differs(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    outcomes = [outcome_of(completion) for completion in completions(answers)]
    assert decision.settled == (set(outcomes) == {decision.outcome})
    assert decision.robustness == pytest.approx(outcomes.count(decision.outcome) / len(outcomes))
    assert decision.shares == pytest.approx({o: outcomes.count(o) / len(outcomes) for o in set(outcomes)})


@settings(deadline=None)
@given(answer_sets())
def test_the_box_holds_every_completion_and_no_more(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    for i, axis in enumerate(FRAMEWORK.axes):
        reached = [position_of(completion)[i] for completion in completions(answers)]
        assert decision.box[axis] == (min(reached), max(reached))


@settings(deadline=None)
@given(answer_sets())
def test_every_flip_flips_and_no_smaller_change_does(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    for flip in decision.flips:
        changed = answers | {question: {option} for question, option in flip.change.items()}
        assert set(flip.change) <= set(answers)
        assert decide(FRAMEWORK, changed).outcome == flip.outcome != decision.outcome
    sizes = {len(flip.change) for flip in decision.flips}
    assert len(sizes) <= 1
    smaller = range(1, next(iter(sizes), MAX_FLIP + 1))
    for size in smaller:
        for questions in combinations(answers, size):
            for options in product(*(FRAMEWORK.question(q).option_ids for q in questions)):
                changed = answers | {q: {o} for q, o in zip(questions, options, strict=True)}
                assert decide(FRAMEWORK, changed).outcome == decision.outcome


@given(answer_sets(), st.randoms())
def test_the_order_of_answers_never_matters(answers: Answers, random: object) -> None:
    items = list(answers.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert decide(FRAMEWORK, dict(items)) == decide(FRAMEWORK, answers)


@given(answer_sets(), st.data())
def test_an_added_answer_never_widens_the_box(answers: Answers, data: st.DataObject) -> None:
    open_questions = [question for question in FRAMEWORK.questions if question.id not in answers]
    if not open_questions:
        return
    question = data.draw(st.sampled_from(open_questions))
    option = data.draw(st.sampled_from(question.option_ids))
    before, after = decide(FRAMEWORK, answers), decide(FRAMEWORK, answers | {question.id: {option}})
    for axis in FRAMEWORK.axes:
        assert before.box[axis][0] <= after.box[axis][0] <= after.box[axis][1] <= before.box[axis][1]
    if before.settled:
        assert after.settled
        assert after.outcome == before.outcome


@settings(deadline=None)
@given(answer_sets())
def test_the_next_question_tells_most_and_is_open(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    open_questions = [question.id for question in FRAMEWORK.questions if question.id not in answers]
    if decision.settled or not open_questions:
        assert decision.next_question is None
        return
    gains = {q: information_gain(FRAMEWORK, answers, q) for q in open_questions}
    assert min(gains.values()) >= -1e-9
    core = {question.id for question in FRAMEWORK.core}
    if decision.next_question is None:
        assert max(gains.values()) < FRAMEWORK.refine_from
    elif decision.next_question in core:
        assert gains[decision.next_question] == pytest.approx(max(gains[q] for q in core & gains.keys()))
    else:
        assert gains[decision.next_question] == pytest.approx(max(gains.values()))


@given(answer_sets())
def test_the_runner_up_is_another_outcome_that_can_come_about(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    assert decision.runner_up != decision.outcome
    if not decision.settled:
        assert decision.runner_up in decision.shares


@settings(deadline=None)
@given(answer_sets())
def test_an_open_question_adds_nothing(answers: Answers) -> None:
    everything_open = {q.id: set(q.option_ids) for q in FRAMEWORK.questions}
    assert decide(FRAMEWORK, everything_open | answers).outcome == decide(FRAMEWORK, answers).outcome


def test_nothing_known_is_the_safe_start_and_asks_the_weightiest_question(framework: Framework) -> None:
    decision = decide(framework, {})
    assert (decision.outcome, decision.next_question) == ("rag_first", "need")
    assert not decision.settled
    assert decision.reasons == ()


def test_reasons_stand_in_the_order_of_their_weight(framework: Framework) -> None:
    decision = decide(framework, {"budget": {"limited"}, "need": {"knowledge"}, "change": {"frequent"}})
    assert [reason.question for reason in decision.reasons] == ["need", "change", "budget"]


def test_contradictions_between_answers_are_named(framework: Framework) -> None:
    named: Decision = decide(framework, {"need": {"behavior"}, "citations": {"critical"}})
    assert len(named.contradictions) == 1
    assert "sources are critical" in named.contradictions[0]
    assert decide(framework, {"need": {"behavior", "both"}, "citations": {"critical"}}).contradictions == ()


@pytest.mark.parametrize("answers", [{"nonsense": {"x"}}, {"need": {"x"}}, {"need": set()}])
def test_unknown_answers_are_refused_by_name(framework: Framework, answers: Answers) -> None:
    with pytest.raises(ValueError, match=r"unknown .*known: "):
        decide(framework, answers)


def test_true_answers_give_the_outcome_that_experts_expect(framework: Framework) -> None:
    cases = [case for case in load_cases(ROOT / "tests/cases/decisions.jsonl") if case["expected"]]
    assert len(cases) >= 40
    outcomes = [decide(framework, {q: {o} for q, o in case["slots"].items() if o}).outcome for case in cases]
    exact = [outcome == case["expected"] for outcome, case in zip(outcomes, cases, strict=True)]
    acceptable = [outcome in case["acceptable"] for outcome, case in zip(outcomes, cases, strict=True)]
    assert sum(exact) / len(exact) >= 0.9
    assert sum(acceptable) / len(acceptable) >= 0.97
