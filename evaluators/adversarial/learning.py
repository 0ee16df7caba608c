"""Asking before a run, to learn: one question after another, within the run's limits.

Each answer is kept with the run before the next question is asked, so that learning that was killed goes on with what
it knows: a search that is a function of its seed and of answers comes out the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from eval_sets.cases import Case
from evaluators.contract import Row, Target
from evaluators.harness.limits import Limits, Meter, Used
from evaluators.harness.measuring import Measurer
from evaluators.harness.records import held
from evaluators.harness.runlog import RunLog, read_rows
from signalbox.errors import Conflict

FOLDER = "learning"


class LimitReached(Exception):
    """A limit of the run was reached before there was anything to run; its text says which."""


class Asking:
    """Asks `target`, no question twice of those that `log` holds.

    Args:
        log: where answers are kept; without one they are not.
    """

    def __init__(self, target: Target, limits: Limits, log: RunLog | None = None) -> None:
        self._limits, self._log = limits, log
        self._measurer = Measurer(target, (), None, deadline_s=limits.deadline_ms / 1000)
        self._known = {row.index: row for row in (log.rows if log else ())}
        self._meter = Meter(limits, (row.spent for row in self._known.values()))
        self._before_s = _seconds(tuple(self._known.values()))
        self._began: float | None = None
        self._next_at = 0.0
        self.asked = 0

    @classmethod
    @contextmanager
    def kept(cls, target: Target, limits: Limits, folder: Path) -> Iterator[Self]:
        """Answers are kept in the run's `folder`. Raises Conflict where another process learns there."""
        place = folder / FOLDER
        with held(place):
            log = RunLog.open(place, folder.name)
            try:
                yield cls(target, limits, log)
            finally:
                log.close()

    async def ask(self, case: Case) -> Row:
        """The target's answer, or why there is none.

        Raises:
            LimitReached: it was not asked, since a limit does not allow it.
            Conflict: another question stands in its place: the run was begun with other cases or another seed.
        """
        index, self.asked = self.asked, self.asked + 1
        known = self._known.get(index)
        if known is not None:
            if known.case != case:
                raise Conflict("What was learnt before was learnt from other questions. Start a new run.", field="run")
            return known
        spent = self._meter.exceeded_by()
        if spent is not None:
            raise LimitReached(f"{spent} allowed.")
        try:
            async with asyncio.timeout(self._left_s()) as timer:
                await asyncio.sleep(self._turn())
                row, _ = await self._measurer.measure(index, case)
        except TimeoutError:
            if not timer.expired():
                raise
            raise LimitReached(f"The {self._limits.max_minutes:g} minutes are over.") from None
        self._meter.add(row.spent)
        if self._log is not None:
            self._log.append(row)
        return row

    def _left_s(self) -> float | None:
        now = asyncio.get_running_loop().time()
        self._began = now if self._began is None else self._began
        most = self._limits.max_minutes
        return None if most is None else max(0.0, most * 60 - self._before_s - (now - self._began))

    def _turn(self) -> float:
        """Seconds until the next question may be asked at the rate that is set."""
        if self._limits.rate_per_s is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        at = max(now, self._next_at)
        self._next_at = at + 1 / self._limits.rate_per_s
        return at - now


def used(folder: Path) -> Used:
    """What learning has taken of the limits of the run in `folder`. Raises CorruptArtefact."""
    rows = read_rows(folder / FOLDER)
    return Used(tuple(row.spent for row in rows), _seconds(rows) / 60)


def _seconds(rows: tuple[Row, ...]) -> float:
    return sum(row.duration_ms for row in rows) / 1000
