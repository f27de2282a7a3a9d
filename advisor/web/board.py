"""The decision board: outcome, reasons as bars, what would change it, and sources, as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from advisor import replies
from advisor.conversation import Citation, Conversation
from advisor.decision import Decision, Reason, decide
from advisor.framework import Framework
from advisor.text import as_typed, one_line
from advisor.web.plane import plane
from advisor.wording import wording

words = wording("app")


def outcome(framework: Framework, conversation: Conversation) -> str:
    """Return the picture of the plane and, once something is known, where the case stands."""
    decision = decide(framework, conversation.options())
    standing = _standing(framework, decision)
    label = escape(words("board"))
    return f'<section class="board" aria-label="{label}">{standing}{plane(framework, decision)}</section>'


def _standing(framework: Framework, decision: Decision) -> str:
    if not decision.reasons:
        return f'<h2>{escape(words("board"))}</h2><p class="muted">{escape(words("board_empty"))}</p>'
    named = framework.outcomes[decision.outcome]
    share = replies.share(decision)
    certainty = words("certain") if decision.settled else words("uncertain", share=share)
    return (
        f'<h2>{escape(named.name)}</h2><p class="certainty"><span class="meter" aria-hidden="true">'
        f'<span style="width:{share}"></span></span>{escape(certainty)}</p>'
    )


def reasons(framework: Framework, conversation: Conversation) -> str:
    """Return the reasons by weight as diverging bars, and what would change the outcome."""
    decision = decide(framework, conversation.options())
    if not decision.reasons:
        return ""
    x_axis, y_axis = (axis.name for axis in framework.axes.values())
    largest = max(sum(map(abs, reason.points)) for reason in decision.reasons) or 1
    rows = "".join(_bars(framework, reason, largest) for reason in decision.reasons)
    flips = "".join(
        f"<li>{escape(words('flip', changes=changes, outcome=framework.outcomes[flip.outcome].name))}</li>"
        for flip in replies.nearest_flips(decision.flips)
        for changes in [replies.flip_words(framework, flip.change)]
    )
    parts = [
        f'<h3>{escape(words("reasons"))}</h3><p class="legend"><span class="left">← {escape(y_axis)}</span>'
        f'<span class="right">{escape(x_axis)} →</span></p><ul class="bars">{rows}</ul>'
    ]
    parts += [f'<p class="warning">{escape(contradiction)}</p>' for contradiction in decision.contradictions]
    if flips:
        parts.append(f'<h3>{escape(words("flips"))}</h3><ul class="flips">{flips}</ul>')
    return f'<section class="board">{"".join(parts)}</section>'


def _bars(framework: Framework, reason: Reason, largest: int) -> str:
    """A pull along one axis and a push back along the other point the same way."""
    x, y = reason.points
    right, left = max(x, 0) + max(-y, 0), max(y, 0) + max(-x, 0)
    text = replies.says(framework, reason.question, reason.option)
    return (
        f'<li><span class="says">{escape(text)}</span><span class="pair" role="img" '
        f'aria-label="{escape(words("bar", left=left, right=right))}">'
        f'<span class="half left"><span style="width:{100 * left / largest:.0f}%"></span></span>'
        f'<span class="half right"><span style="width:{100 * right / largest:.0f}%"></span></span></span></li>'
    )


def sources(citations: Iterable[Citation]) -> str:
    """Return the numbered quotes behind a reply as Markdown."""
    return "\n\n".join(
        f"**[{c.n}]** “{as_typed(one_line(c.quote))}”  \n*{as_typed(c.document)}, {as_typed(c.section)}*"
        for c in citations
    )
