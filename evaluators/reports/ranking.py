"""Which cases are worth a look first: those without an output, wrong ones, unmeasured ones, declined ones, the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from evaluators.contract import Metric, Row

Standing = Literal["failed", "wrong", "unmeasured", "declined", "right", "other"]
ORDER: tuple[Standing, ...] = ("failed", "wrong", "unmeasured", "declined", "other", "right")


def main_metric(metrics: Sequence[Metric], rows: Sequence[Row]) -> Metric | None:
    """The first share that may gate and was measured, else the first metric with a direction that was."""
    measured = {one.metric for row in rows for one in row.measures if one.value is not None}
    known = [metric for metric in metrics if metric.name in measured and metric.better is not None]
    first = [metric for metric in known if metric.gates and metric.kind == "share"]
    return next(iter([*first, *known]), None)


def deciding(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """The metrics by which a case is right or wrong: shares with a direction that may gate."""
    return tuple(one for one in metrics if one.kind == "share" and one.better is not None and one.gates)


def standing(row: Row, metrics: Sequence[Metric]) -> Standing:
    """How a case did, by the first of the metrics of `deciding` that applies to it.

    What was left to a person went neither right nor wrong, unless a metric says that it should have been.
    """
    if row.output is None:
        return "failed"
    if row.output.prediction is not None and row.output.prediction.outcome != "answered":
        found = [row.measure(metric.name) for metric in metrics if metric.better == "higher"]
        return "right" if any(measure and measure.value == 1.0 for measure in found) else "declined"
    for metric in metrics:
        measure = row.measure(metric.name)
        if measure is not None and measure.value is not None:
            return "right" if measure.value == (metric.better == "higher") else "wrong"
        if measure is not None and measure.applies:
            return "unmeasured"
    return "other"


def wrong_by(row: Row, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The metrics that say that a case went wrong."""
    found = []
    for metric in metrics:
        measure = row.measure(metric.name)
        if measure is not None and measure.value is not None and measure.value != (metric.better == "higher"):
            found.append(metric.name)
    return tuple(found)


def ranked(rows: Sequence[Row], metrics: Sequence[Metric]) -> list[tuple[Standing, Row]]:
    """All cases, the most informative first; of wrong ones those that were surest, of right ones the least sure."""
    known = deciding(metrics)
    found = [(standing(row, known), row) for row in rows]
    return sorted(found, key=lambda one: (ORDER.index(one[0]), _doubt(*one), one[1].case.id))


def _doubt(place: Standing, row: Row) -> float:
    confidence = row.output.prediction.confidence if row.output is not None and row.output.prediction else None
    if confidence is None:
        return 0.5
    return -confidence if place == "wrong" else confidence
