"""Charts as inline SVG for reports: bars, histograms, lines with bands, scatter, reliability, heat maps.

Each function gives one `<svg>` as text, with a title and a description for screen readers, every label escaped;
the page adds `CHART_CSS` once. Values that are not finite are left out. What is worth showing is the callers' business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from signalbox.charts.drawing import WIDTH, Axis, Frame, escaped, figure, framed, number, percent
from signalbox.errors import InvalidInput, TooLarge

MOST_BARS = 60
MOST_CELLS = 40 * 40
MOST_POINTS = 2_000
_COLOURS = ("var(--chart-1)", "var(--chart-2)", "var(--chart-3)", "var(--chart-bad)")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `low` and `high` are the ends of its interval, `strong` sets it off from the others."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One line: points in order of `x`, with a band from `low` to `high` where those are given."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows of about the same probability: the mean of what was said, the share seen with its interval, how many."""

    said: float
    seen: float
    low: float
    high: float
    n: int


def bars(items: Sequence[Bar], *, title: str, axis: Axis, description: str = "") -> str:
    """Horizontal bars from 0, in the order given, each with its label and value. At most 60."""
    kept = [item for item in items if axis.usable(item.value)]
    _at_most(len(kept), MOST_BARS, "bars")
    ends = [end for item in kept for end in (item.value, item.low, item.high) if end is not None]
    scale = axis.over([0.0, *ends] if not axis.log else ends)
    height, left = 46 + 24 * max(1, len(kept)), 176.0
    frame = Frame(scale, scale, left, 6, WIDTH - left - 70, height - 52)
    zero = frame.px(scale.low if axis.log else max(scale.low, min(0.0, scale.high)))
    parts = [
        f'<path d="M{frame.px(t):.1f} 6V{height - 42:.0f}" stroke="var(--chart-grid)"/>'
        f'<text class="muted" x="{frame.px(t):.1f}" y="{height - 26:.0f}" text-anchor="middle">{axis.shown(t)}</text>'
        for t in scale.ticks
    ]
    for row, item in enumerate(kept):
        y, end = 8 + 24 * row, frame.px(item.value)
        colour = _COLOURS[1] if item.strong else _COLOURS[0]
        parts.append(
            f'<text x="{left - 8:.0f}" y="{y + 14}" text-anchor="end">{escaped(item.label, 26)}'
            f"<title>{escaped(item.label, 500)}</title></text>"
            f'<rect x="{min(zero, end):.1f}" y="{y}" width="{abs(end - zero):.1f}" height="18" rx="2" fill="{colour}"/>'
        )
        right = max(zero, end)
        if item.low is not None and item.high is not None and axis.usable(item.low) and axis.usable(item.high):
            low, high = frame.px(item.low), frame.px(item.high)
            right = max(right, high)
            parts.append(
                f'<path d="M{low:.1f} {y + 9}H{high:.1f}M{low:.1f} {y + 5}v8M{high:.1f} {y + 5}v8" fill="none" '
                'stroke="var(--chart-text)" stroke-width="1.5"/>'
            )
        parts.append(f'<text x="{right + 6:.1f}" y="{y + 14}">{axis.shown(item.value)}</text>')
    middle = left + frame.width / 2
    parts.append(f'<text x="{middle:.0f}" y="{height - 8:.0f}" text-anchor="middle">{escaped(axis.title, 80)}</text>')
    return figure("".join(parts), height, title, description)


def histogram(
    edges: Sequence[float], counts: Sequence[float], *, title: str, x: Axis, y: Axis, description: str = ""
) -> str:
    """Columns between ascending edges, one more than counts; as `numpy.histogram` gives them."""
    if len(edges) != len(counts) + 1:
        raise InvalidInput(f"{len(counts)} counts need {len(counts) + 1} edges, not {len(edges)}", field="edges")
    _at_most(len(counts), 500, "columns")
    frame = framed(x.over(list(edges)), y.over([0.0, *counts] if not y.log else list(counts)), 260)
    floor = frame.top + frame.height
    parts = [frame.axes(x, y)]
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        if all(map(x.usable, (low, high))) and y.usable(count) and count > 0:
            start, end, top = frame.px(low), frame.px(high), frame.py(count)
            parts.append(
                f'<rect x="{start:.1f}" y="{top:.1f}" width="{max(0.5, end - start - 1):.1f}" '
                f'height="{floor - top:.1f}" fill="var(--chart-1)">'
                f"<title>{x.shown(low)} to {x.shown(high)}: {y.shown(count)}</title></rect>"
            )
    return figure("".join(parts), 260, title, description)


def lines(series: Sequence[Series], *, title: str, x: Axis, y: Axis, description: str = "") -> str:
    """Lines with bands and, where there are several, a legend below."""
    _at_most(sum(len(one.x) for one in series), 5 * MOST_POINTS, "points")
    heights = [[*one.y, *(one.low or ()), *(one.high or ())] for one in series]
    frame = framed(x.over([at for one in series for at in one.x]), y.over([at for own in heights for at in own]), 300)
    parts = [frame.axes(x, y)]
    for place, one in enumerate(series):
        colour = _COLOURS[place % len(_COLOURS)]
        if one.low is not None and one.high is not None:
            there = _points(frame, x, y, one.x, one.high)
            back = _points(frame, x, y, one.x, one.low)[::-1]
            parts.append(f'<polygon points="{_path(there + back)}" fill="{colour}" fill-opacity="0.18"/>')
        points = _points(frame, x, y, one.x, one.y)
        dashes = ' stroke-dasharray="6 4"' if one.dashed else ""
        parts.append(f'<polyline points="{_path(points)}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        if one.dots:
            parts += [f'<circle cx="{at:.1f}" cy="{height:.1f}" r="3.5" fill="{colour}"/>' for at, height in points]
    legend = _legend([one.name for one in series]) if len(series) > 1 else ""
    return figure("".join(parts) + legend, 324 if legend else 300, title, description)


def scatter(
    x_values: Sequence[float],
    y_values: Sequence[float],
    *,
    title: str,
    x: Axis,
    y: Axis,
    diagonal: bool = False,
    description: str = "",
) -> str:
    """Points, evenly fewer where there are more than 2,000; `diagonal` marks where both are equal, on equal axes."""
    if len(x_values) != len(y_values):
        raise InvalidInput(f"{len(x_values)} x values but {len(y_values)} y values", field="y_values")
    both = [*x_values, *y_values]
    frame = framed(x.over(both if diagonal else list(x_values)), y.over(both if diagonal else list(y_values)), 340)
    parts = [frame.axes(x, y)]
    if diagonal:
        low, high = max(frame.x.low, frame.y.low), min(frame.x.high, frame.y.high)
        parts.append(_diagonal(frame, low, high))
    step = max(1, math.ceil(len(x_values) / MOST_POINTS))
    points = _points(frame, x, y, x_values[::step], y_values[::step])
    parts += [
        f'<circle cx="{at:.1f}" cy="{height:.1f}" r="2.5" fill="var(--chart-1)" fill-opacity="0.45"/>'
        for at, height in points
    ]
    return figure("".join(parts), 340, title, description)


def reliability(bins: Sequence[ReliabilityBin], *, title: str, description: str = "") -> str:
    """What was said against what was seen, with intervals; dots grow with their rows, honest ones lie on the line."""
    _at_most(len(bins), 100, "bins")
    x, y = Axis("Probability said", low=0, high=1, share=True), Axis("Share seen", low=0, high=1, share=True)
    frame = framed(x.over([]), y.over([]), 340)
    parts = [frame.axes(x, y), _diagonal(frame, 0, 1)]
    most = max((one.n for one in bins), default=1)
    for one in bins:
        if not all(map(math.isfinite, (one.said, one.seen, one.low, one.high))):
            continue
        at, radius = frame.px(one.said), 3 + 5 * math.sqrt(one.n / most)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{frame.py(one.low):.1f}" y2="{frame.py(one.high):.1f}" '
            f'stroke="var(--chart-1)" stroke-width="1.5"/>'
            f'<circle cx="{at:.1f}" cy="{frame.py(one.seen):.1f}" r="{radius:.1f}" fill="var(--chart-1)" '
            f'fill-opacity="0.75"><title>said {percent(one.said)}, seen {percent(one.seen)} '
            f"({percent(one.low)} to {percent(one.high)}), {one.n} rows</title></circle>"
        )
    return figure("".join(parts), 340, title, description)


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    title: str,
    row_title: str,
    column_title: str,
    share: bool = False,
    description: str = "",
) -> str:
    """Cells, darker where the value is larger, each with its number; values are at least 0. At most 1,600."""
    if len(values) != len(rows) or any(len(row) != len(columns) for row in values):
        raise InvalidInput(f"values must have the shape ({len(rows)}, {len(columns)})", field="values")
    _at_most(len(rows) * len(columns), MOST_CELLS, "cells")
    left, top = 150.0, 118.0
    wide, high = min(64.0, (WIDTH - left - 60) / max(1, len(columns))), 24.0
    most = max((value for row in values for value in row if math.isfinite(value)), default=0.0) or 1.0
    parts = [
        f'<text class="muted" x="{left - 8:.0f}" y="14" text-anchor="end">{escaped(row_title, 22)} ↓</text>'
        f'<text class="muted" x="{left:.0f}" y="14">{escaped(column_title, 60)} →</text>'
    ]
    for place, name in enumerate(columns):
        at = left + wide * (place + 0.5)
        parts.append(
            f'<text transform="translate({at + 4:.1f} {top - 6:.0f}) rotate(-60)">{escaped(name, 16)}'
            f"<title>{escaped(name, 500)}</title></text>"
        )
    for place, (name, row) in enumerate(zip(rows, values, strict=True)):
        y = top + high * place
        parts.append(
            f'<text x="{left - 8:.0f}" y="{y + 16:.0f}" text-anchor="end">{escaped(name, 21)}'
            f"<title>{escaped(name, 500)}</title></text>"
        )
        for column, value in enumerate(row):
            shade = max(0.0, value) / most if math.isfinite(value) else 0.0
            shown = (percent(value) if share else number(value)) if math.isfinite(value) and value else ""
            ink = "var(--chart-on)" if shade > 0.55 else "var(--chart-text)"
            x = left + wide * column
            # A little of the colour in every cell shows where the map is.
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide - 1.5:.1f}" height="{high - 1.5:.1f}" '
                f'fill="var(--chart-1)" fill-opacity="{0.04 + 0.96 * shade:.2f}">'
                f"<title>{escaped(name, 200)} / {escaped(columns[column], 200)}: {shown or 0}</title></rect>"
            )
            if wide >= 22 and shown:
                parts.append(
                    f'<text x="{x + wide / 2:.1f}" y="{y + 15:.1f}" text-anchor="middle" style="fill:{ink}">'
                    f"{shown}</text>"
                )
    return figure("".join(parts), top + high * len(rows) + 8, title, description)


def _points(
    frame: Frame, x: Axis, y: Axis, x_values: Sequence[float], y_values: Sequence[float]
) -> list[tuple[float, float]]:
    pairs = zip(x_values, y_values, strict=True)
    return [(frame.px(at), frame.py(height)) for at, height in pairs if x.usable(at) and y.usable(height)]


def _path(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _diagonal(frame: Frame, low: float, high: float) -> str:
    return (
        f'<line x1="{frame.px(low):.1f}" y1="{frame.py(low):.1f}" x2="{frame.px(high):.1f}" y2="{frame.py(high):.1f}" '
        'stroke="var(--chart-muted)" stroke-dasharray="5 4"/>'
    )


def _legend(names: Sequence[str]) -> str:
    room = (WIDTH - 64) / len(names)
    return "".join(
        f'<rect x="{64 + room * i:.0f}" y="306" width="14" height="4" fill="{_COLOURS[i % len(_COLOURS)]}"/>'
        f'<text x="{84 + room * i:.0f}" y="312">{escaped(name, max(4, int(room / 7)))}</text>'
        for i, name in enumerate(names)
    )


def _at_most(count: int, most: int, what: str) -> None:
    if count > most:
        raise TooLarge(f"a chart with {count:,} {what} can't be read; show at most {most:,}")
