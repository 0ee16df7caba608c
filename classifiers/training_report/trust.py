"""Whether the confidence can be believed, what leaving texts unanswered saves, and what more labels would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifiers.metrics import risk_coverage
from classifiers.training_report.words import counted
from signalbox.charts import Axis, Series, lines, percent, reliability
from signalbox.charts.bins import reliability_bins
from signalbox.charts.parts import pictures, said, section, warned

_RISK = 0.05
_NO_STRANGERS = (
    "No text out of scope was given: the confidence is that of texts which belong to some label, and too high for "
    "others. Add some and train again."
)


def trust(drawn: Mapping[str, Any], outside: int) -> str:
    """The section on the confidence in the whole answer; empty for numbers alone.

    Args:
        outside: texts out of scope that it was fitted on.
    """
    confidence, right = (np.array(drawn.get(name, ()), dtype=np.float64) for name in ("confidence", "right"))
    if not len(confidence) or len(confidence) != len(right):
        return ""
    bins, curve = reliability_bins(confidence, right), risk_coverage(confidence, right)
    honest = sum(one.low <= one.said <= one.high for one in bins)
    kept = answerable(curve)
    return section(
        "trust",
        "Can its confidence be believed?",
        said(
            f"In {honest} of {len(bins)} groups of equally sure answers, the share that was right is what the "
            f"confidence said, within the 95% interval. {kept}"
        ),
        "" if outside else warned(_NO_STRANGERS),
        pictures(
            ("Confidence said, and share right", reliability(bins, title="Reliability of the confidence")),
            ("Share wrong when only the surest are answered", _risk_chart(curve)),
        ),
    )


def answerable(curve: Sequence[Mapping[str, float]]) -> str:
    """How much could be answered with few errors, in a sentence."""
    safe = [point for point in curve if point["high"] <= _RISK]
    if not safe:
        return (
            f"These rows are too few, or too hard, to show any part of the texts with at most {percent(_RISK)} wrong."
        )
    most = max(safe, key=lambda point: point["coverage"])
    answered = "every text" if most["coverage"] == 1 else f"only the surest {percent(most['coverage'])} of texts"
    return (
        f"Answering {answered} leaves {percent(most['risk'])} of those wrong "
        f"({percent(most['low'])} to {percent(most['high'])})."
    )


def learning(points: Sequence[Mapping[str, Any]]) -> str:
    """The section on what more labels would bring."""
    if len(points) < 2:
        return ""
    sizes = [float(point["per_label"]) for point in points]
    figures = [point["accuracy"] for point in points]
    values, lows, highs = ([float(figure[key]) for figure in figures] for key in ("value", "low", "high"))
    chart = lines(
        [Series("accuracy", sizes, values, lows, highs, dots=True)],
        title="Learning curve",
        description=f"From {percent(values[0])} with {sizes[0]:,.0f} texts a label to {percent(values[-1])}.",
        x=Axis("Texts learnt from", unit="per label, at most", log=sizes[-1] > 20 * sizes[0]),
        y=Axis("Label right", low=0, high=1, share=True),
    )
    rows = counted(int(points[-1]["accuracy"]["n"]), "held-out text")
    return section("learning", "What would more labels bring?", said(_slope(values, highs)), pictures((rows, chart)))


def _slope(values: Sequence[float], highs: Sequence[float]) -> str:
    gain = values[-1] - values[-2]
    if values[-1] > highs[-2]:
        return f"Still rising: the last step brought {percent(gain)}, so more labels will very likely help."
    if gain > 0.005:
        return f"The last step brought {percent(gain)}, which may be chance: more labels may help a little."
    return "Flat by now: better labels, or another learner, will bring more than more labels of the same kind."


def _risk_chart(curve: Sequence[Mapping[str, float]]) -> str:
    coverage, risk, low, high = ([point[key] for point in curve] for key in ("coverage", "risk", "low", "high"))
    # The first few rows' intervals fill the whole picture and say nothing.
    ceiling = min(1.0, max(0.02, 1.5 * max(risk), float(np.median(high))))
    return lines(
        [Series("share wrong", coverage, risk, low, [min(value, ceiling) for value in high])],
        title="Risk against coverage",
        description="How often answers are wrong if only so many, the surest, are given.",
        x=Axis("Texts answered", low=0, high=1, share=True),
        y=Axis("Wrong among them", low=0, high=ceiling, share=True),
    )
