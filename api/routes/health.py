"""Is it alive, is it ready, what has it done: for supervisors and Prometheus."""

from __future__ import annotations

import math
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.deps import LifecycleDep, ServiceDep
from api.http.openapi import problems
from signalbox.errors import SignalboxError

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """`parts` says `ok` or why not. Only the service and its database decide `status`; other parts cost routes."""

    status: Literal["ready", "starting", "not ready"]
    parts: dict[str, str]


@router.get("/healthz")
async def healthz() -> Health:
    """The process answers; nothing more is checked."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Queries can't be taken now."}})
async def readyz(lifecycle: LifecycleDep, response: Response) -> Readiness:
    """Whether queries can be taken, and which parts are missing."""
    parts = {"service": lifecycle.reason}
    if lifecycle.state == "ready":
        parts |= await lifecycle.service.readiness()
    ready = parts["service"] == "ok" and parts["database"] == "ok"
    if not ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    starting = lifecycle.state == "starting"
    return Readiness(status="ready" if ready else "starting" if starting else "not ready", parts=parts)


@router.get("/metrics", response_class=Response, responses=problems(503) | {200: {"content": {"text/plain": {}}}})
async def metrics(service: ServiceDep) -> Response:
    """Counters and histograms in Prometheus' text format."""
    counted = service.telemetry.metrics
    depth = getattr(service.models.local, "queue_depth", None)
    if depth is not None:
        counted.local_queue_depth.set(depth)
    cloud = service.models.cloud
    if cloud is not None:
        counted.show_cloud(cloud.breakers, cloud.spent_usd, cloud.remaining_usd)
    counted.queries_running.set(service.router.running)
    counted.queries_limit.set(service.settings.max_concurrent_queries)
    try:
        figures = await service.reviews.stats()
    except SignalboxError:
        # Just when the database is in trouble, everything else is wanted; a number from before would be a lie.
        counted.review_items.clear()
        counted.review_oldest.set(math.nan)
    else:
        counted.review_items.labels("waiting").set(figures.waiting)
        counted.review_items.labels("claimed").set(figures.claimed)
        counted.review_oldest.set((figures.oldest_age_ms or 0) / 1000)
    return Response(counted.render(), headers={"Content-Type": counted.content_type})
