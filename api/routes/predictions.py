"""GET /predictions/{id}: what was answered, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.deps import PredictionsDep
from api.openapi import problems
from signalbox.types import Prediction

router = APIRouter(tags=["predictions"])


@router.get("/predictions/{id}", responses=problems(404, 421, 422, 500, 503))
async def get_prediction(
    id: Annotated[str, Path(max_length=200, description="As `POST /predict` gave it.")],  # noqa: A002
    predictions: PredictionsDep,
) -> Prediction:
    """One prediction, as it was stored."""
    return await predictions.get(id)
