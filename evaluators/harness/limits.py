"""What a run may take: how many cases at once and how fast, how long each, and how much all of them together.

`Meter` says before each case whether it may begin. What a case will cost is not known: the dearest one so far is
expected of it, and until one is known only one is under way, so that a limit is not overrun by what was begun at once.
Where a few have asked nobody, as with a warm cache or a target that seldom asks, the next are not held up any longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from evaluators.contract import Spent
from signalbox.types import Dollars, Frozen, Probability

MOST_AT_ONCE = 256
_FREE = 8  # cases that asked nobody


class Limits(Frozen):
    """The limits of a run; None is no limit.

    Attributes:
        concurrency: cases under way at once.
        rate_per_s: most cases begun per second.
        deadline_ms: time that an answer may take, retries included, and each scorer after it.
        max_tokens, max_cost_usd: of all models asked, by the target and the scorers; what the cache gives is free.
        max_minutes: of the run, the time in which it was interrupted not counted.
        max_unmeasured: the run fails if a larger share of its rows failed, or of what a metric applies to was not
            measured.
    """

    concurrency: int = Field(4, ge=1, le=MOST_AT_ONCE)
    rate_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    deadline_ms: float = Field(60_000, gt=0, le=86_400_000, allow_inf_nan=False)
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    max_cost_usd: Dollars | None = None
    max_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_unmeasured: Probability = 0.1


@dataclass(frozen=True, slots=True)
class Used:
    """What was taken of a run's limits before its first case, to prepare it."""

    spent: tuple[Spent, ...] = ()
    minutes: float = 0.0


class Meter:
    """What a run has spent so far.

    Args:
        before: what the rows have cost that are there already.
    """

    def __init__(self, limits: Limits, before: Iterable[Spent] = ()) -> None:
        self._limits = limits
        self._known, self._free = False, 0
        self._most_tokens, self._most_usd = 0, 0.0
        self.tokens, self.cost_usd = 0, 0.0
        for spent in before:
            self.add(spent)

    def add(self, spent: Spent) -> None:
        tokens = spent.input_tokens + spent.output_tokens
        self.tokens += tokens
        self.cost_usd += spent.cost_usd
        self._free += not spent.calls
        self._known = self._known or spent.calls > 0 or self._free >= _FREE
        self._most_tokens = max(self._most_tokens, tokens)
        self._most_usd = max(self._most_usd, spent.cost_usd)

    def may_begin(self, under_way: int) -> bool:
        """Whether one more fits beside those that are under way, whatever is expected of each."""
        if under_way and not self._known and self._spending_is_limited:
            return False
        return self.exceeded_by(under_way + 1) is None

    def exceeded_by(self, cases: int = 1) -> str | None:
        """Which limit so many more cases would exceed, in words; None where they would not."""
        limits = self._limits
        if limits.max_tokens is not None and self.tokens + cases * max(1, self._most_tokens) > limits.max_tokens:
            return f"{self.tokens:,} tokens are spent, and the next case may take more than the {limits.max_tokens:,}"
        if limits.max_cost_usd is not None and self.cost_usd + cases * self._most_usd > limits.max_cost_usd:
            return f"${self.cost_usd:.4f} are spent, and the next case may cost more than the ${limits.max_cost_usd:g}"
        return None

    @property
    def _spending_is_limited(self) -> bool:
        return self._limits.max_tokens is not None or self._limits.max_cost_usd is not None
