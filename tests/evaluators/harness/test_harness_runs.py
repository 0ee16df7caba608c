"""Runs: what becomes of rows, of what goes wrong, and of limits; and that a run goes on where it ended."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
from harness_samples import LENGTH, Scorer, Target, cases_of, rows_of, value

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output
from evaluators.harness import GivenTarget, Limits, execute, open_run, run_folders
from signalbox.errors import ConfigurationError, Conflict, CorruptArtefact, InvalidInput, NotFound, Overloaded

ALL = Limits(max_unmeasured=1.0)


async def test_rows_stand_in_the_order_of_the_cases_whatever_is_done_first(tmp_path: Path) -> None:
    async def slow_first(case: Case) -> str:
        await asyncio.sleep(0.05 if case.id == "case-0" else 0)
        return case.query

    told: list[tuple[float, str]] = []
    record = await execute(
        cases_of(5),
        Target(slow_first),
        [Scorer()],
        tmp_path / "evl_1",
        progress=lambda share, stage: told.append((share, stage)),
        header={"set": {"name": "numbers", "version": 1, "hash": "x", "cases": 5}, "seed": 7},
    )
    assert (record.state, record.id, record.reason) == ("done", "evl_1", None)
    assert [row.case.id for row in record.rows] == [f"case-{number}" for number in range(5)]
    assert [value(row) for row in record.rows] == [10.0] * 5
    assert (record.manifest["seed"], record.manifest["set"]["name"]) == (7, "numbers")
    assert record.metrics == (LENGTH,)
    assert told[0] == (0.0, "0 of 5 cases")
    assert told[-1] == (1.0, "5 of 5 cases, $0.0500")
    assert open_run(tmp_path / "evl_1") == record
    assert run_folders(tmp_path) == [tmp_path / "evl_1"]


async def test_what_a_target_does_wrong_becomes_a_row(tmp_path: Path) -> None:
    async def say(case: Case) -> str:
        match case.id:
            case "case-0":
                await asyncio.sleep(60)
            case "case-1":
                raise KeyError("no such thing")
            case "case-2":
                raise Overloaded("It has too much to do.", retry_after_s=60)
        return "fine"

    limits = Limits(deadline_ms=100, max_unmeasured=1.0)
    record = await execute(cases_of(4), Target(say), [Scorer()], tmp_path / "run", limits=limits)
    troubles = [row.trouble and (row.trouble.kind, row.trouble.detail) for row in record.rows]
    assert troubles == [
        ("DeadlineExceeded", "There was no answer within 0.1 s."),
        ("KeyError", "'no such thing'"),
        ("Overloaded", "It has too much to do."),
        None,
    ]
    assert [len(row.measures) for row in record.rows] == [0, 0, 0, 1]
    assert record.state == "done"


async def test_an_overloaded_target_is_asked_again_when_it_says(tmp_path: Path) -> None:
    asked: list[float] = []

    def say(_: Case) -> str:
        asked.append(time.monotonic())
        if len(asked) < 3:
            raise Overloaded("Not now.", retry_after_s=0.1)
        return "now"

    record = await execute(cases_of(1), Target(say), [Scorer()], tmp_path / "run")
    assert record.rows[0].output is not None
    assert len(asked) == 3
    assert asked[1] - asked[0] >= 0.1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (math.nan, "nan, which is no number"),
        (math.inf, "inf, which is no number"),
        (11.0, "11, and a score is 0 to 1"),
        (Measure(metric="other", value=1.0), "gave no values of it"),
        ("prose", "failed"),
        (ValueError("no idea"), "failed (ValueError): no idea"),
    ],
)
async def test_what_a_scorer_does_wrong_is_unmeasured_and_touches_nothing_else(
    tmp_path: Path, said: Any, reason: str
) -> None:
    def bad(case: Case, _: Output) -> Any:
        if case.id != "case-1":
            return 0.5
        if isinstance(said, Exception):
            raise said
        return said

    score = Metric(name="good", kind="score")
    record = await execute(cases_of(3), Target(), [Scorer(bad, score), Scorer()], tmp_path / "run", limits=ALL)
    assert [value(row, "good") for row in record.rows] == [0.5, None, 0.5]
    measure = record.rows[1].measure("good")
    assert measure is not None
    assert reason in measure.reason
    assert [value(row) for row in record.rows] == [16.0] * 3


async def test_a_judge_that_hangs_is_unmeasured(tmp_path: Path) -> None:
    async def hang(*_: object) -> float:
        await asyncio.sleep(60)
        return 1.0

    limits = Limits(deadline_ms=50, max_unmeasured=1.0)
    record = await execute(cases_of(1), Target(), [Scorer(hang)], tmp_path / "run", limits=limits)
    assert record.rows[0].measures[0].reason.endswith("(DeadlineExceeded): It took longer than 0.05 s.")


async def test_more_failures_than_allowed_fail_the_run(tmp_path: Path) -> None:
    def say(case: Case) -> str:
        if case.id < "case-2":
            raise InvalidInput("It is no question.")
        return "fine"

    record = await execute(cases_of(10), Target(say), [Scorer()], tmp_path / "a", limits=Limits(max_unmeasured=0.2))
    assert record.state == "done"
    record = await execute(cases_of(10), Target(say), [Scorer()], tmp_path / "b", limits=Limits(max_unmeasured=0.1))
    assert record.state == "failed"
    assert record.reason == "2 of 10 rows failed; more than 10% is too much. The first: case-0: It is no question."


async def test_more_unmeasured_than_allowed_fail_the_run_but_not_what_does_not_apply(tmp_path: Path) -> None:
    def judge(case: Case, _: Output) -> Measure:
        applies = case.id != "case-9"
        return Measure(metric="length", value=None if case.id >= "case-7" else 1.0, reason="prose", applies=applies)

    limits = Limits(max_unmeasured=0.21)
    record = await execute(cases_of(10), Target(), [Scorer(judge)], tmp_path / "run", limits=limits)
    assert record.reason == "length was not measured in 2 of 9 rows; more than 21% is too much. The first: prose"
    limits = Limits(max_unmeasured=0.23)
    record = await execute(cases_of(10), Target(), [Scorer(judge)], tmp_path / "again", limits=limits)
    assert record.state == "done"


@pytest.mark.parametrize(
    ("limits", "measured", "reason"),
    [
        (Limits(max_tokens=70), 3, "60 tokens are spent, and the next case may take more than the 70 allowed."),
        (Limits(max_tokens=0), 0, "0 tokens are spent, and the next case may take more than the 0 allowed."),
        (Limits(max_cost_usd=0.025), 2, "$0.0200 are spent, and the next case may cost more than the $0.025 allowed."),
        (Limits(max_minutes=0.002, concurrency=1), 2, "The 0.002 minutes are over."),
    ],
)
async def test_what_would_exceed_a_limit_ends_the_run_and_leaves_the_rest_untouched(
    tmp_path: Path, limits: Limits, measured: int, reason: str
) -> None:
    target = Target(lambda case: asyncio.sleep(0.04, "said"))
    record = await execute(cases_of(20), target, [Scorer()], tmp_path / "run", limits=limits)
    assert (record.state, record.reason) == ("stopped", reason)
    if limits.max_minutes is None:
        assert (len(record.rows), len(target.asked)) == (measured, measured)
    else:
        assert 0 < len(record.rows) < 20
    record = await execute(cases_of(20), target, [Scorer()], tmp_path / "run")
    assert (record.state, len(record.rows)) == ("done", 20)


async def test_a_run_takes_no_more_cases_at_once_and_no_faster_than_it_may(tmp_path: Path) -> None:
    under_way = most = 0
    begun: list[float] = []

    async def say(_: Case) -> str:
        nonlocal under_way, most
        begun.append(time.monotonic())
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.03)
        under_way -= 1
        return "said"

    await execute(cases_of(12), Target(say), [], tmp_path / "a", limits=Limits(concurrency=3))
    assert most == 3
    begun.clear()
    await execute(cases_of(6), Target(say), [], tmp_path / "b", limits=Limits(concurrency=6, rate_per_s=50))
    assert begun[-1] - begun[0] >= 0.1


async def test_a_cancelled_run_goes_on_with_the_rest(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def say(case: Case) -> str:
        if case.id == "case-2":
            await gate.wait()
        return case.query

    target = Target(say)
    whole = await execute(cases_of(6), Target(lambda case: case.query), [Scorer()], tmp_path / "whole")
    limits = Limits(concurrency=1)
    running = asyncio.create_task(execute(cases_of(6), target, [Scorer()], tmp_path / "run", limits=limits))
    while len(target.asked) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert open_run(tmp_path / "run").state == "running"
    with pytest.raises(Conflict, match="Another process works on the run run"):
        await execute(cases_of(6), target, [Scorer()], tmp_path / "run")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (open_run(tmp_path / "run").state, len(open_run(tmp_path / "run").rows)) == ("cancelled", 2)
    gate.set()
    record = await execute(cases_of(6), target, [Scorer()], tmp_path / "run", limits=limits)
    assert target.asked == ["case-0", "case-1", "case-2", "case-2", "case-3", "case-4", "case-5"]
    assert rows_of(record) == rows_of(whole)
    assert len(record.manifest["sittings"]) == 2


async def test_a_torn_last_line_counts_as_never_written(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    whole = await execute(cases_of(4), Target(), [Scorer()], folder)
    log = folder / "rows.jsonl"
    content = log.read_bytes()
    for cut in (1, 40, len(content.splitlines()[-1])):
        log.write_bytes(content[:-cut])
        assert len(open_run(folder).rows) == 3
        target = Target()
        record = await execute(cases_of(4), target, [Scorer()], folder)
        assert (len(target.asked), rows_of(record)) == (1, rows_of(whole))
    log.write_bytes(content + b"\0" * 100 + b"\n")
    assert len(open_run(folder).rows) == 4
    lines = content.splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], b"{\n", *lines[2:]]))
    with pytest.raises(CorruptArtefact, match=r"rows\.jsonl, line 3: the row: Invalid JSON"):
        open_run(folder)


async def test_a_run_does_not_go_on_with_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    await execute(cases_of(2), Target(), [Scorer()], folder)
    with pytest.raises(Conflict, match="begun with other cases"):
        await execute(cases_of(3), Target(), [Scorer()], folder)
    with pytest.raises(Conflict, match="begun with other target"):
        await execute(cases_of(2), Target(name="another"), [Scorer()], folder)
    with pytest.raises(Conflict, match="begun with other scorers"):
        await execute(cases_of(2), Target(), [], folder)
    with pytest.raises(InvalidInput, match="The case 'case-0' occurs twice"):
        await execute([*cases_of(1), *cases_of(1)], Target(), [], tmp_path / "new")
    with pytest.raises(InvalidInput, match="The metric 'length' occurs twice"):
        await execute(cases_of(1), Target(), [Scorer(), Scorer()], tmp_path / "new")
    with pytest.raises(NotFound):
        open_run(tmp_path / "new")


async def test_a_full_disk_ends_the_run_and_leaves_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, write, rows = tmp_path / "run", os.write, 0

    def fill_up(handle: int, data: bytes) -> int:
        nonlocal rows
        if data.startswith(b'{"index"'):
            rows += 1
            if rows > 3:
                write(handle, data[:50])
                raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(os, "write", fill_up)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        await execute(cases_of(9), Target(), [Scorer()], folder, limits=Limits(concurrency=1))
    monkeypatch.undo()
    record = open_run(folder)
    assert (record.state, len(record.rows)) == ("failed", 3)
    assert (folder / "rows.jsonl").read_bytes().endswith(b"\n")
    record = await execute(cases_of(9), Target(), [Scorer()], folder)
    assert (record.state, len(record.rows)) == ("done", 9)


async def test_given_answers_are_judged_without_asking_anybody(tmp_path: Path) -> None:
    given = Case.model_validate({"id": "a", "query": "Why?", "given": {"answer": "Because.", "contexts": ["So."]}})
    record = await execute([given, *cases_of(1)], GivenTarget(), [Scorer()], tmp_path / "run", limits=ALL)
    output, trouble = record.rows[0].output, record.rows[1].trouble
    assert output is not None
    assert trouble is not None
    assert (output.text, output.contexts, output.calls) == ("Because.", ("So.",), 0)
    assert trouble.detail.startswith("The case has no `given` answer")


async def test_a_limit_does_not_hold_up_a_target_that_asks_nobody(tmp_path: Path) -> None:
    under_way = most = 0

    async def say(_: Case) -> Output:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        return Output(text="free")

    limits = Limits(max_cost_usd=1.0, concurrency=4)
    record = await execute(cases_of(20), Target(say), [], tmp_path / "run", limits=limits)
    assert (record.state, most) == ("done", 4)
