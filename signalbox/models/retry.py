"""When to try again, and how long to wait: backoff with jitter, `Retry-After`, and a budget over all calls.

The budget keeps a failing server from being hit harder the more it fails: over time, retries are at most a tenth of
the calls. What counts as a passing failure is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from signalbox.types import utc_now

_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 8.0
# Ten tenths may add up to a little less than one.
_ALMOST_ONE = 1 - 1e-9


class RetryBudget:
    """Every call pays in a tenth of a retry, every retry takes out one; a few are there from the start."""

    def __init__(self, *, reserve: float = 10.0, per_call: float = 0.1, left: float | None = None) -> None:
        self._most = reserve
        self._left = reserve if left is None else left
        self._per_call = per_call

    @property
    def has_one(self) -> bool:
        return self._left >= _ALMOST_ONE

    def pay_in(self) -> None:
        self._left = min(self._most, self._left + self._per_call)

    def take(self) -> bool:
        """Whether one more retry is affordable; takes it if so."""
        if not self.has_one:
            return False
        self._left = max(0.0, self._left - 1)
        return True


def backoff_s(failures: int, random: Callable[[], float]) -> float:
    """Seconds to wait after `failures` failures: doubling, with the upper half left to chance."""
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0**failures)
    return longest * (0.5 + random() / 2)


def retry_after_s(headers: Mapping[str, str], now: Callable[[], datetime] = utc_now) -> float | None:
    """Seconds the server asks to wait, by `retry-after-ms` or `retry-after` (seconds or a date), if it does."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            seconds = _until(value, now)
        # Neither nan nor inf compares as within the bounds.
        if 0 <= seconds < 86_400:
            return seconds
    return None


def _until(value: str, now: Callable[[], datetime]) -> float:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return -1.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds())
