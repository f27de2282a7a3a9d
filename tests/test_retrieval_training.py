"""The questions that the retriever's encoder is trained on, and what it learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from langchain_huggingface import HuggingFaceEmbeddings

from advisor.deltas import add, difference
from advisor.evaluation.cases import load_cases
from advisor.models import embeddings_version, load_embeddings, packaged_embeddings
from advisor.retrieval.documents import Section, read_documents
from advisor.retrieval.questions import read_questions, read_unanswered
from advisor.settings import KNOWLEDGE, Settings
from tests.conftest import ROOT


def test_questions_lead_to_sentences_and_are_not_among_the_cases() -> None:
    sections, _ = read_documents(KNOWLEDGE)
    questions, problems = read_questions(KNOWLEDGE, sections)
    assert not problems
    assert len(questions) > 8000
    assert {question.section.id for question in questions} == {section.id for section in sections}
    cases = {case["question"].lower() for case in load_cases(ROOT / "tests/cases/questions.jsonl")}
    texts = [question.text for question in questions] + read_unanswered(KNOWLEDGE)
    assert not {text.lower() for text in texts if len(text.split()) > 3} & cases


def test_a_question_of_an_unknown_section_or_sentence_is_named_and_left_out(tmp_path: Path) -> None:
    section = Section("bees.md", "Animals", "Bees", "Bees make honey. They live in hives.")
    rows = ["section,sentences,question", "Bees,1 0,Where?", "Wasps,0,Who?", "Bees,2,What?", "Bees,,Which wine?"]
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "bees.csv").write_text("\n".join(rows), encoding="utf-8")
    questions, problems = read_questions(tmp_path, [section])
    assert [(question.text, question.sentences) for question in questions] == [("Where?", (1, 0))]
    assert [problem.split(":")[0] for problem in problems] == [f"bees.csv, line {n}" for n in (3, 4, 5)]
    assert read_questions(tmp_path / "nowhere", [section]) == ([], [])
    assert read_unanswered(tmp_path) == []


def test_a_difference_gives_the_trained_weights_back() -> None:
    torch.manual_seed(0)
    base = {"matrix": torch.randn(20, 12), "bias": torch.randn(12), "same": torch.randn(3)}
    trained = {name: weights.clone() for name, weights in base.items()}
    trained["matrix"] += torch.randn(20, 2) @ torch.randn(2, 12)
    trained["bias"] += 1
    stored = difference(trained, base, rank=2)
    assert set(stored) == {"matrix.u", "matrix.v", "bias"}
    add(base, stored)
    for name, weights in trained.items():
        assert torch.allclose(base[name], weights, atol=0.02)


def test_the_trained_encoder_knows_what_plain_words_mean() -> None:
    """Guards against a lost delta; `make eval` gives the figures."""
    plain = HuggingFaceEmbeddings(model_name=packaged_embeddings(), encode_kwargs={"normalize_embeddings": True})
    question = "does it forget what it knew when I teach it more?"
    right = "Catastrophic forgetting: fine-tuning can weaken abilities that the model had before."
    wrong = "RAG retrieves passages of your documents for each question."

    def lead(embeddings: object) -> float:
        vectors = np.asarray(embeddings.embed_documents([question, right, wrong]))  # type: ignore[attr-defined]
        return float(vectors[0] @ vectors[1] - vectors[0] @ vectors[2])

    assert lead(load_embeddings(Settings())) > lead(plain) + 0.05
    assert embeddings_version(Settings()) != embeddings_version(Settings(embeddings=packaged_embeddings()))
