"""A job as DBOS' books have it, in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signalbox.jobs.types import JobState

if TYPE_CHECKING:
    from dbos import WorkflowStatus

MOST_RESTARTS = 20

_STATES: Mapping[str, JobState] = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the books say of a job. Times are Unix milliseconds."""

    id: str
    kind: str
    state: JobState
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    by: str | None
    arguments: dict[str, Any]
    notes: dict[str, Any]
    result: Any
    problem: dict[str, Any] | None


def names_of(states: Sequence[JobState]) -> list[str]:
    return [name for name, state in _STATES.items() if state in states]


def row_of(status: WorkflowStatus) -> Row:
    given = status.input["args"] if status.input else ()
    problem = None if status.error is None else problem_kept(status.error)
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        problem = {
            "title": "Job crashed",
            "detail": f"The service was ended {MOST_RESTARTS} times while the job ran. Resume it, or start it with "
            "less to do.",
            "field": None,
        }
    return Row(
        id=status.workflow_id,
        kind=status.name,
        state=_STATES[status.status],
        created_ms=status.created_at or 0,
        started_ms=status.dequeued_at,
        ended_ms=status.completed_at,
        by=status.authenticated_user,
        arguments=given[0] if given and isinstance(given[0], dict) else {},
        notes=status.attributes or {},
        result=status.output,
        problem=problem,
    )


def problem_kept(error: BaseException) -> dict[str, Any]:
    data = getattr(error, "data", None)
    if isinstance(data, dict) and "detail" in data:
        return data
    return {
        "title": "Internal error",
        "detail": "The job could not be run. The service's log tells more.",
        "field": None,
    }
