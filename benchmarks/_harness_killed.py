"""A run whose process can be killed: every case it asks is written down before it is answered."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output
from evaluators.harness import Limits, execute

CASES, AT_ONCE = 120, 4
_DIARY = "asked"


class Diary:
    """A target that writes down each case, durably, and then takes its time."""

    component = Component(name="diary")

    def __init__(self, path: Path, seconds: float) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._seconds = seconds

    async def answer(self, case: Case) -> Output:
        os.write(self._handle, f"{case.id}\n".encode())
        await asyncio.sleep(self._seconds)
        return Output(text=f"It is {case.query}")


class Length:
    """A scorer that counts characters."""

    component = Component(name="length")
    metrics = (Metric(name="length", kind="number"),)

    async def score(self, _: Case, output: Output) -> list[Measure]:
        return [Measure(metric="length", value=len(output.text or ""))]


def killable(folder: Path, seconds: float) -> None:
    """Run, or go on with, all cases; each takes so many seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = [Case(id=f"case-{number}", query=f"What is {number}?") for number in range(CASES)]
    target = Diary(folder / _DIARY, seconds)
    asyncio.run(execute(cases, target, [Length()], folder, limits=Limits(concurrency=AT_ONCE)))


def asked(folder: Path) -> list[str]:
    """The ids of the cases that were asked, as often as they were."""
    path = folder / _DIARY
    return path.read_text(encoding="utf-8").split() if path.exists() else []
