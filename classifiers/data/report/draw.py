"""From the report's charts, which are numbers, to pictures."""

from __future__ import annotations

from classifiers.data.report.model import Bars, Chart, Histogram, Matrix
from signalbox import charts

_MOST_BARS = 60


def draw(chart: Chart) -> str:
    """A caption and an `<svg>`; every label escaped."""
    caption = f"<figcaption>{charts.escaped(chart.title, 160)}</figcaption>"
    if isinstance(chart, Bars):
        return caption + _bars(chart)
    if isinstance(chart, Histogram):
        return caption + _histogram(chart)
    if isinstance(chart, Matrix):
        return caption + charts.heat_map(
            chart.rows,
            chart.columns,
            chart.cells,
            title=chart.title,
            row_title=chart.row_label,
            column_title=chart.column_label,
        )
    bars = [
        charts.Bar(label=one.label, value=one.value, low=one.low, high=one.high, strong=one.marked)
        for one in chart.intervals
    ]
    note = (
        f'<p class="aside">{charts.escaped(chart.reference_label)}: {chart.reference:g}. '
        "Bars of the second colour are beyond chance.</p>"
    )
    axis = charts.Axis(chart.x_label, low=chart.low, high=chart.high)
    return caption + charts.bars(bars, title=chart.title, axis=axis) + note


def _bars(chart: Bars) -> str:
    bars = [charts.Bar(label=bar.label, value=bar.value, strong=bar.marked) for bar in chart.bars[:_MOST_BARS]]
    share = "share" in chart.x_label
    axis = charts.Axis(chart.x_label, low=0.0, share=share)
    more = f'<p class="aside">{chart.left_out:,} more are left out.</p>' if chart.left_out else ""
    return charts.bars(bars, title=chart.title, axis=axis) + more


def _histogram(chart: Histogram) -> str:
    limit = (
        f'<p class="aside">{charts.escaped(chart.limit_label)}: {chart.limit:g}</p>' if chart.limit is not None else ""
    )
    x, y = charts.Axis(chart.x_label), charts.Axis(chart.y_label, low=0.0)
    return charts.histogram(chart.edges, chart.counts, title=chart.title, x=x, y=y) + limit
