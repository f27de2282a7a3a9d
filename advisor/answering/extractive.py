"""Answers made of whole sentences of the guidance, chosen without a language model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from advisor.conversation import Citation
from advisor.retrieval.retriever import Passage
from advisor.text import one_line, words

MAX_WORDS = 88
MAX_CLAIMS = 6
PASSAGES = 3  # passages that may add a sentence
OWN = 0.6  # weight of a sentence's own likeness, against the score of its passage
BEHIND = 0.01  # what a sentence loses for each passage before its own
SPREAD = 0.2  # a sentence whose score is this much below the best is left out
WORDS = 3  # fewer are a label
SAME = 0.55  # share of common words from which sentences of two passages say the same
NUMBER = 0.04  # what a sentence with a figure gains where one is asked for

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|big|small|large|often|far)\b|\bper ?cent|\b(?:what|which) (?:share|size|number|score)\b"
    r"|\bfigures?\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d(?![^()]*\d{4}\))")  # but not the year of a source


@dataclass(frozen=True)
class Claim:
    """A sentence of an answer and the quote it rests on."""

    text: str
    document: str
    section: str
    quote: str
    is_item: bool = False


@dataclass(frozen=True)
class Grounded:
    """An answer: its claims, or the nearest topics when the guidance does not say.

    model: what worded it, `extractive` or the name of the chat model.
    note: a remark for the user, such as that the model failed.
    """

    claims: tuple[Claim, ...] = ()
    topics: tuple[str, ...] = ()
    model: str = "extractive"
    note: str = ""
    abstained: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "abstained", not self.claims)

    def render(self, first: int = 1) -> tuple[str, tuple[Citation, ...]]:
        """Return Markdown with numbers from `first` on, and the citations they stand for."""
        citations: list[Citation] = []
        blocks: list[str] = []  # paragraphs and lists in turn
        in_list = False
        for claim in self.claims:
            known = next((c.n for c in citations if c.quote == claim.quote and c.document == claim.document), None)
            n = known or first + len(citations)
            if known is None:
                citations.append(Citation(n=n, document=claim.document, section=claim.section, quote=claim.quote))
            text = f"{one_line(claim.text)} [{n}]"
            line = f"- {text}" if claim.is_item else text
            if blocks and claim.is_item == in_list:
                blocks[-1] += ("\n" if in_list else " ") + line
            else:
                blocks.append(line)
            in_list = claim.is_item
        return "\n\n".join(blocks), tuple(citations)


@dataclass(frozen=True)
class _Candidate:
    passage: int
    unit: int
    text: str
    score: float


def compose(question: str, passages: Sequence[Passage]) -> tuple[Claim, ...]:
    """Choose the sentences that answer.

    Args:
        question: what was asked.
        passages: retrieved sections, best first.

    Returns:
        Up to six claims of up to 88 words in all; the best passage leads, each passage in its own order.
    """
    candidates = []
    asks_number = bool(_ASKS_NUMBER.search(question))
    for rank, (section, scores) in enumerate(passages[:PASSAGES]):
        for i, unit in enumerate(section.units):
            if not _tells(unit):
                continue
            score = OWN * scores["units"].get(i, 0.0) + (1 - OWN) * scores["score"] - BEHIND * rank
            score += NUMBER * (asks_number and bool(_FIGURE.search(unit)))
            candidates.append(_Candidate(rank, i, unit, score))
    candidates.sort(key=lambda candidate: -candidate.score)
    chosen: list[_Candidate] = []
    for candidate in candidates:
        if chosen and candidate.score < chosen[0].score - SPREAD:
            break
        if any(other.passage != candidate.passage and _same(candidate.text, other.text) for other in chosen):
            continue
        more = [candidate, *_lead_in(candidate, chosen, passages)]
        if chosen and (len(chosen) + len(more) > MAX_CLAIMS or sum(map(_size, chosen + more)) > MAX_WORDS):
            continue
        chosen += more
    claims = []
    for candidate in sorted(chosen, key=lambda candidate: (candidate.passage, candidate.unit)):
        section = passages[candidate.passage].section
        unit = candidate.text
        claims.append(Claim(_plain(unit), section.document, section.heading, unit, section.is_item(unit)))
    return tuple(claims)


def _size(candidate: _Candidate) -> int:
    return len(candidate.text.split())


def _lead_in(item: _Candidate, chosen: Sequence[_Candidate], passages: Sequence[Passage]) -> list[_Candidate]:
    """Return what leads to a list item, such as "Choose it when:", unless it is there already."""
    section = passages[item.passage].section
    if not section.is_item(item.text):
        return []
    before = next((i for i in reversed(range(item.unit)) if not section.is_item(section.units[i])), None)
    if (
        before is None
        or _tells(section.units[before])
        or (item.passage, before) in {(c.passage, c.unit) for c in chosen}
    ):
        return []
    return [_Candidate(item.passage, before, section.units[before], item.score)]


def _tells(unit: str) -> bool:
    """Tell whether a unit says something: no question, no label, nothing that only leads to what follows."""
    return len(words(unit)) >= WORDS and not unit.rstrip(" *_”\"'").endswith(("?", ":", "…", "..."))


def _same(one: str, other: str) -> bool:
    a, b = set(words(one)), set(words(other))
    return len(a & b) / max(1, min(len(a), len(b))) > SAME


def _plain(unit: str) -> str:
    """Return a table row as text; other sentences as they are."""
    if not unit.startswith("|"):
        return unit
    cells = [cell.strip() for cell in unit.strip("| ").split("|")]
    return f"{cells[0]}: {' / '.join(cells[1:])}"
