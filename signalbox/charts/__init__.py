"""Charts as inline SVG for reports, and the page around them: what is drawn is in `shapes`, what every chart stands on
in `drawing`, the pieces of a page in `parts` and its look in `style`."""

from signalbox.charts.drawing import CHART_CSS, Axis, escaped, number, percent
from signalbox.charts.parts import folded, pictures, said, section, table, warned
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
from signalbox.charts.style import PAGE_STYLE

__all__ = [
    "CHART_CSS",
    "PAGE_STYLE",
    "Axis",
    "Bar",
    "ReliabilityBin",
    "Series",
    "bars",
    "escaped",
    "folded",
    "heat_map",
    "histogram",
    "lines",
    "number",
    "percent",
    "pictures",
    "reliability",
    "said",
    "scatter",
    "section",
    "table",
    "warned",
]
