"""Why a query went its way: what the policy expected of each route, and from which confidence on it accepts."""

from __future__ import annotations

from api.ui.parts import formats
from api.ui.parts.elements import div, el, text
from api.ui.parts.marks import confidence_bar, route_badge
from signalbox.types import ROUTES, Decision, Prediction


def why_this_way(prediction: Prediction) -> None:
    """A table of routes, then the rule and the policy behind it."""
    decision = prediction.decision
    if decision is None:
        words = (
            f"The answer is the one given to the same query before, in {prediction.cached_from}."
            if prediction.cached_from
            else "No decision was recorded."
        )
        text(words, "muted", tag="p")
        return
    with div("table-scroll"), el("table", "", "table why"):
        with el("thead"), el("tr"):
            for label, number in (("Route", False), ("Likely right, before trying", False), ("Accepted from", True),
                                  ("Expected cost", True), ("Expected time", True)):  # fmt: skip
                el("th", label, "number" if number else "", scope="col")
        with el("tbody"):
            for route in ROUTES:
                if route in decision.estimates:
                    _row(route, decision)
    text(_rule(prediction, decision), "muted", tag="p")


def _row(route: str, decision: Decision) -> None:
    expected = decision.estimates[route]  # type: ignore[index]
    limit = decision.thresholds.get(route)  # type: ignore[call-overload]
    with el("tr"):
        with el("th", "", "", scope="row"):
            route_badge(route)
            if route == decision.first:
                el("span", "tried first", "aside muted small")
        with el("td"):
            confidence_bar(expected.success, route=route, expected=True)
        el("td", "never" if limit is None or limit > 1 else formats.probability(limit), "number")
        el("td", formats.money(expected.cost_usd), "number")
        el("td", formats.duration(expected.duration_ms), "number")


def _rule(prediction: Prediction, decision: Decision) -> str:
    words = f"Policy {prediction.policy}."
    guarantee = prediction.guarantee
    if guarantee is not None and guarantee.holds:
        words += (
            f" At most {guarantee.alpha:.0%} of the answers given without a person are wrong, with a probability of "
            f"at least {1 - guarantee.delta:.0%}."
        )
    elif guarantee is not None:
        words += f" It is too little measured to promise an error rate of {guarantee.alpha:.0%}."
    else:
        words += " It carries no guarantee of an error rate."
    if decision.explored:
        words += f" This way was tried to learn from it, with a propensity of {decision.propensity:.2f}."
    return words
