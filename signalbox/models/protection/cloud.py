"""The cloud LLM of the cloud route: several models as one, each call guarded.

Whole answers may be hedged; a stream falls back only while nothing of it was passed on, since half an answer
followed by another is none.
"""

from __future__ import annotations

import asyncio
import random as randomness
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from signalbox.contracts import ChatChunk, ChatRequest, ChatResult
from signalbox.errors import ConfigurationError, SignalboxError
from signalbox.models.cloud import OPENAI_URL, CloudModel
from signalbox.models.prices import Prices, load_prices
from signalbox.models.protection.breaker import BreakerState, CircuitBreaker
from signalbox.models.protection.budget import ExtraCalls
from signalbox.models.protection.call import Call, CallOutcome, Count, Upstream
from signalbox.models.protection.spending import Accounts, CapOf, Spending
from signalbox.models.protection.tries import Means, Tries, unpriced
from signalbox.settings import Settings

_LEAST_HEDGED_S = 0.05  # what answers sooner is not overtaken, however steady its usual times are


class ProtectedCloud:
    """A `ChatModel` over `models`, asked in their order. Use it in one event loop, and close it.

    Args:
        models: plain clients without retries of their own; all further calls are made here.
        spending: the caps; by default none holds.
        retries: further rounds over the models whose failure may pass.
        hedge: ask the same model again when it takes longer than 95% of its answers did.
        timeout_s: the deadline of requests that carry none.
        count: is told of each call's model, outcome and cost in US dollars.
        clock, sleep, random: monotonic seconds, waiting, and jitter in [0, 1).
    """

    def __init__(
        self,
        models: Sequence[CloudModel],
        *,
        spending: Spending | None = None,
        retries: int = 1,
        hedge: bool = False,
        timeout_s: float = 30.0,
        count: Count | None = None,
        breaker: Callable[[], CircuitBreaker] = CircuitBreaker,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        if not models:
            raise ConfigurationError("A protected cloud needs a model.")
        self._upstreams = [Upstream(label, model, breaker()) for label, model in _labelled(models)]
        self._spending = Spending(clock=clock) if spending is None else spending
        self._hedge, self._timeout_s, self._clock = hedge, timeout_s, clock
        self._means = Means(
            self._upstreams, self._spending, ExtraCalls(), retries, count or _uncounted, clock, sleep, random
        )

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        prices: Prices | None = None,
        *,
        accounts: Accounts | None = None,
        cap_of: CapOf | None = None,
        count: Count | None = None,
    ) -> Self:
        """The cloud that `settings` name, with its fallbacks and caps.

        Args:
            accounts: where spending is kept; None forgets it with the process.
            cap_of: the daily cap of an API key by its id, in US dollars; None where it has none.

        Raises:
            ConfigurationError: the settings name no cloud, or the price file is wrong.
        """
        prices = load_prices(settings.prices_file) if prices is None else prices
        models = [CloudModel.from_settings(settings, prices, retries=0)]
        for name, base_url in settings.fallbacks:
            models.append(
                CloudModel(
                    name,
                    base_url=base_url or settings.cloud_base_url or OPENAI_URL,
                    api_key=_key_for(settings, base_url),
                    prices=prices,
                    retries=0,
                    timeout_s=settings.deadline_ms / 1000,
                    max_tokens=settings.cloud_max_tokens,
                )
            )
        return cls(
            models,
            spending=Spending(accounts, daily_cap_usd=settings.daily_cap_usd, cap_of=cap_of),
            retries=settings.cloud_retries,
            hedge=settings.cloud_hedge,
            timeout_s=settings.deadline_ms / 1000,
            count=count,
        )

    @property
    def name(self) -> str:
        """The first model's; a result says which one answered."""
        return self._upstreams[0].model.name

    @property
    def spent_usd(self) -> float:
        """What was spent and is reserved today (UTC)."""
        return self._spending.spent_usd

    @property
    def remaining_usd(self) -> float | None:
        """What is left of today's cap; None without one."""
        return self._spending.remaining_usd

    @property
    def breakers(self) -> Mapping[str, BreakerState]:
        """The state of each model's circuit breaker."""
        return {upstream.label: upstream.breaker.state for upstream in self._upstreams}

    @property
    def trouble(self) -> str | None:
        """Why no model can be asked now; None when one can."""
        if self.remaining_usd is not None:
            if self._spending.is_spent:
                return (
                    f"${self.remaining_usd:.6f} is left of today's cap, too little for the last call; it is renewed at "
                    "00:00 UTC (SIGNALBOX_DAILY_CAP_USD)"
                )
            if not any(upstream.model.has_known_price for upstream in self._upstreams):
                return unpriced(self.name)
        if all(state == "open" for state in self.breakers.values()):
            waits = ", ".join(f"{item.label} for {item.breaker.opens_in_s:.0f} s" for item in self._upstreams)
            return f"kept failing and is left alone: {waits}"
        return None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Ready the clients for the running loop, and look up what was spent today."""
        for upstream in self._upstreams:
            await upstream.model.open()
        await self._spending.open()

    async def close(self) -> None:
        """Return the budget that is not spent, and close the connections."""
        try:
            await self._spending.close()
        finally:
            for upstream in self._upstreams:
                await upstream.model.close()

    async def generate(self, request: ChatRequest) -> ChatResult:
        """Ask for the whole answer. Its cost includes what failed calls for it may have cost.

        Raises:
            BudgetExceeded: a spending cap, or what the query allows, leaves less than the call can cost.
            Unavailable: every model is being left alone.
            DeadlineExceeded, Overloaded, UpstreamError, ConfigurationError, InvalidInput: as `CloudModel` does, of
                the last model that could be asked.
            All of them with `cost_usd`, what the calls made may have cost.
        """
        request = self._with_deadline(request)
        tries = Tries(self._means, request)
        while (call := await tries.next_call()) is not None:
            try:
                return tries.total(await self._answer(call, request, tries))
            except SignalboxError as error:
                tries.failed(call, error)
        raise tries.error()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Ask for the answer piece by piece; the last piece carries the result. Raises as `generate` does.

        A stream that breaks after a piece was passed on raises; before that the next model is asked.
        """
        request = self._with_deadline(request)
        tries = Tries(self._means, request)
        passed_on = False
        while (call := await tries.next_call()) is not None:
            try:
                async with aclosing(call.stream(request)) as chunks:
                    async for chunk in chunks:
                        passed_on = True
                        yield chunk if chunk.result is None else replace(chunk, result=tries.total(chunk.result))
                return
            except SignalboxError as error:
                tries.failed(call, error)
                if passed_on:
                    tries.charge(error)
                    raise
        raise tries.error()

    async def _answer(self, call: Call, request: ChatRequest, tries: Tries) -> ChatResult:
        usual_s = call.upstream.p95_s if self._hedge else None
        if usual_s is None:
            return await call.generate(request)
        first = asyncio.create_task(call.generate(request))
        racing = {first}
        try:
            await asyncio.wait(racing, timeout=max(usual_s, _LEAST_HEDGED_S))
            if not first.done() and (second := await tries.hedge(call)) is not None:
                racing.add(asyncio.create_task(second.generate(request)))
            return await _first_answer(first, racing)
        finally:
            # Not left behind: each settles what it may have cost before the answer's cost is summed up.
            for task in racing:
                task.cancel()
            await asyncio.wait(racing)

    def _with_deadline(self, request: ChatRequest) -> ChatRequest:
        if request.deadline_s is not None:
            return request
        return replace(request, deadline_s=self._clock() + self._timeout_s)


def _uncounted(_model: str, _outcome: CallOutcome, _cost_usd: float) -> None:
    pass


async def _first_answer(first: asyncio.Task[ChatResult], racing: set[asyncio.Task[ChatResult]]) -> ChatResult:
    """The first answer of any; when there is none, the first call's error."""
    pending = set(racing)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is None:
                return task.result()
    return await first


def _labelled(models: Sequence[CloudModel]) -> list[tuple[str, CloudModel]]:
    """Each model under its name, with its host where a name occurs twice, and numbered where that does."""
    labels: list[tuple[str, CloudModel]] = []
    names = [model.name for model in models]
    for model in models:
        label = model.name if names.count(model.name) == 1 else f"{model.name}@{model.host}"
        while any(label == known for known, _ in labels):
            label += "'"
        labels.append((label, model))
    return labels


def _key_for(settings: Settings, base_url: str | None) -> SecretStr | None:
    """The cloud's own key goes to the cloud's own server only."""
    own = urlsplit(settings.cloud_base_url or OPENAI_URL)
    if base_url is None or urlsplit(base_url)[:2] == own[:2]:
        return settings.cloud_api_key
    return settings.cloud_fallback_api_key
