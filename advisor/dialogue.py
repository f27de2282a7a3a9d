"""The policy of the dialogue: what a reading changes in a conversation, and what the turn then does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from advisor import replies
from advisor.conversation import Act, Answer, Conversation, Guess, Reading
from advisor.decision import Decision
from advisor.framework import Framework
from advisor.replies import Reply, Steps
from advisor.text import one_line, words

SMALL_TALK_WORDS = 3  # a message shorter than this ("ok", "hmm") need not hear that it was not understood
EXPLAIN_AFTER = 2  # replies in a row that were not understood
LEAVE_AFTER = 3  # then the question is left open, so that nobody goes round in circles


@dataclass(frozen=True)
class Change:
    """What a turn changed: questions answered, answered anew, left unsure, taken back, given up, and opened again."""

    answered: tuple[str, ...] = ()
    replaced: Mapping[str, Answer] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    forgotten: Mapping[str, Answer] = field(default_factory=dict)
    given_up: tuple[str, ...] = ()
    reopened: str | None = None

    def __bool__(self) -> bool:
        return bool(self.answered or self.replaced or self.unsure or self.forgotten or self.given_up or self.reopened)


def update(
    framework: Framework, conversation: Conversation, reading: Reading, message: str
) -> tuple[Conversation, Change]:
    """Apply a reading to the answers; `asked` is left for later."""
    if Act.RESTART in reading.acts:
        return Conversation(session=conversation.session, framework=framework.version), Change()
    answers = dict(conversation.answers)
    answered: list[str] = []
    replaced: dict[str, Answer] = {}
    unsure: list[str] = []

    def set_answer(question: str, new: Answer) -> None:
        old = answers.pop(question, None)
        answers[question] = new  # the one given last stands last
        if len(new.options) > 1:
            unsure.append(question)
        elif old is None or len(old.options) > 1:
            answered.append(question)
        elif old.options != new.options:
            replaced[question] = old

    for read in reading.answers:
        confirmed = conversation.guess if read.how == "confirmed" else None
        quote = confirmed.quote if confirmed else read.quote(message)
        set_answer(read.question, Answer(options=read.options, how=read.how, quote=quote))
    if reading.restored:
        for question, old in conversation.replaced.items():
            set_answer(question, old)
    forgotten = {question: answers.pop(question) for question in reading.forgotten if question in answers}

    asked, failures = conversation.asked, 0
    given_up: tuple[str, ...] = ()
    if asked and asked not in answers:
        open_ends = Answer(options=framework.question(asked).option_ids, how="unsure", quote=one_line(message))
        if {Act.UNSURE, Act.REFUSE} & set(reading.acts):
            set_answer(asked, open_ends)
        elif not answered and not replaced:
            failures = conversation.failures + _failed(reading, asked)
            if failures == LEAVE_AFTER:
                answers[asked], given_up, failures = open_ends, (asked,), 0
    reopened = None
    if Act.BACK in reading.acts and answers and not reading.answers:
        reopened = list(answers)[-1]
        del answers[reopened]
    change = Change(tuple(answered), replaced, tuple(unsure), forgotten, given_up, reopened)
    undo = {**replaced, **forgotten} if change else conversation.replaced
    values = {"answers": answers, "framework": framework.version, "failures": failures, "replaced": undo}
    return conversation.model_copy(update=values), change


def _failed(reading: Reading, asked: str) -> bool:
    """Tell whether a message that gives no answer was meant to give one."""
    tried = set(reading.acts) <= {Act.ANSWER, Act.UNREADABLE} or asked in reading.doubtful
    return tried and not reading.unclear and not reading.rejected


@dataclass(frozen=True)
class Situation:
    """All that decides what a turn does: the message and its reading, the conversation before and after it."""

    framework: Framework
    message: str
    reading: Reading
    before: Conversation
    now: Conversation
    change: Change
    decision: Decision


def next_question(situation: Situation) -> str | None:
    """Return the question to be open after the turn; None where the recommendation is due or stands."""
    reading, before, decision = situation.reading, situation.before, situation.decision
    if Act.DECIDE_NOW in reading.acts and (before.asked or situation.now.answers):
        return None  # before any question it is a wish to begin
    for question in (*reading.doubtful, situation.change.reopened):
        if question:
            return question
    if reading.unclear and not decision.settled:
        return reading.unclear[0].question
    if not situation.change and (before.asked or before.answers) and Act.RESTART not in reading.acts:
        return before.asked
    return decision.next_question


def acknowledge(situation: Situation, reply: Reply) -> None:
    """Say what was understood, in the user's own words."""
    framework, change, answers = situation.framework, situation.change, situation.now.answers
    replies.note(framework, {question: answers[question] for question in change.answered}, reply)
    for question, old in change.replaced.items():
        replies.note_change(framework, question, old, answers[question], reply)
    for key, questions in (
        ("unsure", change.unsure),
        ("given_up", change.given_up),
        ("forgotten", tuple(change.forgotten)),
        ("doubtful", situation.reading.doubtful),
        ("reopened", [change.reopened] if change.reopened else []),
    ):
        for question in questions:
            reply.add(key, name=framework.question(question).name.lower())


def respond(situation: Situation, reply: Reply, steps: Steps) -> tuple[str | None, Guess | None]:
    """Add what the acts ask for, then the recommendation or the next question.

    Args:
        reply: holds what was understood, and the answer to a question asked.
        steps: gives the first steps of an outcome.

    Returns:
        The question now open, and what is to be confirmed of it.
    """
    framework, before, change = situation.framework, situation.before, situation.change
    asked = next_question(situation)
    again = asked is not None and not change and asked == before.asked
    unclear = next((read for read in situation.reading.unclear if read.question == asked), None)
    _do_acts(situation, reply, steps)
    explain = situation.now.failures >= EXPLAIN_AFTER and situation.now.failures > before.failures
    if not reply.paragraphs and unclear is None and not explain:
        _say_that_nothing_was_understood(situation, asked, reply)

    if asked is None:
        if change or Act.DECIDE_NOW in situation.reading.acts:
            replies.recommend(framework, situation.decision, situation.now.options(), reply, steps)
        return None, None
    if explain:
        replies.explain_choices(framework.question(asked), reply)
        return asked, None
    if unclear:
        guess = Guess(option=unclear.options[0], quote=unclear.quote(situation.message))
        replies.confirm(framework, asked, guess.option, guess.quote, reply)
        return asked, guess
    if _begins_to_refine(situation, asked):
        replies.lean(framework, situation.decision, reply)
    replies.ask(framework.question(asked), reply, again=again and Act.REPEAT not in situation.reading.acts)
    return asked, before.guess if again and not situation.reading.rejected else None


def _begins_to_refine(situation: Situation, asked: str) -> bool:
    refines = {question.id for question in situation.framework.questions if question.refines}
    return asked in refines and situation.before.asked not in refines and not refines & set(situation.before.answers)


def _do_acts(situation: Situation, reply: Reply, steps: Steps) -> None:
    framework, decision, now = situation.framework, situation.decision, situation.now
    acts = set(situation.reading.acts)
    question = framework.question(situation.before.asked) if situation.before.asked else None
    if Act.RESTART in acts:
        reply.add("restarted")
    if Act.GREET in acts and not now.answers:
        reply.add("welcome")
    for act in (Act.THANKS, Act.BYE, Act.ABUSE, Act.INJECTION, Act.UNREADABLE):
        if act in acts:
            reply.add("foreign" if situation.reading.foreign else act.value)
    if Act.OFF_TOPIC in acts and not situation.reading.topic:
        reply.add("off_topic")
    if Act.UNSURE in acts and question is None and not now.answers:
        reply.add("no_case_yet")
    if Act.WHY in acts and question:
        replies.explain_why(question, reply)
    elif Act.WHY in acts:
        replies.recommend(framework, decision, now.options(), reply, steps)
    if Act.MEANING in acts and question:
        reply.add("meaning", explain=question.explain)
    if Act.SUMMARY in acts:
        replies.summarise(framework, now, decision, reply)
    if Act.WHAT_IF in acts:
        replies.what_if(framework, now, situation.reading.hypothetical, reply)
    if Act.NEXT_STEPS in acts:
        replies.steps_for(framework.outcomes[decision.outcome], reply, steps)


def _say_that_nothing_was_understood(situation: Situation, asked: str | None, reply: Reply) -> None:
    is_small_talk = len(words(situation.message)) < SMALL_TALK_WORDS
    if Act.ANSWER in situation.reading.acts and not is_small_talk:
        reply.add("not_understood" if situation.before.asked or situation.now.answers else "no_case_yet")
    elif asked is None and Act.DECIDE_NOW not in situation.reading.acts:
        reply.add("anything_else")
