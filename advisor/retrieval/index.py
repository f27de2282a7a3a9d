"""The index: what is embedded of each section, kept in Chroma under the hash of its content.

Four kinds of entries lead to a section: the section itself, each title it may be asked for by, each of its sentences
(small-to-big retrieval), and each question that its sentences answer. Questions that nothing answers are kept too, as
misses. Only texts that are new are embedded; entries of sections that are gone are deleted. Each set of knowledge
folders has a collection of its own, so that none deletes what another needs. The index can always be built anew from
the remembered vectors, so one that is damaged, or was being written when the process was stopped, is thrown away
without asking.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chromadb
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from filelock import FileLock, Timeout
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from advisor.retrieval.documents import Section
from advisor.retrieval.questions import Question
from advisor.retrieval.vectors import RememberedEmbeddings
from advisor.settings import Settings

BATCH = 128
LOCK_SECONDS = 5.0
Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A text to embed and where it leads.

    section: its id; a miss has none.
    kind: "section", "ask", "sentence", "question" or "miss".
    units: positions of the sentences in the section that it leads to.
    """

    text: str
    section: str
    kind: str
    units: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """A hash of the content."""
        content = f"{self.section} {self.kind} {self.units} {self.text}"
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    @property
    def document(self) -> Document:
        """What Chroma keeps."""
        units = " ".join(map(str, self.units))
        return Document(self.text, metadata={"section": self.section, "kind": self.kind, "units": units})

    @classmethod
    def of(cls, document: Document) -> Entry:
        """Return what Chroma kept."""
        kept = document.metadata
        return cls(document.page_content, kept["section"], kept["kind"], tuple(int(n) for n in kept["units"].split()))


def whole(section: Section) -> str:
    """Return what is embedded of a section itself."""
    return f"{section.title}. {section.heading}. {section.text}"


def entries_of(section: Section) -> list[Entry]:
    """Return everything that is embedded for a section."""
    return [
        Entry(whole(section), section.id, "section"),
        *(Entry(ask, section.id, "ask") for ask in dict.fromkeys((section.heading, *section.asks))),
        *(Entry(unit, section.id, "sentence", (i,)) for i, unit in enumerate(section.units)),
    ]


def all_entries(
    sections: Iterable[Section], questions: Iterable[Question], unanswered: Iterable[str]
) -> Iterator[Entry]:
    """Yield everything that is embedded."""
    for section in sections:
        yield from entries_of(section)
    for question in questions:
        yield Entry(question.text, question.section.id, "question", question.sentences)
    for text in unanswered:
        yield Entry(text, "", "miss")


class Index:
    """A Chroma collection that mirrors a set of sections.

    Args:
        store: the collection.
        embeddings: what embeds for it.
        lock: held while this process has the folder open.
        unfinished: a file that is there while the folder is being written.
    """

    def __init__(
        self,
        store: Chroma,
        embeddings: RememberedEmbeddings,
        lock: FileLock | None = None,
        unfinished: Path | None = None,
    ) -> None:
        self._store = store
        self._embeddings = embeddings
        self._lock = lock
        self._unfinished = unfinished
        self.size = 0  # entries it was last made to hold

    @property
    def store(self) -> Chroma:
        """The collection as a LangChain vector store."""
        return self._store

    @property
    def embedded(self) -> int:
        """How many texts were embedded since it was opened; the vectors of the others were known."""
        return self._embeddings.computed

    def close(self) -> None:
        """Let another process, or another `Index`, open the folder."""
        if self._lock:
            self._lock.release()

    def nearest(self, vector: list[float], k: int, sections: Sequence[str] | None = None) -> list[tuple[Entry, float]]:
        """Return the k entries nearest to a vector, with their cosines.

        Args:
            vector: of unit length.
            k: how many, at most.
            sections: ids of the only sections to look at.
        """
        if sections is not None and not sections:
            return []
        where: dict[str, Any] | None = {"section": {"$in": list(sections)}} if sections else None
        found = self._store.similarity_search_by_vector_with_relevance_scores(vector, k=k, filter=where)
        return [(Entry.of(document), 1.0 - distance) for document, distance in found]

    def update(
        self,
        sections: Iterable[Section],
        questions: Iterable[Question] = (),
        unanswered: Iterable[str] = (),
        progress: Progress | None = None,
    ) -> tuple[int, int]:
        """Make the index hold exactly these sections.

        Args:
            sections: what it should hold.
            questions: that the sections answer.
            unanswered: questions that nothing answers.
            progress: called with entries embedded so far and entries to embed.

        Returns:
            How many entries were added and how many deleted.
        """
        wanted = {entry.id: entry for entry in all_entries(sections, questions, unanswered)}
        self.size = len(wanted)
        present = set(self._store.get(include=[])["ids"])
        stale = sorted(present - set(wanted))
        missing = [entry for id_, entry in wanted.items() if id_ not in present]
        if not missing and not stale:
            return 0, 0
        if self._unfinished:
            self._unfinished.touch()
        missing.sort(key=lambda entry: len(entry.text))  # like lengths together embed three times faster
        if progress:
            progress(0, len(missing))
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            self._store.add_documents([entry.document for entry in batch], ids=[entry.id for entry in batch])
            if progress:
                progress(min(start + BATCH, len(missing)), len(missing))
        for start in range(0, len(stale), 5000):
            self._store.delete(stale[start : start + 5000])
        if self._unfinished:
            if wanted:  # Chroma writes the last of it with the first query
                self._store.similarity_search(next(iter(wanted.values())).text, k=1)
            self._unfinished.unlink()
        return len(missing), len(stale)


def open_index(
    settings: Settings, embeddings: Embeddings, model: str, *, rebuild: bool = False, patient: bool = False
) -> Index:
    """Open the index of an embedding model, making it where it is missing or damaged.

    Args:
        settings: where the index is: a Chroma server, or a folder below `data_dir`.
        embeddings: the model that embeds.
        model: its name; each model has an index of its own.
        rebuild: throw away what is there.
        patient: wait for another process that has the folder open, instead of working in memory.
    """
    of = "\n".join([model, *map(str, settings.knowledge_folders())])
    collection = "guidance-" + hashlib.sha256(of.encode()).hexdigest()[:12]
    data = settings.writable_data_dir()
    remembered = RememberedEmbeddings(embeddings, data / "vectors.sqlite3", model)
    if rebuild:
        remembered.forget()
    quiet = ChromaSettings(anonymized_telemetry=False)
    if settings.chroma_url:
        url = settings.chroma_url
        client = chromadb.HttpClient(
            host=str(url.host), port=url.port or 8000, ssl=url.scheme == "https", settings=quiet
        )
        return Index(_collection(client, collection, remembered, rebuild), remembered)

    folder = data / "chroma"
    unfinished = data / "chroma.unfinished"
    lock = FileLock(str(folder) + ".lock")
    try:
        # an embedded Chroma is for one process; a second one works in memory
        lock.acquire(timeout=-1 if patient else LOCK_SECONDS)
    except Timeout:
        _log.warning("another process has %s open; this one keeps its index in memory", folder)
        client = chromadb.EphemeralClient(settings=quiet)
        return Index(_collection(client, collection, remembered, rebuild), remembered)
    try:
        if unfinished.exists():  # what is half written may open and still lack entries
            raise RuntimeError("the process that wrote it was stopped")
        store = _open_folder(folder, quiet, collection, remembered, rebuild)
    except Exception as error:  # Chroma and SQLite raise many kinds on damaged files
        _log.warning("the index in %s is damaged and is built anew (%s)", folder, error)
        unfinished.touch()
        shutil.rmtree(folder, ignore_errors=True)
        SharedSystemClient.clear_system_cache()
        store = _open_folder(folder, quiet, collection, remembered, rebuild)
    return Index(store, remembered, lock, unfinished)


def _open_folder(folder: Path, quiet: ChromaSettings, name: str, embeddings: Embeddings, rebuild: bool) -> Chroma:
    store = _collection(chromadb.PersistentClient(path=str(folder), settings=quiet), name, embeddings, rebuild)
    store.get(limit=1, include=["embeddings", "documents"])  # damage shows here rather than at the first question
    return store


def _collection(client: Any, name: str, embeddings: Embeddings, rebuild: bool) -> Chroma:
    if rebuild and name in {collection.name for collection in client.list_collections()}:
        client.delete_collection(name)
    return Chroma(
        client=client,
        collection_name=name,
        embedding_function=embeddings,
        collection_configuration={"hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": 300}},
    )
