"""From trials on labelled queries to a policy: success estimators, calibrated confidences, the flow's risk curve.

Confidences in the curve are out of fold: no query is judged by a model that has seen it. Pure functions; the trials
are run elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.policy.artefact import NEVER, Logistic, RiskPoint, RoutePolicy
from agents.policy.choose import threshold_of
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
    """How a route did on the labelled queries that reach it at the policy's threshold; `right` of its `answered`.

    `ece` and `auroc` are of its out-of-fold confidences over all its answers, None where they can't be measured.
    """

    route: Route
    tried: int
    right_if_all_accepted: int
    answered: int
    right: int
    ece: float | None
    auroc: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found. Where alpha is infeasible `threshold` is NEVER.

    `labels_missing` then says about how many more labelled queries would do; 0: none would.
    """

    routes: dict[Route, RoutePolicy]
    curve: tuple[RiskPoint, ...]
    threshold: float
    queries: int
    labels_missing: int
    reports: tuple[RouteReport, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Measured:
    """A route's trials with their out-of-fold confidences, 0 where there was no answer."""

    trials: Sequence[Trial]
    confidences: Floats

    def by_query(self) -> dict[str, tuple[Trial, float]]:
        return {t.query_id: (t, float(p)) for t, p in zip(self.trials, self.confidences, strict=True)}


def calibrate(
    trials: Sequence[Trial],
    *,
    alpha: float,
    delta: float,
    before: Mapping[Route, RoutePolicy] | None = None,
    seed: int = 0,
) -> Calibration:
    """Fit every route that was tried, then the threshold of the whole flow.

    Args:
        alpha: accepted error rate among answers.
        delta: probability with which the threshold's risk bound may fail.
        before: what is known of the routes; it stands where there are too few labels to know better.
    """
    before = before or {}
    routes: dict[Route, RoutePolicy] = {}
    measured: dict[Route, _Measured] = {}
    notes: list[str] = []
    settled: set[str] = set()  # queries that an earlier route is surely to take
    for route in ROUTES:
        everywhere = [trial for trial in trials if trial.route == route]
        own = [trial for trial in everywhere if trial.query_id not in settled]
        if not own:
            continue
        known = before.get(route)
        fallback = known.confidence.model() if known and known.confidence else None
        model, held_out = fit_confidence(own, seed, fallback)
        confidences = _confidences(everywhere, own, model or fallback, held_out)
        measured[route] = _Measured(everywhere, confidences)
        routes[route] = RoutePolicy(
            success=_fit_success(own),
            confidence=Logistic.of(model) if model else known.confidence if known else None,
            short=_fit_short(everywhere) or (known.short if known else None),
            base_rate=float(np.mean([trial.right for trial in own])),
            cost_usd=float(np.mean([trial.cost_usd for trial in own])),
            duration_ms=float(np.median([trial.duration_ms for trial in own])),
            labelled=len(own),
        )
        if model is None:
            notes.append(f"{route}: too few labelled answers to calibrate; it needs {_FEWEST} or more")
        settled |= {t.query_id for t, p in zip(everywhere, confidences, strict=True) if p >= 1 - alpha}
    queries = list(dict.fromkeys(trial.query_id for trial in trials))
    flow = [found for query in queries if (found := _answers(query, measured)) is not None]
    curve = risk_curve(flow, delta)
    threshold = threshold_of(curve, alpha)
    reports = tuple(_report(route, measured, queries, threshold) for route in measured)
    missing = labels_missing(curve, len(queries), alpha, delta) if threshold >= NEVER else 0
    return Calibration(routes, curve, threshold, len(queries), missing, reports, tuple(notes))


def fit_confidence(
    trials: Sequence[Trial], seed: int, fallback: LogisticModel | None = None
) -> tuple[LogisticModel | None, Floats]:
    """The model fitted on all answers, and per trial the probability by a model that did not see it.

    Without enough answers of both kinds there is no model; then `fallback` or the route's own confidence stands.
    """
    answered = [trial for trial in trials if trial.answered]
    right = np.array([trial.right for trial in answered], dtype=np.float64)
    own = np.array([_known_confidence(trial, fallback) for trial in trials])
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


def _confidences(
    everywhere: Sequence[Trial], own: Sequence[Trial], model: LogisticModel | None, held_out: Floats
) -> Floats:
    """Out of fold for the trials the model was fitted on, by that model for the rest."""
    known = {trial.query_id: float(p) for trial, p in zip(own, held_out, strict=True)}
    return np.array([known[t.query_id] if t.query_id in known else _known_confidence(t, model) for t in everywhere])


def _known_confidence(trial: Trial, model: LogisticModel | None) -> float:
    if not trial.answered:
        return 0.0
    if model is not None and set(model.names) <= trial.signals.keys():
        return model.predict(trial.signals)
    return trial.own_confidence or 0.0


def _answers(query: str, measured: Mapping[Route, _Measured]) -> list[tuple[float, bool]] | None:
    """The answers a query may get, in the order of the routes: confidence and whether it is right.

    None where the labels could not judge any answer to it.
    """
    answers = [table[query] for route in measured if query in (table := measured[route].by_query())]
    found = [(p, trial.right) for trial, p in answers if trial.answered]
    return found if answers else None


def risk_curve(flow: Sequence[Sequence[tuple[float, bool]]], delta: float) -> tuple[RiskPoint, ...]:
    """Per threshold, strict to lax, how many queries get an answer, how many a wrong one, and the bound.

    Args:
        flow: per query its possible answers in the order of the routes, as (confidence, right); the first at or above
            the threshold is given.
    """
    points: list[RiskPoint] = []
    for threshold in _GRID:
        given = [first for answers in flow if (first := next((a for a in answers if a[0] >= threshold), None))]
        expected_wrong = float(sum(1 - confidence for confidence, _ in given))
        if not given or (points and (len(given), expected_wrong) == (points[-1].answered, points[-1].expected_wrong)):
            continue  # the same answers as at the stricter threshold
        wrong = sum(not right for _, right in given)
        points.append(
            RiskPoint(
                threshold=threshold,
                answered=len(given),
                expected_wrong=expected_wrong,
                wrong=wrong,
                error_bound=error_bound(wrong, len(given), delta),
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


def _report(route: Route, measured: Mapping[Route, _Measured], queries: Sequence[str], threshold: float) -> RouteReport:
    own = measured[route]
    earlier = [measured[other].by_query() for other in ROUTES[: ROUTES.index(route)] if other in measured]
    reached = {q for q in queries if not any(q in table and table[q][1] >= threshold for table in earlier)}
    rows = [(t, p) for t, p in own.by_query().values() if t.query_id in reached]
    given = [t for t, p in rows if t.answered and p >= threshold]
    answered = np.array([trial.answered for trial in own.trials])
    right = np.array([trial.right for trial in own.trials], dtype=np.float64)[answered]
    confidences = own.confidences[answered]
    return RouteReport(
        route=route,
        tried=len(rows),
        right_if_all_accepted=sum(trial.right for trial, _ in rows),
        answered=len(given),
        right=sum(trial.right for trial in given),
        ece=expected_calibration_error(confidences, right) if len(right) else None,
        auroc=auroc(confidences, right) if 0 < right.sum() < len(right) else None,
    )


def labels_missing(curve: Sequence[RiskPoint], queries: int, alpha: float, delta: float) -> int:
    """About how many more labelled queries would prove alpha, if errors stay as rare; 0 if none would."""
    best = math.inf
    for point in curve:
        if point.wrong >= alpha * point.answered:
            continue
        for factor in (1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32):
            if error_bound(round(point.wrong * factor), round(point.answered * factor), delta) <= alpha:
                best = min(best, factor)
                break
    return 0 if math.isinf(best) else math.ceil((best - 1) * queries)
