"""The circuit breaker: a model that keeps failing is left alone for a while, then tried by one call.

It judges by the share of failures in a sliding window of time, and by how long the server itself asks to be left
alone. What counts as a failure is decided by the caller. Nygard, "Release It!" (2007), chapter 5.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

BreakerState = Literal["closed", "half_open", "open"]

_LONGEST_OPEN_S = 3600.0
_MOST_DOUBLINGS = 4


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call; a `probe` decides whether the breaker closes."""

    probe: bool


class CircuitBreaker:
    """Closed it lets all calls through, open none, half-open a single probe whose end decides.

    With 30% failures at random the chance that any 20 calls open it is about .005, and falls with more calls.

    Args:
        window_s: how far back failures are counted.
        min_calls: no share is believed on fewer.
        failure_rate: from which share of failures on it opens.
        open_s: how long it stays open at first; each probe that fails doubles it, up to 16 times.
        long_wait_s: a server that asks to wait at least so long is left alone at once.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        window_s: float = 60.0,
        min_calls: int = 20,
        failure_rate: float = 0.6,
        open_s: float = 5.0,
        long_wait_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window_s, self._min_calls, self._failure_rate = window_s, min_calls, failure_rate
        self._open_s, self._long_wait_s, self._clock = open_s, long_wait_s, clock
        self._ends: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._open_until: float | None = None
        self._doublings = 0
        self._probing = False
        self.reason = ""

    @property
    def state(self) -> BreakerState:
        if self._open_until is None:
            return "closed"
        return "open" if self._clock() < self._open_until else "half_open"

    @property
    def opens_in_s(self) -> float:
        """Seconds until a call is let through again; 0 where one is now."""
        if self._open_until is None:
            return 0.0
        return max(0.0, self._open_until - self._clock())

    def allow(self) -> Permit | None:
        """Leave for one call, or None. Each leave must come back in `succeeded`, `failed` or `forget`."""
        match self.state:
            case "closed":
                return Permit(probe=False)
            case "half_open" if not self._probing:
                self._probing = True
                return Permit(probe=True)
            case _:
                return None

    def succeeded(self, permit: Permit) -> None:
        if permit.probe:
            self._close()
        elif self._open_until is not None:
            return  # a call from before it opened says nothing about now
        self._note(failed=False)

    def failed(self, permit: Permit, reason: str, *, retry_after_s: float | None = None) -> None:
        """Notes a failure. `reason` is shown while the breaker is open."""
        asked_s = min(retry_after_s or 0.0, _LONGEST_OPEN_S)
        if permit.probe:
            self._probing = False
            self._doublings = min(self._doublings + 1, _MOST_DOUBLINGS)
            self._open(reason, max(asked_s, self._open_s * 2.0**self._doublings))
            return
        self._note(failed=True)
        if asked_s >= self._long_wait_s:
            self._open(reason, max(asked_s, self.opens_in_s))
        elif self._open_until is None and self._is_failing():
            self._open(reason, max(asked_s, self._open_s))

    def forget(self, permit: Permit) -> None:
        """The call ended without saying anything about the model, such as by being cancelled."""
        if permit.probe:
            self._probing = False

    def _open(self, reason: str, seconds: float) -> None:
        self.reason = reason
        self._open_until = self._clock() + seconds

    def _close(self) -> None:
        self._open_until, self._probing, self._doublings, self.reason = None, False, 0, ""
        self._ends.clear()
        self._failures = 0

    def _note(self, *, failed: bool) -> None:
        now = self._clock()
        self._ends.append((now, failed))
        self._failures += failed
        while self._ends and self._ends[0][0] < now - self._window_s:
            self._failures -= self._ends.popleft()[1]

    def _is_failing(self) -> bool:
        count = len(self._ends)
        return count >= self._min_calls and self._failures >= self._failure_rate * count
