"""Charts as inline SVG for reports: what is drawn is in `shapes`, what every chart stands on in `drawing`."""

from signalbox.charts.drawing import CHART_CSS, Axis, escaped, number, percent
from signalbox.charts.shapes import (
    Bar,
    ReliabilityBin,
    Series,
    bars,
    heat_map,
    histogram,
    lines,
    reliability,
    scatter,
)

__all__ = [
    "CHART_CSS",
    "Axis",
    "Bar",
    "ReliabilityBin",
    "Series",
    "bars",
    "escaped",
    "heat_map",
    "histogram",
    "lines",
    "number",
    "percent",
    "reliability",
    "scatter",
]
