"""How a system routes labelled queries: per route what it answered, how much of that was right, at what price.

Judges by the labels alone and needs only the `System` contract: the same for the service, a URL or a baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from eval_sets import LabelledQuery
from signalbox.calibration import clopper_pearson, expected_calibration_error
from signalbox.contracts import System
from signalbox.types import Constraints, Prediction, Query

_FEWEST_FOR_ECE = 20
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route's share of the traffic. `right_interval` is exact at 95%; `ece` is None below 20 measured answers.

    `unmeasured` answers, of which the labels can't tell whether they are right, count in `answered` only. For `review`,
    `right` counts the queries whose best guess was wrong or missing: those a person was needed for.
    """

    route: str
    answered: int
    right: int
    unmeasured: int
    right_interval: tuple[float, float] | None
    ece: float | None
    cost_usd: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """`answered_right` holds, in the order of the queries, whether each got a right answer without a person."""

    queries: int
    answered: int
    wrong: int
    error_rate: float | None
    error_interval: tuple[float, float] | None
    saved_usd: float
    rows: tuple[RouteRow, ...]
    answered_right: tuple[bool, ...] = ()

    def to_json(self) -> dict[str, object]:
        return asdict(self)


async def report_routing(
    system: System, queries: Sequence[LabelledQuery], progress: Progress | None = None
) -> RoutingReport:
    """Ask every query once, in order, on the route the system chooses."""
    done: list[tuple[LabelledQuery, Prediction]] = []
    for number, labelled in enumerate(queries):
        if progress:
            progress(number / len(queries), f"asking {labelled.id}")
        done.append(
            (labelled, await system.predict(Query(text=labelled.query, constraints=Constraints(explain=False))))
        )
    rows = [
        _row(route, [(q, p) for q, p in done if _taken(p) == route]) for route in ("classifier", "grounded", "cloud")
    ]
    rows.append(_review_row([(q, p) for q, p in done if p.outcome != "answered"]))
    answered = sum(row.answered for row in rows[:-1])
    measured = answered - sum(row.unmeasured for row in rows[:-1])
    wrong = measured - sum(row.right for row in rows[:-1])
    return RoutingReport(
        queries=len(done),
        answered=answered,
        wrong=wrong,
        error_rate=wrong / measured if measured else None,
        error_interval=clopper_pearson(wrong, measured) if measured else None,
        saved_usd=sum(prediction.saved_usd for _, prediction in done),
        rows=tuple(row for row in rows if row.answered),
        answered_right=tuple(
            p.outcome == "answered" and p.answer is not None and q.is_right(p.answer) is True for q, p in done
        ),
    )


def _taken(prediction: Prediction) -> str | None:
    return prediction.route if prediction.outcome == "answered" else None


def _row(route: str, done: Sequence[tuple[LabelledQuery, Prediction]]) -> RouteRow:
    verdicts = [(p, q.is_right(p.answer) if p.answer else False) for q, p in done]
    measured = [(p.confidence, right) for p, right in verdicts if right is not None]
    right = sum(right for _, right in measured)
    sure = [(confidence, right) for confidence, right in measured if confidence is not None]
    ece = None
    if len(sure) >= _FEWEST_FOR_ECE:
        ece = expected_calibration_error(np.array([c for c, _ in sure]), np.array([float(r) for _, r in sure]))
    return _finished(route, done, right, len(measured), ece)


def _review_row(done: Sequence[tuple[LabelledQuery, Prediction]]) -> RouteRow:
    verdicts = [q.is_right(p.answer) if p.answer else False for q, p in done]
    measured = [right for right in verdicts if right is not None]
    return _finished("review", done, sum(not right for right in measured), len(measured), None)


def _finished(
    route: str, done: Sequence[tuple[LabelledQuery, Prediction]], right: int, measured: int, ece: float | None
) -> RouteRow:
    return RouteRow(
        route=route,
        answered=len(done),
        right=right,
        unmeasured=len(done) - measured,
        right_interval=clopper_pearson(right, measured) if measured else None,
        ece=ece,
        cost_usd=sum(p.cost_usd for _, p in done),
        p50_ms=_quantile(done, 50),
        p95_ms=_quantile(done, 95),
    )


def _quantile(done: Sequence[tuple[LabelledQuery, Prediction]], percent: float) -> float:
    return float(np.percentile([p.duration_ms for _, p in done], percent)) if done else 0.0
