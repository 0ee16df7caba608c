"""Loaded experts within a budget of memory: each is loaded once, and what was not used for longest goes first.

One that is in use or pinned never goes. Threads may ask at once; loading happens outside the lock.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from signalbox.contracts import Expert
from signalbox.errors import ConfigurationError, Overloaded, SignalboxError
from signalbox.telemetry import get_logger

log = get_logger(__name__)

Key = tuple[str, int]
"""An expert's name and the number of a version."""

_TRY_AGAIN_S = 10.0


@dataclass(slots=True)
class _Held:
    expert: Expert
    nbytes: int
    users: int = 0


class Memory:
    """The loaded experts.

    Args:
        load: loads a version; what it raises is remembered for a while.
        size: what a version takes, in bytes, as far as can be told before it is loaded.
        pinned: which are to stay.
    """

    def __init__(
        self,
        budget: int,
        load: Callable[[Key], Expert],
        size: Callable[[Key], int],
        pinned: Callable[[], Collection[Key]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self._load, self._size, self._pinned, self._clock = load, size, pinned, clock
        self._lock = threading.Lock()
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._loading: dict[Key, Future[None]] = {}
        self._reserved: dict[Key, int] = {}  # bytes for those that are being loaded
        self._failed: dict[Key, tuple[float, SignalboxError]] = {}

    @property
    def used(self) -> int:
        """Bytes taken now."""
        with self._lock:
            return sum(held.nbytes for held in self._held.values())

    @property
    def keys(self) -> tuple[Key, ...]:
        """What is loaded, the longest unused first."""
        with self._lock:
            return tuple(self._held)

    def peek(self, key: Key) -> Expert | None:
        """The expert if it is loaded, without it counting as use."""
        held = self._held.get(key)
        return held.expert if held else None

    @contextmanager
    def using(self, key: Key) -> Iterator[Expert]:
        """The expert, loaded first if need be; it stays loaded at least until the block is left.

        Raises:
            Overloaded: there is no room for it beside those in use.
            ConfigurationError: there never is.
            SignalboxError: it can't be loaded; the same again for some seconds, without another try.
        """
        held = self._taken(key)
        try:
            yield held.expert
        finally:
            with self._lock:
                held.users -= 1

    def forget(self, keep: Callable[[Key], bool]) -> None:
        """Let go of those not to be kept, and of all failures."""
        with self._lock:
            self._failed.clear()
            for key in [key for key, held in self._held.items() if not held.users and not keep(key)]:
                del self._held[key]

    def trim(self) -> None:
        """Back within the budget, after one that had to be loaded beside others."""
        with self._lock:
            self._unload(0)

    def _taken(self, key: Key) -> _Held:
        while True:
            with self._lock:
                held = self._held.get(key)
                if held is not None:
                    held.users += 1
                    self._held.move_to_end(key)
                    return held
                failed = self._failed.get(key)
                if failed is not None and self._clock() - failed[0] < _TRY_AGAIN_S:
                    raise failed[1]
                others = self._loading.get(key)
                if others is None:
                    ours = self._loading[key] = Future()
                    break
            others.result()  # then it is loaded, or has failed
        try:
            return self._loaded(key)
        finally:
            with self._lock:
                del self._loading[key]
            ours.set_result(None)

    def _loaded(self, key: Key) -> _Held:
        try:
            expected = self._size(key)
            with self._lock:
                self._make_room(key, expected)
                self._reserved[key] = expected
            expert = self._load(key)
            nbytes = int(getattr(expert, "nbytes", 0)) or expected
            with self._lock:
                del self._reserved[key]
                self._make_room(key, nbytes)
                held = self._held[key] = _Held(expert, nbytes, users=1)
        except SignalboxError as error:
            with self._lock:
                if not isinstance(error, Overloaded):
                    self._failed[key] = (self._clock(), error)
            raise
        finally:
            with self._lock:
                self._reserved.pop(key, None)
        log.info("expert loaded", expert=expert.name, megabytes=round(nbytes / 1e6, 1))
        return held

    def _make_room(self, key: Key, needed: int) -> None:
        """With the lock held."""
        name = f"{key[0]}@{key[1]}"
        if needed > self.budget:
            raise ConfigurationError(
                f"The expert {name} takes {needed / 1e6:,.0f} MB; all may take {self.budget / 1e6:,.0f} MB together. "
                "Raise SIGNALBOX_EXPERTS_MEMORY_MB.",
                field="expert",
            )
        pinned = self._pinned()
        free = self._free() + sum(one.nbytes for k, one in self._held.items() if not one.users and k not in pinned)
        if needed > free and key not in pinned:
            raise Overloaded(
                f"There is no room for the expert {name} beside those in use: {needed / 1e6:,.0f} MB are needed and "
                f"{max(0, free) / 1e6:,.0f} MB free. Ask again, or raise SIGNALBOX_EXPERTS_MEMORY_MB.",
                retry_after_s=5,
                field="expert",
            )
        self._unload(needed)  # only now: where there can't be room, nobody has to go for it

    def _free(self) -> int:
        return self.budget - sum(held.nbytes for held in self._held.values()) - sum(self._reserved.values())

    def _unload(self, needed: int) -> None:
        """Unload until `needed` bytes are free, as far as possible. With the lock held."""
        pinned, free = self._pinned(), self._free()
        for key, held in list(self._held.items()):
            if needed <= free:
                break
            if not held.users and key not in pinned:
                del self._held[key]
                free += held.nbytes
                log.info("expert unloaded", expert=held.expert.name)
