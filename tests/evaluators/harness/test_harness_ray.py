"""A run on a real Ray cluster of this machine: the same rows, the same ends, and it resumes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from harness_samples import Scorer, Target, cases_of, rows_of

from evaluators.contract import Scorer as AnyScorer
from evaluators.contract import Target as AnyTarget
from evaluators.harness import Cache, Limits, execute
from evaluators.harness.execute import conduct
from signalbox.errors import InvalidInput

pytest.importorskip("ray")
LIMITS = Limits(concurrency=4, max_unmeasured=1.0)


@asynccontextmanager
async def parts(arguments: Mapping[str, Any]) -> AsyncIterator[tuple[AnyTarget, Sequence[AnyScorer], Cache | None]]:
    """What workers build; `refuse` is a case that the target has no answer for."""

    def say(case: Any) -> str:
        if case.id == arguments["refuse"]:
            raise InvalidInput("It is no question.")
        return f"{case.query}!"

    if arguments["refuse"] is None:
        raise InvalidInput("Nothing to refuse.", field="refuse")
    yield Target(say), [Scorer()], Cache(Path(arguments["cache"]))


async def test_a_cluster_gives_the_same_rows_and_resumes(tmp_path: Path) -> None:
    import ray

    from evaluators.harness.ray_engine import _connect, on_ray

    given = {"refuse": "case-3", "cache": str(tmp_path / "cache")}
    builder, path = f"{__name__}:parts", [str(Path(__file__).parent)]
    async with parts(given | {"cache": str(tmp_path / "other")}) as (target, scorers, cache):
        here = await execute(cases_of(12), target, scorers, tmp_path / "here", cache=cache, limits=LIMITS)
    _connect(ray, None, path)
    try:
        with pytest.raises(InvalidInput, match="Nothing to refuse"):
            async with on_ray(builder, given | {"refuse": None}, workers=1):
                pass
        async with on_ray(builder, given, workers=2, concurrency=4) as engine:
            stopped = await conduct(cases_of(12), engine, tmp_path / "there", limits=Limits(max_tokens=100))
            assert (stopped.state, len(stopped.rows)) == ("stopped", 6)
            there = await conduct(cases_of(12), engine, tmp_path / "there", limits=LIMITS)
            assert rows_of(there) == rows_of(here)
            assert there.manifest["target"] == here.manifest["target"]
            warm = await conduct(cases_of(12), engine, tmp_path / "warm", limits=LIMITS)
            assert [row.cached for row in warm.rows] == [number != 3 for number in range(12)]
    finally:
        ray.shutdown()
