"""Answers from the guidance: right, short, quoted verbatim, and honest when there is nothing."""

from __future__ import annotations

import re

import pytest

from advisor import Advisor
from advisor.answering.chain import context_of
from advisor.answering.extractive import Claim, Grounded
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("question", "patterns"),
    [
        ("How many examples do I need to fine-tune?", [r"500", r"10,000|50|100"]),
        ("Is RAG slower?", [r"RAG is (?:usually )?(?:slightly|somewhat) slower|adds a"]),
        ("What chunk size should I start with?", [r"256", r"1024"]),
        ("Can I use both?", [r"together|both|combin"]),
        ("is rag cheeper?", [r"cheaper|cost"]),
        ("What is LoRA?", [r"low-rank|parameter|adapter"]),
        ("What is catastrophic forgetting?", [r"forget|lose|worse"]),
        ("Does RAG stop hallucinations?", [r"reduce|not"]),
    ],
)
def test_common_questions_are_answered(advisor: Advisor, question: str, patterns: list[str]) -> None:
    text, citations, abstained = advisor.answer(question)
    assert not abstained
    assert citations
    for pattern in patterns:
        assert re.search(pattern, text, re.IGNORECASE), text
    assert len(text.split()) <= 110
    for citation in citations:
        assert f"[{citation.n}]" in text
        assert citation.quote in (ROOT / "knowledge" / citation.document).read_text(encoding="utf-8")
    assert len(re.findall(r"\[\d+\]", text)) >= len(citations)


@pytest.mark.parametrize(
    "question",
    [
        "Who won the world cup in 1998?",
        "What's the weather in Lisbon tomorrow?",
        "How do I get wine stains out of linen?",
        "Which stocks should I buy?",
        "How do I bake sourdough bread?",
        "How do I fine-tune my guitar?",
        "What does Pinecone charge a month?",
    ],
)
def test_what_the_guidance_does_not_say_is_not_answered(advisor: Advisor, question: str) -> None:
    text, citations, abstained = advisor.answer(question)
    assert abstained
    assert not citations
    assert "guidance doesn't say" in text


def test_a_follow_up_is_understood_from_what_was_asked_before(advisor: Advisor) -> None:
    history = [("user", "What is LoRA?"), ("assistant", "A way to train few parameters.")]
    text, _, abstained = advisor.answer("What does it save?", history)
    assert not abstained
    assert "LoRA" in text


@pytest.mark.parametrize(
    ("question", "leans"),
    [
        ("And what about it?", True),
        ("and why?", True),
        ("¿Y cuánto cuesta?", True),
        ("Would that cost more?", True),
        ("Is fine-tuning expensive for a small team?", False),
    ],
)
def test_only_a_question_that_points_back_leans_on_what_was_said(question: str, leans: bool) -> None:
    history = [("user", "What is RAG?"), ("assistant", "It looks things up. Then it answers.")]
    assert context_of(question, history) == ("What is RAG? It looks things up." if leans else "")
    assert context_of(question, history[:1]) == ("What is RAG?" if leans else "")
    assert context_of(question, []) == ""


def test_numbers_start_where_told_and_a_quote_keeps_its_number() -> None:
    claims = (
        Claim("One.", "a.md", "A", "One."),
        Claim("Once more.", "a.md", "A", "One."),
        Claim("Two.", "b.md", "B", "Two."),
    )
    text, citations = Grounded(claims).render(first=3)
    assert text == "One. [3] Once more. [3] Two. [4]"
    assert [citation.n for citation in citations] == [3, 4]


def test_lists_and_sentences_are_set_apart() -> None:
    claims = [Claim(text, "a.md", "A", text, text[0] == "i") for text in ("Point.", "item one", "item two", "End.")]
    text, _ = Grounded(tuple(claims)).render()
    assert text == "Point. [1]\n\n- item one [2]\n- item two [3]\n\nEnd. [4]"
