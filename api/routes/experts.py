"""/experts: local models, their versions and cards, which version answers, and training new ones."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.body import strict_json
from api.body.json import JsonRoute, check_content_type, read_body
from api.body.multipart import MULTIPART, plain_name, uploaded_with
from api.deps import IdentityDep, ServiceDep
from api.http.negotiation import JSON, negotiate
from api.http.openapi import problems
from api.routes.expert_models import ROWS_EXAMPLE, ExpertDetail, Promotion, Rollback, Training, TrainingOnRows
from api.service.experts.report import report_of
from api.service.folders import experts_folder
from api.service.training import KIND, arguments_of, stored_name
from api.service.wiring import Service
from classifiers.learners import LEARNERS
from classifiers.registry import Registry
from classifiers.registry.wire import (
    ExpertCard,
    ExpertList,
    ExpertVersion,
    ExpertVersions,
    expert_card,
    expert_list,
    expert_summary,
    expert_version,
)
from signalbox.errors import InvalidInput, NotFound, UnknownName, UnsupportedType
from signalbox.jobs import Job

router = APIRouter(tags=["experts"])
strict = APIRouter(route_class=JsonRoute)

T = TypeVar("T")
Checked = TypeVar("Checked", bound=Training)
Name = Annotated[str, Path(max_length=64, description="An expert's name.")]
Number = Annotated[int, Path(ge=1, le=999_999_999, description="The number of a version.")]

_MARKDOWN = "text/markdown"
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
_OPTIONS = {**Training.model_json_schema(), "description": "As JSON text."}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file", "options"],
                    "properties": {"file": {"type": "string", "format": "binary"}, "options": _OPTIONS},
                }
            },
            JSON: {"schema": TrainingOnRows.model_json_schema(), "examples": {"rows": {"value": ROWS_EXAMPLE}}},
        },
    }
}
_LOCATION = {"Location": {"description": "Where the job is shown.", "schema": {"type": "string"}}}


@router.get("/experts", responses=problems(421, 500, 503))
async def list_experts(service: ServiceDep) -> ExpertList:
    """All experts by name, each with its champion and challenger."""
    return await _reading(service, expert_list)


@router.post(
    "/experts",
    status_code=202,
    response_model=Job,
    responses=problems(400, 403, 408, 409, 413, 415, 421, 422, 500, 503)
    | {202: {"description": "The job that trains it.", "headers": _LOCATION}},
    openapi_extra=_BODY,
)
async def train_expert(request: Request, response: Response, service: ServiceDep, identity: IdentityDep) -> Job:
    """Train an expert in the background, on a labelled file (`multipart/form-data`: the file, and `options` as JSON)
    or on rows (`application/json`).

    The answer is the job; it shows the progress, and what is wrong with the data where something is. Its result names
    the new version, which answers at once where it is the first one or `promote` is true.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == MULTIPART:
        async with uploaded_with(request, service.settings.max_upload_bytes, ("options",)) as (files, values):
            if len(files) > 1:
                raise InvalidInput(f"{len(files)} files were sent; a training takes one.", field="file")
            training = _checked(Training, strict_json.parse(values.get("options", "").encode()))
            source = files[0].file
            return await _start(
                service, response, identity.name, training, plain_name(files[0]), lambda file: _copy(source, file)
            )
    try:
        check_content_type(request)
    except UnsupportedType as error:
        raise UnsupportedType(error.detail.replace(JSON, f"{MULTIPART} or {JSON}"), field=error.field) from None
    body = await read_body(request, service.settings.max_body_bytes)
    given = _checked(TrainingOnRows, strict_json.parse(body))
    lines = "".join(json.dumps(row) + "\n" for row in given.rows)
    return await _start(service, response, identity.name, given, "rows.jsonl", lambda file: _write(lines, file))


@router.get("/experts/{name}", responses=problems(404, 421, 422, 500, 503))
async def get_expert(name: Name, service: ServiceDep) -> ExpertDetail:
    """One expert: its champion, its challenger, and how it came to them."""

    def read(registry: Registry) -> ExpertDetail:
        summary = expert_summary(registry, name)
        history = () if summary.trouble and not summary.versions else registry.aliases(name).history
        return ExpertDetail(**dict(summary), history=tuple(reversed(history)))

    return await _reading(service, read)


@router.get("/experts/{name}/versions", responses=problems(404, 421, 422, 500, 503))
async def list_versions(
    name: Name,
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int | None, Query(ge=1, description="`next_cursor` of the page before.")] = None,
) -> ExpertVersions:
    """The versions of an expert, the newest first; `trouble` says which of them can't be used."""

    def read(registry: Registry) -> ExpertVersions:
        found = [version for version in registry.versions(name) if cursor is None or version.number < cursor]
        items = tuple(expert_version(version) for version in found[:limit])
        return ExpertVersions(items=items, next_cursor=str(items[-1].version) if len(found) > limit else None)

    return await _reading(service, read)


@router.get(
    "/experts/{name}/versions/{version}",
    response_model=ExpertCard,
    responses=problems(404, 406, 421, 422, 500, 503)
    | {200: {"description": "All there is to know of it.", "content": {_MARKDOWN: {"schema": {"type": "string"}}}}},
)
async def get_version(name: Name, version: Number, request: Request, service: ServiceDep) -> ExpertCard | Response:
    """One version: its card, figures, manifest and files, all of them checked against their checksums.

    With `Accept: text/markdown` it answers with the card alone.
    """
    form = negotiate(request, (JSON, _MARKDOWN))
    card = await _reading(service, lambda registry: expert_card(registry, f"{name}@{version}"))
    if form == JSON:
        return card
    if card.card is None:
        raise NotFound(f"{name}@{version} has no card.")
    return Response(card.card, media_type=_MARKDOWN)


@router.get(
    "/experts/{name}/versions/{version}/report",
    response_class=Response,
    responses=problems(404, 421, 422, 500, 503)
    | {200: {"description": "The report.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def get_report(name: Name, version: Number, service: ServiceDep) -> Response:
    """The report of a training as a page of its own, which can run no script and load nothing."""
    page = await _reading(service, lambda registry: report_of(registry, f"{name}@{version}"))
    headers = {"Content-Security-Policy": _REPORT_POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(page, media_type="text/html", headers=headers)


@strict.post("/experts/{name}/promote", responses=problems(400, 403, 404, 408, 409, 413, 415, 421, 422, 500, 503))
async def promote(name: Name, body: Promotion, service: ServiceDep, identity: IdentityDep) -> ExpertVersion:
    """Make a version the champion, once all of its files are found to be right; the next query is answered by it."""
    found = await _reading(
        service,
        lambda registry: expert_version(registry.promote(name, body.version, by=identity.name, reason=body.reason)),
    )
    await service.follow_experts()
    return found


@strict.post("/experts/{name}/rollback", responses=problems(400, 403, 404, 408, 409, 413, 415, 421, 422, 500, 503))
async def rollback(name: Name, body: Rollback, service: ServiceDep, identity: IdentityDep) -> ExpertVersion:
    """Make the champion before the champion again; once more goes one further back."""
    found = await _reading(
        service, lambda registry: expert_version(registry.rollback(name, by=identity.name, reason=body.reason))
    )
    await service.follow_experts()
    return found


router.include_router(strict)


async def _reading(service: Service, work: Callable[[Registry], T]) -> T:
    """Files are read, and sometimes all of a version's: not on the event loop, nor in the threads of queries."""
    return await asyncio.to_thread(work, Registry(experts_folder(service.settings)))


async def _start(
    service: Service,
    response: Response,
    by: str,
    training: Training,
    file: str,
    write: Callable[[FilePath], None],
) -> Job:
    if training.learner not in ("auto", *LEARNERS):
        known = ", ".join(("auto", *LEARNERS))
        raise UnknownName(f"There is no learner {training.learner!r}; known are: {known}.", field="learner")
    arguments = arguments_of(service.settings, training.name, file, training.request(), by)
    job = await service.jobs.start(KIND, arguments, by, fill=lambda folder: write(folder / stored_name(file)))
    response.headers["Location"] = f"/jobs/{job.id}"
    return job


def _checked(model: type[Checked], value: Any) -> Checked:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in found]) from None


def _write(text: str, target: FilePath) -> None:
    target.write_text(text, encoding="utf-8")


def _copy(source: Any, target: FilePath) -> None:
    source.seek(0)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file)
