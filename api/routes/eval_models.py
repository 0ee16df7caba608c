"""The shapes of what /evals takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from signalbox.jobs import Job

MOST_CASES = 10_000


class EvalLimits(BaseModel):
    """What a run may take; null is no limit."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    concurrency: int = Field(4, ge=1, le=256, description="Cases under way at once.")
    rate_per_s: float | None = Field(None, gt=0, description="Most cases begun per second.")
    deadline_ms: float = Field(60_000, gt=0, le=86_400_000, description="Time of an answer, and of each scorer.")
    max_tokens: int | None = Field(None, ge=0, description="Of all models asked.")
    max_cost_usd: float | None = Field(
        None, ge=0, description="Of all models asked, booked on today's cap; null is 1 dollar where they cost anything."
    )
    max_minutes: float | None = Field(None, gt=0)
    max_unmeasured: float = Field(0.1, ge=0, le=1, description="A larger share of failed or unmeasured rows fails it.")


class EvalStart(BaseModel):
    """What to evaluate on what: a set that comes with the release, or cases that come with the request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    set: str | None = Field(None, max_length=200, description="Its name.", examples=["helpdesk"])
    cases: list[dict[str, Any]] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CASES,
        examples=[[{"id": "refund-1", "query": "How long does a refund take?", "expected": {"contains": ["14 days"]}}]],
    )
    target: str = Field(
        "service",
        max_length=200,
        pattern="^(service|given|model:[^@]+)$",
        description="`service`, `given` (answers that stand in the cases), or `model:NAME` at the cloud's base URL.",
    )
    scorers: list[str] = Field(
        [], max_length=50, description="What to measure; by default what the set's card names.", examples=[["contains"]]
    )
    limit: int | None = Field(None, ge=1, description="Only so many cases, drawn by `seed`.")
    limits: EvalLimits = EvalLimits()
    seed: int = Field(0, ge=0, le=2**31 - 1)
    engine: Literal["local", "ray"] = "local"
    cache: bool = Field(True, description="Use answers remembered from earlier runs.")


class EvalStarted(Job):
    """The job that runs it, and the run's own id."""

    run: str = Field(examples=["evl_01JD3V5ZK8Q0T9W4X7Y2B6C1DE"])


class EvalList(BaseModel):
    """Runs, the newest first; each as `GET /evals/{id}` shows it, without metrics and summary."""

    items: list[dict[str, Any]]
    next_cursor: str | None


class EvalRows(BaseModel):
    """Rows in the order of the cases."""

    items: list[dict[str, Any]]
    next_cursor: str | None
