"""Answers worded by a model: a real small model behind a real server on loopback, and the fallbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.outputs import ChatGenerationChunk
from pydantic import AnyHttpUrl

from advisor import Advisor, Settings
from advisor.answering.chain import answer_chain
from advisor.answering.extractive import Grounded
from advisor.chat_models import load_chat_model
from advisor.models import ModelError, load_embeddings
from advisor.retrieval.index import open_index
from advisor.retrieval.retriever import HybridRetriever
from tests.conftest import ROOT, free_port
from tests.test_index import SECTIONS


def test_a_real_model_gives_only_what_the_passages_support(model_url: str, settings: Settings) -> None:
    model = settings.model_copy(
        update={"model": "openai:smollm2", "model_url": AnyHttpUrl(model_url), "model_timeout": 60}
    )
    grounded = Advisor(model).ask("Is RAG slower?")
    assert not grounded.abstained
    assert grounded.model in {"openai:smollm2", "extractive"}
    assert "did not answer" not in grounded.note
    for claim in grounded.claims:
        assert claim.quote in (ROOT / "knowledge" / claim.document).read_text(encoding="utf-8")


def test_a_server_that_is_gone_leaves_the_quoted_answer_and_a_quiet_line(settings: Settings) -> None:
    url = AnyHttpUrl(f"http://127.0.0.1:{free_port()}/v1")
    gone = settings.model_copy(update={"model": "openai:any", "model_url": url, "model_timeout": 5})
    text, citations, abstained = Advisor(gone).answer("Is RAG slower?")
    assert "did not answer" in text
    assert citations
    assert not abstained


def test_a_model_that_cannot_be_named_is_an_error_with_its_name() -> None:
    with pytest.raises(ModelError, match="ADVISOR_MODEL: nonsense:model"):
        load_chat_model(Settings(model="nonsense:model"))


class Fails(FakeListChatModel):
    """Says something, and then breaks off."""

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        async for chunk in super()._astream(*args, **kwargs):
            yield chunk
        raise ConnectionError


def answers(tmp_path: Path, model: BaseChatModel) -> list[Grounded]:
    """What is shown, step by step, when a stand-in model answers, so that its words are known."""
    settings = Settings(data_dir=tmp_path)
    embeddings = load_embeddings(settings)
    index = open_index(settings, embeddings, "test")
    index.update(SECTIONS)
    chain = answer_chain(HybridRetriever(index, SECTIONS), embeddings, model, name="made-up", seconds=20)
    return list(chain.stream({"question": "Who makes honey?", "history": []}))


@pytest.mark.parametrize(
    ("said", "worded_by"),
    [
        # one sentence is in the passages, one is made up, one brings a figure of its own
        ("Bees make honey. The moon is made of cheese. 300 bees live in hives.", "made-up"),
        ("NOT IN THE GUIDANCE", "extractive"),
        ("Purple monkeys sing opera every night.", "extractive"),
    ],
)
def test_unsupported_sentences_are_dropped(tmp_path: Path, said: str, worded_by: str) -> None:
    *_, grounded = answers(tmp_path, FakeListChatModel(responses=[said]))
    assert grounded.model == worded_by
    assert grounded.note == ""
    claims = [claim.text for claim in grounded.claims]
    assert "Bees make honey." in claims
    assert not {"moon", "300", "monkeys"} & set(" ".join(claims).split())


def test_what_was_shown_stays_when_the_model_breaks_off(tmp_path: Path) -> None:
    shown = answers(tmp_path, Fails(responses=["Bees make honey. The moon is made of cheese. So"]))
    assert shown[-1].claims[0].text == "Bees make honey."
    assert shown[-1].claims[0] in shown[0].claims
    assert shown[-1].model == "made-up"
    assert "broke off" in shown[-1].note


def test_a_model_that_fails_before_it_says_anything_supported_leaves_the_quoted_answer(tmp_path: Path) -> None:
    *_, grounded = answers(tmp_path, Fails(responses=["The moon is made of cheese. So"]))
    assert grounded.model == "extractive"
    assert "did not answer" in grounded.note
    assert grounded.claims
