"""The review queue over HTTP: look, claim, decide, take back. What may be done when is the queue's business."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Identity
from api.body.json import JsonRoute
from api.deps import IdentityDep, ReviewerDep, ReviewsDep
from api.http.negotiation import CSV, NDJSON, negotiate
from api.http.openapi import problems
from api.review_table import COLUMNS, row_of
from api.spreadsheet import line_of
from api.stream.response import Outbox, stream_response
from evaluators.review import ReviewDecision, ReviewEvent, ReviewItem, ReviewPage, ReviewStats
from evaluators.review.queue import MAX_CLAIM
from evaluators.review.rules import MAX_REVIEWER
from evaluators.review.types import State, Verdict


class OptionalJsonRoute(JsonRoute):
    """A route whose body may be left out altogether; one that is there is strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        strict = super().get_route_handler()
        plain = APIRoute.get_route_handler(self)

        async def handle(request: Request) -> Response:
            headers = request.headers
            empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
            return await (plain if empty and "content-type" not in headers else strict)(request)

        return handle


router = APIRouter(route_class=OptionalJsonRoute, prefix="/reviews", tags=["reviews"])

MAX_PAGE = 200

_READ = problems(401, 403, 421, 422, 429, 500, 503)
_ONE = _READ | problems(404)
_ACT = _ONE | problems(400, 408, 409, 413, 415)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ClaimBody(_Body):
    """What to claim: the first of the queue, or the review called `id`."""

    limit: int = Field(1, ge=1, le=MAX_CLAIM, description="Most reviews to claim.")
    id: str | None = Field(None, min_length=1, max_length=200, description="Claim this one and no other.")


class DecideBody(ReviewDecision):
    """The decision, in values as they are: `"2"` is no version."""

    model_config = ConfigDict(strict=True)


class ReviewDetail(ReviewItem):
    """An item with all that happened to it, oldest first."""

    history: list[ReviewEvent]


IdPath = Annotated[str, Path(max_length=200, description="As `review.id` of the prediction says.")]

_EXAMPLES: dict[str, Any] = {
    "right": {"summary": "The provisional answer is right", "value": {"item_version": 2, "verdict": "right"}},
    "wrong": {
        "summary": "It is wrong, and this is right",
        "value": {"item_version": 2, "verdict": "wrong", "correction": "Within 14 days of the return's arrival."},
    },
    "labels": {
        "summary": "Another label is right",
        "value": {"item_version": 2, "verdict": "wrong", "labels": {"intent": "track_order"}},
    },
    "values": {
        "summary": "Another number is right",
        "value": {"item_version": 2, "verdict": "wrong", "values": {"price": 3120.0}},
    },
    "unanswerable": {
        "summary": "The documents don't answer this",
        "value": {"item_version": 2, "verdict": "unanswerable", "comment": "We sell no kayaks."},
    },
    "skip": {"summary": "Leave it to others", "value": {"item_version": 2, "verdict": "skip"}},
}


class PageOf(BaseModel):
    """Which reviews; all conditions hold at once."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = Field(None, description="Only those in this state.")
    reason: str | None = Field(None, max_length=200, description="Text within the reason.")
    query: str | None = Field(None, max_length=200, description="Text within the query.")
    claimed_by: str | None = Field(None, max_length=MAX_REVIEWER, description="Held by this person.")
    decided_by: str | None = Field(None, max_length=MAX_REVIEWER, description="Decided by this person.")
    verdict: Verdict | None = Field(None, description="Decided this way.")
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Most to return.")
    cursor: str | None = Field(None, max_length=1_000, description="`next_cursor` of the page before.")


@router.get("", responses=_READ)
async def list_reviews(reviews: ReviewsDep, asked: Annotated[PageOf, Query()]) -> ReviewPage:
    """Reviews in the order in which they are given out; decided ones, with `state=decided`, latest first."""
    items, next_cursor = await reviews.list(**asked.model_dump())
    return ReviewPage(items=items, next_cursor=next_cursor)


@router.get("/stats", responses=_READ)
async def review_stats(reviews: ReviewsDep) -> ReviewStats:
    """How much waits, how long it takes, and how far people agree with the confidences."""
    return await reviews.stats()


@router.get(
    "/export",
    response_class=Response,
    responses=_READ
    | problems(406)
    | {200: {"content": {NDJSON: {"schema": {"type": "string"}}, CSV: {"schema": {"type": "string"}}}}},
)
async def export_reviews(reviews: ReviewsDep, request: Request) -> Response:
    """Every decided review, the latest first: labels to learn from.

    One JSON object a line or, with `Accept: text/csv`, a table in which texts that a spreadsheet would take for a
    formula begin with an apostrophe.
    """
    form = negotiate(request, (NDJSON, CSV))

    async def work(outbox: Outbox) -> None:
        if form == CSV:
            # Asked first, so that a service that can't tell says so instead of beginning a table.
            await reviews.list(state="decided", limit=1)
            outbox.put(line_of(COLUMNS))
        async for case in reviews.export():
            outbox.put(line_of(row_of(case)) if form == CSV else f"{case.model_dump_json()}\n".encode())
            await outbox.room()

    name = "reviews.csv" if form == CSV else "reviews.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return await stream_response(request, work, media_type=form, headers=headers, ping=b"", of_error=_cut_off)


@router.post("/claim", responses=_ACT)
async def claim_reviews(reviews: ReviewsDep, reviewer: ReviewerDep, body: ClaimBody | None = None) -> ReviewPage:
    """Take the most urgent reviews, or one by its id. Nobody else is given them until the lease ends."""
    body = body or ClaimBody()
    return ReviewPage(items=await reviews.claim(reviewer, limit=body.limit, id=body.id))


@router.get("/{id}", responses=_ONE)
async def get_review(id: IdPath, reviews: ReviewsDep) -> ReviewDetail:  # noqa: A002
    """One review, with its history."""
    item = await reviews.get(id)
    return ReviewDetail.model_validate({**dict(item), "history": await reviews.history(id)})


@router.post("/{id}/renew", responses=_ACT)
async def renew_review(
    id: IdPath,  # noqa: A002
    reviews: ReviewsDep,
    reviewer: ReviewerDep,
) -> ReviewItem:
    """Keep a claimed review for another lease from now."""
    return await reviews.renew(id, reviewer)


@router.post("/{id}/release", responses=_ACT)
async def release_review(
    id: IdPath,  # noqa: A002
    reviews: ReviewsDep,
    reviewer: ReviewerDep,
    identity: IdentityDep,
) -> ReviewItem:
    """Put a claimed review back undecided; an administrator may put back anyone's, to give it to somebody else."""
    return await reviews.release(id, reviewer, admin=_is_administrator(identity))


@router.post("/{id}/decide", responses=_ACT)
async def decide_review(
    id: IdPath,  # noqa: A002
    reviews: ReviewsDep,
    reviewer: ReviewerDep,
    body: Annotated[DecideBody, Body(openapi_examples=_EXAMPLES)],
) -> ReviewItem:
    """Say whether the provisional answer is right, or what is; the asker gets it at once. Sending it twice is safe.

    409 when someone else holds the review, or it has changed since `item_version`.
    """
    return await reviews.decide(id, reviewer, body)


@router.post("/{id}/undo", responses=_ACT)
async def undo_review(
    id: IdPath,  # noqa: A002
    reviews: ReviewsDep,
    reviewer: ReviewerDep,
    identity: IdentityDep,
) -> ReviewItem:
    """Take back one's own decision or skip; an administrator may take back anyone's. It is claimed again then."""
    return await reviews.undo(id, reviewer, admin=_is_administrator(identity))


def _is_administrator(identity: Identity) -> bool:
    """Without keys everybody at this machine would be one; then only who decided may undo."""
    return identity.key_id is not None and identity.role == "admin"


def _cut_off(_: object, error: Exception) -> bytes:
    """There is no place for an error among labels: the connection breaks off, so that nobody takes them for all."""
    raise error
