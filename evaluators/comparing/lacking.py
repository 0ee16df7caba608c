"""What a gate makes of cases that were not measured: so that a run does not pass by losing the hard ones.

Few cases that are missing by chance are left out. More than that, or others than chance would leave out, count against
the run: as wrong where a metric has a worst value, and where it has none, as costs, nothing can be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluators.comparing.matching import same_case
from evaluators.comparing.record import Record, shown
from evaluators.contract import Measure, Metric, Output, Row
from evaluators.statistics.missing import missingness_warnings, unlike

MOST_LACKING = 0.05
"""Of the cases that a metric applies to, the share without a value up to which it is taken as chance."""
LEAST_COMPARED = 0.9
"""Of the baseline's cases, the share that must be compared for the rest to stand for all."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A run in which cases that were not measured have a value."""

    id: str
    manifest: Mapping[str, Any]
    rows: tuple[Row, ...]
    metrics: tuple[Metric, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """Cases of a baseline that could not be compared.

    Attributes:
        asked: the baseline's cases that the metric applies to; compared: those of them that both runs measured.
        counted: how many must count against the run, since they are many or not missing by chance; 0: none.
        before, after: the runs with those cases filled in; None where the metric has no worst value.
        reason: why they count, as a part of a sentence.
    """

    asked: int
    compared: int
    counted: int = 0
    reason: str = ""
    before: Filled | None = None
    after: Filled | None = None

    @property
    def too_few(self) -> bool:
        return self.compared < LEAST_COMPARED * self.asked


def worst_value(metric: Metric) -> float | None:
    """What a case is worth at worst; None where there is no end to it, or no direction is better."""
    if metric.kind == "number" or metric.better is None:
        return None
    return 0.0 if metric.better == "higher" else 1.0


def with_worst(record: Record, metric: Metric, worst: float) -> Filled:
    """The run with every case that lacks a value counted at its worst; cases beside the metric stay so."""
    name = metric.name
    rows = tuple(row if _beside(row, name) else _filled(row, row, name, worst) for row in record.rows)
    return Filled(record.id, record.manifest, rows, record.metrics, record.state)


def lacking(baseline: Record, record: Record, metric: Metric) -> Lacking:
    """What of the baseline the run lacks, the other way round too, and whether that is more than chance."""
    own = {row.case.id: row for row in record.rows}
    pairs = [(row, own.get(row.case.id)) for row in baseline.rows]
    pairs = [(row, other if other is not None and same_case(row, other) else None) for row, other in pairs]
    # What does not apply is not missing.
    pairs = [pair for pair in pairs if not any(row is not None and _beside(row, metric.name) for row in pair)]
    before, after = (np.array([_value(pair[side], metric.name) for pair in pairs]) for side in (0, 1))
    both, one = np.isfinite(before) & np.isfinite(after), np.isfinite(before) ^ np.isfinite(after)
    found = Lacking(asked=len(pairs), compared=int(both.sum()))
    # Another set may have dropped cases on purpose: those count only where they are unlike the others.
    other_set = shown(baseline).set_hash != shown(record).set_hash
    dropped = np.array([other_set and other is None for _, other in pairs], dtype=bool)
    reasons = missingness_warnings(before[~dropped], after[~dropped], names=(baseline.id, record.id))
    left = int((one & ~dropped).sum())
    if not reasons and left > MOST_LACKING * max(int((~dropped).sum()), 1):
        reasons = [f"{left:,} of {int((~dropped).sum()):,} cases were measured in one run only."]
    counts = one & ~dropped if reasons else np.zeros_like(one)
    if unlike(before[one & dropped], before[both]):
        reasons.append(f"The cases that the set of {record.id} has no longer were unlike the others.")
        counts |= one & dropped
    if not counts.any():
        return found
    found = replace(found, counted=int(counts.sum()), reason=" ".join(reasons))
    worst = worst_value(metric)
    if worst is None:
        return found
    filled: tuple[list[Row], list[Row]] = [], []
    for (row, other), known, counted in zip(pairs, both.tolist(), counts.tolist(), strict=True):
        if known or counted:
            filled[0].append(_filled(row, row, metric.name, 1 - worst))
            filled[1].append(_filled(other, row, metric.name, worst))
    one_run, other_run = (
        Filled(run.id, run.manifest, tuple(rows), run.metrics, run.state)
        for run, rows in zip((baseline, record), filled, strict=True)
    )
    return replace(found, before=one_run, after=other_run)


def _value(row: Row | None, name: str) -> float:
    measure = row.measure(name) if row is not None and row.output is not None else None
    return measure.value if measure is not None and measure.value is not None else float("nan")


def _beside(row: Row, name: str) -> bool:
    measure = row.measure(name) if row.output is not None else None
    return measure is not None and measure.value is None and not measure.applies


def _filled(row: Row | None, case_of: Row, name: str, value: float) -> Row:
    """The row as it is where it holds a value, else one of the same case with this value."""
    if row is not None and np.isfinite(_value(row, name)):
        return row
    row = row if row is not None else case_of
    measures = (*(one for one in row.measures if one.metric != name), Measure(metric=name, value=value))
    return row.model_copy(update={"output": row.output or Output(), "trouble": None, "measures": measures})
