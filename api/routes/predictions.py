"""GET /predictions: what was answered, and why, one by one, in pages or as a table for a spreadsheet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.auth.ownership import check_visible
from api.deps import IdentityDep, PredictionsDep
from api.http.negotiation import CSV, negotiate
from api.http.openapi import problems
from api.spreadsheet import COLUMNS, line_of, row_of
from api.stream.response import Outbox, stream_response
from signalbox.types import Outcome, Prediction, Route

router = APIRouter(tags=["predictions"])

MAX_PAGE = 200
_PAGE = 500


def _written_out(value: object) -> object:
    """Pydantic would take a bare number for seconds since 1970."""
    if isinstance(value, str) and "-" not in value[1:]:
        raise ValueError("It must be a time in RFC 3339, such as 2026-11-01T00:00:00Z")
    return value


class Filters(BaseModel):
    """Which predictions; all conditions hold at once."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome | None = Field(None, description="How they ended; a review's decision counts.")
    route: Route | Literal["review"] | None = Field(None, description="Which route's answer was given.")
    since: Annotated[datetime, BeforeValidator(_written_out)] | None = Field(
        None, description="The earliest time, in RFC 3339.", examples=["2026-11-01T00:00:00Z"]
    )
    session_id: str | None = Field(None, min_length=1, max_length=200)
    min_confidence: float | None = Field(None, ge=0, le=1)
    max_confidence: float | None = Field(None, ge=0, le=1)
    q: str | None = Field(
        None, min_length=1, max_length=200, description="A part of the query or the answer, a person's too."
    )

    def chosen(self) -> dict[str, Any]:
        """The arguments of `PredictionStore.list`."""
        given = self.model_dump(include=set(Filters.model_fields), exclude_none=True)
        return {"text" if name == "q" else name: value for name, value in given.items()}


class PageOf(Filters):
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Most to return.")
    cursor: str | None = Field(None, max_length=1_000, description="`next_cursor` of the page before.")


class All(Filters):
    limit: int = Field(100_000, ge=1, le=1_000_000, description="Most rows to return.")


class PredictionPage(BaseModel):
    """Newest first. With `q` a page may hold fewer than asked for and have a next one nevertheless."""

    items: list[Prediction]
    next_cursor: str | None = Field(description="What `cursor` to ask the next page with; null on the last one.")


@router.get("/predictions", responses=problems(421, 422, 500, 503))
async def list_predictions(asked: Annotated[PageOf, Query()], predictions: PredictionsDep) -> PredictionPage:
    """Predictions, newest first, a page at a time. Following the cursors shows each exactly once."""
    items, cursor = await predictions.list(limit=asked.limit, cursor=asked.cursor, **asked.chosen())
    return PredictionPage(items=items, next_cursor=cursor)


@router.get(
    "/predictions/export",
    response_class=Response,
    responses=problems(406, 421, 422, 500, 503) | {200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def export_predictions(asked: Annotated[All, Query()], predictions: PredictionsDep, request: Request) -> Response:
    """Predictions as CSV, newest first. Texts that a spreadsheet would take for a formula begin with an apostrophe."""
    negotiate(request, (CSV,))

    async def work(outbox: Outbox) -> None:
        left, cursor, chosen = asked.limit, None, asked.chosen()
        first = True
        while first or (cursor is not None and left > 0):
            items, cursor = await predictions.list(limit=min(left, _PAGE), cursor=cursor, **chosen)
            if first:
                outbox.put(line_of(COLUMNS))
            for item in items:
                outbox.put(line_of(row_of(item)))
            left, first = left - len(items), False
            await outbox.room()

    headers = {"Content-Disposition": 'attachment; filename="predictions.csv"'}
    return await stream_response(request, work, media_type=CSV, headers=headers, ping=b"", of_error=_cut_off)


def _cut_off(_: object, error: Exception) -> bytes:
    """There is no place for an error in a table: the connection breaks off, so that nobody takes it for whole."""
    raise error


@router.get("/predictions/{id}", responses=problems(404, 421, 422, 500, 503))
async def get_prediction(
    id: Annotated[str, Path(max_length=200, description="As `POST /predict` gave it.")],  # noqa: A002
    predictions: PredictionsDep,
    identity: IdentityDep,
) -> Prediction:
    """One prediction, as it was stored. A service sees its own only."""
    prediction = await predictions.get(id)
    check_visible(prediction, identity)
    return prediction
