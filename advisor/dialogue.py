"""What a reading changes in a conversation, and what is said about it. Pure: no models, no files but the wording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from advisor.conversation import Act, Answer, Citation, Conversation, ReadAnswer, Reading
from advisor.decision import Decision, Flip, decide
from advisor.framework import Framework, Source
from advisor.text import as_typed, one_line, words
from advisor.wording import wording

QUOTE_WORDS = 14  # of the user's own words, more would only repeat the message
say = wording("replies")

# sentences of a guidance section: (document, section) to its list items, or to its first sentences
Steps = Callable[[Source], tuple[str, ...]]


@dataclass(frozen=True)
class Change:
    """What a turn changed: questions answered, answered anew, left unsure, taken back, and opened again."""

    answered: tuple[str, ...] = ()
    replaced: Mapping[str, Answer] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    reopened: str | None = None

    def __bool__(self) -> bool:
        return bool(self.answered or self.replaced or self.unsure or self.forgotten or self.reopened)


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
    for read in reading.answers:
        quote = one_line(message[read.start : read.end])
        if read.how == "confirmed" and conversation.guess:
            quote = conversation.guess.quote
        new = Answer(options=read.options, how=read.how, quote=quote)
        old = answers.pop(read.question, None)
        answers[read.question] = new  # the one given last stands last
        if len(new.options) > 1:
            unsure.append(read.question)
        elif old is None or len(old.options) > 1:
            answered.append(read.question)
        elif old.options != new.options:
            replaced[read.question] = old
    forgotten = [question for question in reading.forgotten if answers.pop(question, None)]
    if {Act.UNSURE, Act.REFUSE} & set(reading.acts) and conversation.asked and conversation.asked not in answers:
        options = framework.question(conversation.asked).option_ids
        answers[conversation.asked] = Answer(options=options, how="unsure", quote=one_line(message))
        unsure.append(conversation.asked)
    reopened = None
    if Act.BACK in reading.acts and answers and not reading.answers:
        reopened = list(answers)[-1]
        del answers[reopened]
    change = Change(tuple(answered), replaced, tuple(unsure), tuple(forgotten), reopened)
    return conversation.model_copy(update={"answers": answers, "framework": framework.version}), change


class Reply:
    """A reply under construction: paragraphs, and citations numbered as they are used."""

    def __init__(self) -> None:
        self.paragraphs: list[str] = []
        self.citations: list[Citation] = []

    def add(self, key: str, **values: object) -> None:
        """Add a paragraph from a template."""
        self.paragraphs.append(say(key, **values))

    def cite(self, source: Source, quote: str) -> str:
        """Return the number of a quote in brackets; a quote used twice keeps its number."""
        for citation in self.citations:
            if citation.quote == quote:
                return f" [{citation.n}]"
        n = len(self.citations) + 1
        self.citations.append(Citation(n=n, document=source.document, section=source.section, quote=quote))
        return f" [{n}]"

    def text(self) -> str:
        """Return the reply as Markdown."""
        return "\n\n".join(self.paragraphs)


def says(framework: Framework, question: str, option: str) -> str:
    """Return an answer as a clause."""
    return framework.question(question).option(option).says


def user_words(quote: str) -> str:
    """Return the user's words in brackets, cut where they are long."""
    said = quote.split()
    cut = " ".join(said[:QUOTE_WORDS]).strip(" .,;:") + ("…" if len(said) > QUOTE_WORDS else "")
    return " " + say("quote", words=as_typed(cut))


def acknowledge(
    framework: Framework, conversation: Conversation, change: Change, reading: Reading, reply: Reply
) -> None:
    """Say what was understood, in the user's own words."""
    lines = []
    for question in change.answered:
        answer = conversation.answers[question]
        quote = "" if answer.how == "chosen" else user_words(answer.quote)
        lines.append((says(framework, question, answer.options[0]), quote))
    if len(lines) == 1:
        reply.add("noted_one", says=lines[0][0], quote=lines[0][1])
    elif lines:
        items = [say("noted_item", says=text, quote=quote) for text, quote in lines]
        reply.paragraphs.append("\n".join([say("noted_many"), *items]))
    for question, old in change.replaced.items():
        new = conversation.answers[question]
        quote = "" if new.how == "chosen" else user_words(new.quote)
        before = says(framework, question, old.options[0])
        reply.add("changed", says=says(framework, question, new.options[0]), quote=quote, before=before)
    for question in change.unsure:
        reply.add("unsure", name=framework.question(question).name.lower())
    for question in change.forgotten:
        reply.add("forgotten", name=framework.question(question).name.lower())
    for question in reading.doubtful:
        reply.add("doubtful", name=framework.question(question).name.lower())
    if change.reopened:
        reply.add("reopened", name=framework.question(change.reopened).name.lower())


def share(decision: Decision) -> str:
    """Return the robustness as a percentage."""
    return f"{round(100 * decision.robustness)}%"


def flip_words(framework: Framework, change: Mapping[str, str]) -> str:
    """Return a change of answers as clauses."""
    return f" {say('and')} ".join(says(framework, question, option) for question, option in change.items())


def nearest_flips(flips: tuple[Flip, ...]) -> tuple[Flip, ...]:
    """Return one flip for each outcome, the first of each."""
    return tuple({flip.outcome: flip for flip in reversed(flips)}.values())[::-1]


def recommend(framework: Framework, decision: Decision, reply: Reply, steps: Steps) -> None:
    """Say the outcome with its reasons, what would change it, and what to do first."""
    outcome = framework.outcomes[decision.outcome]
    reply.add("recommendation", name=outcome.name)
    certainty = (
        say("no_answers")
        if not decision.reasons
        else say("settled")
        if decision.settled
        else say("undecided", share=share(decision), runner_up=framework.outcomes[str(decision.runner_up)].name)
    )
    reply.add("headline", headline=outcome.headline, summary=outcome.summary)
    reply.paragraphs.append(certainty)
    because = [(reason.because, reason.source) for reason in decision.reasons] + [(outcome.because, outcome.source)]
    lines = [say("reason", because=text, citation=reply.cite(source, source.quote)) for text, source in because]
    reply.paragraphs.append("\n".join([say("reasons"), *lines]))
    for contradiction in decision.contradictions:
        reply.add("contradiction", says=contradiction)
    if decision.flips:
        _flips(framework, decision, reply)
    first_steps(outcome.first_steps, reply, steps, say("first_steps"))


def _flips(framework: Framework, decision: Decision, reply: Reply) -> None:
    lines = [
        say("flip", changes=flip_words(framework, flip.change), outcome=framework.outcomes[flip.outcome].name)
        for flip in nearest_flips(decision.flips)
    ]
    reply.paragraphs.append("\n".join([say("flips"), *lines]) if lines else say("no_flips"))


def first_steps(source: Source, reply: Reply, steps: Steps, title: str) -> None:
    """List the first steps of an outcome under a title."""
    lines = [f"{i}. {step}{reply.cite(source, step)}" for i, step in enumerate(steps(source), 1)]
    if lines:
        reply.paragraphs.append("\n".join([title, *lines]))


def what_if(framework: Framework, conversation: Conversation, supposed: tuple[ReadAnswer, ...], reply: Reply) -> None:
    """Say what other answers would give; without any, the smallest changes that matter."""
    decision = decide(framework, conversation.options())
    if not supposed:
        _flips(framework, decision, reply)
        return
    options = conversation.options() | {read.question: read.options for read in supposed}
    other = decide(framework, options).outcome
    changes = flip_words(framework, {read.question: read.options[0] for read in supposed})
    now = framework.outcomes[decision.outcome].name
    key = "what_if_same" if other == decision.outcome else "what_if_changes"
    reply.add(key, changes=changes, outcome=framework.outcomes[other].name, now=now)


def summarise(framework: Framework, conversation: Conversation, decision: Decision, reply: Reply) -> None:
    """Repeat what is known, and where it points."""
    if not conversation.answers:
        reply.add("summary_empty")
        return
    lines = [say("summary")]
    for question, answer in conversation.answers.items():
        name = framework.question(question).name
        if len(answer.options) > 1:
            lines.append(say("summary_unsure", name=name))
        else:
            quote = "" if answer.how == "chosen" else user_words(answer.quote)
            lines.append(say("summary_item", name=name, says=says(framework, question, answer.options[0]), quote=quote))
    reply.paragraphs.append("\n".join(lines))
    reply.add("lean", outcome=framework.outcomes[decision.outcome].name, share=share(decision))


def suggestions(framework: Framework, conversation: Conversation) -> tuple[str, ...]:
    """Return quick replies: the options of the open question, or what can be done with a result."""
    if conversation.asked:
        options = framework.question(conversation.asked).options
        if guess := conversation.guess:
            others = (option.label for option in options if option.id != guess.option)
            return (say("suggest_yes"), *others, say("suggest_unsure"))
        return (*(option.label for option in options), say("suggest_unsure"))
    follow_up = (say("suggest_flips"), say("suggest_steps"), say("suggest_summary")) if conversation.answers else ()
    return (*follow_up, say("suggest_restart"))


def is_small_talk(message: str) -> bool:
    """Tell a message too short to fail on ("ok", "hmm") from one that deserves to hear it was not understood."""
    return len(words(message)) < 3
