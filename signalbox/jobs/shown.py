"""From what the books say of a job to what is shown of it, and the cursors of lists. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from signalbox.errors import InvalidInput
from signalbox.jobs.types import Job, JobPage, JobProblem, JobState
from signalbox.types import utc_now

if TYPE_CHECKING:
    from signalbox.jobs.rows import Row

_CURSOR = re.compile(r"(\d{1,15})\.(job_[0-9A-Z]{26})")
_TELLING = 0.05  # the share from which on the pace tells something


def page_of(rows: Iterable[Row], after: tuple[int, str] | None, limit: int) -> JobPage:
    """The first `limit` jobs after a cursor, the newest first; one row more than that tells that there is a next."""
    found = sorted((row for row in rows if after is None or _order(row) < after), key=_order, reverse=True)
    more = len(found) > limit
    cursor = "{}.{}".format(*_order(found[limit - 1])) if more else None
    return JobPage(items=tuple(job_of(row) for row in found[:limit]), next_cursor=cursor)


def _order(row: Row) -> tuple[int, str]:
    return row.created_ms, row.id


def read_cursor(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInput("This is no cursor that this service gave.", field="cursor")
    return int(found[1]), found[2]


def in_words(state: JobState) -> str:
    return {"failed": "over, it has failed", "queued": "waiting for its turn"}.get(state, state)


def news(job: Job) -> tuple[object, ...]:
    return job.state, job.progress, job.stage


def job_of(row: Row) -> Job:
    share = 1.0 if row.state == "done" else float(row.notes.get("progress", 0.0))
    stage = {"queued": "waiting for its turn", "done": "done"}.get(row.state) or str(row.notes.get("stage", "starting"))
    return Job(
        id=row.id,
        kind=row.kind,
        state=row.state,
        progress=share,
        stage=stage,
        eta_ms=_eta_ms(row, share),
        created_at=_moment(row.created_ms),
        started_at=None if row.started_ms is None else _moment(row.started_ms),
        ended_at=None if row.ended_ms is None else _moment(row.ended_ms),
        by=row.by,
        arguments=row.arguments,
        result=row.result if row.state == "done" else None,
        error=None if row.problem is None or row.state != "failed" else _shown(row.problem),
    )


def _shown(problem: dict[str, Any]) -> JobProblem:
    return JobProblem(title=problem.get("title") or "Failed", detail=problem["detail"], field=problem.get("field"))


def _eta_ms(row: Row, share: float) -> float | None:
    """What is left at the pace since the job was started last."""
    begun_at = row.notes.get("from")
    if row.state != "running" or row.started_ms is None or begun_at is None or share - begun_at < _TELLING:
        return None
    spent_ms = utc_now().timestamp() * 1000 - row.started_ms
    return max(0.0, spent_ms * (1 - share) / (share - float(begun_at)))


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
