"""What a task with numbers gets right and wrong: predicted against true, and how wide its intervals are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from classifiers.contract import Floats
from signalbox.charts import Axis, histogram, number, scatter
from signalbox.charts.parts import pictures, said

_COLUMNS = 40
_SKEWED = 30  # largest by median from which equal distances hide most rows


def number_parts(task: Mapping[str, Any], drawn: Mapping[str, Any], level: float) -> str:
    """The pictures of one task, from true numbers, estimates and intervals of its held-out rows."""
    truth, estimates = (np.array(drawn.get(name, ()), dtype=np.float64) for name in ("truth", "estimates"))
    intervals = np.array(drawn.get("intervals", ()), dtype=np.float64).reshape(-1, 2)
    if not len(truth) or not len(truth) == len(estimates) == len(intervals):
        return ""
    unit = str(task["unit"]) if task.get("unit") else None
    return said(_widths_said(truth, intervals, level)) + pictures(
        ("Predicted against true", _scatter(task, truth, estimates, unit)),
        (f"How wide the {level:.0%} intervals are", _widths(task, intervals[:, 1] - intervals[:, 0], unit)),
    )


def _widths_said(truth: Floats, intervals: Floats, level: float) -> str:
    widths = intervals[:, 1] - intervals[:, 0]
    around = np.quantile(truth, [(1 - level) / 2, (1 + level) / 2])
    always = float(around[1] - around[0])
    middle = float(np.median(widths))
    told = f"The middle interval is {number(middle)} wide"
    if always <= 0:
        return f"{told}."
    return f"{told}; one that knows nothing of the text and holds as many numbers would be {number(always)} wide."


def _scatter(task: Mapping[str, Any], truth: Floats, estimates: Floats, unit: str | None) -> str:
    low = float(min(truth.min(), estimates.min()))
    log = low >= 0 and float(truth.max()) > _SKEWED * max(float(np.median(truth)), 1e-9)
    # A logarithm has no 0; one more of everything keeps those rows in the picture.
    shift = 1.0 if log and low < 1 else 0.0
    more = ", plus 1" if shift else ""
    return scatter(
        (truth + shift).tolist(),
        (estimates + shift).tolist(),
        title=f"Predicted against true {task['name']}",
        description=f"{len(truth):,} held-out rows; right ones lie on the dashed line.",
        x=Axis(f"True{more}", unit=unit, log=log),
        y=Axis(f"Predicted{more}", unit=unit, log=log),
        diagonal=True,
    )


def _widths(task: Mapping[str, Any], widths: Floats, unit: str | None) -> str:
    # A few enormous intervals would press all others into one column.
    shown = np.minimum(widths, np.quantile(widths, 0.98))
    counts, edges = np.histogram(shown, bins=_COLUMNS)
    return histogram(
        edges.tolist(),
        [float(count) for count in counts],
        title=f"Widths of the intervals of {task['name']}",
        description="The widest 2% stand in the last column.",
        x=Axis("Width", unit=unit),
        y=Axis("Rows", low=0),
    )
