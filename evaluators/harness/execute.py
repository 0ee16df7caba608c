"""A run from its first case to its last: which cases may begin, what is done with their rows, and how it ends.

What is in the folder is not done again, so a run that was interrupted goes on by being executed again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from eval_sets.cases import Case
from evaluators.contract import Metric, Row, Scorer, Target
from evaluators.harness.beginning import begin, minutes_before, parts_of
from evaluators.harness.cache import Cache
from evaluators.harness.limits import Limits, Meter, Used
from evaluators.harness.measuring import Engine, Measurer
from evaluators.harness.records import RunRecord, RunState, held, open_run, write_manifest
from evaluators.harness.runlog import RunLog
from signalbox.errors import InvalidInput, SignalboxError
from signalbox.types import utc_now

Progress = Callable[[float, str], None]


async def execute(
    cases: Sequence[Case],
    target: Target,
    scorers: Sequence[Scorer],
    folder: Path,
    *,
    limits: Limits = Limits(),
    cache: Cache | None = None,
    progress: Progress | None = None,
    header: Mapping[str, object] = {},
    used: Used = Used(),
) -> RunRecord:
    """Run every case that has no row in `folder` yet, in this process.

    Args:
        folder: of this run alone; made where it is not there.
        cache: where outputs and measures are remembered; errors never are.
        progress: is told the share that is done, and in words how it is going.
        header: what else the manifest says: kind, set, seed, engine, or anything that is JSON.
        used: of the limits already.

    Returns:
        The run, in one of these states: `done`, `stopped` (a limit was reached), or `failed` (too much of it could not
        be measured). Cancelling ends it as `cancelled`.

    Raises:
        InvalidInput: two cases share an id, or two scorers a metric.
        Conflict: the folder holds a run of other cases, another target or other scorers, or is being worked on.
        CorruptArtefact: what is there is damaged or of a newer format.
        ConfigurationError: the folder can't be written or the disk is full; what was written stays readable.
    """
    engine = Measurer(target, scorers, cache, deadline_s=limits.deadline_ms / 1000)
    return await conduct(cases, engine, folder, limits=limits, progress=progress, header=header, used=used)


async def conduct(
    cases: Sequence[Case],
    engine: Engine,
    folder: Path,
    *,
    limits: Limits = Limits(),
    progress: Progress | None = None,
    header: Mapping[str, object] = {},
    used: Used = Used(),
) -> RunRecord:
    """The same, whoever measures the cases."""
    _check(cases, engine.parties.metrics)
    with held(folder):
        manifest = begin(folder, parts_of(cases, engine.parties), limits, header)
        log = RunLog.open(folder, str(manifest["id"]))
        try:
            await _finish(_Run(cases, engine, log, limits, progress, used), folder, manifest)
        finally:
            log.close()
    return open_run(folder)


async def _finish(run: _Run, folder: Path, manifest: Mapping[str, Any]) -> None:
    def end(state: RunState, reason: str | None) -> None:
        ended = {"state": state, "reason": reason, "ended_at": utc_now().isoformat()}
        write_manifest(folder, {**manifest, **ended})

    try:
        reason = await run.finish(minutes_before(manifest, run.log.rows))
        run.log.sync()
    except asyncio.CancelledError:
        end("cancelled", "It was cancelled.")
        raise
    except SignalboxError as error:
        with suppress(SignalboxError):  # the disk that is full for rows is full for this too
            end("failed", error.detail)
        raise
    if reason is not None:
        end("stopped", reason)
        return
    unproven = too_much_unmeasured(run.rows, run.engine.parties.metrics, run.limits.max_unmeasured)
    end("done" if unproven is None else "failed", unproven)


class _Run:
    """The cases of a run on their way."""

    def __init__(
        self,
        cases: Sequence[Case],
        engine: Engine,
        log: RunLog,
        limits: Limits,
        progress: Progress | None,
        used: Used,
    ) -> None:
        self.limits, self.log = limits, log
        self.rows: list[Row] = list(log.rows)
        self.engine, self._progress = engine, progress
        self._total = len(cases)
        known = {row.index for row in self.rows}
        self._rest = deque((index, case) for index, case in enumerate(cases) if index not in known)
        self._meter = Meter(limits, (*used.spent, *(row.spent for row in self.rows)))
        self._minutes_used = used.minutes
        self._failed = sum(row.trouble is not None for row in self.rows)
        self._under_way = 0
        self._next_at = 0.0
        self._stopped: str | None = None
        self._news = asyncio.Condition()

    async def finish(self, minutes_before: float) -> str | None:
        """Measure the rest; which limit ended that early, or None."""
        self._tell()
        most = self.limits.max_minutes
        left_s = None if most is None else max(0.0, (most - self._minutes_used - minutes_before) * 60)
        try:
            async with asyncio.timeout(left_s) as timer:
                await self._work()
        except TimeoutError:
            if not timer.expired():
                raise
            if self._rest or self._under_way:
                return f"The {most:g} minutes are over."
        return self._stopped

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.limits.concurrency, len(self._rest))):
                    group.create_task(self._worker())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _worker(self) -> None:
        while (given := await self._begin()) is not None:
            row, keep = await self.engine.measure(*given)
            self.log.append(row)
            keep()
            self.rows.append(row)
            self._failed += row.trouble is not None
            self._meter.add(row.spent)
            self._tell()
            async with self._news:
                self._under_way -= 1
                self._news.notify_all()

    async def _begin(self) -> tuple[int, Case] | None:
        """The next case, once the rate and the limits let it begin; None where none will."""
        async with self._news:
            while self._rest and self._stopped is None and not self._meter.may_begin(self._under_way):
                if not self._under_way:
                    self._stopped = f"{self._meter.exceeded_by()} allowed."
                    self._news.notify_all()
                    break
                await self._news.wait()
            if not self._rest or self._stopped is not None:
                return None
            given = self._rest.popleft()
            self._under_way += 1
            wait_s = self._turn()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        return given

    def _turn(self) -> float:
        """Seconds until the next case may begin at the rate that is set."""
        if self.limits.rate_per_s is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        at = max(now, self._next_at)
        self._next_at = at + 1 / self.limits.rate_per_s
        return at - now

    def _tell(self) -> None:
        if self._progress is None:
            return
        done = len(self.rows)
        failed = f", {self._failed} failed" if self._failed else ""
        cost = f", ${self._meter.cost_usd:.4f}" if self._meter.cost_usd else ""
        self._progress(done / self._total if self._total else 1.0, f"{done} of {self._total} cases{failed}{cost}")


def too_much_unmeasured(rows: Sequence[Row], metrics: Sequence[Metric], most: float) -> str | None:
    """Why a run's numbers can't be defended, in words; None where they can.

    Rows without an output count once, as failed; a metric's share is of the rows with one that it applies to.
    """
    failed = sum(row.trouble is not None for row in rows)
    if rows and failed / len(rows) > most:
        return f"{failed} of {len(rows)} rows failed; more than {most:.0%} is too much. The first: {_first(rows)}"
    for metric in metrics:
        own = [one for row in rows if row.output is not None and (one := row.measure(metric.name)) and one.applies]
        unmeasured = [one for one in own if one.value is None]
        if own and len(unmeasured) / len(own) > most:
            return (
                f"{metric.name} was not measured in {len(unmeasured)} of {len(own)} rows; more than {most:.0%} is too "
                f"much. The first: {unmeasured[0].reason or 'no reason was given'}"
            )
    return None


def _first(rows: Sequence[Row]) -> str:
    first = min((row for row in rows if row.trouble is not None), key=lambda row: row.index)
    return f"{first.case.id}: {first.trouble.detail}" if first.trouble else ""


def _check(cases: Sequence[Case], metrics: Sequence[Metric]) -> None:
    for kind, names in (("case", [case.id for case in cases]), ("metric", [metric.name for metric in metrics])):
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise InvalidInput(f"The {kind} {name!r} occurs twice; a run takes each once.", field=f"{kind}s")
            seen.add(name)
