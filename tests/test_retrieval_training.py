"""The questions that the retriever's encoder is trained on, and what it learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from langchain_huggingface import HuggingFaceEmbeddings

from advisor.deltas import add, difference
from advisor.evaluation.cases import load_cases
from advisor.models import embeddings_version, load_embeddings, packaged_embeddings
from advisor.retrieval.documents import read_documents
from advisor.retrieval.train import Asked, read_questions
from advisor.settings import KNOWLEDGE, Settings
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    sections, _ = read_documents(KNOWLEDGE)
    return read_questions(KNOWLEDGE / "questions", sections)


def test_questions_lead_to_sentences_and_are_not_among_the_cases(asked: list[Asked]) -> None:
    assert len(asked) > 3000
    cases = {case["question"].lower() for case in load_cases(ROOT / "tests/cases/questions.jsonl")}
    assert not {question.text.lower() for question in asked if len(question.text.split()) > 3} & cases


def test_a_question_of_an_unknown_section_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("questions")
    (folder / "rag.yaml").write_text('"No such section":\n  - {q: "why?", sentences: [0]}\n', encoding="utf-8")
    sections, _ = read_documents(KNOWLEDGE)
    with pytest.raises(ValueError, match="No such section"):
        read_questions(folder, sections)


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
