"""What is said to the user: the paragraphs of a reply, worded from `prompts/replies.yaml`. Pure but for that file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from advisor.conversation import Answer, Citation, Conversation, ReadAnswer
from advisor.decision import Decision, Flip, decide
from advisor.framework import Framework, Outcome, Question, Source
from advisor.text import as_typed
from advisor.wording import wording

MAX_RISKS = 2
CERTAINTY = {"very_likely": 0.9, "likely": 0.7, "undecided": 0.0}  # words by least robustness
QUOTE_WORDS = 14  # of the user's own words, more would only repeat the message
say = wording("replies")

Options = Mapping[str, Collection[str]]  # question id to possible options

# a guidance section to its list items, or to its first sentences
Steps = Callable[[Source], tuple[str, ...]]


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


def note(framework: Framework, answers: Mapping[str, Answer], reply: Reply) -> None:
    """Repeat answers just given."""
    said = [_told(framework, question, answer) for question, answer in answers.items()]
    if len(said) == 1:
        reply.add("noted_one", **said[0])
    elif said:
        reply.paragraphs.append("\n".join([say("noted_many"), *(say("noted_item", **told) for told in said)]))


def note_change(framework: Framework, question: str, old: Answer, new: Answer, reply: Reply) -> None:
    """Say that an answer replaced another."""
    reply.add("changed", before=says(framework, question, old.options[0]), **_told(framework, question, new))


def _told(framework: Framework, question: str, answer: Answer) -> dict[str, str]:
    quote = "" if answer.how == "chosen" else user_words(answer.quote)
    return {"says": says(framework, question, answer.options[0]), "quote": quote}


def share(decision: Decision) -> str:
    """Return the robustness as a percentage."""
    return f"{round(100 * decision.robustness)}%"


def flip_words(framework: Framework, change: Mapping[str, str]) -> str:
    """Return a change of answers as clauses."""
    return f" {say('and')} ".join(says(framework, question, option) for question, option in change.items())


def nearest_flips(flips: tuple[Flip, ...]) -> tuple[Flip, ...]:
    """Return one flip for each outcome, the first of each."""
    return tuple({flip.outcome: flip for flip in reversed(flips)}.values())[::-1]


def recommend(framework: Framework, decision: Decision, answers: Options, reply: Reply, steps: Steps) -> None:
    """Say the outcome with its reasons, what would change it, its risks, and what to do first."""
    outcome = framework.outcomes[decision.outcome]
    reply.add("recommendation", name=outcome.name)
    reply.add("headline", headline=outcome.headline, summary=outcome.summary)
    reply.paragraphs.append(certainty(framework, decision))
    advice = [advice for advice in framework.advice if advice.fits(decision.outcome, answers)]
    for first in [advised for advised in advice if advised.kind == "try_first"][:1]:
        reply.add("try_first", says=first.says, citation=reply.cite(first.source, first.source.quote))
    because = [(reason.because, reason.source) for reason in decision.reasons] + [(outcome.because, outcome.source)]
    lines = [say("reason", because=text, citation=reply.cite(source, source.quote)) for text, source in because]
    reply.paragraphs.append("\n".join([say("reasons"), *lines]))
    for contradiction in decision.contradictions:
        reply.add("contradiction", says=contradiction)
    if decision.flips:
        _flips(framework, decision, reply)
    if risks := [advised for advised in advice if advised.kind == "risk"][:MAX_RISKS]:
        lines = [say("risk", says=risk.says, citation=reply.cite(risk.source, risk.source.quote)) for risk in risks]
        reply.paragraphs.append("\n".join([say("risks"), *lines]))
    first_steps(outcome.first_steps, reply, steps, say("first_steps"))


def certainty(framework: Framework, decision: Decision) -> str:
    """Return in words how sure an outcome is, with the runner-up."""
    if not decision.reasons:
        return say("no_answers")
    runner_up = framework.outcomes[decision.runner_up].name if decision.runner_up else ""
    if decision.settled:
        return say("settled" if runner_up else "settled_alone", runner_up=runner_up)
    words = next(key for key, least in CERTAINTY.items() if decision.robustness >= least)
    return say(words, share=share(decision), runner_up=runner_up)


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
            lines.append(say("summary_item", name=name, **_told(framework, question, answer)))
    reply.paragraphs.append("\n".join(lines))
    reply.add("standing", outcome=framework.outcomes[decision.outcome].name, share=share(decision))


def lean(framework: Framework, decision: Decision, reply: Reply) -> None:
    """Say where the case points before the finer questions begin."""
    reply.add("lean", outcome=framework.outcomes[decision.outcome].name)


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


def ask(question: Question, reply: Reply, *, again: bool) -> None:
    """Ask a question: with its reason the first time, in short after a digression."""
    if again:
        reply.add("ask_again", question=question.short)
    else:
        reply.add("ask", question=question.ask)
        reply.add("why_asked", why=question.why)


def explain_choices(question: Question, reply: Reply) -> None:
    """Ask a question that was not understood in plain words, with its quick replies."""
    labels = ", ".join(say("choice", label=option.label) for option in question.options)
    reply.add("explain_choices", question=question.short, explain=question.explain, labels=labels)


def explain_why(question: Question, reply: Reply) -> None:
    """Say why a question is asked, with the passage that the reason rests on."""
    quote = question.source.quote + reply.cite(question.source, question.source.quote)
    reply.add("why", why=question.why, quote=quote)


def confirm(framework: Framework, question: str, option: str, quote: str, reply: Reply) -> None:
    """Ask whether an answer was understood rightly."""
    reply.add("guess", says=says(framework, question, option), quote=user_words(quote))


def steps_for(outcome: Outcome, reply: Reply, steps: Steps) -> None:
    """List the first steps of an outcome by its name."""
    first_steps(outcome.first_steps, reply, steps, say("first_steps_for", outcome=outcome.name))
