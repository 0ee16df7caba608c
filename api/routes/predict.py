"""POST /predict: one query in, one prediction out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request

from api.bodies import PREDICT_EXAMPLES, PredictBody
from api.deps import RouterDep, SettingsDep
from api.disconnect import while_connected
from api.limits import JsonRoute
from api.openapi import problems
from signalbox.types import Prediction

router = APIRouter(route_class=JsonRoute, tags=["predictions"])


@router.post("/predict", responses=problems(400, 403, 408, 413, 415, 421, 422, 500, 502, 503, 504))
async def predict(
    body: Annotated[PredictBody, Body(openapi_examples=PREDICT_EXAMPLES)],
    request: Request,
    system: RouterDep,
    settings: SettingsDep,
) -> Prediction:
    """Answer a query by the cheapest route that is sure enough; when this returns, the prediction is stored.

    `outcome` says how it ended: `answered`; `in_review`, no route was sure enough and a person has to decide (`answer`
    may carry a provisional text); or `refused`, the caller's constraints ruled every route out (`reason` says how).
    """
    return await while_connected(request, system.predict(body.to_query(settings)))
