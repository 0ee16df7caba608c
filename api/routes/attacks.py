"""/attacks: attack runs: starting one in the background, and what those that were run have found."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.body.json import JsonRoute
from api.deps import IdentityDep, ServiceDep
from api.http.openapi import problems
from api.routes.attack_models import AttackList, AttackStart, AttackStarted
from api.service import attack_reading as reading
from api.service import attacking
from api.service.evaluating import set_path
from api.service.removing import remove_by_service
from api.service.run_reading import with_job

router = APIRouter(tags=["attacks"])
strict = APIRouter(route_class=JsonRoute)

RunId = Annotated[str, Path(max_length=80, pattern="^atk_[0-9A-Z]{26}$", description="The id of a run.")]

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'none'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)
_LOCATION = {"Location": {"description": "Where the run is shown.", "schema": {"type": "string"}}}


@router.get("/attacks", responses=problems(421, 422, 500, 503))
async def list_attacks(
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=80, description="`next_cursor` of the page before.")] = None,
) -> AttackList:
    """Runs, the newest first. `interrupted` is one whose process was killed: its job can be resumed."""
    items, after = await asyncio.to_thread(reading.list_runs, service.settings, limit, cursor)
    return AttackList(items=[await with_job(service.jobs, item) for item in items], next_cursor=after)


@strict.post(
    "/attacks",
    status_code=202,
    responses=problems(400, 403, 404, 408, 413, 415, 421, 422, 500, 503)
    | {202: {"description": "The job that runs it.", "headers": _LOCATION}},
)
async def start_attack(
    body: AttackStart, response: Response, service: ServiceDep, identity: IdentityDep
) -> AttackStarted:
    """Attack the service or a model in the background, beside benign twins; `GET /jobs/{id}` follows it.

    The service that is attacked is a second one in a process of its own: nothing is stored, and documents are only
    copied.
    """
    from eval_sets import read_set

    request = attacking.new_request(
        families=tuple(body.families),
        target=body.target,
        defences=body.defences,
        strengths=tuple(body.strengths),
        tries=body.tries,
        gadget_queries=body.gadget_queries,
        limits=body.limits.model_dump(),
        seed=body.seed,
    )

    def prepare() -> None:
        attacking.prepare(service.settings, request, read_set(set_path(body.set)), body.limit)

    await asyncio.to_thread(prepare)
    try:
        job = await attacking.start(service.jobs, service.settings, request, identity.name)
    except BaseException:
        attacking.forget(service.settings, request)
        raise
    response.headers["Location"] = f"/attacks/{request.run}"
    return AttackStarted(**dict(job), run=request.run)


@router.get("/attacks/{id}", responses=problems(404, 421, 422, 500, 503))
async def get_attack(id: RunId, service: ServiceDep) -> dict[str, Any]:  # noqa: A002
    """One run: what was attacked with what, and `report` once it has ended: per family, strength and route."""
    shown = await asyncio.to_thread(reading.read_run, service.settings, id)
    return await with_job(service.jobs, shown)


@router.delete("/attacks/{id}", status_code=204, responses=problems(403, 404, 409, 421, 422, 500, 503))
async def delete_attack(id: RunId, service: ServiceDep) -> None:  # noqa: A002
    """Remove a run with its cases, answers and report; one that is being worked on is refused."""
    folder = await asyncio.to_thread(attacking.folder_of, service.settings, id)
    await remove_by_service(service.jobs, folder)


@router.get(
    "/attacks/{id}/report",
    response_class=Response,
    responses=problems(404, 421, 422, 500, 503)
    | {200: {"description": "The report.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def get_attack_report(id: RunId, service: ServiceDep) -> Response:  # noqa: A002
    """The report of a run as a page of its own, which can run no script and load nothing."""
    page = await asyncio.to_thread(reading.report_text, service.settings, id, "html")
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(page, media_type="text/html", headers=headers)


router.include_router(strict)
