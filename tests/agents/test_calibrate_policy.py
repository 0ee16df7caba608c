"""Calibrating a policy from trials whose truth is known because we drew it."""

from __future__ import annotations

import numpy as np
import pytest

from agents.policy import NEVER, Logistic, PolicyStore, RoutePolicy, plan_features
from agents.policy.calibrate import Trial, calibrate, risk_curve
from signalbox.calibration import LogisticModel
from signalbox.errors import CorruptArtefact, NotFound


def trials(route: str, count: int, seed: int, *, base: float = 0.0, slope: float = 3.0) -> list[Trial]:
    """Right with probability sigmoid(base + slope * signal)."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=count)
    right = rng.random(count) < 1 / (1 + np.exp(-(base + slope * signal)))
    features = plan_features("How long does it take?")
    return [
        Trial(f"q{n}", route, features, {"signal": float(s)}, 0.5, True, bool(r), duration_ms=10)  # type: ignore[arg-type]
        for n, (s, r) in enumerate(zip(signal, right, strict=True))
    ]


def test_confidence_becomes_a_probability_and_the_threshold_keeps_the_error_rate() -> None:
    done = calibrate(trials("classifier", 2_000, 1), alpha=0.1, delta=0.1)
    (report,) = done.reports
    assert report.ece is not None
    assert report.ece < 0.05
    assert report.answered > 300
    assert report.right / report.answered >= 0.9
    fresh = trials("classifier", 20_000, 2)
    policy = done.routes["classifier"]
    assert policy.confidence is not None
    model = policy.confidence.model()
    taken = [t for t in fresh if model.predict(t.signals) >= done.threshold]
    assert np.mean([not t.right for t in taken]) <= 0.11


def test_the_promise_holds_over_many_draws() -> None:
    """P(error > alpha) must be at most delta; the thresholds tuned on the same data would break it far more often."""
    broken = 0
    fresh = trials("classifier", 4_000, 999)
    for seed in range(60):
        done = calibrate(trials("classifier", 300, seed), alpha=0.2, delta=0.1)
        policy = done.routes["classifier"]
        if done.threshold >= NEVER or policy.confidence is None:
            continue
        model = policy.confidence.model()
        taken = [t for t in fresh if model.predict(t.signals) >= done.threshold]
        broken += bool(taken) and float(np.mean([not t.right for t in taken])) > 0.2
    assert broken <= 12  # 6 expected at most; 12 would come by chance in fewer than 1 of 80 runs of an honest method


def test_an_answer_counts_once_from_the_first_route_sure_enough() -> None:
    flow = [[(0.9, True), (0.95, False)], [(0.2, False), (0.8, True)], [(0.3, False)], []]
    (strict, *_, lax) = risk_curve(flow, 0.1)
    assert (strict.threshold, strict.answered, strict.wrong) == (0.95, 1, 1)
    by_threshold = {p.threshold: p for p in risk_curve(flow, 0.1)}
    assert (by_threshold[0.8].answered, by_threshold[0.8].wrong) == (2, 0)
    assert (lax.answered, lax.wrong) == (3, 2)


def test_the_next_route_is_measured_on_what_the_first_leaves() -> None:
    first, second = trials("classifier", 1_000, 3, base=1.0), trials("grounded", 1_000, 4)
    done = calibrate([*first, *second], alpha=0.1, delta=0.1)
    by_route = {report.route: report for report in done.reports}
    assert by_route["grounded"].tried == 1_000 - by_route["classifier"].answered


def test_infeasible_is_said_with_the_labels_missing() -> None:
    noise = trials("classifier", 60, 5, base=3.6, slope=0.3)
    done = calibrate(noise, alpha=0.05, delta=0.1)
    (report,) = done.reports
    assert report.answered == 0
    assert done.threshold == NEVER
    assert done.labels_missing > 0


def test_too_few_labels_leave_the_routes_own_confidence() -> None:
    done = calibrate(trials("classifier", 12, 6), alpha=0.1, delta=0.1)
    assert done.routes["classifier"].confidence is None
    assert any("too few" in note for note in done.notes)


def test_too_few_labels_leave_what_was_known_before() -> None:
    known = RoutePolicy(confidence=Logistic.of(LogisticModel(("signal",), (0.0,), (1.0,), (3.0,), 0.0)))
    done = calibrate(trials("grounded", 12, 6), alpha=0.1, delta=0.1, before={"grounded": known})
    assert done.routes["grounded"].confidence == known.confidence


def test_same_trials_and_seed_give_the_same_policy() -> None:
    some = trials("classifier", 300, 7)
    assert calibrate(some, alpha=0.1, delta=0.1) == calibrate(some, alpha=0.1, delta=0.1)


def test_policies_are_numbered_kept_and_checked(tmp_path) -> None:  # type: ignore[no-untyped-def]
    store = PolicyStore(tmp_path / "policies")
    assert store.champion(0.2).id == "pol_0"
    assert store.champion(0.2).alpha == 0.2
    routes = calibrate(trials("classifier", 300, 8), alpha=0.1, delta=0.1).routes
    first = store.add(alpha=0.1, delta=0.1, routes=routes, curve=(), data_hash="x", notes=())
    second = store.add(alpha=0.1, delta=0.1, routes=routes, curve=(), data_hash="x", notes=())
    assert (first.id, second.id) == ("pol_1", "pol_2")
    assert store.champion(0.3) == second
    with pytest.raises(NotFound, match="pol_9"):
        store.load("pol_9")
    with pytest.raises(NotFound):
        store.load("../../etc/passwd")
    (tmp_path / "pol_1.json").write_text(first.model_dump_json())
    with pytest.raises(NotFound):
        store.load("../pol_1")
    (tmp_path / "policies" / "pol_2.json").write_text('{"format": 99}')
    with pytest.raises(CorruptArtefact, match="not a policy"):
        store.champion(0.1)
