"""The index mirrors the sections, embeds only what is new, and is rebuilt when damaged. Real Chroma, real model."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from langchain_core.embeddings import Embeddings
from pydantic import AnyHttpUrl

from advisor import Settings
from advisor.models import ModelError, load_embeddings
from advisor.retrieval.documents import Section
from advisor.retrieval.index import Index, entries_of, open_index
from advisor.retrieval.questions import Question
from advisor.retrieval.retriever import HybridRetriever
from tests.conftest import free_port

SECTIONS = [
    Section("a.md", "Animals", "Bees", "Bees make honey. They live in hives.", ("who makes honey?",)),
    Section("a.md", "Animals", "Dogs", "Dogs bark at strangers. They like bones."),
    Section("b.md", "Weather", "Rain", "Rain falls from clouds. It makes the ground wet."),
]


@pytest.fixture(scope="module")
def embeddings() -> Embeddings:
    return load_embeddings(Settings())


def opened(folder: Path, embeddings: Embeddings) -> Index:
    return open_index(Settings(data_dir=folder), embeddings, "test")


def test_only_what_changed_is_embedded_again(tmp_path: Path, embeddings: Embeddings) -> None:
    index = opened(tmp_path, embeddings)
    total = sum(len(entries_of(section)) for section in SECTIONS)
    assert index.update(SECTIONS) == (total, 0)
    assert index.update(SECTIONS) == (0, 0)
    edited = [*SECTIONS[:2], Section("b.md", "Weather", "Rain", "Rain falls from clouds. It is cold.")]
    rain = len(entries_of(SECTIONS[2]))
    assert index.update(edited) == (rain, rain)
    assert index.update(edited[:2]) == (0, rain)


def test_the_best_section_comes_first_and_scores_its_sentences(tmp_path: Path, embeddings: Embeddings) -> None:
    index = opened(tmp_path, embeddings)
    index.update(SECTIONS)
    passages = HybridRetriever(index, SECTIONS, k=2).passages("What do hives hold?")
    assert passages[0].section.heading == "Bees"
    assert len(passages) == 2
    assert set(passages[0].scores["units"]) == {0, 1}
    assert 0 < passages[0].scores["dense"] <= 1


def test_a_question_listed_for_a_section_finds_it(tmp_path: Path, embeddings: Embeddings) -> None:
    index = opened(tmp_path, embeddings)
    index.update(SECTIONS)
    (best, second, *_) = HybridRetriever(index, SECTIONS).passages("who makes honey?")
    assert best.section.heading == "Bees"
    assert best.scores["dense"] > second.scores["dense"] + 0.2
    ((entry, distance),) = index.store.similarity_search_with_score("who makes honey?", k=1)
    assert entry.metadata["section"] == best.section.id
    assert distance == pytest.approx(0, abs=1e-3)


def test_a_known_question_leads_to_the_sentences_that_answer_it(tmp_path: Path, embeddings: Embeddings) -> None:
    _, dogs, _ = SECTIONS
    asked = Question("What should I buy for the puppy's birthday?", dogs, (1,))
    miss = "Which vet opens on Sundays?"
    index = opened(tmp_path, embeddings)
    index.update(SECTIONS)
    question = "what do i buy the puppy for its birthday"
    (before, *_) = HybridRetriever(index, SECTIONS).passages(question)
    assert index.update(SECTIONS, [asked], [miss]) == (2, 0)
    (after, *_) = HybridRetriever(index, SECTIONS).passages(question)
    assert after.section == dogs
    assert after.scores["dense"] > before.scores["dense"]
    assert after.scores["units"][1] > after.scores["units"][0] + 0.2
    # what nothing answers is known as such
    assert after.scores["lead"] > 0.3
    (near, *_) = HybridRetriever(index, SECTIONS).passages("which vet is open on Sunday?")
    assert near.scores["lead"] < 0
    (entry, cosine), *_ = index.nearest(embeddings.embed_query(miss), 1)
    assert (entry.kind, entry.section) == ("miss", "")
    assert cosine == pytest.approx(1, abs=1e-3)
    assert index.nearest([0.0] * 384, 5, []) == []


def test_a_damaged_index_is_built_anew(
    tmp_path: Path, embeddings: Embeddings, caplog: pytest.LogCaptureFixture
) -> None:
    first = tmp_path / "first"
    opened(first, embeddings).update(SECTIONS)
    # a copy, as this process still has the first one open
    second = tmp_path / "second"
    shutil.copytree(first / "chroma", second / "chroma")
    (second / "chroma" / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    with caplog.at_level(logging.WARNING):
        index = opened(second, embeddings)
    assert "built anew" in caplog.text
    assert index.update(SECTIONS)[0] > 0
    assert HybridRetriever(index, SECTIONS).passages("honey")[0].section.heading == "Bees"


def test_a_second_opener_of_one_folder_works_in_memory(
    tmp_path: Path, embeddings: Embeddings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advisor.retrieval.index.LOCK_SECONDS", 0.1)
    keeper = opened(tmp_path, embeddings)
    keeper.update(SECTIONS)
    with caplog.at_level(logging.WARNING):
        second = opened(tmp_path, embeddings)
    assert "in memory" in caplog.text
    assert second.update(SECTIONS)[0] > 0


def test_a_chroma_server_holds_the_index_as_well(tmp_path: Path, embeddings: Embeddings) -> None:
    port = free_port()
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(tmp_path), "--port", str(port)]
    server = subprocess.Popen([*command, "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{url}/api/v2/heartbeat", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the Chroma server did not start"
                time.sleep(0.1)
        remote = Settings(data_dir=tmp_path / "unused", chroma_url=AnyHttpUrl(url))
        index = open_index(remote, embeddings, "test")
        assert index.update(SECTIONS)[0] > 0
        assert open_index(remote, embeddings, "test").update(SECTIONS) == (0, 0)
        assert HybridRetriever(index, SECTIONS).passages("honey")[0].section.heading == "Bees"
    finally:
        server.kill()
        server.wait()


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.models.MINILM_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="not the published"):
        load_embeddings(Settings())


def test_an_embedding_model_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="ADVISOR_EMBEDDINGS: /no/such/model"):
        load_embeddings(Settings(embeddings="/no/such/model"))
