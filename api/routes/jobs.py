"""/jobs: background work, such as a training: what it has come to, and cancelling and resuming it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.deps import JobsDep
from api.http.negotiation import JSON, SSE, negotiate
from api.http.openapi import problems
from api.stream.response import Outbox, sse, stream_response
from signalbox.jobs import Job, JobPage, JobState

router = APIRouter(tags=["jobs"])

JobId = Annotated[str, Path(max_length=80, description="The id of a job, as `GET /jobs` lists it.")]

_PROGRESS = """event: progress
data: {"id":"job_01JD…","kind":"train","state":"running","progress":0.4,"stage":"cross-fitting, fold 2 of 5"}

event: job
data: {"id":"job_01JD…","kind":"train","state":"done","progress":1.0,"result":{"expert":"intents@4"}}

"""
_STREAM: dict[str, Any] = {
    "description": "The job, or events that end with it.",
    "content": {SSE: {"schema": {"type": "string"}, "example": _PROGRESS}},
}


@router.get("/jobs", responses=problems(421, 422, 500, 503))
async def list_jobs(
    jobs: JobsDep,
    kind: Annotated[str | None, Query(max_length=40, description="Of this kind only.", examples=["train"])] = None,
    state: Annotated[JobState | None, Query(description="In this state only.", examples=["running"])] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")] = None,
) -> JobPage:
    """Jobs, the newest first; the newest 1,000 of those that have ended are kept."""
    return await jobs.list(kind=kind, state=state, cursor=cursor, limit=limit)


@router.get("/jobs/{id}", response_model=Job, responses=problems(404, 406, 421, 422, 500, 503) | {200: _STREAM})
async def get_job(id: JobId, request: Request, jobs: JobsDep) -> Job | Response:  # noqa: A002
    """One job: how far it is, what it left behind, or why it failed.

    With `Accept: text/event-stream` it answers with `progress` events, the job as it is each time, until it has ended,
    and then with the whole of it as `job`. A job that is resumed has to be followed anew.
    """
    if negotiate(request, (JSON, SSE)) == JSON:
        return await jobs.get(id)

    async def work(outbox: Outbox) -> None:
        async for job in jobs.follow(id):
            outbox.put(sse("job" if job.ended else "progress", job))

    return await stream_response(request, work)


@router.post("/jobs/{id}/cancel", responses=problems(403, 404, 409, 421, 422, 500, 503))
async def cancel_job(id: JobId, jobs: JobsDep) -> Job:  # noqa: A002
    """End a job at once. What it has finished is kept for a day, so that it can be resumed."""
    return await jobs.cancel(id)


@router.post("/jobs/{id}/resume", responses=problems(403, 404, 409, 421, 422, 500, 503))
async def resume_job(id: JobId, jobs: JobsDep) -> Job:  # noqa: A002
    """Go on with a job that failed or was cancelled, after the last step that it finished."""
    return await jobs.resume(id)
