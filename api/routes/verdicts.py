"""POST /predictions/{id}/verdict: was the answer right? One click, by anyone who may judge."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field

from api.body.json import JsonRoute
from api.deps import ReviewerDep, ServiceDep
from api.http.openapi import problems
from signalbox.storage import PersonVerdict
from signalbox.storage.verdicts import MAX_COMMENT, Said

router = APIRouter(route_class=JsonRoute, tags=["predictions"])

_EXAMPLES: dict[str, Any] = {
    "right": {"summary": "The answer is right", "value": {"verdict": "right"}},
    "wrong": {"summary": "It is wrong", "value": {"verdict": "wrong", "comment": "That was last year's price."}},
}


class VerdictBody(BaseModel):
    """What the caller says of the answer; the latest of each person counts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Said
    comment: str | None = Field(None, min_length=1, max_length=MAX_COMMENT)


@router.post(
    "/predictions/{id}/verdict",
    responses=problems(400, 401, 403, 404, 408, 413, 415, 421, 422, 429, 500, 503),
)
async def judge_prediction(
    id: Annotated[str, Path(max_length=200, description="As `POST /predict` gave it.")],  # noqa: A002
    service: ServiceDep,
    reviewer: ReviewerDep,
    body: Annotated[VerdictBody, Body(openapi_examples=_EXAMPLES)],
) -> PersonVerdict:
    """Say whether an answer given without a person is right. Those in review are decided on in the queue.

    The answer of one called wrong is not given again from the cache.
    """
    return await service.judge(id, body.verdict, reviewer, body.comment)
