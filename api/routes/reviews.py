"""The review queue over HTTP: look, claim, decide, take back. What may be done when is the queue's business."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Identity
from api.body.json import JsonRoute
from api.deps import IdentityDep, ReviewerDep, ReviewsDep
from api.http.openapi import problems
from evaluators.review import ReviewCase, ReviewDecision, ReviewEvent, ReviewItem, ReviewPage, ReviewQueue, ReviewStats
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


@router.get("", responses=_READ)
async def list_reviews(
    reviews: ReviewsDep,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    reason: Annotated[str | None, Query(max_length=200, description="Text within the reason.")] = None,
    query: Annotated[str | None, Query(max_length=200, description="Text within the query.")] = None,
    claimed_by: Annotated[str | None, Query(max_length=MAX_REVIEWER, description="Held by this person.")] = None,
    decided_by: Annotated[str | None, Query(max_length=MAX_REVIEWER, description="Decided by this person.")] = None,
    verdict: Annotated[Verdict | None, Query(description="Decided this way.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most to return.")] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000, description="`next_cursor` of the page before.")] = None,
) -> ReviewPage:
    """Reviews in the order in which they are given out; decided ones, with `state=decided`, latest first."""
    items, next_cursor = await reviews.list(
        state=state,
        reason=reason,
        query=query,
        claimed_by=claimed_by,
        decided_by=decided_by,
        verdict=verdict,
        limit=limit,
        cursor=cursor,
    )
    return ReviewPage(items=items, next_cursor=next_cursor)


@router.get("/stats", responses=_READ)
async def review_stats(reviews: ReviewsDep) -> ReviewStats:
    """How much waits, how long it takes, and how far people agree with the confidences."""
    return await reviews.stats()


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=_READ | {200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
async def export_reviews(reviews: ReviewsDep) -> StreamingResponse:
    """Every decided review as one JSON object a line, the latest first: labels to learn from."""
    return StreamingResponse(_lines(reviews), media_type="application/x-ndjson")


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


async def _lines(reviews: ReviewQueue) -> AsyncIterator[str]:
    case: ReviewCase
    async for case in reviews.export():
        yield case.model_dump_json() + "\n"
