"""Rows of about the same probability, put together for a reliability diagram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signalbox.calibration import clopper_pearson
from signalbox.charts.shapes import ReliabilityBin

Floats = NDArray[np.float64]
_BINS = 10


def reliability_bins(probability: Floats, right: Floats, bins: int = _BINS) -> list[ReliabilityBin]:
    """Groups of about equally many rows by probability, each with its exact interval; equal ones stay together."""
    order = np.argsort(probability, kind="stable")
    ranked = probability[order]
    cuts = np.unique(np.searchsorted(ranked, ranked[np.linspace(0, len(ranked), bins + 1).astype(int)[1:-1]]))
    found = []
    for rows in np.split(order, cuts):
        if len(rows):
            k, n = round(float(right[rows].sum())), len(rows)
            low, high = clopper_pearson(k, n)
            found.append(ReliabilityBin(float(probability[rows].mean()), k / n, low, high, n))
    return found
