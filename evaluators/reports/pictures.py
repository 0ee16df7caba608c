"""The charts of a run and of a comparison; each is empty where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.comparing.types import Comparison
from evaluators.contract import Metric, Row
from evaluators.statistics.summary import MetricSummary, Summary
from signalbox.calibration import expected_calibration_error
from signalbox.charts import Axis, Bar, bars, histogram, number, reliability
from signalbox.charts.bins import reliability_bins

_MOST_BARS = 40
_COLUMNS = 30
_FEWEST = 20
_SKEWED = 20


def metric_bars(summary: Summary) -> str:
    """Shares and scores from 0 to 1 with their intervals."""
    items = [_bar(one.metric.name, one) for one in summary.metrics if one.value is not None and _within(one)]
    if not items:
        return ""
    return bars(
        items[:_MOST_BARS],
        title="Metrics",
        axis=Axis("Mean of measured cases, with 95% interval", low=0, high=1, share=True),
        description=f"{len(items)} metrics.",
    )


def slice_bars(summary: Summary, metric: Metric) -> list[tuple[str, str]]:
    """A chart a tag: the metric in each of its slices, beside all cases."""
    whole = summary.metric(metric.name)
    found = []
    for tag in dict.fromkeys(one.tag for one in summary.slices):
        items = []
        for one in summary.slices:
            own = next((m for m in one.metrics if m.metric.name == metric.name), None)
            if one.tag == tag and own is not None and own.value is not None:
                items.append(_bar(f"{one.value} ({own.measured:,})", own))
        if len(items) > 1 and whole is not None and whole.value is not None:
            axis = _axis(metric)
            drawn = [_bar("all cases", whole, strong=True), *items[: _MOST_BARS - 1]]
            found.append((f"{metric.name} by {tag}", bars(drawn, title=f"{metric.name} by {tag}", axis=axis)))
    return found


def confidence_chart(rows: Sequence[Row], metric: Metric) -> tuple[str, str]:
    """A sentence and the diagram: is the confidence that came with the answers what was seen?"""
    pairs = []
    for row in rows:
        measure = row.measure(metric.name)
        prediction = row.output.prediction if row.output is not None else None
        if prediction is not None and prediction.confidence is not None and measure and measure.value in (0.0, 1.0):
            pairs.append((prediction.confidence, measure.value))
    if len(pairs) < _FEWEST or metric.kind != "share" or metric.better != "higher":
        return "", ""
    said, seen = (np.array(one, dtype=np.float64) for one in zip(*pairs, strict=True))
    bins = reliability_bins(said, seen)
    honest = sum(one.low <= one.said <= one.high for one in bins)
    error = expected_calibration_error(said, seen)
    told = (
        f"In {honest} of {len(bins)} groups of equally sure answers, the share that was right ({metric.name}) is what "
        f"the confidence said, within the interval. Calibration error {error:.3f}, on {len(pairs):,} answers."
    )
    return told, reliability(bins, title="Confidence said, and share right")


def duration_chart(rows: Sequence[Row]) -> str:
    """How long answers took that no cache gave."""
    values = [row.output.duration_ms for row in rows if row.output is not None and not row.cached]
    return _histogram(values, "Time to an answer", "ms")


def cost_chart(rows: Sequence[Row]) -> str:
    """What answers cost, where any did."""
    values = [row.output.cost_usd for row in rows if row.output is not None]
    return _histogram(values, "Cost of an answer", "USD") if any(values) else ""


def difference_bars(found: Comparison) -> str:
    """Differences of shares and scores with their intervals, for the better to the right."""
    items = []
    for one in found.metrics:
        if one.difference is None or one.low is None or one.high is None or one.metric.kind == "number":
            continue
        sign = -1 if one.metric.better == "lower" else 1
        low, high = sorted((sign * one.low, sign * one.high))
        items.append(Bar(one.metric.name, sign * one.difference, low, high, strong=one.decision == "worse"))
    if not items:
        return ""
    reach = max(abs(end) for item in items for end in (item.low or 0.0, item.high or 0.0)) * 1.1 or 0.01
    axis = Axis("Better by", low=-min(1.0, reach), high=min(1.0, reach), share=True)
    return bars(items[:_MOST_BARS], title="Differences", axis=axis, description="After less before, with intervals.")


def flip_bars(found: Comparison) -> str:
    """How many cases each share lost and gained."""
    items = []
    for one in found.metrics:
        if one.comparable and one.metric.kind == "share" and one.metric.better is not None and one.n:
            items.append(Bar(f"{one.metric.name}: worse", float(one.lost), strong=True))
            items.append(Bar(f"{one.metric.name}: better", float(one.gained)))
    return bars(items[:_MOST_BARS], title="Flips", axis=Axis("Cases", low=0)) if items else ""


def _histogram(values: Sequence[float], title: str, unit: str) -> str:
    if len(values) < 2 or max(values) <= 0:
        return ""
    own = np.array(values, dtype=np.float64)
    positive = own[own > 0]
    log = len(positive) == len(own) and float(own.max()) > _SKEWED * float(np.median(own))
    if log:
        edges = np.geomspace(float(own.min()), float(own.max()) * 1.0001, _COLUMNS + 1)
        counts, edges = np.histogram(own, bins=edges)
    else:
        counts, edges = np.histogram(own, bins=min(_COLUMNS, max(4, len(own) // 2)), range=(0, float(own.max())))
    return histogram(
        edges.tolist(),
        [float(count) for count in counts],
        title=title,
        description=f"Median {number(float(np.median(own)))} {unit}, largest {number(float(own.max()))} {unit}.",
        x=Axis(title, unit=unit, log=log, low=None if log else 0),
        y=Axis("Cases", low=0),
    )


def _bar(label: str, one: MetricSummary, *, strong: bool = False) -> Bar:
    return Bar(label, one.value or 0.0, one.low, one.high, strong=strong)


def _axis(metric: Metric) -> Axis:
    if metric.kind == "number":
        return Axis(metric.name, unit=metric.unit)
    return Axis(metric.name, low=0, high=1, share=True)


def _within(one: MetricSummary) -> bool:
    return one.metric.kind != "number" and one.value is not None and 0 <= one.value <= 1
