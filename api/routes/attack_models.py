"""The shapes of what /attacks takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.routes.eval_models import EvalLimits
from signalbox.jobs import Job


class AttackStart(BaseModel):
    """What to attack, with what, on which questions."""

    model_config = ConfigDict(extra="forbid", strict=True)

    set: str = Field("helpdesk", max_length=200, description="A set that comes with the release.")
    families: list[str] = Field(
        [],
        max_length=60,
        description="Families, or `a+b` for both; all by default.",
        examples=[["typos"]],
    )
    target: str = Field(
        "service",
        max_length=200,
        pattern="^(service|model:[^@]+)$",
        description="`service`, or `model:NAME` at the cloud's base URL, which is shown the service's documents.",
    )
    defences: str = Field("on", max_length=300, description="`on`, `off`, `both`, or names separated by commas.")
    strengths: list[Literal[1, 2, 3]] = Field([2], min_length=1, max_length=3)
    tries: int = Field(1, ge=1, le=20, description="How often each attack is made, each time with another chance.")
    limit: int | None = Field(40, ge=1, le=10_000, description="Only so many cases, drawn by `seed`.")
    gadget_queries: int = Field(
        240, ge=0, le=1_000, description="Questions that learning a gadget may take, within `limits`."
    )
    limits: EvalLimits = EvalLimits()
    seed: int = Field(0, ge=0, le=2**31 - 1)


class AttackStarted(Job):
    """The job that runs it, and the run's own id."""

    run: str = Field(examples=["atk_01JD3V5ZK8Q0T9W4X7Y2B6C1DE"])


class AttackList(BaseModel):
    """Runs, the newest first; each as `GET /attacks/{id}` shows it, without its report."""

    items: list[dict[str, Any]]
    next_cursor: str | None
