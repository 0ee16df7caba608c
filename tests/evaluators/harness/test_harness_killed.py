"""Runs whose process is killed at random cases: what was in flight is run again, nothing else, and nothing shows."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import signal
import time
from pathlib import Path

from harness_samples import Diary, Scorer, cases_of, rows_of, timeless

from evaluators.harness import Limits, RunRecord, execute, open_run
from evaluators.reports import write_reports

CASES, KILLS = 60, 10
LIMITS = Limits(concurrency=3, max_unmeasured=0.5)


def work(folder: Path, diary: Path, seconds: float) -> None:
    asyncio.run(execute(cases_of(CASES), Diary(diary, seconds), [Scorer()], folder, limits=LIMITS))


def reports(record: RunRecord) -> dict[str, object]:
    """What people read of a run, without its name and times."""
    import json

    write_reports(record, record.folder)
    return timeless(json.loads((record.folder / "summary.json").read_bytes()))  # type: ignore[no-any-return]


def test_killed_ten_times_over_a_run_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    chance = random.Random(0)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["evaluators.harness"])
    diary, folder = tmp_path / "diary", tmp_path / "killed"
    for place in sorted(chance.sample(range(1, CASES - 3), KILLS)):
        process = context.Process(target=work, args=(folder, diary, 0.03))
        process.start()
        while process.is_alive() and _lines(diary) < place:
            time.sleep(0.002)
        assert process.pid is not None
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert open_run(folder).state == "interrupted"
    work(folder, diary, 0.0)
    work(tmp_path / "whole", tmp_path / "other", 0.0)
    killed, whole = open_run(folder), open_run(tmp_path / "whole")
    assert _lines(diary) - CASES <= KILLS * LIMITS.concurrency
    assert (killed.state, len(killed.rows)) == ("done", CASES)
    assert rows_of(killed) == rows_of(whole)
    assert reports(killed) == reports(whole)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
