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


def test_overheads_are_told_round_by_round_by_the_clock_and_of_computing() -> None:
    bare = [{"wall_s": wall, "cpu_s": 1.0} for wall in (1.0, 5.0, 1.0)]  # the machine was busy in the second round
    own = [{"wall_s": wall, "cpu_s": 1.5} for wall in (2.0, 6.0, 2.0)]
    assert harness.beyond(own, bare, "wall_s", 100) == 10.0
    assert harness.beyond(own, bare, "cpu_s", 100) == 5.0
    found = {
        "ours": {"overhead_wall_ms": 1.0, "overhead_cpu_ms": 1.0},
        "ragas": {"overhead_wall_ms": 8.0, "overhead_cpu_ms": 2.0},
        "ragas_experiment": {"overhead_wall_ms": 4.0, "overhead_cpu_ms": 4.0},
        "deepeval": {"overhead_wall_ms": -0.1, "overhead_cpu_ms": 10.0},
    }
    assert harness.ratios(found, "overhead_wall_ms") == {"ragas": 0.25, "deepeval": None}
    assert harness.ratios(found, "overhead_cpu_ms") == {"ragas": 0.5, "deepeval": 0.1}


def test_every_other_round_is_run_backwards() -> None:
    runs = [("bare", Path("a")), ("ours", Path("a")), ("ragas", Path("a"))]
    assert [harness.turned(runs, number)[0][0] for number in range(4)] == ["bare", "ragas", "bare", "ragas"]
