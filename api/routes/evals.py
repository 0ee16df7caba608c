"""/evals: runs of the eval harness: starting one in the background, and what those that were run have found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.body.json import JsonRoute
from api.deps import IdentityDep, ServiceDep
from api.http.openapi import problems
from api.routes.eval_models import EvalList, EvalRows, EvalStart, EvalStarted
from api.service import evaluating
from api.service import run_reading as reading
from api.service.eval_specs import check_remote_scorers
from api.service.eval_spending import limited
from api.service.folders import evals_folder
from api.service.removing import remove_by_service
from signalbox.errors import InvalidInput

if TYPE_CHECKING:
    from eval_sets import EvalSet

router = APIRouter(tags=["evals"])
strict = APIRouter(route_class=JsonRoute)

RunId = Annotated[str, Path(max_length=80, pattern="^evl_[0-9A-Z]{26}$", description="The id of a run.")]

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'none'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)
_LOCATION = {"Location": {"description": "Where the run is shown.", "schema": {"type": "string"}}}


@router.get("/evals", responses=problems(421, 422, 500, 503))
async def list_evals(
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=80, description="`next_cursor` of the page before.")] = None,
) -> EvalList:
    """Runs, the newest first. `interrupted` is one whose process was killed: its job can be resumed."""
    items, after = await asyncio.to_thread(reading.list_runs, service.settings, limit, cursor)
    return EvalList(items=[await reading.with_job(service.jobs, item) for item in items], next_cursor=after)


@strict.post(
    "/evals",
    status_code=202,
    responses=problems(400, 403, 404, 408, 413, 415, 421, 422, 500, 503)
    | {202: {"description": "The job that runs it.", "headers": _LOCATION}},
)
async def start_eval(body: EvalStart, response: Response, service: ServiceDep, identity: IdentityDep) -> EvalStarted:
    """Start a run in the background, in a process of its own; `GET /jobs/{id}` follows it, cancels and resumes it.

    Its result names the run's state: `done`, `stopped` by a limit, or `failed` where too much could not be measured.
    """
    plan = evaluating.new_plan(
        target=body.target,
        scorers=tuple(body.scorers),
        limits=body.limits.model_dump(),
        seed=body.seed,
        engine=body.engine,
        cache=body.cache,
    )

    def prepare() -> evaluating.EvalPlan:
        check_remote_scorers(body.scorers)
        found = _set_of(body)
        cases = evaluating.chosen(found.cases, body.limit, body.seed)
        return evaluating.prepare(service.settings, plan, found, cases)

    plan = limited(service.settings, await asyncio.to_thread(prepare))
    folder, booking = evals_folder(service.settings) / plan.run, None
    try:
        booking = await service.books.book(service.settings, plan, folder)
        job = await evaluating.start(service.jobs, service.settings, plan, identity.name)
    except BaseException:
        await service.books.cancel(booking, plan, folder)
        evaluating.forget(service.settings, plan)
        raise
    service.books.follow(job.id, booking, plan, folder)
    response.headers["Location"] = f"/evals/{plan.run}"
    return EvalStarted(**dict(job), run=plan.run)


@router.get("/evals/{id}", responses=problems(404, 421, 422, 500, 503))
async def get_eval(id: RunId, service: ServiceDep) -> dict[str, Any]:  # noqa: A002
    """One run: what took part with arguments and versions, its limits and state, and `summary` once it has ended."""
    shown = await asyncio.to_thread(reading.read_run, service.settings, id)
    return await reading.with_job(service.jobs, shown)


@router.delete("/evals/{id}", status_code=204, responses=problems(403, 404, 409, 421, 422, 500, 503))
async def delete_eval(id: RunId, service: ServiceDep) -> None:  # noqa: A002
    """Remove a run with its cases, answers and report; one that is being worked on is refused."""
    folder = await asyncio.to_thread(evaluating.folder_of, service.settings, id)
    await remove_by_service(service.jobs, folder)


@router.get("/evals/{id}/rows", responses=problems(404, 421, 422, 500, 503))
async def get_eval_rows(
    id: RunId,  # noqa: A002
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int, Query(ge=0, description="`next_cursor` of the page before.")] = 0,
) -> EvalRows:
    """Rows in the order of the cases: the case, what the target said or why it did not, and what was measured."""
    items, after = await asyncio.to_thread(reading.read_rows_of, service.settings, id, limit, cursor)
    return EvalRows(items=items, next_cursor=after)


@router.get(
    "/evals/{id}/report",
    response_class=Response,
    responses=problems(404, 421, 422, 500, 503)
    | {200: {"description": "The report.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def get_eval_report(id: RunId, service: ServiceDep) -> Response:  # noqa: A002
    """The report of a run as a page of its own, which can run no script and load nothing."""
    page = await asyncio.to_thread(reading.report_of, service.settings, id)
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(page, media_type="text/html", headers=headers)


router.include_router(strict)


def _set_of(body: EvalStart) -> EvalSet:
    from eval_sets import read_set

    if (body.set is None) == (body.cases is None):
        raise InvalidInput("Give either the name of a `set` or `cases`.", field="set")
    if body.set is not None:
        return read_set(evaluating.set_path(body.set))
    return evaluating.uploaded_set(body.cases or [])
