"""/documents: what grounded answers are quoted from. Reading and indexing is `api.service.ingesting`'s business."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response

from api.body import strict_json
from api.body.json import check_content_type, read_body
from api.body.multipart import MULTIPART, plain_name, uploaded
from api.deps import ServiceDep
from api.http.negotiation import JSON, SSE, negotiate
from api.http.openapi import problems
from api.routes.document_intake import Intake
from api.routes.document_models import (
    DocumentItem,
    DocumentPage,
    FoundChunk,
    IngestResult,
    NewDocument,
    Piece,
    SearchResult,
    WholeDocument,
    document_of,
)
from api.service.ingesting import File, delete_documents
from api.service.wiring import Service
from api.stream.response import Outbox, sse, stream_response
from signalbox.errors import InvalidInput, UnsupportedType

router = APIRouter(tags=["documents"])

P = ParamSpec("P")
T = TypeVar("T")
DocumentId = Annotated[str, Path(max_length=1_000, description="As the list shows it; it may hold slashes.")]

_TEXT_EXAMPLE = {
    "id": "opening-hours.md",
    "title": "Opening hours",
    "text": "The showroom is open from Tuesday to Saturday, 10 to 18.",
    "metadata": {"language": "en"},
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            JSON: {"schema": NewDocument.model_json_schema(), "examples": {"text": {"value": _TEXT_EXAMPLE}}},
        },
    }
}
_PROGRESS = """event: progress
data: {"progress":0.2,"stage":"encoding 12 chunks"}

event: document
data: {"items":[{"name":"returns.md","state":"ingested","id":"returns.md"}],"added":1,"documents":43,"chunks":310}

"""
_STREAM: dict[str, Any] = {
    "description": "What became of each file, or events that end with it.",
    "content": {SSE: {"schema": {"type": "string"}, "example": _PROGRESS}},
}


@router.post(
    "/documents",
    status_code=201,
    response_model=IngestResult,
    response_model_exclude_none=True,
    responses=problems(400, 403, 406, 408, 409, 413, 415, 421, 422, 500, 503) | {201: _STREAM},
    openapi_extra=_BODY,
)
async def add(request: Request, service: ServiceDep) -> IngestResult | Response:
    """Put documents into the index, as files (`multipart/form-data`) or as text (`application/json`).

    A file's document gets its name as id and takes the place of the one that has it. The next query sees the change.
    When some of several files can't be read, each says why; when none can, the first one's error is the answer. With
    `Accept: text/event-stream` it answers with `progress` events (0 to 1, and the stage) and a `document` event.
    """
    form = negotiate(request, (JSON, SSE))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == MULTIPART:
        async with uploaded(request, service.settings.max_upload_bytes) as parts:
            files = [File(plain_name(part), await part.read()) for part in parts]
        intake = Intake(request, service, files)
    else:
        try:
            check_content_type(request)
        except UnsupportedType as error:
            raise UnsupportedType(error.detail.replace(JSON, f"{MULTIPART} or {JSON}"), field=error.field) from None
        body = await read_body(request, service.settings.max_body_bytes)
        intake = Intake(request, service, document_of(strict_json.parse(body)))
    if form == JSON:
        return await intake.run()

    async def work(outbox: Outbox) -> None:
        outbox.put(sse("document", await intake.run(outbox)))

    return await stream_response(request, work)


@router.get("/documents", responses=problems(421, 422, 500, 503))
async def list_documents(
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(max_length=6_000, description="`next_cursor` of the page before.")] = None,
) -> DocumentPage:
    """The documents of the index, in the order of their ids, without their texts."""
    after = "" if cursor is None else _read_cursor(cursor)
    found = await _in_thread(service, service.models.index.entries, after=after, limit=limit + 1)
    items = [DocumentItem.model_validate(asdict(entry)) for entry in found[:limit]]
    return DocumentPage(items=items, next_cursor=_write_cursor(items[-1].id) if len(found) > limit else None)


@router.get("/documents/search", responses=problems(421, 422, 500, 503))
async def search_documents(
    service: ServiceDep,
    q: Annotated[str, Query(min_length=1, max_length=8_000, examples=["How long does a refund take?"])],
    k: Annotated[int, Query(ge=1, le=100, description="Most chunks to return.")] = 10,
    document_id: Annotated[str | None, Query(max_length=1_000, description="Search this document only.")] = None,
) -> SearchResult:
    """The chunks that match best, with their scores: what the grounded route would look at."""
    filters = None if document_id is None else {"document_id": document_id}
    found = await _in_thread(service, service.models.index.search, q, k, filters=filters)
    return SearchResult(items=[FoundChunk.model_validate(asdict(passage)) for passage in found])


@router.get("/documents/{id:path}", responses=problems(404, 421, 422, 500, 503))
async def get_document(id: DocumentId, service: ServiceDep) -> WholeDocument:  # noqa: A002
    """One document: its text as quotes refer to it, its chunks and its sentences."""
    return await _in_thread(service, _whole, service, id)


@router.delete("/documents/{id:path}", status_code=204, responses=problems(403, 404, 421, 422, 500, 503))
async def delete_document(id: DocumentId, service: ServiceDep) -> None:  # noqa: A002
    """Take a document out of the index; answers given from it before are given no more."""
    await delete_documents(service, [id])


def _whole(service: Service, document_id: str) -> WholeDocument:
    index = service.models.index
    document = index.document(document_id)
    return WholeDocument(
        id=document.id,
        title=document.title,
        source=document.source,
        text=document.text,
        metadata=dict(document.metadata),
        chunks=[Piece(start=span.start, end=span.end) for span in index.chunks(document_id)],
        sentences=[Piece(start=span.start, end=span.end) for span in index.sentences(document_id)],
    )


async def _in_thread(service: Service, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Searching and reading take milliseconds that the event loop does not have."""
    return await asyncio.get_running_loop().run_in_executor(service.models.executor, lambda: work(*args, **kwargs))


def _write_cursor(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _read_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InvalidInput("This is no cursor that this service gave.", field="cursor") from None
