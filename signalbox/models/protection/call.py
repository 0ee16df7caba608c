"""One call of one model: its leave, its money and its time, and what its end says of the model.

However a call ends, by an answer, an error, a deadline or being cancelled, its reservation is settled once and its
breaker told once. Which call comes next is not decided here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Literal, Self

from signalbox.contracts import ChatChunk, ChatRequest, ChatResult
from signalbox.errors import (
    ConfigurationError,
    DeadlineExceeded,
    InvalidInput,
    Overloaded,
    SignalboxError,
    UpstreamError,
)
from signalbox.models.cloud import CloudModel
from signalbox.models.protection.breaker import CircuitBreaker, Permit
from signalbox.models.protection.spending import NANO, Reservation
from signalbox.telemetry.logging import get_logger

CallOutcome = Literal[
    "answered", "rate_limited", "timeout", "unreachable", "server_error", "broken", "refused", "cancelled"
]
# A model, how a call of it ended, and the US dollars that it did or may have cost.
Count = Callable[[str, CallOutcome, float], None]

# A caller who allows less has no patience; that says nothing about the model.
_PATIENT_S = 1.0
# Of a call's time, what is left then helps nobody: connecting alone is given up a little before.
_OVER = 0.85
_LATENCIES = 200
_ENOUGH_LATENCIES = 20

_log = get_logger(__name__)


@dataclass(eq=False, slots=True)
class Upstream:
    """A model that may be called: how it did lately, and how long its answers took, in seconds."""

    label: str
    model: CloudModel
    breaker: CircuitBreaker
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))

    @property
    def p95_s(self) -> float | None:
        """None until enough answers came."""
        if len(self.latencies) < _ENOUGH_LATENCIES:
            return None
        ordered = sorted(self.latencies)
        return ordered[int(0.95 * (len(ordered) - 1))]


class Call:
    """A call for which leave and money were given; make it once, by `generate` or `stream`.

    Attributes:
        cost_usd: what it did or may have cost, once it is over.
        answered: it gave a whole answer.
    """

    def __init__(
        self,
        upstream: Upstream,
        permit: Permit,
        reservation: Reservation,
        *,
        first_by_s: float,
        deadline_s: float,
        clock: Callable[[], float],
        count: Count,
    ) -> None:
        self.upstream = upstream
        self.cost_usd = 0.0
        self.answered = False
        self._permit, self._reservation, self._count, self._clock = permit, reservation, count, clock
        self._first_by_s, self._deadline_s = first_by_s, deadline_s
        self._started = clock()

    async def generate(self, request: ChatRequest) -> ChatResult:
        """The whole answer, by the moment that leaves time for another model."""
        with self:
            result = await self.upstream.model.generate(replace(request, deadline_s=self._first_by_s))
            self._answer(result)
            return result

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer piece by piece: its first by that moment, its last by the deadline."""
        with self:
            async with aclosing(self.upstream.model.stream(replace(request, deadline_s=self._deadline_s))) as chunks:
                yield self._seen(await self._first(chunks))
                async for chunk in chunks:
                    yield self._seen(chunk)

    async def _first(self, chunks: AsyncGenerator[ChatChunk, None]) -> ChatChunk:
        try:
            async with asyncio.timeout(self._first_by_s - self._clock()):
                return await anext(chunks)
        except TimeoutError:
            raise DeadlineExceeded(f"{self.upstream.label} did not begin to answer in time.") from None

    def _seen(self, chunk: ChatChunk) -> ChatChunk:
        if chunk.result is not None:
            self._answer(chunk.result)
        return chunk

    def __enter__(self) -> Self:
        self._started = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.answered:
            return
        if isinstance(error, SignalboxError):
            self._fail(error)
        else:
            # The caller went away or another call was faster; the server may well have worked.
            self._settle(charged=True)
            self.upstream.breaker.forget(self._permit)
            self._count(self.upstream.label, "cancelled", self.cost_usd)

    @property
    def most(self) -> int:
        """Nano-dollars it did or may yet cost."""
        return self._reservation.most

    def drop(self) -> None:
        """The call is not made after all."""
        self._reservation.settle(0.0)
        self.upstream.breaker.forget(self._permit)

    def _answer(self, result: ChatResult) -> None:
        self.answered = True
        self._settle(charged=True, billed_usd=None if result.usage_estimated else result.cost_usd)
        self.upstream.breaker.succeeded(self._permit)
        self.upstream.latencies.append(self._clock() - self._started)
        self._count(self.upstream.label, "answered", self.cost_usd)

    def _fail(self, error: SignalboxError) -> None:
        billed_usd = error.billed_usd if isinstance(error, UpstreamError) else None
        self._settle(charged=may_be_charged(error), billed_usd=billed_usd)
        breaker = self.upstream.breaker
        if isinstance(error, InvalidInput) or self._was_hurried():
            breaker.forget(self._permit)
        else:
            breaker.failed(self._permit, error.detail, retry_after_s=asked_wait_s(error))
        self._count(self.upstream.label, outcome_of(error), self.cost_usd)

    def _settle(self, *, charged: bool, billed_usd: float | None = None) -> None:
        """What nobody knows the cost of is settled at the most it can have cost."""
        most_usd = self._reservation.amount / NANO
        self.cost_usd = 0.0 if not charged else most_usd if billed_usd is None else billed_usd
        self._reservation.settle(self.cost_usd)
        if self.cost_usd > most_usd:
            dearer = {"model": self.upstream.label, "cost_usd": self.cost_usd, "most_usd": most_usd}
            _log.warning("a call cost more than it could by the price list, the day's cap may be exceeded", **dearer)

    def _was_hurried(self) -> bool:
        """Whether it ended because its time was up, and that was little."""
        took_s = self._clock() - self._started
        is_over = took_s >= _OVER * (self._first_by_s - self._started)
        return is_over and took_s < max(_PATIENT_S, self.upstream.p95_s or 0.0)


def may_be_charged(error: SignalboxError) -> bool:
    """Whether a provider may bill a call that ended so: not where it said no, always where nobody knows."""
    if isinstance(error, UpstreamError):
        return error.charged
    return not isinstance(error, Overloaded | ConfigurationError | InvalidInput)


def asked_wait_s(error: SignalboxError) -> float | None:
    """How long the server asked to be left alone, in seconds."""
    return error.retry_after_s if isinstance(error, Overloaded | UpstreamError) else None


def outcome_of(error: SignalboxError) -> CallOutcome:
    if isinstance(error, Overloaded):
        return "rate_limited"
    if isinstance(error, DeadlineExceeded):
        return "timeout"
    if isinstance(error, UpstreamError):
        if error.status is not None and error.status >= 500:
            return "server_error"
        return "broken" if error.charged else "unreachable"
    return "refused"
