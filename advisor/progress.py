"""How far indexing is, on standard error: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

LINES = 10  # at most, where there is no terminal


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """Give a function that is to be called with what is done and what there is to do, as often as one likes."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    with tqdm(desc="indexing", unit=" entries", file=sys.stderr, total=0, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
            bar.refresh()

        yield show


class _Lines:
    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, done: int, total: int) -> None:
        step = LINES * done // total if total else -1
        if step > self._shown:
            self._shown = step
            print(f"indexing: {done} of {total} entries", file=sys.stderr, flush=True)
