"""Where the time of a query went: a bar per attempt on one time axis, and what lies between them."""

from __future__ import annotations

from dataclasses import dataclass

from api.ui.parts import formats
from api.ui.parts.elements import div, el
from api.ui.parts.marks import ROUTE_WORDS
from signalbox.types import Prediction


@dataclass(frozen=True, slots=True)
class Bar:
    """From `start` for `length`, both shares of the whole; `route` None is what no route took."""

    route: str | None
    duration_ms: float
    start: float
    length: float


def bars(prediction: Prediction) -> list[Bar]:
    """The attempts in order, each where the one before ended, then the rest, in which nothing was attempted.

    Only durations are recorded, so what lies between attempts is drawn behind them all.
    """
    tried = [attempt for attempt in prediction.attempts if attempt.outcome != "skipped"]
    whole = max(prediction.duration_ms, sum(attempt.duration_ms for attempt in tried)) or 1.0
    drawn: list[Bar] = []
    at = 0.0
    for attempt in tried:
        drawn.append(Bar(attempt.route, attempt.duration_ms, at / whole, attempt.duration_ms / whole))
        at += attempt.duration_ms
    rest = max(0.0, whole - at)
    return [*drawn, Bar(None, rest, at / whole, rest / whole)]


def waterfall(prediction: Prediction) -> None:
    """Draws the bars with their durations, and the axis with its unit."""
    with el("ol", "", "waterfall", aria_label="Durations"):
        for bar in bars(prediction):
            with el("li", "", "waterfall-row", data_route=bar.route or "none"):
                el("span", ROUTE_WORDS[bar.route] if bar.route else "Everything else", "waterfall-name")
                with div("waterfall-track", aria_hidden="true"):
                    el("span", "", "waterfall-bar", style=f"left: {bar.start:.2%}; width: max(2px, {bar.length:.2%})")
                el("span", formats.duration(bar.duration_ms), "number")
    with div("waterfall-row waterfall-axis muted small", aria_hidden="true"):
        el("span")
        with div("row", style="justify-content: space-between"):
            el("span", "0 ms")
            el("span", formats.duration(prediction.duration_ms))
        el("span")
