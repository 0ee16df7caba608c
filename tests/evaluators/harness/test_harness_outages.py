"""A part of the target that is down: never remembered, and no wrong answer of the cases that it left without one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from harness_samples import cases_of
from test_harness_targets import prediction

from eval_sets.cases import Case, Expected
from evaluators.contract import Component
from evaluators.harness import Cache, Limits, RunRecord, SystemTarget, execute
from evaluators.scorers import Resources, build_scorers
from signalbox.types import Attempt, Prediction, Query

DOWN = Attempt(route="cloud", outcome="failed", reason="cloud answered: HTTP status 503", broken=True)
UNSURE = Attempt(route="cloud", outcome="failed", reason="the model says that it doesn't know")
CASES = [Case(id=f"c{n}", query=f"{n}?", expected=Expected(contains=("14 days",))) for n in range(5)]


class System:
    def __init__(self, says: Prediction) -> None:
        self.says, self.asked = says, 0

    async def predict(self, query: Query) -> Prediction:
        self.asked += 1
        return self.says


def left(*attempts: Attempt) -> Prediction:
    return prediction(outcome="in_review", reason="cloud", answer=None, route=None, confidence=None, attempts=attempts)


async def run(system: System, folder: Path, cache: Cache, scorers: Sequence[str] = ("contains",)) -> RunRecord:
    target = SystemTarget(system, Component(name="service"))
    return await execute(CASES, target, build_scorers(scorers, Resources()), folder, cache=cache)


async def test_an_outage_fails_the_run_and_the_next_one_asks_again(tmp_path: Path) -> None:
    system, cache = System(left(DOWN)), Cache(tmp_path / "cache")
    down = await run(system, tmp_path / "down", cache)
    assert (down.state, [row.measures for row in down.rows]) == ("failed", [()] * len(CASES))
    trouble = down.rows[0].trouble
    assert trouble is not None
    assert (trouble.kind, "cloud: cloud answered: HTTP status 503" in trouble.detail) == ("PartFailed", True)
    system.says = prediction()
    up = await run(system, tmp_path / "up", cache)
    assert (up.state, system.asked, [row.measures[0].value for row in up.rows]) == ("done", 10, [1.0] * len(CASES))


async def test_what_an_outage_took_is_counted_as_spent(tmp_path: Path) -> None:
    says = left(DOWN).model_copy(update={"cost_usd": 0.5})
    target = SystemTarget(System(says), Component(name="service"))
    record = await execute(cases_of(1), target, [], tmp_path / "run", limits=Limits(max_unmeasured=1.0))
    assert (record.rows[0].output, record.rows[0].spent.cost_usd) == (None, 0.5)


async def test_what_another_route_answered_counts_and_is_not_remembered(tmp_path: Path) -> None:
    broken = Attempt(route="classifier", outcome="failed", reason="the expert's file is damaged", broken=True)
    accepted = Attempt(route="cloud", outcome="accepted", reason="")
    system, cache = System(prediction(attempts=(broken, accepted))), Cache(tmp_path / "cache")
    first = await run(system, tmp_path / "a", cache)
    await run(system, tmp_path / "b", cache)
    assert (first.state, first.rows[0].measures[0].value, system.asked) == ("done", 1.0, 10)


async def test_no_answer_of_the_targets_own_doing_is_a_wrong_answer_and_is_remembered(tmp_path: Path) -> None:
    system, cache = System(left(UNSURE)), Cache(tmp_path / "cache")
    first = await run(system, tmp_path / "a", cache)
    await run(system, tmp_path / "b", cache)
    assert (first.state, [row.measures[0].value for row in first.rows], system.asked) == ("done", [0.0] * 5, 5)


@pytest.mark.parametrize("times", [1, 2])
async def test_latency_is_measured_only_of_what_was_asked_now(tmp_path: Path, times: int) -> None:
    system, cache = System(prediction()), Cache(tmp_path / "cache")
    for number in range(times):
        record = await run(system, tmp_path / str(number), cache, ["latency", "cost"])
    latency, cost = record.rows[0].measure("latency_ms"), record.rows[0].measure("cost_usd")
    assert latency is not None
    assert cost is not None
    assert (record.state, cost.value) == ("done", 0.02)
    assert (latency.value, latency.applies) == ((12.0, True) if times == 1 else (None, False))
    assert ("remembered" in latency.reason) == (times == 2)
