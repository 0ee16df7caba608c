"""What a run measured: each metric's mean with its interval, over all cases and by slice.

What was not measured is counted apart, by reason, and in no mean; so are cases that have no output at all.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from evaluators.contract import Measure, Metric, Row, Spent, Value
from evaluators.statistics.groups import GROUP_TAGS, groups_of
from evaluators.statistics.intervals import LEVEL, Floats, Groups, mean_interval
from signalbox.types import Frozen

MOST_SLICES = 30
"""Values of a tag up to which it is a slice; a tag with more is an id."""
_FEWEST_IN_SLICE = 2
_MOST_REASONS = 5
_LONGEST_REASON = 200
_WORTH_SAYING = 0.05


class Reason(Frozen):
    """Why something was not measured, and for how many cases."""

    reason: str
    cases: int


class MetricSummary(Frozen):
    """A metric over cases: `rows` = `measured` + `unmeasured` + `failed` + `beside`.

    Attributes:
        unmeasured: cases with an output of which the metric could not tell; `failed`: cases without an output;
            `beside`: cases that do not say what the metric would need, so that nothing is missing.
        value: the mean of what was measured; None where nothing was. `low` and `high`: its interval at `level`;
            None where a single number says nothing of others.
        groups: how many groups of related cases the interval counts; None where each case stands alone.
        median, p95: of a number, where it was measured.
    """

    metric: Metric
    rows: int
    measured: int
    unmeasured: int
    failed: int
    beside: int = 0
    value: Value | None = None
    low: Value | None = None
    high: Value | None = None
    level: float = LEVEL
    method: str = ""
    groups: int | None = None
    median: Value | None = None
    p95: Value | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def missing_share(self) -> float:
        """Of the cases that it applies to, the part without a value."""
        asked = self.rows - self.beside
        return 1 - self.measured / asked if asked else 0.0


class Slice(Frozen):
    """The cases with one value of a tag."""

    tag: str
    value: str
    rows: int
    metrics: tuple[MetricSummary, ...]


class Spread(Frozen):
    """How something that every answered case has is spread."""

    mean: Value
    p50: Value
    p95: Value
    largest: Value


class Totals(Frozen):
    """What the run took.

    Attributes:
        cost_usd: what the answers cost, also those that came from the cache; `spent`: what this run really spent,
            its judges included.
        duration_ms: of answered cases that no cache answered.
    """

    cost_usd: Value = 0.0
    spent: Spent = Spent()
    cached: int = 0
    duration_ms: Spread | None = None


class Summary(Frozen):
    """A run in figures. `group_tag` is the tag whose groups were counted instead of cases."""

    rows: int
    answered: int
    failed: int
    metrics: tuple[MetricSummary, ...]
    slices: tuple[Slice, ...] = ()
    totals: Totals = Totals()
    troubles: tuple[Reason, ...] = ()
    group_tag: str | None = None
    warnings: tuple[str, ...] = ()

    def metric(self, name: str) -> MetricSummary | None:
        return next((one for one in self.metrics if one.metric.name == name), None)


def summarise(rows: Sequence[Row], metrics: Sequence[Metric], *, seed: int = 0) -> Summary:
    """Count what rows measured.

    Args:
        metrics: those to count, in the order to show them.
        seed: kept for figures that need draws; none of these do, so that equal rows give equal figures.
    """
    del seed
    grouping = groups_of([row.case for row in rows])
    tag, groups = grouping if grouping is not None else (None, None)
    everything = np.arange(len(rows))
    columns = {metric.name: _column(rows, metric.name) for metric in metrics}
    found = tuple(_metric(rows, metric, columns[metric.name], everything, groups) for metric in metrics)
    slices = [
        Slice(
            tag=name,
            value=value,
            rows=len(places),
            metrics=tuple(_metric(rows, metric, columns[metric.name], places, groups) for metric in metrics),
        )
        for (name, value), places in _slices(rows).items()
    ]
    answered = sum(row.output is not None for row in rows)
    return Summary(
        rows=len(rows),
        answered=answered,
        failed=len(rows) - answered,
        metrics=found,
        slices=tuple(slices),
        totals=_totals(rows),
        troubles=_most([f"{row.trouble.kind}: {row.trouble.detail}" for row in rows if row.trouble is not None]),
        group_tag=tag,
        warnings=_warnings(found, len(rows), answered, tag),
    )


def _column(rows: Sequence[Row], name: str) -> Floats:
    """A metric of all rows; where it was not measured, NaN, which never leaves this module."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        measure = row.measure(name) if row.output is not None else None
        if measure is not None and measure.value is not None:
            found[place] = measure.value
    return found


def _metric(
    rows: Sequence[Row], metric: Metric, column: Floats, places: np.ndarray, groups: Groups | None
) -> MetricSummary:
    own = column[places]
    there = np.isfinite(own)
    values = own[there]
    failed = sum(rows[i].output is None for i in places.tolist())
    lacking = [rows[i] for i in places[~there].tolist() if rows[i].output is not None]
    missing = [one for row in lacking if (one := row.measure(metric.name)) is None or one.applies]
    counts = {
        "metric": metric,
        "rows": len(places),
        "measured": len(values),
        "unmeasured": len(missing),
        "failed": failed,
        "beside": len(lacking) - len(missing),
    }
    reasons = _most([_reason(one) for one in missing])
    if not len(values):
        return MetricSummary(**counts, reasons=reasons)
    share = metric.kind == "share" and bool(np.isin(values, (0.0, 1.0)).all())
    bounded = metric.kind != "number" and float(values.min()) >= 0 and float(values.max()) <= 1
    own_groups = None if groups is None else groups[places[there]]
    told = mean_interval(values, bounded=bounded, share=share, groups=own_groups)
    number = metric.kind == "number"
    return MetricSummary(
        **counts,
        value=told.value,
        low=told.low if math.isfinite(told.low) else None,
        high=told.high if math.isfinite(told.high) else None,
        method=told.method,
        groups=told.groups,
        median=float(np.median(values)) if number else None,
        p95=float(np.quantile(values, 0.95)) if number else None,
        reasons=reasons,
    )


def _reason(measure: Measure | None) -> str:
    return "no measure was given" if measure is None else measure.reason or "no reason was given"


def _most(reasons: Sequence[str]) -> tuple[Reason, ...]:
    counted = Counter(reason[:_LONGEST_REASON] for reason in reasons)
    return tuple(Reason(reason=reason, cases=cases) for reason, cases in counted.most_common(_MOST_REASONS))


def _slices(rows: Sequence[Row]) -> dict[tuple[str, str], np.ndarray]:
    by_tag: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, row in enumerate(rows):
        for tag, value in row.case.tags.items():
            by_tag[tag][value].append(place)
    found = {}
    for tag in sorted(by_tag):
        values = by_tag[tag]
        if tag in GROUP_TAGS or not 1 <= len(values) <= MOST_SLICES:
            continue
        for value in sorted(values, key=lambda one: (-len(values[one]), one)):
            if _FEWEST_IN_SLICE <= len(values[value]) < len(rows):
                found[tag, value] = np.array(values[value], dtype=np.int64)
    return found


def _totals(rows: Sequence[Row]) -> Totals:
    outputs = [(row, row.output) for row in rows if row.output is not None]
    fresh = np.array([output.duration_ms for row, output in outputs if not row.cached], dtype=np.float64)
    return Totals(
        cost_usd=float(sum(output.cost_usd for _, output in outputs)),
        spent=Spent(
            calls=sum(row.spent.calls for row in rows),
            input_tokens=sum(row.spent.input_tokens for row in rows),
            output_tokens=sum(row.spent.output_tokens for row in rows),
            cost_usd=sum(row.spent.cost_usd for row in rows),
        ),
        cached=sum(row.cached for row in rows),
        duration_ms=Spread(
            mean=float(fresh.mean()),
            p50=float(np.median(fresh)),
            p95=float(np.quantile(fresh, 0.95)),
            largest=float(fresh.max()),
        )
        if len(fresh)
        else None,
    )


def _warnings(found: Sequence[MetricSummary], rows: int, answered: int, tag: str | None) -> tuple[str, ...]:
    said = []
    if rows and answered < rows and 1 - answered / rows > _WORTH_SAYING:
        said.append(f"{rows - answered:,} of {rows:,} cases have no output: every mean is over the others only.")
    for one in found:
        asked = one.measured + one.unmeasured
        if asked and one.unmeasured / asked > _WORTH_SAYING:
            why = f", mostly: {one.reasons[0].reason}" if one.reasons else ""
            said.append(f"{one.metric.name} could not be measured on {one.unmeasured:,} of {asked:,} outputs{why}.")
    if tag is not None:
        said.append(f"Cases that share the tag {tag!r} are counted as one group, so intervals are wider.")
    return tuple(said)
