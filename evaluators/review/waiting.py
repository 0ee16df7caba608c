"""Who waits for a decision: told at once of decisions made here, found by looking now and then for all others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice

from signalbox.errors import Overloaded, SignalboxError

MAX_WAITING = 1_000
MAX_PER_CALLER = 200
_AT_ONCE = 500


class Decided:
    """One wait's end."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def within(self, seconds: float) -> bool:
        """True once it is decided, False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.event.wait()
        except TimeoutError:
            return False
        return True


class Waiters:
    """For one event loop. `look` says which of the given predictions are decided; it is asked while anyone waits."""

    def __init__(self, look: Callable[[Sequence[str]], Awaitable[set[str]]], *, poll_s: float) -> None:
        self._look = look
        self._poll_s = poll_s
        self._waiting: dict[str, set[Decided]] = {}
        self._count = 0
        self._callers: Counter[str] = Counter()
        self._ended = False
        self._poller: asyncio.Task[None] | None = None

    @contextmanager
    def waiting_for(self, prediction_id: str, caller: str | None = None) -> Iterator[Decided]:
        """Raises Overloaded when too many wait already, in all or for `caller`."""
        if self._count >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING:,} callers wait for reviews already. Ask for the prediction later.")
        if caller is not None and self._callers[caller] >= MAX_PER_CALLER:
            raise Overloaded(f"{MAX_PER_CALLER} requests of this key wait for reviews already; more may not at once.")
        decided = Decided()
        if self._ended:
            decided.event.set()
        self._waiting.setdefault(prediction_id, set()).add(decided)
        self._count += 1
        if caller is not None:
            self._callers[caller] += 1
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll(), name="review-waiters")
        try:
            yield decided
        finally:
            self._count -= 1
            if caller is not None:
                self._callers[caller] -= 1
                if not self._callers[caller]:
                    del self._callers[caller]
            others = self._waiting[prediction_id]
            others.discard(decided)
            if not others:
                del self._waiting[prediction_id]

    def tell(self, prediction_id: str) -> None:
        """It is decided."""
        for decided in self._waiting.get(prediction_id, ()):
            decided.event.set()

    def end(self) -> None:
        """Nobody waits any longer, decided or not."""
        self._ended = True
        for prediction_id in self._waiting:
            self.tell(prediction_id)

    async def close(self) -> None:
        self.end()
        if self._poller is not None:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller

    async def _poll(self) -> None:
        """Ends by itself when nobody waits any more."""
        try:
            while True:
                await asyncio.sleep(self._poll_s)
                if not self._waiting:
                    return
                names = list(self._waiting)
                for start in range(0, len(names), _AT_ONCE):
                    with suppress(SignalboxError):  # the database may be back at the next look
                        for prediction_id in await self._look(list(islice(names, start, start + _AT_ONCE))):
                            self.tell(prediction_id)
        finally:
            self._poller = None
