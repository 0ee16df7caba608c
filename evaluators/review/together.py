"""Many callers' acts in one write: those who ask while a write is under way share the next one.

One act alone takes several statements, and fifty of them one after the other longer than the fiftieth caller should
wait. What the acts are is not known here; each ends in a value or an error of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from signalbox.errors import Overloaded
from signalbox.storage import Database

MAX_WAITING = 1_000
_AT_ONCE = 64

R = TypeVar("R")
V = TypeVar("V")


@dataclass(eq=False, slots=True)
class _Waiting(Generic[R, V]):
    request: R
    done: asyncio.Future[V] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Together(Generic[R, V]):
    """For one event loop.

    Args:
        work: does all given requests in one transaction; a value or an error for each, in their order. What it raises
            undoes all of them and is everyone's error.
    """

    def __init__(self, database: Database, work: Callable[[Any, Sequence[R]], Sequence[V | Exception]]) -> None:
        self._database = database
        self._work = work
        self._queue: list[_Waiting[R, V]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, request: R) -> V:
        """What `work` makes of `request`. Cancelling drops it, unless its write has begun.

        Raises:
            Overloaded: too many are waiting.
            Exception: as `work` says.
        """
        if len(self._queue) >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING:,} callers are waiting already; try again in a moment.")
        waiting: _Waiting[R, V] = _Waiting(request)
        self._queue.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="review-writes")
        return await waiting.done

    async def _run(self) -> None:
        try:
            while self._queue:
                taken, self._queue = self._queue[:_AT_ONCE], self._queue[_AT_ONCE:]
                if group := [waiting for waiting in taken if not waiting.done.done()]:
                    await self._write(group)
        finally:
            self._task = None

    async def _write(self, group: Sequence[_Waiting[R, V]]) -> None:
        requests = [waiting.request for waiting in group]
        outcomes: Sequence[V | Exception]
        try:
            outcomes = await self._database.write(lambda connection: self._work(connection, requests))
        except asyncio.CancelledError:
            for waiting in group:
                waiting.done.cancel()
            raise
        except Exception as error:  # whatever it is, it is for those who asked
            outcomes = [error] * len(group)
        for waiting, outcome in zip(group, outcomes, strict=True):
            if waiting.done.done():
                continue
            if isinstance(outcome, Exception):
                waiting.done.set_exception(outcome)
            else:
                waiting.done.set_result(outcome)
