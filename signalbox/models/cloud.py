"""The cloud LLM, or any server that speaks OpenAI's chat completions: the client of the `cloud` route.

It knows what a call cost, not what may be spent, and doesn't remember a failing server between calls beyond its
retry budget: spending caps, circuit breakers and fallbacks are in `signalbox.models.protection`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import random as randomness
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Self

from pydantic import SecretStr

from signalbox.contracts import ChatChunk, ChatRequest, ChatResult
from signalbox.errors import ConfigurationError, UpstreamError
from signalbox.models.endpoint import Endpoint
from signalbox.models.prices import Prices, estimate_tokens, load_prices
from signalbox.models.wire import Completion
from signalbox.settings import Settings
from signalbox.telemetry.genai import ChatSpan, provider_of
from signalbox.telemetry.logging import get_logger
from signalbox.types import Usage

if TYPE_CHECKING:
    from signalbox.models.connection import Connection

OPENAI_URL = "https://api.openai.com/v1"
# What a chat template puts around one message, generously.
_TOKENS_AROUND_MESSAGE = 16
# What a server may send for an answer, and for each of its tokens: in a stream each is wrapped in some 500 bytes.
_BYTES_OF_ANSWER, _BYTES_OF_TOKEN = 1_000_000, 4_000

_log = get_logger(__name__)


class CloudModel:
    """A `ChatModel` behind an HTTP API. Use it in one event loop at a time, and close it.

    Args:
        model: the name the server knows it by.
        base_url: up to and without `/chat/completions`.
        api_key: sent as a bearer token; None sends none.
        prices: what it costs; the shipped list by default.
        retries: tries after the first that fails for a passing reason.
        timeout_s: the deadline of requests that carry none.
        max_tokens: caps what requests ask for.
        clock, sleep, random: monotonic seconds, waiting, and jitter in [0, 1).
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = OPENAI_URL,
        api_key: SecretStr | None = None,
        prices: Prices | None = None,
        retries: int = 1,
        timeout_s: float = 30.0,
        max_tokens: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._endpoint = Endpoint(model, base_url, api_key, retries, clock, sleep, random)
        if max_tokens is not None:
            self._endpoint.most_bytes = _BYTES_OF_ANSWER + max_tokens * _BYTES_OF_TOKEN
        self._prices = load_prices() if prices is None else prices
        self._timeout_s, self._max_tokens = timeout_s, max_tokens
        self._warned: set[str] = set()
        self._open: tuple[asyncio.AbstractEventLoop, Connection] | None = None

    @classmethod
    def from_settings(cls, settings: Settings, prices: Prices | None = None, *, retries: int | None = None) -> Self:
        """The cloud LLM that `settings` name, without the protection that the cloud route has.

        Raises:
            ConfigurationError: they name none, or the price file is wrong.
        """
        if not settings.has_cloud:
            raise ConfigurationError(
                "No cloud LLM is set up. Set SIGNALBOX_CLOUD_API_KEY, or SIGNALBOX_CLOUD_BASE_URL for a server "
                "without keys.",
                field="cloud_api_key",
            )
        return cls(
            settings.cloud_model,
            base_url=settings.cloud_base_url or OPENAI_URL,
            api_key=settings.cloud_api_key,
            prices=load_prices(settings.prices_file) if prices is None else prices,
            retries=settings.cloud_retries if retries is None else retries,
            timeout_s=settings.deadline_ms / 1000,
            max_tokens=settings.cloud_max_tokens,
        )

    @classmethod
    def local(cls, settings: Settings) -> Self:
        """The model server of one's own that `local_base_url` names, as the local LLM: without a key, for free.

        Raises:
            ConfigurationError: `local_base_url` is not set.
        """
        if settings.local_base_url is None:
            raise ConfigurationError("SIGNALBOX_LOCAL_BASE_URL is not set.", field="local_base_url")
        return cls(
            settings.local_model,
            base_url=settings.local_base_url,
            prices=Prices.free(),
            retries=settings.cloud_retries,
            timeout_s=settings.deadline_ms / 1000,
        )

    @property
    def name(self) -> str:
        return self._endpoint.model

    @property
    def host(self) -> str:
        """Host and port it is served at, for messages."""
        return self._endpoint.host

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> Connection:
        """Readies the client for the running loop; otherwise the first request does so, at the cost of its time."""
        loop = asyncio.get_running_loop()
        if self._open is None or self._open[0] is not loop:
            # In a thread, so that nothing else waits for the SDK's second or two of importing.
            module = await asyncio.to_thread(importlib.import_module, "signalbox.models.connection")
            if self._open is None or self._open[0] is not loop:
                self._open = loop, module.Connection(self._endpoint)
        return self._open[1]

    async def close(self) -> None:
        """Closes the connections. A later request opens new ones."""
        opened, self._open = self._open, None
        if opened is not None and opened[0] is asyncio.get_running_loop():
            await opened[1].close()

    def most_usd(self, request: ChatRequest) -> float:
        """US dollars `request` can't cost more than: as many input tokens as it has bytes, every output token used."""
        schema = json.dumps(request.json_schema) if request.json_schema is not None else ""
        tokens = len(schema.encode()) + sum(
            len(message.content.encode("utf-8", "replace")) + _TOKENS_AROUND_MESSAGE for message in request.messages
        )
        endpoint = self._endpoint
        return self._prices.estimate(endpoint.model, tokens, self._most_tokens(request), base_url=endpoint.base_url)

    @property
    def has_known_price(self) -> bool:
        """Whether the price is somebody's statement rather than a guess."""
        return self._prices.knows(self._endpoint.model, base_url=self._endpoint.base_url)

    async def generate(self, request: ChatRequest) -> ChatResult:
        """Asks for the whole answer.

        Raises:
            DeadlineExceeded: the deadline passed, retries and waiting included.
            Overloaded: the server turned the request away (429).
            UpstreamError: the server failed, or what it sent is no answer; `status` is its HTTP status.
            ConfigurationError: the server refuses the key or knows no such model.
            InvalidInput: the request asks for what such servers don't offer.
        """
        deadline = self._deadline(request)
        with self._span(request, stream=False) as span:
            connection = await self.open()
            completion = await connection.complete(partial(self._body, request, stream=False), deadline)
            return self._result(request, completion, span)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Asks for the answer piece by piece; the last piece carries the result. Raises as `generate` does.

        A stream that breaks off raises UpstreamError: the pieces so far are no answer.
        """
        deadline = self._deadline(request)
        with self._span(request, stream=True) as span:
            connection = await self.open()
            completion = Completion()
            pieces = connection.pieces(partial(self._body, request, stream=True), completion, deadline)
            async with aclosing(pieces):
                async for text in pieces:
                    span.first_chunk()
                    yield ChatChunk(text)
            yield ChatChunk("", self._result(request, completion, span))

    def _result(self, request: ChatRequest, completion: Completion, span: ChatSpan) -> ChatResult:
        endpoint, usage, unreported = self._endpoint, completion.usage, completion.usage is None
        if usage is None:
            usage = Usage(input_tokens=_input_tokens(request), output_tokens=estimate_tokens(completion.text))
            self._warn_once("usage not reported, estimated from now on")
        if request.logprobs and not completion.logprobs and completion.text:
            self._warn_once("log-probabilities not reported")
        cached = completion.cached_tokens
        result = ChatResult(
            text=completion.text,
            usage=usage,
            model=completion.model or endpoint.model,
            finish_reason=completion.finish_reason or "stop",
            logprobs=tuple(completion.logprobs) if request.logprobs else (),
            cost_usd=self._prices.cost(endpoint.model, usage, cached_tokens=cached, base_url=endpoint.base_url),
            usage_estimated=unreported,
        )
        span.result(result)
        if completion.missing is not None:
            billed_usd = None if unreported else result.cost_usd
            raise UpstreamError(f"{endpoint.host}: {completion.missing}", billed_usd=billed_usd)
        return result

    def _warn_once(self, event: str) -> None:
        if event not in self._warned:
            self._warned.add(event)
            _log.warning(event, model=self.name, host=self._endpoint.host)

    def _body(self, request: ChatRequest, *, stream: bool) -> dict[str, object]:
        endpoint = self._endpoint
        return endpoint.dialect.body(request, endpoint.model, max_tokens=self._most_tokens(request), stream=stream)

    def _deadline(self, request: ChatRequest) -> float:
        return self._endpoint.clock() + self._timeout_s if request.deadline_s is None else request.deadline_s

    def _most_tokens(self, request: ChatRequest) -> int:
        return request.max_tokens if self._max_tokens is None else min(request.max_tokens, self._max_tokens)

    def _span(self, request: ChatRequest, *, stream: bool) -> ChatSpan:
        url = self._endpoint.base_url
        return ChatSpan(request, model=self.name, provider=provider_of(url), base_url=url, stream=stream)


def _input_tokens(request: ChatRequest) -> int:
    return estimate_tokens("".join(message.content for message in request.messages))
