"""From trials on labelled queries to a policy: success estimators, calibrated confidences, risk curves.

Each route is measured on the queries that the routes before it would have left to it. Confidences in the curves are
out of fold: no query is judged by a model that has seen it. Pure functions; the trials are run elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.policy.artefact import Logistic, RiskPoint, RoutePolicy
from agents.policy.choose import accept_threshold
from agents.policy.features import PLAN_FEATURES
from signalbox.calibration import (
    Floats,
    LogisticModel,
    auroc,
    clopper_pearson,
    expected_calibration_error,
    fit_logistic,
)
from signalbox.types import ROUTES, Route

_FOLDS = 5
_GRID = tuple(round(0.99 - 0.01 * step, 2) for step in range(95))  # 0.99 down to 0.05
_FEWEST = 30  # labelled queries with an answer, and 5 of each kind, to fit anything
_FEWEST_OF_A_KIND = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """One route tried on one labelled query. `answered` is False when it gave no answer; then it is not right.

    `short_signals` and `short_right` are there where a short answer was cut from a right answer's text.
    """

    query_id: str
    route: Route
    features: Mapping[str, float]
    signals: Mapping[str, float]
    own_confidence: float | None
    answered: bool
    right: bool
    cost_usd: float = 0.0
    duration_ms: float = 0.0
    short_signals: Mapping[str, float] | None = None
    short_right: bool = False


@dataclass(frozen=True, slots=True)
class RouteReport:
    """How a route did on the queries left to it, by out-of-fold confidence."""

    route: Route
    tried: int
    right_if_all_accepted: int
    threshold: float
    answered: int
    right: int
    ece: float | None
    auroc: float | None
    labels_missing: int


@dataclass(frozen=True, slots=True)
class Calibration:
    routes: dict[Route, RoutePolicy]
    reports: tuple[RouteReport, ...]
    notes: tuple[str, ...] = field(default=())


def calibrate(trials: Sequence[Trial], *, alpha: float, delta: float, seed: int = 0) -> Calibration:
    """Fit all routes that were tried, from cheap to dear.

    Args:
        alpha: accepted error rate among answers, for which the flow from route to route is simulated.
        delta: probability with which a risk bound may fail.
    """
    routes: dict[Route, RoutePolicy] = {}
    reports: list[RouteReport] = []
    notes: list[str] = []
    left = {trial.query_id for trial in trials}
    for route in ROUTES:
        own = [trial for trial in trials if trial.route == route and trial.query_id in left]
        everywhere = [trial for trial in trials if trial.route == route]
        if not own:
            continue
        model, out_of_fold = fit_confidence(own, seed)
        curve = risk_curve(out_of_fold, own, delta)
        known = RoutePolicy(
            success=_fit_success(own),
            confidence=Logistic.of(model) if model else None,
            short=_fit_short(everywhere),
            base_rate=float(np.mean([trial.right for trial in own])),
            curve=curve,
            cost_usd=float(np.mean([trial.cost_usd for trial in own])),
            duration_ms=float(np.median([trial.duration_ms for trial in own])),
            labelled=len(own),
        )
        routes[route] = known
        threshold = accept_threshold(known, alpha)
        accepted = [t.answered and p >= threshold for t, p in zip(own, out_of_fold, strict=True)]
        reports.append(_report(route, own, out_of_fold, accepted, threshold, alpha, delta))
        if model is None:
            notes.append(f"{route}: too few labelled answers to calibrate; it needs {_FEWEST} or more")
        left -= {trial.query_id for trial, taken in zip(own, accepted, strict=True) if taken}
    return Calibration(routes, tuple(reports), tuple(notes))


def fit_confidence(trials: Sequence[Trial], seed: int) -> tuple[LogisticModel | None, Floats]:
    """The model fitted on all answers, and per trial the probability by a model that did not see it.

    Without enough answers of both kinds there is no model, and the route's own confidence stands.
    """
    answered = [trial for trial in trials if trial.answered]
    right = np.array([trial.right for trial in answered], dtype=np.float64)
    own = np.array([trial.own_confidence or 0.0 for trial in trials])
    if len(answered) < _FEWEST or min(right.sum(), len(right) - right.sum()) < _FEWEST_OF_A_KIND:
        return None, own
    names = tuple(sorted(set.intersection(*(set(trial.signals) for trial in answered))))
    rows = np.array([[trial.signals[name] for name in names] for trial in answered], dtype=np.float64)
    fold = np.random.default_rng(seed).permutation(len(answered)) % _FOLDS
    held_out = np.zeros(len(answered))
    for k in range(_FOLDS):
        model = fit_logistic(rows[fold != k], right[fold != k], names=names)
        held_out[fold == k] = model.predict(rows[fold == k])
    probabilities = np.zeros(len(trials))
    probabilities[[trial.answered for trial in trials]] = held_out
    return fit_logistic(rows, right, names=names), probabilities


def risk_curve(confidences: Floats, trials: Sequence[Trial], delta: float) -> tuple[RiskPoint, ...]:
    """Per threshold, strict to lax, how many answers it accepts, how many of them are wrong, and the bound."""
    points: list[RiskPoint] = []
    for threshold in _GRID:
        taken = [(t, p) for t, p in zip(trials, confidences, strict=True) if t.answered and p >= threshold]
        if not taken or (points and len(taken) == points[-1].answered):
            continue
        wrong = sum(not trial.right for trial, _ in taken)
        points.append(
            RiskPoint(
                threshold=threshold,
                answered=len(taken),
                expected_wrong=float(sum(1 - p for _, p in taken)),
                wrong=wrong,
                error_bound=error_bound(wrong, len(taken), delta),
            )
        )
    return tuple(points)


def error_bound(wrong: int, answered: int, delta: float) -> float:
    """One-sided Clopper-Pearson upper bound: the error rate is above it with probability at most delta."""
    return clopper_pearson(wrong, answered, 1 - 2 * delta)[1]


def _fit_success(trials: Sequence[Trial]) -> Logistic | None:
    right = np.array([trial.right for trial in trials], dtype=np.float64)
    if len(trials) < _FEWEST or min(right.sum(), len(right) - right.sum()) < _FEWEST_OF_A_KIND:
        return None
    rows = np.array([[trial.features[name] for name in PLAN_FEATURES] for trial in trials], dtype=np.float64)
    return Logistic.of(fit_logistic(rows, right, l2=10.0, names=PLAN_FEATURES))


def _fit_short(trials: Sequence[Trial]) -> Logistic | None:
    cut = [(trial.short_signals, trial.short_right) for trial in trials if trial.short_signals is not None]
    right = np.array([good for _, good in cut], dtype=np.float64)
    if len(cut) < _FEWEST or min(right.sum(), len(right) - right.sum()) < _FEWEST_OF_A_KIND:
        return None
    names = tuple(sorted(cut[0][0]))
    rows = np.array([[signals[name] for name in names] for signals, _ in cut], dtype=np.float64)
    return Logistic.of(fit_logistic(rows, right, names=names))


def _report(
    route: Route,
    trials: Sequence[Trial],
    confidences: Floats,
    accepted: Sequence[bool],
    threshold: float,
    alpha: float,
    delta: float,
) -> RouteReport:
    answered = np.array([trial.answered for trial in trials])
    right = np.array([trial.right for trial in trials], dtype=np.float64)
    both_kinds = 0 < right[answered].sum() < answered.sum()
    taken = np.array(accepted)
    return RouteReport(
        route=route,
        tried=len(trials),
        right_if_all_accepted=int(right.sum()),
        threshold=threshold,
        answered=int(taken.sum()),
        right=int(right[taken].sum()),
        ece=expected_calibration_error(confidences[answered], right[answered]) if answered.any() else None,
        auroc=auroc(confidences[answered], right[answered]) if both_kinds else None,
        labels_missing=0 if taken.any() else labels_missing(confidences, trials, alpha, delta),
    )


def labels_missing(confidences: Floats, trials: Sequence[Trial], alpha: float, delta: float) -> int:
    """About how many more labelled queries would make some threshold feasible; 0 when more would not help.

    Takes the surest tenth or more of the answers whose error rate is below alpha, and asks how large it would have to
    be for its bound to fall below alpha too.
    """
    order = np.argsort(-confidences, kind="stable")
    right = np.array([trial.right and trial.answered for trial in trials])[order]
    best = math.inf
    for count in range(max(5, len(trials) // 10), len(trials) + 1):
        wrong = int(count - right[:count].sum())
        if wrong >= alpha * count:
            continue
        for factor in (1.5, 2, 3, 4, 6, 8, 12, 16):
            if error_bound(round(wrong * factor), round(count * factor), delta) <= alpha:
                best = min(best, factor)
                break
    return 0 if math.isinf(best) else math.ceil((best - 1) * len(trials))
