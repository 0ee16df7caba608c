"""A few threads with a bounded number of callers waiting for them. It knows no SQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from signalbox.errors import Overloaded, Unavailable
from signalbox.storage.database import capital

T = TypeVar("T")


class Workers:
    """Runs blocking calls for the event loop.

    Args:
        threads: calls run at once.
        waiting: calls that may wait beside those; one more raises Overloaded.
        name: what the threads work on, for thread names and messages.
    """

    def __init__(self, threads: int, waiting: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="signalbox-storage")
        self._room = threads + waiting
        self._name = name
        self._gate = threading.Lock()
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """The value of `call()`.

        Raises:
            Overloaded: too many calls are waiting.
            Unavailable: `close` was called.
        """
        with self._gate:
            if self._closed:
                raise Unavailable(f"{capital(self._name)} is closed.")
            if self._room == 0:
                raise Overloaded(f"Too many calls are waiting for {self._name}; try again in a moment.")
            self._room -= 1
            future = self._executor.submit(call)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Refuse new calls and wait for those accepted."""
        with self._gate:
            self._closed = True
        self._executor.shutdown(wait=True)

    def _leave(self, _: Future[T]) -> None:
        with self._gate:
            self._room += 1
