"""Having a judge judge what people have judged: its signal, its own verdict and what it took, a row each.

Any scorer can be the judge; the first of its metrics that lies between 0 and 1 is what it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer, Spent
from evaluators.judges.llm.panel import spent_of
from signalbox.errors import ConfigurationError, InvalidInput, SignalboxError

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Rating:
    """What a judge said of one row.

    Attributes:
        right: what people said.
        signal: the judge's value before any calibration, 0 to 1; None where it is unmeasured.
        own: whether the judge itself calls the answer right.
        votes: of each judge of a panel.
    """

    case: Case
    right: bool
    signal: float | None
    own: bool | None
    reason: str = ""
    flags: tuple[str, ...] = ()
    votes: dict[str, bool | None] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)


def judged_metric(scorer: Scorer) -> Metric:
    """The metric that is the judge's opinion. Raises InvalidInput where the scorer has none."""
    for metric in scorer.metrics:
        if metric.kind in ("share", "score") and metric.better == "higher":
            return metric
    raise InvalidInput(f"{scorer.component.name} gives no value between 0 and 1, so it is no judge.", field="judge")


async def rate(
    scorer: Scorer,
    cases: Sequence[Case],
    *,
    concurrent: int = 4,
    max_cost_usd: float | None = None,
    progress: Progress | None = None,
) -> tuple[Rating, ...]:
    """Have every row judged, in the order given. A row on which the judge fails is unmeasured and changes no other.

    Args:
        cases: with `given.verdict`.
        concurrent: most rows judged at once.
        max_cost_usd: once this much is spent, what is left is unmeasured.

    Raises:
        ConfigurationError: the judge can't be asked at all.
        InvalidInput: it is no judge, or a row has no verdict of people.
    """
    metric = judged_metric(scorer)
    found: list[Rating | None] = [None] * len(cases)
    waiting = iter(range(len(cases)))
    cost, done = 0.0, 0

    async def work() -> None:
        nonlocal cost, done
        for place in waiting:
            spent_all = max_cost_usd is not None and cost >= max_cost_usd
            measure = _unasked(metric) if spent_all else await _measure(scorer, metric, cases[place])
            found[place] = one = _rating(cases[place], measure)
            cost, done = cost + one.spent.cost_usd, done + 1
            if progress is not None:
                progress(done / len(cases), f"{done} of {len(cases)}")

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, min(concurrent, len(cases)))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(one for one in found if one is not None)


async def _measure(scorer: Scorer, metric: Metric, case: Case) -> Measure:
    assert case.given is not None, "only judged rows are rated"
    try:
        measures = await scorer.score(case, Output(text=case.given.answer, contexts=case.given.contexts))
    except ConfigurationError:
        raise
    except SignalboxError as error:
        return Measure(metric=metric.name, value=None, reason=error.detail)
    return next(
        (one for one in measures if one.metric == metric.name),
        Measure(metric=metric.name, value=None, reason="the judge gave no measure"),
    )


def _unasked(metric: Metric) -> Measure:
    return Measure(metric=metric.name, value=None, reason="not asked: the cost limit was reached")


def _rating(case: Case, measure: Measure) -> Rating:
    if case.given is None or case.given.verdict is None:
        raise InvalidInput(f"The row {case.id!r} has no verdict of people.", field="labels")
    signal = measure.details.get("signal", measure.value) if measure.value is not None else None
    said = measure.details.get("verdict")
    own = None if signal is None else said == "right" if said in ("right", "wrong") else signal >= 0.5
    return Rating(
        case=case,
        right=case.given.verdict == "right",
        signal=signal,
        own=own,
        reason=measure.reason,
        flags=tuple(measure.details.get("flags", ())),
        votes=dict(measure.details.get("votes", {})),
        spent=spent_of(measure),
    )
