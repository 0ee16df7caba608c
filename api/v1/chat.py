"""POST /v1/chat/completions: a query in OpenAI's words, answered whole or in chunks."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response

from agents.events import Observer
from api.deps import ReviewsDep, RouterDep, ServiceDep, SettingsDep
from api.http.idempotency import IdempotencyDep
from api.http.review_wait import reviewed
from api.stream.disconnect import while_connected
from api.v1.answers import Completion, completion, headers_of
from api.v1.bodies import ChatBody
from api.v1.chunks import chat_stream
from api.v1.errors import responses
from api.v1.names import find_target
from api.v1.route import OpenAIRoute
from signalbox.types import Prediction

router = APIRouter(prefix="/v1", route_class=OpenAIRoute, tags=["OpenAI-compatible"])

_HEADERS = {
    "x-signalbox-prediction": {"description": "Id of the prediction.", "schema": {"type": "string"}},
    "x-signalbox-outcome": {"description": "How it ended.", "schema": {"type": "string"}},
    "x-signalbox-route": {"description": "What answered.", "schema": {"type": "string"}},
    "x-signalbox-confidence": {"description": "Probability that it is right.", "schema": {"type": "string"}},
}


@router.post(
    "/chat/completions",
    response_model=Completion,
    responses=responses(400, 401, 403, 404, 408, 409, 413, 415, 421, 429, 500, 502, 503, 504)
    | {200: {"content": {"text/event-stream": {}}, "headers": _HEADERS, "description": "The answer, or its chunks."}},
)
async def create_chat_completion(
    body: ChatBody,
    request: Request,
    response: Response,
    idempotency: IdempotencyDep,
    service: ServiceDep,
    system: RouterDep,
    reviews: ReviewsDep,
    settings: SettingsDep,
) -> Completion | Response:
    """Answer a conversation as OpenAI's API does; `signalbox` beside the answer says how it was found.

    A query that no route is sure enough of is answered with a sentence that says so, and waits for a person
    (`signalbox.outcome` is `in_review`); with `signalbox.wait_for_review_ms` the person's answer is waited for.
    With `stream`, text of `signalbox/auto` and `signalbox/grounded` comes once it is accepted; `signalbox/cloud`
    passes tokens on as the cloud writes them.
    """
    target = find_target(body.model, service.router.parts.experts)
    query = body.to_query(target, settings)

    async def review(prediction: Prediction) -> Prediction:
        final = await reviewed(reviews, prediction, body.wait_for_review_ms)
        return final.model_copy(update={"warnings": (*final.warnings, *body.warnings)})

    if body.stream:

        def work(observe: Observer) -> Coroutine[Any, Any, tuple[Prediction, bool]]:
            return idempotency.once(query, body, lambda: system.predict(query, observe=observe))

        return await chat_stream(
            request, work, review, body.model, live=target.route == "cloud", with_usage=body.wants_usage
        )

    async def whole() -> tuple[Prediction, bool]:
        prediction, replayed = await idempotency.once(query, body, lambda: system.predict(query))
        return await review(prediction), replayed

    prediction, replayed = await while_connected(request, whole())
    response.headers.update(headers_of(prediction, replayed=replayed))
    return completion(prediction, body.model)
