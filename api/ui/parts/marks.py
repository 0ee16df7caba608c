"""The small signs used everywhere: the route's badge, the confidence bar, a relative time."""

from __future__ import annotations

from datetime import datetime

from api.ui.parts import formats
from api.ui.parts.elements import Html, div, el
from signalbox.types import utc_now

ROUTE_WORDS = {
    "classifier": "Classifier",
    "grounded": "Grounded",
    "cloud": "Cloud",
    "review": "Person",
}


def route_badge(route: str | None, label: str | None = None) -> Html:
    """Colour, shape and word of a route; None is a query that no route has answered."""
    badge = el("span", "", "route", data_route=route or "none")
    with badge:
        el("span", "", "shape", aria_hidden="true")
        el("span", label or ROUTE_WORDS.get(route or "", "No route"))
    return badge


def confidence_bar(
    confidence: float | None, *, route: str | None = None, limit: float | None = None, expected: bool = False
) -> Html:
    """A bar with the number; hovering explains the number once.

    Args:
        limit: the confidence from which on an answer is accepted, drawn as a line.
        expected: it is what was expected before there was an answer.
    """
    if confidence is None:
        return el("span", "—", "muted", title="This attempt has no confidence.")
    shown = formats.probability(confidence)
    share = formats.share(confidence)
    tip = f"Of answers marked like this, {share} were right."
    if expected:
        tip = f"Before it was tried, {share} of this route's answers to such a query were expected to be right."
    if limit is not None:
        tip += f" Accepted from {formats.probability(limit)} on." if limit <= 1 else " None is accepted at this alpha."
    bar = el("span", "", "confidence", data_route=route, data_tip=tip, tabindex=0, role="img",
             aria_label=f"{shown} confident. {tip}")  # fmt: skip
    with bar:
        with el("span", "", "confidence-track"):
            el("span", "", "confidence-fill", style=f"width: {confidence:.1%}")
            if limit is not None and limit <= 1:
                el("span", "", "confidence-limit", style=f"left: calc({limit:.1%} - 1px)")
        el("span", shown, "confidence-value")
    return bar


def relative_time(moment: datetime) -> Html:
    """`3 min ago`, growing older in the browser; hovering gives the exact time."""
    return el("time", formats.ago(moment, utc_now()), "muted", datetime=moment.isoformat(), data_ago=True,
              title=formats.exact(moment))  # fmt: skip


def fact(label: str, value: str | None = None, *, title: str | None = None, long: bool = False) -> Html:
    """A label with its value; without one, the value is drawn inside. A `long` one has a line of its own."""
    box = div("fact long" if long else "fact")
    with box:
        el("dt", label, "label")
        return el("dd", value or "", title=title, dir="auto")
