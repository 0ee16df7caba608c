"""How often a caller may ask: counts over a sliding minute, in memory, at about a microsecond each.

The minute is estimated from two fixed windows, the earlier one weighted by how much of it is left. Each process
counts for itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_S = 60.0
_MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What one hit left. `wait_s` is when the next will be allowed, 0 where this one was."""

    limit: int
    remaining: int
    reset_s: int
    wait_s: int

    @property
    def allowed(self) -> bool:
        return self.wait_s == 0

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """As in the IETF's draft on RateLimit header fields."""
        return (
            (b"ratelimit-policy", b'"requests";q=%d;w=%d' % (self.limit, WINDOW_S)),
            (b"ratelimit", b'"requests";r=%d;t=%d' % (self.remaining, self.reset_s)),
        )


class SlidingWindow:
    """Counts by name. Of more than 10,000 names those not seen for longest are forgotten.

    Args:
        clock: in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[int, int, int]] = {}  # number of the window, hits in it, hits in the one before

    def hit(self, name: str, limit: int) -> Standing:
        """Count one, unless that would be more than `limit` a minute."""
        window, share, current, previous = self._look(name)
        used = current + previous * (1.0 - share)
        if used + 1.0 > limit:
            return Standing(limit, 0, _reset(share), _wait(limit, share, current, previous))
        if current == 0:
            self._counts.pop(name, None)  # to the end of the queue of those that are forgotten
            while len(self._counts) >= _MOST_NAMES:
                del self._counts[next(iter(self._counts))]
        self._counts[name] = (window, current + 1, previous)
        return Standing(limit, int(limit - used - 1.0), _reset(share), 0)

    def wait_s(self, name: str, limit: int) -> int:
        """How long until one more is allowed, without counting it; 0: now."""
        _, share, current, previous = self._look(name)
        if current + previous * (1.0 - share) + 1.0 <= limit:
            return 0
        return _wait(limit, share, current, previous)

    def _look(self, name: str) -> tuple[int, float, int, int]:
        """The window we are in, the share of it that has passed, and the hits in it and in the one before."""
        now = self._clock() / WINDOW_S
        window = int(now)
        known = self._counts.get(name)
        if known is None or known[0] < window - 1:
            return window, now - window, 0, 0
        if known[0] == window - 1:
            return window, now - window, 0, known[1]
        return window, now - window, known[1], known[2]


def _reset(share: float) -> int:
    return max(1, math.ceil((1.0 - share) * WINDOW_S))


def _wait(limit: int, share: float, current: int, previous: int) -> int:
    """Until the estimate has fallen to `limit - 1`, in whole seconds."""
    if current + 1 <= limit and previous:
        wait = 1.0 - (limit - 1 - current) / previous - share
    else:
        wait = 1.0 - share + max(0.0, 1.0 - (limit - 1) / max(1, current))
    return max(1, math.ceil(wait * WINDOW_S))
