"""Many metrics, many chances to be fooled: p-values corrected for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Corrected so that the chance of any false alarm stays at alpha (Holm 1979); what decisions are made by."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    found, highest = [1.0] * len(p), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[place]))
        found[place] = highest
    return found


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """The share of false alarms among all that are no less surprising (Benjamini and Hochberg 1995); for showing."""
    order = sorted(range(len(p)), key=lambda i: p[i], reverse=True)
    found, lowest = [1.0] * len(p), 1.0
    for rank, place in enumerate(order):
        lowest = min(lowest, p[place] * len(p) / (len(p) - rank))
        found[place] = lowest
    return found
