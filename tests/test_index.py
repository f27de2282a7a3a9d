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
from advisor.retrieval.documents import Section, read_documents
from advisor.retrieval.index import Index, entries_of, open_index
from advisor.retrieval.questions import Question
from advisor.retrieval.retriever import HybridRetriever
from advisor.retrieval.vectors import RememberedEmbeddings
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


class Counting(Embeddings):
    """The real embeddings, with the texts that they were given."""

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings
        self.given: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.given += texts
        return self.embeddings.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return self.embeddings.embed_query(text)


def indexed(data: Path, docs: Path, counting: Counting) -> set[str]:
    """Index a folder as a process of its own would; return what was embedded."""
    counting.given = []
    index = open_index(Settings(data_dir=data, knowledge_dir=docs, knowledge_only=True), counting, "test")
    index.update(read_documents(docs)[0])
    assert index.embedded == len(counting.given)
    index.close()
    return set(counting.given)


def test_only_the_section_that_was_edited_is_embedded_again(tmp_path: Path, embeddings: Embeddings) -> None:
    counting, docs, data = Counting(embeddings), tmp_path / "docs", tmp_path / "data"
    docs.mkdir()
    for name in ("tea", "coffee", "milk"):
        text = f"# {name}\n\n## Taste\n\n{name} tastes good.\n\n## Price\n\nA cup of {name} costs 2 euros. It is hot."
        (docs / f"{name}.md").write_text(text, encoding="utf-8")
    assert len(indexed(data, docs, counting)) == 15  # 6 sections, 2 headings, 7 sentences
    assert indexed(data, docs, counting) == set()

    tea = docs / "tea.md"
    tea.write_text(tea.read_text(encoding="utf-8").replace("2 euros", "3 euros"), encoding="utf-8")
    sentence = "A cup of tea costs 3 euros."
    assert indexed(data, docs, counting) == {f"tea. Price. {sentence} It is hot.", sentence}

    tea.rename(docs / "black-tea.md")
    assert indexed(data, docs, counting) == set()


def test_another_set_of_folders_keeps_its_entries(tmp_path: Path, embeddings: Embeddings) -> None:
    counting, data = Counting(embeddings), tmp_path / "data"
    for name in ("tea", "coffee"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(f"This is about {name}.", encoding="utf-8")
        assert indexed(data, tmp_path / name, counting)
    index = open_index(Settings(data_dir=data, knowledge_dir=tmp_path / "tea", knowledge_only=True), embeddings, "test")
    assert index.update(read_documents(tmp_path / "tea")[0]) == (0, 0)


def test_a_half_written_index_is_built_anew_from_remembered_vectors(tmp_path: Path, embeddings: Embeddings) -> None:
    index = opened(tmp_path, embeddings)
    index.update(SECTIONS)
    assert not (tmp_path / "chroma.unfinished").exists()
    index.close()
    (tmp_path / "chroma.unfinished").touch()
    again = opened(tmp_path, embeddings)
    assert again.update(SECTIONS)[0] > 0
    assert again.embedded == 0
    assert not (tmp_path / "chroma.unfinished").exists()


def test_remembered_vectors_that_are_damaged_are_computed_anew(tmp_path: Path, embeddings: Embeddings) -> None:
    counting, file = Counting(embeddings), tmp_path / "vectors.sqlite3"
    file.write_bytes(b"not a database" * 1000)
    for computed in (1, 1):
        remembered = RememberedEmbeddings(counting, file, "test")
        (vector, same) = remembered.embed_documents(["tea", "tea"])
        assert vector == same == pytest.approx(embeddings.embed_query("tea"), abs=1e-5)
        assert len(counting.given) == computed
    assert RememberedEmbeddings(counting, tmp_path, "test").embed_documents(["milk"])  # no file can be written there


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
