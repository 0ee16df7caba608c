"""One case: ask the target, let every scorer measure what it said, and put both into a row.

Whatever goes wrong stays within the row, or within the scorer it happened in; nothing here stops a run. Files and
limits of a run are not known here.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pydantic import Field, ValidationError

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output, Row, Scorer, Target, Trouble
from evaluators.harness.cache import Cache, key_of
from evaluators.harness.outages import is_sound, outage_of
from evaluators.harness.scope import Scope, measured_case
from evaluators.harness.sources import digest_of
from signalbox.errors import DeadlineExceeded, Overloaded, SignalboxError
from signalbox.types import Frozen, utc_now

Kept = TypeVar("Kept", bound=Frozen)
Keep = Callable[[], None]
"""Puts what a row took to make into the cache; called once the row is safe."""

_MOST_DETAIL = 500
_LEAST_WAIT_S = 0.05
_MEASURING = ("evaluators", "retriever", "classifiers", "signalbox")
_WORTH_KEEPING_S = 0.005  # what is measured faster than that is measured again rather than read


class Parties(Frozen):
    """What takes part in a run, as its manifest says.

    Attributes:
        measured_by: the place of each metric's scorer.
        documents: the version of the documents that scorers look into, where they do; it is no part of the scorer, so
            that a run over other documents can be compared.
    """

    target: Component
    scorers: tuple[Component, ...]
    metrics: tuple[Metric, ...]
    measured_by: dict[str, int] = Field(default_factory=dict)
    documents: tuple[str, ...] = ()


class Engine(Protocol):
    """Who measures cases: this process, or many."""

    @property
    def parties(self) -> Parties: ...

    async def measure(self, index: int, case: Case) -> tuple[Row, Keep]:
        """The row of a case. Raises nothing that is the fault of a target or a scorer."""
        ...


class Measurer:
    """Measures in this process.

    Args:
        deadline_s: time that an answer may take, retries included, and each scorer after it.
    """

    def __init__(self, target: Target, scorers: Sequence[Scorer], cache: Cache | None, *, deadline_s: float) -> None:
        self._target, self._scorers, self._cache = target, scorers, cache
        self._deadline_s = deadline_s
        self._target_key = target.component.key
        documents = [str(getattr(scorer, "documents", "")) for scorer in scorers]
        code = digest_of(*_MEASURING) if cache is not None else ""
        self._scorer_keys = [
            key_of("measures", code, scorer.component.key, version)
            for scorer, version in zip(scorers, documents, strict=True)
        ]
        self.parties = Parties(
            target=target.component,
            scorers=tuple(scorer.component for scorer in scorers),
            metrics=tuple(metric for scorer in scorers for metric in scorer.metrics),
            measured_by={metric.name: place for place, scorer in enumerate(scorers) for metric in scorer.metrics},
            documents=tuple(dict.fromkeys(version for version in documents if version)),
        )
        self._cacheable = bool(getattr(target, "cacheable", True))

    async def measure(self, index: int, case: Case) -> tuple[Row, Keep]:
        started_at, started = utc_now(), time.perf_counter()
        with measured_case() as scope:
            output, trouble, cached = await self._output(case, scope)
            measures: list[Measure] = []
            if output is not None:
                judged = self._judged(case, output)
                for scorer, key in zip(self._scorers, self._scorer_keys, strict=True):
                    if cached and getattr(scorer, "live", False):
                        measures += [_not_now(metric) for metric in scorer.metrics]
                        continue
                    at = key_of(key, *judged) if judged else ""
                    measures += await self._measures(scorer, at, case, output, scope)
            row = Row(
                index=index,
                case=case,
                output=output,
                trouble=trouble,
                measures=tuple(measures),
                cached=cached,
                spent=scope.spent,
                started_at=started_at,
                duration_ms=(time.perf_counter() - started) * 1000,
            )
        return row, lambda: self._keep(scope)

    def _keep(self, scope: Scope) -> None:
        if self._cache is not None:
            for key, payload in scope.to_keep:
                self._cache.put(key, payload)

    async def _output(self, case: Case, scope: Scope) -> tuple[Output | None, Trouble | None, bool]:
        key = ""
        if self._cache is not None and self._cacheable:
            key = key_of("output", self._target_key, case.query, [turn.model_dump() for turn in case.history])
            known = _parsed(self._cache.get(key), Output)
            if known is not None:
                return known, None, True
        try:
            output = await self._ask(case)
        except Exception as error:  # whatever it is, it is what the target did with this case
            scope.cost_usd += getattr(error, "cost_usd", 0.0)
            return None, trouble_of(error), False
        scope.answered(output)
        outage = outage_of(output)
        if outage is not None:
            return None, outage, False
        if key and is_sound(output):
            scope.to_keep.append((key, output.model_dump_json().encode()))
        return output, None, False

    async def _ask(self, case: Case) -> Output:
        """The target's answer; where it is overloaded, it is asked again when it says, as long as there is time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._deadline_s
        try:
            async with asyncio.timeout_at(until) as timer:
                while True:
                    try:
                        return await self._target.answer(case)
                    except Overloaded as error:
                        wait_s = max(error.retry_after_s, _LEAST_WAIT_S)
                        if loop.time() + wait_s >= until:
                            raise
                    await asyncio.sleep(wait_s)
        except TimeoutError:
            if not timer.expired():
                raise
            raise DeadlineExceeded(f"There was no answer within {self._deadline_s:g} s.") from None

    def _judged(self, case: Case, output: Output) -> tuple[str, str] | None:
        """What measures depend on besides the scorer; None where nothing is remembered."""
        if self._cache is None:
            return None
        return case.model_dump_json(exclude={"id"}), output.model_dump_json()

    async def _measures(self, scorer: Scorer, key: str, case: Case, output: Output, scope: Scope) -> Sequence[Measure]:
        if self._cache is not None:
            kept = _parsed(self._cache.get(key), _Measures)
            if kept is not None:
                return kept.measures
        before, started = len(scope.to_keep), time.perf_counter()
        try:
            async with asyncio.timeout(self._deadline_s):
                said = await scorer.score(case, output)
            measures = checked(scorer.metrics, said)
        except Exception as error:  # whatever it is, only this scorer's measures of this row are lost by it
            trouble = trouble_of(error, self._deadline_s)
            reason = f"{scorer.component.name} failed ({trouble.kind}): {trouble.detail}"
            measures = [Measure(metric=metric.name, value=None, reason=reason) for metric in scorer.metrics]
        if any(one.value is None and one.applies for one in measures):
            del scope.to_keep[before:]  # a model's answer that was of no use is asked for anew the next time
        elif key and len(scope.to_keep) == before and time.perf_counter() - started >= _WORTH_KEEPING_S:
            # What models said of it is remembered by itself.
            scope.to_keep.append((key, _Measures(measures=tuple(measures)).model_dump_json().encode()))
        return measures


def checked(metrics: Sequence[Metric], said: Sequence[Measure]) -> list[Measure]:
    """One measure a metric, in their order; what is missing, doubled, or no value of the metric's is unmeasured."""
    found: list[Measure] = []
    for metric in metrics:
        own = [one for one in said if one.metric == metric.name]
        if len(own) == 1:
            wrong = _wrong(metric, own[0].value)
            found.append(own[0] if wrong is None else _unmeasured(metric, wrong))
        else:
            found.append(_unmeasured(metric, f"the scorer gave {len(own) or 'no'} values of it"))
    return found


def _wrong(metric: Metric, value: float | None) -> str | None:
    if value is None:
        return None
    if not math.isfinite(value):
        return f"the scorer gave {value}, which is no number to count with"
    if metric.kind == "share" and value not in (0.0, 1.0):
        return f"the scorer gave {value:g}, and a share is 0 or 1 a case"
    if metric.kind == "score" and not 0.0 <= value <= 1.0:
        return f"the scorer gave {value:g}, and a score is 0 to 1"
    return None


def _unmeasured(metric: Metric, reason: str) -> Measure:
    return Measure(metric=metric.name, value=None, reason=reason)


def _not_now(metric: Metric) -> Measure:
    """Of what is measured while a target is asked, where it was not."""
    return Measure(metric=metric.name, value=None, applies=False, reason="the answer was remembered, not asked for now")


def trouble_of(error: Exception, deadline_s: float | None = None) -> Trouble:
    """An error as a row keeps it."""
    if isinstance(error, SignalboxError):
        return Trouble(kind=type(error).__name__, detail=error.detail[:_MOST_DETAIL])
    if isinstance(error, TimeoutError) and deadline_s is not None:
        return Trouble(kind="DeadlineExceeded", detail=f"It took longer than {deadline_s:g} s.")
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        return Trouble(kind="InvalidInput", detail=f"{where}: {first['msg']}, not {first['input']!r:.80}.")
    return Trouble(kind=type(error).__name__, detail=str(error)[:_MOST_DETAIL] or "It said nothing more.")


class _Measures(Frozen):
    """What the cache keeps of a scorer."""

    measures: tuple[Measure, ...]


def _parsed(kept: bytes | None, kind: type[Kept]) -> Kept | None:
    """None for what another release wrote in another way."""
    if kept is None:
        return None
    try:
        return kind.model_validate_json(kept)
    except ValidationError:
        return None
