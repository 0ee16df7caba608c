"""The review queue for commands: on the database itself or, where a running service holds it, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from evaluators.review import ReviewCase, ReviewDecision, ReviewItem, ReviewPage, ReviewStats
from signalbox.errors import Conflict, InvalidInput, NotFound, SignalboxError, Unavailable, UpstreamError
from signalbox.settings import Settings
from signalbox.storage import open_database

if TYPE_CHECKING:
    import httpx

    from evaluators.review import ReviewQueue

M = TypeVar("M", bound=BaseModel)
_ERRORS: dict[int, type[SignalboxError]] = {404: NotFound, 409: Conflict, 422: InvalidInput}


class Reviews(Protocol):
    """What the commands need of the queue."""

    async def page(self, **wanted: Any) -> ReviewPage: ...

    async def claim(self, reviewer: str, *, limit: int, id: str | None) -> ReviewPage: ...  # noqa: A002

    async def decide(self, id: str, reviewer: str, decision: ReviewDecision) -> ReviewItem: ...  # noqa: A002

    async def undo(self, id: str, reviewer: str) -> ReviewItem: ...  # noqa: A002

    async def release(self, id: str, reviewer: str) -> ReviewItem: ...  # noqa: A002

    async def get(self, id: str) -> ReviewItem: ...  # noqa: A002

    async def stats(self) -> ReviewStats: ...

    def export(self) -> AsyncIterator[ReviewCase]: ...


@asynccontextmanager
async def open_reviews(settings: Settings, *, write: bool) -> AsyncIterator[Reviews]:
    """Raises what opening the database raises when no service answers either."""
    try:
        database = await open_database(settings, write=write)
    except Unavailable as error:
        from api.cli.client import connection

        async with connection(settings, otherwise=error) as client:
            yield _Remote(client)
        return
    async with database:
        from api.service.wiring import review_queue

        yield _Direct(review_queue(settings, database))


class _Direct:
    def __init__(self, queue: ReviewQueue) -> None:
        self._queue = queue
        self.decide = queue.decide
        self.undo = queue.undo
        self.release = queue.release
        self.get = queue.get
        self.stats = queue.stats
        self.export = queue.export

    async def page(self, **wanted: Any) -> ReviewPage:
        items, cursor = await self._queue.list(**wanted)
        return ReviewPage(items=items, next_cursor=cursor)

    async def claim(self, reviewer: str, *, limit: int, id: str | None) -> ReviewPage:  # noqa: A002
        return ReviewPage(items=await self._queue.claim(reviewer, limit=limit, id=id))


class _Remote:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def page(self, **wanted: Any) -> ReviewPage:
        given = {name: value for name, value in wanted.items() if value is not None}
        return await self._ask("GET", "/reviews", ReviewPage, params=given)

    async def claim(self, reviewer: str, *, limit: int, id: str | None) -> ReviewPage:  # noqa: A002
        body = {"limit": limit, "id": id}
        return await self._ask("POST", "/reviews/claim", ReviewPage, json=body, headers=_by(reviewer))

    async def decide(self, id: str, reviewer: str, decision: ReviewDecision) -> ReviewItem:  # noqa: A002
        path, body = f"/reviews/{quote(id, safe='')}/decide", decision.model_dump()
        return await self._ask("POST", path, ReviewItem, json=body, headers=_by(reviewer))

    async def undo(self, id: str, reviewer: str) -> ReviewItem:  # noqa: A002
        return await self._ask("POST", f"/reviews/{quote(id, safe='')}/undo", ReviewItem, headers=_by(reviewer))

    async def release(self, id: str, reviewer: str) -> ReviewItem:  # noqa: A002
        return await self._ask("POST", f"/reviews/{quote(id, safe='')}/release", ReviewItem, headers=_by(reviewer))

    async def get(self, id: str) -> ReviewItem:  # noqa: A002
        return await self._ask("GET", f"/reviews/{quote(id, safe='')}", ReviewItem)

    async def stats(self) -> ReviewStats:
        return await self._ask("GET", "/reviews/stats", ReviewStats)

    async def export(self) -> AsyncIterator[ReviewCase]:
        import httpx

        try:
            async with self._client.stream("GET", "/reviews/export") as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise _error(response)
                async for line in response.aiter_lines():
                    yield ReviewCase.model_validate_json(line, extra="ignore")
        except httpx.HTTPError as error:
            raise UpstreamError(f"The service gave no answer ({type(error).__name__}).") from None

    async def _ask(self, method: str, path: str, kind: type[M], **how: Any) -> M:
        import httpx

        try:
            response = await self._client.request(method, path, **how)
        except httpx.HTTPError as error:
            raise UpstreamError(f"The service gave no answer ({type(error).__name__}).") from None
        if response.status_code != httpx.codes.OK:
            raise _error(response)
        return kind.model_validate_json(response.content, extra="ignore")


def _by(reviewer: str) -> dict[bytes, bytes]:
    from evaluators.review.rules import check_reviewer

    return {b"x-reviewer": check_reviewer(reviewer).encode()}


def _error(response: httpx.Response) -> SignalboxError:
    """The service's problem as the error it was made from, for the exit code."""
    try:
        detail = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return UpstreamError(f"The service answered {response.status_code}.", status=response.status_code)
    kind = _ERRORS.get(response.status_code)
    return UpstreamError(detail, status=response.status_code) if kind is None else kind(detail)
