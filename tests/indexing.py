"""What `test_survival.py` does in processes of their own: indexing that is killed, and a look at what is left."""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection
from pathlib import Path

from langchain_core.embeddings import Embeddings

from advisor import Settings
from advisor.answering.chain import answer_chain
from advisor.retrieval.documents import read_documents
from advisor.retrieval.index import Index, entries_of, open_index
from advisor.retrieval.retriever import HybridRetriever

QUESTION = "Which metal is it that the Tolvan 97 mine produces?"


class KnownEmbeddings(Embeddings):
    """The real model's vectors, computed before; loading the model in each process would take too long."""

    def __init__(self, file: Path) -> None:
        self._vectors: dict[str, list[float]] = pickle.loads(file.read_bytes())

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self._vectors[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self._vectors[text]


def index(data: Path, docs: Path, vectors: Path, told: Connection) -> Index:
    """Index a folder, and tell when it begins and ends."""
    embeddings = KnownEmbeddings(vectors)
    settings = Settings(data_dir=data, knowledge_dir=docs, knowledge_only=True)
    sections, _ = read_documents(docs)
    told.send("begins")
    opened = open_index(settings, embeddings, "known", patient=True)
    opened.update(sections)
    told.send("ends")
    return opened


def look(data: Path, docs: Path, vectors: Path, told: Connection) -> None:
    """Index what a killed process left, and tell what lacks, and what is answered from where."""
    opened = index(data, docs, vectors, told)
    sections, _ = read_documents(docs)
    wanted = {entry.id for section in sections for entry in entries_of(section)}
    held = opened.store.get(include=["embeddings"])
    retriever = HybridRetriever(opened, sections, questions=False)
    chain = answer_chain(retriever, KnownEmbeddings(vectors), None, name="quoted", seconds=1)
    *_, grounded = chain.stream({"question": QUESTION, "history": []})
    nearest = [
        opened.store.similarity_search_by_vector_with_relevance_scores(vector.tolist(), k=1)[0][1]
        for vector in held["embeddings"]
    ]
    told.send(
        {
            "lacks": len(wanted ^ set(held["ids"])),
            "farthest": max(nearest),  # of an entry from what is found when it is searched for
            "quotes": [(claim.document, claim.quote) for claim in grounded.claims],
        }
    )
