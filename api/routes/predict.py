"""POST /predict: one query in, one prediction out, whole or as it comes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response

from api.body.json import JsonRoute
from api.deps import ReviewsDep, RouterDep, SettingsDep
from api.http.idempotency import REPLAYED, IdempotencyDep
from api.http.negotiation import JSON, SSE, negotiate
from api.http.openapi import problems
from api.http.review_wait import reviewed
from api.routes.predict_body import PREDICT_EXAMPLES, PredictBody
from api.stream.disconnect import while_connected
from api.stream.events import PREDICTION_STREAM, told
from api.stream.response import Outbox, sse, stream_response
from signalbox.types import Prediction

router = APIRouter(route_class=JsonRoute, tags=["predictions"])


@router.post(
    "/predict",
    response_model=Prediction,
    responses=problems(400, 403, 406, 408, 409, 413, 415, 421, 422, 500, 502, 503, 504) | {200: PREDICTION_STREAM},
)
async def predict(
    body: Annotated[PredictBody, Body(openapi_examples=PREDICT_EXAMPLES)],
    request: Request,
    response: Response,
    idempotency: IdempotencyDep,
    system: RouterDep,
    reviews: ReviewsDep,
    settings: SettingsDep,
) -> Prediction | Response:
    """Answer a query by the cheapest route that is sure enough; when this returns, the prediction is stored.

    `outcome` says how it ended: `answered`; `in_review`, no route was sure enough and a person has to decide (`answer`
    may carry a provisional text); or `refused`, the caller's constraints ruled every route out (`reason` says how).
    With `wait_for_review_ms` a person's answer is waited for; leaving meanwhile ends the waiting, not the review, and
    where too many wait already it is not waited for, as `warnings` says then.

    With `Accept: text/event-stream` it answers with events as they come: `attempt`, `token` and `evidence` while it
    works, the whole object as `prediction` last, or `error` with problem details.
    """
    form = negotiate(request, (JSON, SSE))
    query = body.to_query(settings)
    if form == JSON:

        async def whole() -> tuple[Prediction, bool]:
            prediction, replayed = await idempotency.once(query, body, lambda: system.predict(query))
            return await reviewed(reviews, prediction, body.wait_for_review_ms), replayed

        prediction, replayed = await while_connected(request, whole())
        if replayed:
            response.headers[REPLAYED] = "true"
        return prediction
    headers: dict[str, str] = {}

    async def work(outbox: Outbox) -> None:
        def predict() -> Awaitable[Prediction]:
            return system.predict(query, observe=lambda event: outbox.put(told(event)))

        prediction, replayed = await idempotency.once(query, body, predict)
        if replayed:
            headers[REPLAYED] = "true"
        outbox.put(sse("prediction", await reviewed(reviews, prediction, body.wait_for_review_ms)))

    return await stream_response(request, work, headers=headers)
