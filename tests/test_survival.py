"""The index survives kill -9 at any moment: it opens or is built anew, is complete, and answers."""

from __future__ import annotations

import multiprocessing
import pickle
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from advisor import Settings
from advisor.models import load_embeddings
from advisor.retrieval.documents import read_documents
from advisor.retrieval.index import entries_of
from tests.indexing import QUESTION, index, look

KILLS = 25
MINES = 120
METALS = ("copper", "tin", "silver", "zinc", "lead")

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.indexing"])


def write(docs: Path, year: int) -> None:
    docs.mkdir(exist_ok=True)
    for i in range(MINES):
        text = f"The Tolvan {i} mine produces {METALS[i % 5]}. Mine {i} was last inspected in {year}."
        (docs / f"mine-{i}.txt").write_text(f"Tolvan {i} mine\n\n{text}\n", encoding="utf-8")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A folder of two versions, and the vectors of all that is in either."""
    root = tmp_path_factory.mktemp("mines")
    texts = {QUESTION}
    for year in (2024, 2025):
        write(root / str(year), year)
        sections, _ = read_documents(root / str(year))
        texts |= {entry.text for section in sections for entry in entries_of(section)}
    ordered = sorted(texts)
    vectors = load_embeddings(Settings()).embed_documents(ordered)
    (root / "vectors").write_bytes(pickle.dumps(dict(zip(ordered, vectors, strict=True))))
    return root / "2024", root / "2025", root / "vectors"


def started(target: Callable[..., object], *arguments: Path) -> tuple[Any, Any]:
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(*arguments, there))
    process.start()
    assert here.recv() == "begins"
    return process, here


def test_the_index_survives_being_killed_at_any_moment(tmp_path: Path, folders: tuple[Path, Path, Path]) -> None:
    old, new, vectors = folders
    chance = random.Random(7)
    docs, data = tmp_path / "docs", tmp_path / "data"
    shutil.copytree(old, docs)
    process, told = started(index, data, docs, vectors)
    begun = time.monotonic()
    assert told.recv() == "ends"
    whole = time.monotonic() - begun
    process.join()

    interrupted = 0
    for i in range(KILLS):
        if i % 3 == 0:  # all of it, else what changed
            shutil.rmtree(data)
        shutil.copytree(new if i % 2 == 0 else old, docs, dirs_exist_ok=True)
        process, told = started(index, data, docs, vectors)
        time.sleep(chance.uniform(0, whole))
        process.kill()  # SIGKILL
        process.join()
        interrupted += (data / "chroma.unfinished").exists()

        process, told = started(look, data, docs, vectors)
        assert told.recv() == "ends"
        found = told.recv()
        process.join()
        assert process.exitcode == 0
        assert found["lacks"] == 0
        assert found["farthest"] < 1e-4
        assert ("mine-97.txt", f"The Tolvan 97 mine produces {METALS[97 % 5]}.") in found["quotes"]
        assert all(quote in (docs / document).read_text(encoding="utf-8") for document, quote in found["quotes"])
    assert interrupted > KILLS // 5, "most were killed before or after they wrote"
