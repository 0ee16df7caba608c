"""The Idempotency-Key header: a request that is sent again is not worked on again, it gets the first one's prediction.

What a stored key means is `signalbox.storage.idempotency`'s business, how a prediction is shown the route's.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel

from api.auth import identity_of
from api.deps import ServiceDep, SettingsDep
from signalbox.errors import InvalidInput, SignalboxError
from signalbox.storage import Claim, IdempotencyStore
from signalbox.storage.idempotency import FIELD, InFlight
from signalbox.telemetry import get_logger
from signalbox.types import Prediction, Query

log = get_logger(__name__)

REPLAYED = "Idempotent-Replayed"
_LONGEST = 255
_SLACK = timedelta(seconds=60)  # beside the deadline: queueing, and writing the prediction

_KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=_LONGEST,
        pattern=r"^[\x20-\x7e]+$",
        description="Your own name for this request. Sent again within 24 hours with the same body, it gets the same "
        "prediction, marked `Idempotent-Replayed: true`, and nothing is worked on or paid for twice.",
    ),
]


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The key of one request; `once` does its work at most once. Without a key it does nothing.

    Attributes:
        caller: the id of the API key it came with, whose the idempotency key is; empty without one.
    """

    key: str | None
    caller: str
    path: str
    store: IdempotencyStore
    deadline_ms: float

    def of_line(self, number: int) -> Idempotency:
        """The key of one line of a batch, counted from 1; no caller's own key can be the same."""
        if self.key is None:
            return self
        short = self.key if len(self.key) <= _LONGEST - 12 else hashlib.sha256(self.key.encode()).hexdigest()
        return replace(self, key=f"{short}\x1f{number}")

    async def once(
        self, query: Query, payload: BaseModel, work: Callable[[], Awaitable[Prediction]]
    ) -> tuple[Prediction, bool]:
        """The prediction that `work` adds to the store, and False; or the one of an earlier request, and True.

        Args:
            query: its deadline bounds how long the key is held.
            payload: what must be the same for the request to be the same.
            work: returns a prediction that is stored. If it raises or is cancelled, the key is free again.

        Raises:
            Conflict: the first request is still being worked on, with `retry_after_s`; or this one took so long that
                another has the key by now, and nothing was kept.
            InvalidInput: the first request was another one.
        """
        if self.key is None:
            return await work(), False
        claim = Claim(self.caller, self.key, self._fingerprint(payload))
        deadline = timedelta(milliseconds=query.constraints.deadline_ms or self.deadline_ms)
        claiming = asyncio.ensure_future(self.store.claim(claim, deadline + _SLACK))
        try:
            stored = await asyncio.shield(claiming)
            if stored is not None:
                return stored, True
            with self.store.settling(claim):
                return await work(), False
        except InFlight:
            raise  # another request's key
        except BaseException:
            # A caller that is gone must not keep the key from itself, not even one that went while it was claimed.
            await asyncio.shield(asyncio.ensure_future(self._release(claim, claiming)))
            raise

    def _fingerprint(self, payload: BaseModel) -> str:
        return hashlib.sha256(f"{self.path}\n{payload.model_dump_json()}".encode()).hexdigest()

    async def _release(self, claim: Claim, claiming: asyncio.Future[Prediction | None]) -> None:
        await asyncio.wait([claiming])
        try:
            await self.store.release(claim)
        except SignalboxError as error:  # the first error is what the caller must see; the lease ends by itself
            log.warning("an idempotency key could not be released", reason=error.detail)


async def _idempotency(
    request: Request, service: ServiceDep, settings: SettingsDep, key: _KeyHeader = None
) -> Idempotency:
    if len(request.headers.getlist(FIELD)) > 1:
        raise InvalidInput("Idempotency-Key is there twice. Send it once.", field=FIELD)
    caller = identity_of(request.scope).key_id
    return Idempotency(key, caller or "", request.url.path, service.idempotency, settings.deadline_ms)


IdempotencyDep = Annotated[Idempotency, Depends(_idempotency)]
