"""A model's words as they come, within a time limit, and stopped at once when nobody wants them any more.

The request runs on an event loop of its own, since only there can one that hangs be broken off.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator
from functools import cache
from queue import SimpleQueue

FAILURES = 3  # in a row,
WITHIN = 60.0  # seconds of each other, after which a model is left alone
REST = 30.0  # seconds for which it is


class RestingError(RuntimeError):
    """The model failed so often that it is not asked for a while."""


class Breaker:
    """Keeps users from waiting, at each question, for a model that is down."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=FAILURES)

    def check(self) -> None:
        """Raise RestingError while the model is left alone."""
        failures = tuple(self._failures)
        is_down = len(failures) == FAILURES and failures[-1] - failures[0] <= WITHIN
        if is_down and self._clock() - failures[-1] < REST:
            raise RestingError

    def failed(self) -> None:
        """Note a failure."""
        self._failures.append(self._clock())

    def succeeded(self) -> None:
        """Forget the failures before."""
        self._failures.clear()


def pieces(stream: AsyncIterator[str], seconds: float) -> Generator[str, None, None]:
    """Yield what an asynchronous stream yields; closing the iterator ends the stream at once.

    Raises:
        TimeoutError: the whole took longer than `seconds`; a stream that hangs is broken off then.
    """
    queue: SimpleQueue[str | None] = SimpleQueue()

    async def pump() -> None:
        try:
            async with asyncio.timeout(seconds):
                async for piece in stream:
                    queue.put(piece)
        finally:
            queue.put(None)

    task = asyncio.run_coroutine_threadsafe(pump(), _loop())
    try:
        while (piece := queue.get()) is not None:
            yield piece
        task.result()
    finally:
        task.cancel()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all requests; connections that are kept open belong to it."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="model-requests", daemon=True).start()
    return loop
