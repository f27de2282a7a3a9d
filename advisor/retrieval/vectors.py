"""Vectors that were computed before, kept by their texts in an SQLite file, which survives being stopped at any moment.

A text that moves to another section, file or set of folders is not embedded again, and a damaged index is built anew in
seconds.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings

T = TypeVar("T")

PARAMETERS = 500  # of one query
SECONDS = 30.0  # to wait for another process that writes


class RememberedEmbeddings(Embeddings):
    """Embeddings that look a document's vector up before they compute it.

    Args:
        embeddings: what computes.
        file: where the vectors are kept; one that is damaged or cannot be written is thrown away, or done without.
        model: the name of the embedding model.
    """

    def __init__(self, embeddings: Embeddings, file: Path, model: str) -> None:
        self.embeddings = embeddings
        self.computed = 0  # documents embedded so far, the others were remembered
        self._file = file
        self._model = model

    def embed_query(self, text: str) -> list[float]:
        """Embed a question; these are not kept."""
        return self.embeddings.embed_query(text)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts, each that is not known yet once."""
        keys = {text: hashlib.sha256(f"{self._model}\n{text}".encode()).digest() for text in texts}
        nothing: dict[bytes, np.ndarray] = {}
        known = self._guarded(lambda database: dict(_read(database, set(keys.values()))), nothing)
        missing = [text for text, key in keys.items() if key not in known]
        if missing:
            vectors = self.embeddings.embed_documents(missing)
            new = {keys[text]: np.asarray(vector, "<f4") for text, vector in zip(missing, vectors, strict=True)}
            known |= new
            self.computed += len(missing)
            self._guarded(lambda database: _write(database, new), None)
        return [known[keys[text]].tolist() for text in texts]

    def forget(self) -> None:
        """Throw all vectors away."""
        self._file.unlink(missing_ok=True)

    def _guarded(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        for _ in range(2):
            try:
                with closing(sqlite3.connect(self._file, timeout=SECONDS)) as database, database:
                    database.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)")
                    return work(database)
            except sqlite3.OperationalError:  # a full disk, or locked for long
                return otherwise
            except sqlite3.DatabaseError:
                self._file.unlink(missing_ok=True)
        return otherwise


def _read(database: sqlite3.Connection, keys: set[bytes]) -> Iterable[tuple[bytes, np.ndarray]]:
    wanted = list(keys)
    for start in range(0, len(wanted), PARAMETERS):
        some = wanted[start : start + PARAMETERS]
        marks = ",".join("?" * len(some))
        for key, vector in database.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some):
            yield key, np.frombuffer(vector, "<f4")


def _write(database: sqlite3.Connection, vectors: dict[bytes, np.ndarray]) -> None:
    database.executemany(
        "INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(key, vector.tobytes()) for key, vector in vectors.items()]
    )
