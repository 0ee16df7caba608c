"""POST /predict/batch: queries in lines, predictions in lines, in the same order and while both still flow.

Batches share a few places of their own among the queries worked on at once, so that people who ask need not wait
for them. A line that can't be answered costs only itself.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from api.body import strict_json
from api.body.lines import Line, check_ndjson, read_lines
from api.deps import ObservableSystem, RouterDep, ServiceDep
from api.http import errors
from api.http.idempotency import Idempotency, IdempotencyDep
from api.http.negotiation import NDJSON, negotiate
from api.http.openapi import problems
from api.routes.predict_body import PredictBody
from api.service.wiring import Service
from api.stream.disconnect import client_gone
from api.stream.response import Outbox, stream_response
from signalbox.errors import InvalidInput, Overloaded
from signalbox.types import Prediction, Query

router = APIRouter(tags=["predictions"])

_AHEAD = 4  # lines taken in for each that is worked on, so that a slow one does not hold up the next
_PATIENCE_S = 60.0  # with a router that has no place free

_EXAMPLE = """{"query": "How long does a refund take?"}
{"query": "Can I return worn shoes?", "local_only": true}
"""
_BODY = {
    "requestBody": {
        "required": True,
        "description": "One body of `POST /predict` a line.",
        "content": {NDJSON: {"schema": {"type": "string"}, "examples": {"two": {"value": _EXAMPLE}}}},
    }
}
_ANSWERS: dict[str, Any] = {
    "description": 'A line for each: its prediction, or `{"line": 5000, "error": {…}}` with problem details.',
    "content": {NDJSON: {"schema": {"type": "string"}}},
}


@router.post(
    "/predict/batch",
    response_class=Response,
    responses=problems(400, 403, 406, 415, 421, 422, 500, 503) | {200: _ANSWERS},
    openapi_extra=_BODY,
)
async def predict_batch(
    request: Request, service: ServiceDep, system: RouterDep, idempotency: IdempotencyDep
) -> Response:
    """Answer many queries in one request, line by line and in order, each as `POST /predict` would.

    Answers come while lines are still being sent; what a caller does not read yet is kept for it up to a limit, at
    which reading stops. When the connection closes the work stops; what was answered until then is stored. Sent again
    with the same `Idempotency-Key`, its lines get the predictions that they have already, and only the rest is worked
    on.
    """
    negotiate(request, (NDJSON,))
    check_ndjson(request)
    batch = _Batch(request, service, system, idempotency)
    # Many clients send all before they read anything; what waits for them waits on disk.
    outbox = Outbox(service.settings.max_batch_waiting_bytes, spill=service.settings.data_dir)
    return await stream_response(
        request, batch.run, media_type=NDJSON, ping=b"", of_error=_line_of, gone=batch.gone.wait, outbox=outbox
    )


class _Batch:
    """One batch on its way. `gone` is set once the caller has left."""

    def __init__(self, request: Request, service: Service, system: ObservableSystem, idempotency: Idempotency) -> None:
        self.gone = asyncio.Event()
        self._request = request
        self._system = system
        self._idempotency = idempotency
        self._settings = service.settings
        self._places = service.batch_places

    async def run(self, outbox: Outbox) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                await self._take_in(group, outbox)
        except BaseExceptionGroup as failed:
            if failed.subgroup(ClientDisconnect) is None:
                raise failed.exceptions[0] from None
            self.gone.set()

    async def _take_in(self, group: asyncio.TaskGroup, outbox: Outbox) -> None:
        ahead = asyncio.Queue[asyncio.Task[bytes] | None](_AHEAD * self._settings.max_batch_queries)
        giving_out = group.create_task(self._give_out(ahead, outbox))
        settings = self._settings
        lines = read_lines(self._request, most_bytes=settings.max_body_bytes, most_lines=settings.max_batch_lines)
        count = 0
        async for line in lines:
            count += 1
            outbox.alive()
            await ahead.put(group.create_task(self._answer(line)))
        if not count:
            raise errors.MalformedJson("The body is empty. Send at least one line.", field="body")
        watching = group.create_task(self._watch())
        await ahead.put(None)
        await giving_out
        watching.cancel()

    async def _watch(self) -> None:
        await client_gone(self._request)
        self.gone.set()

    @staticmethod
    async def _give_out(ahead: asyncio.Queue[asyncio.Task[bytes] | None], outbox: Outbox) -> None:
        while (answer := await ahead.get()) is not None:
            outbox.put(await answer + b"\n")
            await outbox.room()

    async def _answer(self, line: Line) -> bytes:
        try:
            if line.error is not None:
                raise line.error
            return (await self._predict(line)).model_dump_json().encode()
        except ValidationError as error:
            problem = errors.of_invalid(self._request.scope, [_in_body(item) for item in error.errors()])
        except Exception as error:  # whatever it is, the other lines have nothing to do with it
            problem = errors.of_exception(self._request.scope, error)
        return b'{"line": %d, "error": %b}' % (line.number, bytes(problem.body))

    async def _predict(self, line: Line) -> Prediction:
        try:
            body = PredictBody.model_validate(strict_json.parse(line.text))
        except InvalidInput as error:
            error.detail = error.detail.replace("The body", "The line")
            raise
        if body.wait_for_review_ms:
            raise InvalidInput("A batch does not wait for reviews: leave wait_for_review_ms out.", field="line")
        query = body.to_query(self._settings)
        async with self._places:
            key = self._idempotency.of_line(line.number)
            prediction, _ = await key.once(query, body, lambda: self._patiently(query))
            return prediction

    async def _patiently(self, query: Query) -> Prediction:
        until = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                return await self._system.predict(query)
            except Overloaded as error:
                wait_s = error.retry_after_s * random.uniform(0.5, 1.0)
                if asyncio.get_running_loop().time() + wait_s > until:
                    raise
            await asyncio.sleep(wait_s)


def _line_of(scope: Scope, error: Exception) -> bytes:
    """What ends a batch that can't go on."""
    return b'{"error": %b}\n' % bytes(errors.of_exception(scope, error).body)


def _in_body(item: Any) -> dict[str, Any]:
    return {**item, "loc": ("body", *item["loc"])}
