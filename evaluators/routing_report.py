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
    """One route's share of the traffic. `right_interval` is exact at 95%; `ece` is None below 20 answers.

    For `review`, `right` counts the queries whose best guess was wrong or missing: those a person was needed for.
    """

    route: str
    answered: int
    right: int
    right_interval: tuple[float, float] | None
    ece: float | None
    cost_usd: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class RoutingReport:
    queries: int
    answered: int
    wrong: int
    error_rate: float | None
    error_interval: tuple[float, float] | None
    saved_usd: float
    rows: tuple[RouteRow, ...]

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
    wrong = answered - sum(row.right for row in rows[:-1])
    return RoutingReport(
        queries=len(done),
        answered=answered,
        wrong=wrong,
        error_rate=wrong / answered if answered else None,
        error_interval=clopper_pearson(wrong, answered) if answered else None,
        saved_usd=sum(prediction.saved_usd for _, prediction in done),
        rows=tuple(row for row in rows if row.answered),
    )


def _taken(prediction: Prediction) -> str | None:
    return prediction.route if prediction.outcome == "answered" else None


def _row(route: str, done: Sequence[tuple[LabelledQuery, Prediction]]) -> RouteRow:
    right = np.array([p.answer is not None and q.is_right(p.answer) for q, p in done], dtype=np.float64)
    measured = [(p.confidence, r) for (_, p), r in zip(done, right, strict=True) if p.confidence is not None]
    ece = None
    if len(measured) >= _FEWEST_FOR_ECE:
        ece = expected_calibration_error(np.array([c for c, _ in measured]), np.array([r for _, r in measured]))
    return RouteRow(
        route=route,
        answered=len(done),
        right=int(right.sum()),
        right_interval=clopper_pearson(int(right.sum()), len(done)) if done else None,
        ece=ece,
        cost_usd=sum(p.cost_usd for _, p in done),
        p50_ms=_quantile(done, 50),
        p95_ms=_quantile(done, 95),
    )


def _review_row(done: Sequence[tuple[LabelledQuery, Prediction]]) -> RouteRow:
    needed = sum(p.answer is None or not q.is_right(p.answer) for q, p in done)
    return RouteRow(
        route="review",
        answered=len(done),
        right=needed,
        right_interval=clopper_pearson(needed, len(done)) if done else None,
        ece=None,
        cost_usd=sum(p.cost_usd for _, p in done),
        p50_ms=_quantile(done, 50),
        p95_ms=_quantile(done, 95),
    )


def _quantile(done: Sequence[tuple[LabelledQuery, Prediction]], percent: float) -> float:
    return float(np.percentile([p.duration_ms for _, p in done], percent)) if done else 0.0
