"""What a job looks like from outside; its JSON form is the wire form."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import Field

from signalbox.types import Frozen, Milliseconds, Probability

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[JobState, ...] = get_args(JobState)
ENDED: frozenset[JobState] = frozenset({"done", "failed", "cancelled"})


class JobProblem(Frozen):
    """Why a job failed, for the person who can act on it."""

    title: str = Field(examples=["Invalid value"])
    detail: str = Field(examples=["train.csv has no column 'label'; its columns are: text, intent."])
    field: str | None = Field(None, description="The argument at fault, where one is.", examples=["targets"])


class Job(Frozen):
    """One piece of background work.

    `result` is what it left behind, once it is done. Times before it are null.
    """

    id: str = Field(examples=["job_01JD3V5ZK8Q0T9W4X7Y2B6C1DE"])
    kind: str = Field(examples=["train"])
    state: JobState
    progress: Probability = Field(description="The share that is done.", examples=[0.4])
    stage: str = Field(description="What is being done, in words.", examples=["cross-fitting, fold 2 of 5"])
    eta_ms: Milliseconds | None = Field(None, description="Time left, as far as the pace so far tells.")
    created_at: datetime
    started_at: datetime | None = Field(None, description="When it was started last.")
    ended_at: datetime | None = None
    by: str | None = Field(None, description="Who started it: the name of a key, or null.")
    arguments: dict[str, Any] = Field(default_factory=dict)
    result: dict[str, Any] | None = None
    error: JobProblem | None = None

    @property
    def ended(self) -> bool:
        """Whether it is done, failed or cancelled; the last two can be resumed."""
        return self.state in ENDED


class JobPage(Frozen):
    """Jobs, the newest first."""

    items: tuple[Job, ...]
    next_cursor: str | None = None
