"""The harness benchmark's own parts: kills are counted, a warm run is silent, a faulty judge spoils no aggregate."""

from __future__ import annotations

from pathlib import Path

from benchmarks import harness


def test_kills_are_counted_row_by_row(tmp_path: Path) -> None:
    found = harness.killed(3, 1, tmp_path)
    assert found["kills"] == 3
    assert 0 < found["rerun_rows"] <= 3 * found["in_flight"]
    assert found["rerun_rows_most"] <= found["in_flight"]


async def test_a_warm_run_asks_nobody_and_a_faulty_judge_touches_nothing_else(tmp_path: Path) -> None:
    assert await harness.warm(4, tmp_path) == {"cold_model_calls": 8, "warm_model_calls": 0}
    found = await harness.faulty(20, tmp_path)
    assert (found["faulty_rows"], found["faulty_unmeasured"]) == (4, 4)
    assert (found["other_rows_changed"], found["nan_in_aggregates"]) == (0, 0)
