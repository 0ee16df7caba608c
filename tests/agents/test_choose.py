"""Choosing on tables: no clock, no model, no graph."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.policy import NEVER, Policy, RiskPoint, RoutePolicy, accept_threshold, make_plan
from agents.policy.calibrate import error_bound
from agents.policy.choose import threshold_of
from signalbox.types import Constraints, Route

POLICY = Policy(
    id="pol_1",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    alpha=0.1,
    routes={
        "classifier": RoutePolicy(base_rate=0.4, duration_ms=2),
        "grounded": RoutePolicy(base_rate=0.5, duration_ms=200),
        "cloud": RoutePolicy(base_rate=0.8, duration_ms=1_500, cost_usd=0.002),
    },
)


def point(threshold: float, answered: int, wrong: int, expected_wrong: float | None = None) -> RiskPoint:
    return RiskPoint(
        threshold=threshold,
        answered=answered,
        expected_wrong=wrong if expected_wrong is None else expected_wrong,
        wrong=wrong,
        error_bound=error_bound(wrong, answered, 0.1),
    )


def points(*counts: tuple[float, int, int]) -> tuple[RiskPoint, ...]:
    return tuple(point(*count) for count in counts)


def plan(
    constraints: Constraints | None = None,
    *,
    policy: Policy = POLICY,
    unavailable: dict[Route, str] | None = None,
    time_left_ms: float = 30_000,
) -> tuple[Route, ...]:
    made = make_plan(policy, {}, constraints or Constraints(), unavailable or {}, {"cloud": 0.004}, time_left_ms)
    assert set(made.order) | set(made.skipped) == {"classifier", "grounded", "cloud"}
    assert not set(made.order) & set(made.skipped)
    return made.order


@pytest.mark.parametrize(
    ("constraints", "order"),
    [
        (Constraints(), ("classifier", "grounded", "cloud")),
        (Constraints(route="grounded"), ("grounded",)),
        (Constraints(route="cloud", local_only=True), ()),
        (Constraints(local_only=True), ("classifier", "grounded")),
        (Constraints(max_cost_usd=0.001), ("classifier", "grounded")),
        (Constraints(max_cost_usd=0.004), ("classifier", "grounded", "cloud")),
        (Constraints(expert="intents"), ("classifier",)),
    ],
)
def test_constraints_decide_which_routes_are_tried(constraints: Constraints, order: tuple[Route, ...]) -> None:
    assert plan(constraints) == order


def test_a_route_that_takes_longer_than_is_left_is_skipped() -> None:
    assert plan(time_left_ms=100) == ("classifier",)


def test_a_route_that_is_not_configured_is_skipped_with_the_reason() -> None:
    made = make_plan(POLICY, {}, Constraints(), {"cloud": "no cloud LLM is configured"}, {}, 1e6)
    assert made.skipped == {"cloud": "no cloud LLM is configured"}


def test_a_route_too_unlikely_to_be_right_for_its_price_is_skipped() -> None:
    hopeless = POLICY.model_copy(
        update={"routes": {**POLICY.routes, "grounded": RoutePolicy(base_rate=0.001, duration_ms=20_000)}}
    )
    assert plan(policy=hopeless) == ("classifier", "cloud")


def test_a_cheap_route_is_tried_for_the_review_it_may_save() -> None:
    """Not only for the next route's attempt: that one may fail too, and then a person has to look."""
    routes = {
        "classifier": RoutePolicy(base_rate=0.2, duration_ms=6),
        "grounded": RoutePolicy(base_rate=0.3, duration_ms=25),
    }
    assert plan(policy=POLICY.model_copy(update={"routes": routes}), unavailable={"cloud": "none"}) == (
        "classifier",
        "grounded",
    )


def test_once_calibrated_a_route_nobody_measured_is_not_tried_by_itself() -> None:
    measured = RoutePolicy(base_rate=0.5, duration_ms=5, labelled=300)
    routes = {**POLICY.routes, "classifier": measured, "grounded": measured}
    calibrated = POLICY.model_copy(update={"routes": routes, "data_hash": "x"})
    assert plan(policy=calibrated) == ("classifier", "grounded")
    assert plan(Constraints(route="cloud"), policy=calibrated) == ("cloud",)


def test_a_calibration_that_proves_nothing_accepts_nothing() -> None:
    assert accept_threshold(POLICY.model_copy(update={"data_hash": "x"}), 0.2) == NEVER


def test_the_threshold_is_the_lowest_before_the_first_failure_to_prove_it() -> None:
    curve = (point(0.9, 60, 0, 2), point(0.8, 100, 2, 5), point(0.7, 140, 30, 20), point(0.6, 2_000, 30, 400))
    assert threshold_of(curve, 0.1) == 0.8


def test_few_answers_at_strict_thresholds_do_not_end_the_search() -> None:
    curve = (point(0.99, 3, 1, 0.03), point(0.9, 80, 1, 2.0))
    assert threshold_of(curve, 0.1) == 0.9


def test_confidences_that_promise_too_much_are_found_out() -> None:
    curve = (point(0.99, 10, 0, 0.1), point(0.9, 200, 60, 2.0))
    assert threshold_of(curve, 0.1) == NEVER


def test_a_policy_that_was_never_calibrated_accepts_from_one_minus_alpha() -> None:
    assert accept_threshold(POLICY, 0.05) == 0.95


def test_a_calibrated_policy_has_a_threshold_for_each_error_rate_asked_for() -> None:
    curve = (point(0.9, 100, 0, 1), point(0.7, 300, 30, 30))
    calibrated = POLICY.model_copy(update={"curve": curve, "data_hash": "x"})
    assert accept_threshold(calibrated, 0.05) == 0.9
    assert accept_threshold(calibrated, 0.2) == 0.7


@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 300)), min_size=1, max_size=20),
    st.floats(0.01, 0.5),
)
def test_no_threshold_is_accepted_whose_bound_is_above_alpha(counts: list[tuple[int, int]], alpha: float) -> None:
    answered = 0
    curve = []
    for step, (more, wrong) in enumerate(counts):
        answered += more
        k = min(wrong, answered)
        curve.append(point(0.99 - 0.01 * step, answered, k, expected_wrong=answered * step / 40))
    chosen = threshold_of(tuple(curve), alpha)
    bounds = {point.threshold: point.error_bound for point in curve}
    assert chosen == NEVER or bounds[chosen] <= alpha + 1e-6


@given(st.floats(0.02, 0.4), st.floats(0.02, 0.4))
def test_a_stricter_error_rate_never_lowers_a_measured_threshold_by_luck(first: float, second: float) -> None:
    curve = points((0.9, 600, 3), (0.8, 900, 18), (0.7, 1_200, 90), (0.6, 1_500, 300))
    strict, lax = sorted((first, second))
    assert threshold_of(curve, strict) >= threshold_of(curve, lax)
