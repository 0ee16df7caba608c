"""What an expert's numbers say of texts: probabilities, label sets, intervals, and the signals behind the confidence.

The same code runs on the parts of cross-validation and on the served expert, so what is fitted on the signals sees
what it will meet. It knows nothing of replies, files or how the numbers were learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.calibration import LabelCalibrator, LabelSets, NumberIntervals
from classifiers.calibration.head_signals import HEAD_SIGNALS, head_signals
from classifiers.calibration.reference import VECTOR_SIGNALS, Reference
from classifiers.contract import Floats, Outputs, Task

SPREAD = "interval_width"
WORDS_KNOWN = "known_words"


@dataclass(frozen=True)
class TaskReading:
    """How one task's scores are read: `labels` and `sets` of a task with labels, `intervals` of a number."""

    task: Task
    labels: LabelCalibrator | None = None
    sets: LabelSets | None = None
    intervals: NumberIntervals | None = None


def signal_names(tasks: Sequence[Task]) -> tuple[str, ...]:
    """The signals of an expert with these tasks, in the order of `signals`."""
    heads = HEAD_SIGNALS if any(task.kind != "regression" for task in tasks) else ()
    spread = (SPREAD,) if any(task.kind == "regression" for task in tasks) else ()
    return (*heads, *VECTOR_SIGNALS, *spread, WORDS_KNOWN)


def probabilities(readings: Sequence[TaskReading], outputs: Outputs) -> tuple[Floats | None, ...]:
    """Calibrated ones of each task, shape (n, labels); None for numbers."""
    return tuple(
        None if reading.labels is None else reading.labels.probabilities(scores)
        for reading, scores in zip(readings, outputs.scores, strict=True)
    )


def signals(
    readings: Sequence[TaskReading],
    reference: Reference,
    outputs: Outputs,
    known_words: Floats,
    judged: Sequence[Floats | None],
) -> Floats:
    """Shape (n, signals), in the order of `signal_names`.

    Args:
        judged: the `probabilities`: texts are compared with the examples of the label that is answered.
        known_words: share of each text's words that training has seen, shape (n,).
    """
    scaled = [
        scores / reading.labels.temperature
        for reading, scores in zip(readings, outputs.scores, strict=True)
        if reading.labels is not None
    ]
    n = len(outputs.vectors)
    lead = next((own for own in judged if own is not None), None)
    claimed = lead.argmax(axis=1) if lead is not None and reference.labels > 1 else np.zeros(n, dtype=np.int64)
    columns = [reference.signals(outputs.vectors, claimed), *_spreads(readings, outputs), known_words[:, None]]
    if scaled:
        columns.insert(0, head_signals(scaled))
    return np.hstack(columns)


def _spreads(readings: Sequence[TaskReading], outputs: Outputs) -> list[Floats]:
    """Widths of the intervals on a scale without a unit, the mean over all numbers; nothing without numbers."""
    widths = []
    for reading, scores in zip(readings, outputs.scores, strict=True):
        if reading.intervals is not None:
            low, high = reading.intervals.intervals(scores[:, 0], outputs.vectors.astype(np.float64)).T
            widths.append(np.log1p((high - low) / (np.abs(reading.intervals.above - reading.intervals.below) + 1e-9)))
    return [np.mean(widths, axis=0)[:, None]] if widths else []
