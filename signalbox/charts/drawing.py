"""What every chart stands on: a frame with two axes, round ticks, short numbers, text that can do no harm.

Coordinates are pixels of a view box that scales with the page; colours are CSS variables, so that a page decides on
light and dark. Which chart shows what is decided elsewhere.
"""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass

CHART_CSS = """\
:root{--chart-1:#2563c9;--chart-2:#c2570c;--chart-3:#177a4a;--chart-bad:#b91c2c;--chart-text:#22272e;
--chart-muted:#626c78;--chart-grid:#dfe3e8;--chart-on:#fff}
@media (prefers-color-scheme:dark){:root{--chart-1:#6ea8fe;--chart-2:#f0974a;--chart-3:#54c08a;--chart-bad:#ff7b86;
--chart-text:#e6e9ee;--chart-muted:#9aa5b3;--chart-grid:#333b46;--chart-on:#10151c}}
svg.chart{display:block;width:100%;height:auto;max-width:680px}
svg.chart text{font:12px system-ui,sans-serif;fill:var(--chart-text);unicode-bidi:isolate}
svg.chart text.muted{fill:var(--chart-muted)}
"""
"""Style that a page with charts needs once; a page may set the variables otherwise."""

WIDTH = 640
_LARGEST = 1e290
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# These would turn round the text around them.
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def escaped(text: str, most: int | None = None) -> str:
    """Any text as text of an HTML or SVG page, or within an attribute; cut to so many characters."""
    clean = _DIRECTIONS.sub("", _UNPRINTABLE.sub("\ufffd", text))
    if most is not None and len(clean) > most:
        clean = clean[: most - 1].rstrip() + "…"
    return html.escape(clean, quote=True)


def number(value: float) -> str:
    """A number for people, with about three significant digits: `0.0123`, `12.3`, `1,234`, `1.2M`."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.2g}"
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e5, "k")):
        if size >= limit:
            scaled = value / (1e3 if suffix == "k" else limit)
            return f"{scaled:,.0f}{suffix}" if abs(scaled) >= 100 else f"{scaled:.3g}{suffix}"
    if size >= 1_000:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.3g}"
    text = f"{value:.3f}" if size >= 0.0995 else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def percent(value: float) -> str:
    """A share as a percentage: `97.3%`."""
    return f"{100 * value:.1f}".removesuffix(".0") + "%" if math.isfinite(value) else "–"


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a chart.

    Attributes:
        label: what it counts; `unit`: in what, shown after it.
        low, high: its ends; None: those of the data, rounded outwards.
        log: powers of ten at equal distances; what isn't above 0 is left out.
        share: ticks in per cent.
    """

    label: str
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    log: bool = False
    share: bool = False

    @property
    def title(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def shown(self, value: float) -> str:
        return percent(value) if self.share else number(value)

    def usable(self, value: float) -> bool:
        return abs(value) <= _LARGEST and (not self.log or value >= 1 / _LARGEST)

    def over(self, values: list[float]) -> Scale:
        """The scale that shows these values; those that can't be shown don't count."""
        kept = [value for value in values if self.usable(value)]
        low = self.low if self.low is not None else min(kept, default=0.1 if self.log else 0.0)
        high = self.high if self.high is not None else max(kept, default=1.0)
        if self.log:
            start = math.floor(math.log10(low))
            end = max(math.ceil(math.log10(high)), start + 1)
            every = max(1, round((end - start) / 6))
            return Scale(10.0**start, 10.0**end, tuple(10.0**power for power in range(start, end + 1, every)), True)
        if high - low <= 1e-9 * max(abs(low), abs(high)) or high - low < 1 / _LARGEST:
            room = max(0.5, 0.01 * abs(low))
            low, high = (low - room if self.low is None else low), low + room
        step = _step(high - low)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        ticks = tuple(float(f"{i * step:.12g}") for i in range(first, last + 1))
        return Scale(
            ticks[0] if self.low is None else low,
            ticks[-1] if self.high is None else high,
            tuple(tick for tick in ticks if self._within(tick, low, high)),
            False,
        )

    def _within(self, tick: float, low: float, high: float) -> bool:
        return (self.low is None or tick >= low - 1e-12) and (self.high is None or tick <= high + 1e-12)


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values lie between the ends of an axis."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool

    def share(self, value: float) -> float:
        """0 at the low end, 1 at the high end; what lies outside is put at the end."""
        if self.log:
            part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, part)) if math.isfinite(part) else 0.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The drawing area and its two scales."""

    x: Scale
    y: Scale
    left: float
    top: float
    width: float
    height: float

    def px(self, value: float) -> float:
        return self.left + self.width * self.x.share(value)

    def py(self, value: float) -> float:
        return self.top + self.height * (1 - self.y.share(value))

    def axes(self, x: Axis, y: Axis) -> str:
        """Grid, ticks and titles."""
        bottom, right = self.top + self.height, self.left + self.width
        parts = [
            f'<line x1="{self.left:.1f}" x2="{right:.1f}" y1="{self.py(t):.1f}" y2="{self.py(t):.1f}" '
            f'stroke="var(--chart-grid)"/><text class="muted" x="{self.left - 6:.1f}" y="{self.py(t) + 4:.1f}" '
            f'text-anchor="end">{y.shown(t)}</text>'
            for t in self.y.ticks
        ]
        parts += [
            f'<line x1="{self.px(t):.1f}" x2="{self.px(t):.1f}" y1="{bottom:.1f}" y2="{bottom + 4:.1f}" '
            f'stroke="var(--chart-muted)"/><text class="muted" x="{self.px(t):.1f}" y="{bottom + 18:.1f}" '
            f'text-anchor="middle">{x.shown(t)}</text>'
            for t in self.x.ticks
        ]
        middle = self.top + self.height / 2
        parts.append(
            f'<text x="{self.left + self.width / 2:.1f}" y="{bottom + 36:.1f}" text-anchor="middle">'
            f"{escaped(x.title, 80)}</text>"
            f'<text transform="translate(14 {middle:.1f}) rotate(-90)" text-anchor="middle">'
            f"{escaped(y.title, 45)}</text>"
        )
        return "".join(parts)


def framed(x: Scale, y: Scale, height: float, *, left: float = 64) -> Frame:
    """A frame with room for the titles of its axes, `height` pixels in all."""
    return Frame(x, y, left, 12, WIDTH - left - 22, height - 12 - 46)


def figure(body: str, height: float, title: str, description: str) -> str:
    """The whole picture, with what a screen reader says of it."""
    spoken = escaped(f"{title}. {description}" if description else title)
    return (
        f'<svg class="chart" role="img" aria-label="{spoken}" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escaped(title)}</title><desc>{escaped(description)}</desc>'
        f"{body}</svg>"
    )


def _step(span: float) -> float:
    """A round distance that gives four to nine ticks over a span."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next((factor * power for factor in (1, 2, 2.5, 5) if span / (factor * power) <= 6), 10 * power)
