"""What the route taken cost beside the cheapest that could have answered, and whether it was that one.

`regret_usd` is what was paid beyond it. Its price is taken from the arguments, from the attempt on that route, or from
what the policy expected of it, in that order; where none says, there is no regret to count. What a person costs is only
known when `review_usd` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    Arguments,
    FunctionScorer,
    component,
    declined,
    not_asked,
    read_arguments,
    share,
    unmeasured,
)
from evaluators.scorers.resources import Resources
from signalbox.types import Prediction

_DEARNESS = {"classifier": 0, "grounded": 1, "cloud": 2, "review": 3}
_NAMES = ("cheapest_route", "under_routed", "regret_usd")
_Price = Annotated[float, Field(ge=0)] | None


class RegretArguments(Arguments):
    """US dollars an answer; where not given, what attempts and the policy say."""

    classifier_usd: _Price = None
    grounded_usd: _Price = None
    cloud_usd: _Price = None
    review_usd: _Price = None


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("route_regret", RegretArguments, arguments)
    metrics = (
        Metric(name="cheapest_route"),
        Metric(name="under_routed", better="lower"),
        Metric(name="regret_usd", kind="number", better="lower", unit="USD"),
    )
    return FunctionScorer(component("route_regret", given), metrics, lambda c, o: _measure(given, c, o))


def _measure(given: RegretArguments, case: Case, output: Output) -> Sequence[Measure]:
    if case.expected.route is None:
        return [not_asked(name, "the case names no route") for name in _NAMES]
    prediction = output.prediction
    if prediction is None:
        return [not_asked(name, "the target is one without routes") for name in _NAMES]
    if prediction.route is None and not declined(output):
        return [unmeasured(name, "the answer does not say which route it took") for name in _NAMES]
    cheapest = "review" if case.expected.route == "none" else case.expected.route
    taken = "review" if declined(output) or prediction.route is None else prediction.route
    details = {"taken": taken, "cheapest": cheapest}
    return [
        share("cheapest_route", taken == cheapest, **details),
        share("under_routed", _DEARNESS[taken] < _DEARNESS[cheapest], **details),
        _regret(given, prediction, taken, cheapest),
    ]


def _regret(given: RegretArguments, prediction: Prediction, taken: str, cheapest: str) -> Measure:
    if _DEARNESS[taken] <= _DEARNESS[cheapest] and taken != "review":
        # No route was dearer than needed, but attempts that were left may have been paid for.
        price = _price(given, prediction, taken) if taken == cheapest else None
        wasted = max(0.0, prediction.cost_usd - price) if price is not None else 0.0
        return Measure(metric="regret_usd", value=wasted)
    if taken == cheapest:
        return Measure(metric="regret_usd", value=prediction.cost_usd)  # a person was needed: all attempts were in vain
    if taken == "review" and given.review_usd is None:
        return not_asked("regret_usd", "what a person costs is not known: give review_usd")
    price = _price(given, prediction, cheapest)
    if price is None:
        return not_asked("regret_usd", f"what the route {cheapest!r} costs is not known: give {cheapest}_usd")
    paid = prediction.cost_usd + (given.review_usd or 0.0) * (taken == "review")
    return Measure(metric="regret_usd", value=max(0.0, paid - price), details={"paid": paid, "cheapest": price})


def _price(given: RegretArguments, prediction: Prediction, route: str) -> float | None:
    """What an answer of `route` costs for this query, as far as anything says."""
    set_price: float | None = getattr(given, f"{route}_usd")
    if set_price is not None:
        return set_price
    for attempt in prediction.attempts:
        if attempt.route == route and attempt.outcome in ("accepted", "escalated"):
            return attempt.cost_usd
    estimates = prediction.decision.estimates if prediction.decision else {}
    return next((estimate.cost_usd for name, estimate in estimates.items() if name == route), None)
