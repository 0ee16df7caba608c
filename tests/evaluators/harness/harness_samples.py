"""Cases, targets and scorers that do what a test tells them to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output, Row
from evaluators.harness import RunRecord
from signalbox.types import Usage

LENGTH = Metric(name="length", kind="number")
TIMES = ("started_at", "duration_ms")


def cases_of(count: int) -> list[Case]:
    return [Case(id=f"case-{number}", query=f"What is {number}?") for number in range(count)]


class Target:
    """Answers with what `say` makes of the case: a text, an output, or an error it raises. Counts what it was asked."""

    def __init__(self, say: Callable[[Case], Any] = lambda case: f"It is {case.query}", name: str = "scripted") -> None:
        self.component = Component(name=name)
        self.asked: list[str] = []
        self._say = say

    async def answer(self, case: Case) -> Output:
        self.asked.append(case.id)
        said = self._say(case)
        if isinstance(said, Awaitable):
            said = await said
        if isinstance(said, Output):
            return said
        usage = Usage(input_tokens=10, output_tokens=10)
        return Output(text=said, calls=1, usage=usage, cost_usd=0.01, duration_ms=1.0)


class Scorer:
    """Gives the value that `value` makes of case and output, past the contract's own checks."""

    def __init__(
        self, value: Callable[[Case, Output], Any] = lambda _, output: len(output.text or ""), metric: Metric = LENGTH
    ) -> None:
        self.component = Component(name=f"scripted {metric.name}")
        self.metrics: Sequence[Metric] = (metric,)
        self._value = value

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        value = self._value(case, output)
        if isinstance(value, Awaitable):
            value = await value
        if isinstance(value, Measure):
            return [value]
        return [Measure.model_construct(metric=self.metrics[0].name, value=value, reason="", applies=True, details={})]


class Diary:
    """A target of a process that may be killed: it says in a file what it was asked, before it takes its time."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.component = Component(name="diary")
        self._path, self._seconds = path, seconds

    async def answer(self, case: Case) -> Output:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(case.id + "\n")
            file.flush()
            os.fsync(file.fileno())
        await asyncio.sleep(self._seconds)
        if case.id.endswith("3"):
            raise ValueError(f"{case.id} is not known")
        return Output(text=f"{case.query} {len(case.id)}", calls=1, usage=Usage(input_tokens=3, output_tokens=1))


def timeless(value: Any) -> Any:
    """JSON values without what says when, how long, and under which name."""
    if isinstance(value, dict):
        gone = {*TIMES, "created_at", "ended_at", "sittings", "id", "job"}
        return {name: timeless(one) for name, one in value.items() if name not in gone}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def rows_of(record: RunRecord) -> list[Any]:
    return [timeless(row.model_dump(mode="json")) for row in record.rows]


def value(row: Row, metric: str = "length") -> float | None:
    measure = row.measure(metric)
    assert measure is not None
    return measure.value
