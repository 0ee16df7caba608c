"""Budgets of extra calls, one for a whole protected cloud: retries, fallbacks and hedges all draw from the first.

So a failing upstream is never hit harder the more it fails, whatever mechanism would like to try again.
"""

from __future__ import annotations

from signalbox.models.retry import RetryBudget

EXTRA_PER_QUERY = 0.15
_EXTRA_AT_ONCE = 5.0
HEDGES_PER_QUERY = 0.05


class ExtraCalls:
    """Over any n queries there are at most .15 n + 5 calls beyond the first of each, and .05 n hedges among them."""

    def __init__(self) -> None:
        self._extra = RetryBudget(reserve=_EXTRA_AT_ONCE, per_call=EXTRA_PER_QUERY)
        # Empty at first, so that the share holds from the first query on; full after 40 that needed none.
        self._hedges = RetryBudget(reserve=2.0, per_call=HEDGES_PER_QUERY, left=0.0)

    def pay_in(self) -> None:
        """One query has come."""
        self._extra.pay_in()
        self._hedges.pay_in()

    @property
    def has_extra(self) -> bool:
        return self._extra.has_one

    def take(self) -> bool:
        """Whether one more call to get an answer is affordable; takes it if so."""
        return self._extra.take()

    def take_hedge(self) -> bool:
        """The same for a second call beside one that is only slow."""
        return self._hedges.has_one and self._extra.take() and self._hedges.take()
