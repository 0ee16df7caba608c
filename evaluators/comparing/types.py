"""What a comparison says, as values that become JSON."""

from __future__ import annotations

from typing import Literal

from evaluators.comparing.record import RunShown
from evaluators.contract import Metric, Value
from signalbox.types import Frozen

Decision = Literal["better", "worse", "equivalent", "undecided"]
WORDS: dict[str, str] = {
    "better": "better",
    "worse": "worse",
    "equivalent": "no difference that matters",
    "undecided": "not decided",
}


class Flip(Frozen):
    """A case whose value differs between both runs; `gained` says whether for the better."""

    case: str
    query: str
    before: Value
    after: Value
    gained: bool


class MetricComparison(Frozen):
    """One metric of two runs, on the cases that both measured.

    Attributes:
        comparable: False where both measured something else under one name; `explanation` says what.
        n: cases compared; only_before, only_after: measured in one run only and so left out, neither: in none.
        before, after: means over the `n` cases; difference: after less before, `low` to `high` at 1 - alpha.
        margin: the largest difference that does not matter, in the metric's own unit.
        p: of no difference; p_holm: the same, corrected for all metrics decided on; q: the share of false alarms.
        p_equivalent: of a difference of the margin or more, corrected likewise; p_no_worse: of one for the worse,
            as it is.
        decision: None where no direction is better, or nothing could be compared.
        gained, lost: cases that got better or worse; where no direction is better, larger or smaller.
        more_cases: how many more such cases would decide it, where it is undecided.
        flips: cases that differ, the largest differences first; at most a set number of each kind.
    """

    metric: Metric
    comparable: bool = True
    n: int = 0
    only_before: int = 0
    only_after: int = 0
    neither: int = 0
    before: Value | None = None
    after: Value | None = None
    difference: Value | None = None
    low: Value | None = None
    high: Value | None = None
    margin: Value | None = None
    p: Value | None = None
    p_holm: Value | None = None
    q: Value | None = None
    p_equivalent: Value | None = None
    p_no_worse: Value | None = None
    decision: Decision | None = None
    gained: int = 0
    lost: int = 0
    more_cases: int | None = None
    method: str = ""
    groups: int | None = None
    explanation: str = ""
    flips: tuple[Flip, ...] = ()
    warnings: tuple[str, ...] = ()


class Comparison(Frozen):
    """Two runs. `verdict` is over all metrics that may gate; `shared` cases are in both runs and unchanged.

    `headline` is the verdict in words, with the metrics that it says nothing of: `better, with cost_usd undecided`.
    """

    before: RunShown
    after: RunShown
    verdict: Decision
    headline: str = ""
    summary: str
    alpha: float
    shared: int
    only_before: int
    only_after: int
    changed: int
    metrics: tuple[MetricComparison, ...]
    warnings: tuple[str, ...] = ()

    def metric(self, name: str) -> MetricComparison | None:
        return next((one for one in self.metrics if one.metric.name == name), None)
