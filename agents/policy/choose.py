"""Choosing, as pure functions: which routes to try in which order, and from which confidence on to accept.

No clock, no model and no graph in here; everything needed comes as an argument, so every rule can be tested on a table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.policy.artefact import NEVER, Policy, RiskPoint, RoutePolicy
from signalbox.types import ROUTES, Constraints, Estimate, Route

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Plan:
    """`order` are the routes worth trying; `skipped` says of each other route why not.

    `threshold` is the lowest confidence at which an answer is accepted, from whichever route.
    """

    order: tuple[Route, ...]
    skipped: Mapping[Route, str]
    estimates: dict[Route, Estimate]
    threshold: float


def make_plan(
    policy: Policy,
    features: Mapping[str, float],
    constraints: Constraints,
    unavailable: Mapping[Route, str],
    costs_usd: Mapping[Route, float],
    time_left_ms: float,
) -> Plan:
    """Order the routes from cheap to dear and leave out those that are not allowed or can't pay off.

    Args:
        features: what is known of the query before any route is tried.
        unavailable: routes that this service can't try at all, with the reason.
        costs_usd: most that one attempt of a route may cost for this query.
        time_left_ms: until the deadline.
    """
    estimates = {route: estimate(policy.routes.get(route), features, costs_usd.get(route, 0.0)) for route in ROUTES}
    threshold = accept_threshold(policy, constraints.alpha or policy.alpha)
    order: list[Route] = []
    skipped: dict[Route, str] = {}
    for route in ROUTES:
        reason = (
            _not_asked_for(route, constraints)
            or unavailable.get(route)
            or _not_allowed(route, constraints, costs_usd.get(route, 0.0), estimates[route], time_left_ms)
        )
        if reason:
            skipped[route] = reason
        else:
            order.append(route)
    if constraints.route == "auto" and constraints.expert is None:  # whoever names an expert wants to hear it
        skipped |= _not_worth_it(policy, order, estimates)
        order = [route for route in order if route not in skipped]
    return Plan(tuple(order), skipped, estimates, threshold)


def estimate(known: RoutePolicy | None, features: Mapping[str, float], cost_usd: float) -> Estimate:
    """Probability of a right answer, cost and time of a route before trying it."""
    if known is None:
        return Estimate(success=0.5, cost_usd=cost_usd, duration_ms=0.0)
    success = known.success.model().predict(features) if known.success else known.base_rate
    return Estimate(success=success, cost_usd=known.cost_usd or cost_usd, duration_ms=known.duration_ms)


def accept_threshold(policy: Policy, alpha: float) -> float:
    """The lowest confidence to accept so that at most `alpha` of all accepted answers are wrong; `NEVER` if none does.

    One threshold serves all routes: confidences are probabilities, so accepting the surest answers first, whatever
    their route, answers most at a given error rate. It is found by fixed-sequence testing from strict to lax
    (Angelopoulos et al., "Learn then Test", arXiv:2110.01052), which stops at the first threshold whose error bound is
    above alpha, so that no later lucky one is picked. A policy that was never calibrated accepts from 1 - alpha on.
    """
    return threshold_of(policy.curve, alpha) if policy.is_calibrated else 1 - alpha


def threshold_of(curve: Sequence[RiskPoint], alpha: float) -> float:
    chosen = NEVER
    for point in _tested(curve, alpha):
        if point.error_bound > alpha + _ROUNDING:
            break
        chosen = point.threshold
    return chosen


def _tested(curve: Sequence[RiskPoint], alpha: float) -> Sequence[RiskPoint]:
    """The sequence starts where the confidences themselves promise most room below alpha, in standard errors.

    Started at the strictest threshold it would end at the first unlucky answer. Where it starts depends on confidences
    and counts only, never on which answers were wrong.
    """
    start = max(range(len(curve)), key=lambda place: _room(curve[place], alpha), default=0)
    return curve[start:]


def _room(point: RiskPoint, alpha: float) -> float:
    share = point.expected_wrong / point.answered
    spread = math.sqrt(max(share * (1 - share), alpha * (1 - alpha) / 4) / point.answered)
    return (alpha - share) / spread


def _not_asked_for(route: Route, constraints: Constraints) -> str | None:
    if constraints.route not in ("auto", route):
        return f"the query asks for the {constraints.route} route only"
    if constraints.expert is not None and route != "classifier":
        return f"the query asks for the expert {constraints.expert} only"
    return None


def _not_allowed(
    route: Route, constraints: Constraints, cost_usd: float, expected: Estimate, time_left_ms: float
) -> str | None:
    if route == "cloud" and constraints.local_only:
        return "the query is local_only"
    if constraints.max_cost_usd is not None and cost_usd > constraints.max_cost_usd:
        return f"it may cost ${cost_usd:.6f}, the query allows ${constraints.max_cost_usd:.6f}"
    if expected.duration_ms > time_left_ms:
        return f"it takes about {expected.duration_ms:,.0f} ms, {max(0.0, time_left_ms):,.0f} ms are left"
    return None


def _not_worth_it(policy: Policy, order: Sequence[Route], estimates: Mapping[Route, Estimate]) -> dict[Route, str]:
    """The routes whose chance to answer saves less than trying costs, from the last to the first.

    What an answer saves is what the rest of the way would cost: the later routes worth trying, and in the end a person.
    """
    reasons: dict[Route, str] = {}
    rest = policy.review_cost_usd
    for route in reversed(order):
        expected = estimates[route]
        known = policy.routes.get(route)
        if policy.is_calibrated and (known is None or known.labelled == 0):
            reasons[route] = "its answers are unmeasured, and the policy keeps an error rate: calibrate this route"
        elif expected.success * rest < _price(policy, expected):
            share = f"{expected.success:.0%}"
            reasons[route] = f"only {share} likely to be right before trying, which saves less than trying costs"
        else:
            rest = _price(policy, expected) + (1 - expected.success) * rest
    return reasons


def _price(policy: Policy, expected: Estimate) -> float:
    return expected.cost_usd + policy.usd_per_second * expected.duration_ms / 1000
