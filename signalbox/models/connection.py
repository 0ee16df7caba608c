"""HTTP to one model server through the openai SDK: one deadline, one retry loop, and errors in our own words.

Importing this imports the SDK, which takes a second or two; `signalbox.models.cloud` does so on first use. What an
answer cost and what it means is decided there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import aiohttp
import httpx2
import openai

from signalbox.errors import UpstreamError
from signalbox.models import failures
from signalbox.models.bounds import UNPACKED, bounded
from signalbox.models.endpoint import Endpoint
from signalbox.models.retry import backoff_s
from signalbox.models.wire import Completion
from signalbox.telemetry.logging import get_logger

_PATH = "/chat/completions"
# Of the time left, connecting may take most, so that a server which was never reached is not taken for a silent one.
_CONNECT_S, _CONNECT_SHARE = 5.0, 0.9
# After a complete answer its usage is waited for so long.
_USAGE_S = 2.0
_FAILURES = (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, TimeoutError)

# Builds the body anew, since a refusal changes the dialect it is written in.
Json = dict[str, object]
Body = Callable[[], Json]
T = TypeVar("T")

_log = get_logger(__name__)


class Connection:
    """The connections to `endpoint` of one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        # A proxy of the environment is for reaching the outside, and a redirect would carry the key elsewhere.
        # aiohttp below the SDK's client takes a fifth to a third off what a query for the cloud costs this process.
        http = openai.DefaultAioHttpClient(
            trust_env=not endpoint.is_local,
            follow_redirects=False,
            headers=UNPACKED,
            event_hooks={"response": [bounded(endpoint.host, endpoint.most_bytes)]},
        )
        key = endpoint.api_key
        # Empty keys rather than None: the SDK would take one of another purpose from the environment.
        self._client = openai.AsyncOpenAI(
            api_key=key.get_secret_value() if key is not None else "",
            admin_api_key="",
            base_url=endpoint.base_url,
            max_retries=0,
            http_client=http,
        )
        self._client.admin_api_key = None
        self._headers: dict[str, str | openai.Omit] = {} if key is not None else {"Authorization": openai.Omit()}

    async def close(self) -> None:
        await self._client.close()

    async def complete(self, body: Body, deadline: float) -> Completion:
        """The whole answer. `deadline` is absolute, on the endpoint's clock."""

        async def post(sent: Json, limits: httpx2.Timeout) -> httpx2.Response:
            options = self._options(limits)
            return await self._client.post(_PATH, cast_to=httpx2.Response, body=sent, options=options)

        response = await self._persist(post, body, deadline)
        self._check_type(response, "application/json")
        with failures.at(self._endpoint.host):
            return Completion.from_json(response.content)

    async def pieces(self, body: Body, completion: Completion, deadline: float) -> AsyncGenerator[str, None]:
        """The answer's text piece by piece, collected into `completion`; ends only when that is whole."""

        async def post(sent: Json, limits: httpx2.Timeout) -> openai.AsyncStream[object]:
            options, kind = self._options(limits), openai.AsyncStream[object]
            return await self._client.post(
                _PATH, cast_to=object, body=sent, options=options, stream=True, stream_cls=kind
            )

        host = self._endpoint.host
        stream = await self._persist(post, body, deadline)
        try:
            self._check_type(stream.response, "text/event-stream")
            while (piece := await self._next(stream, completion, deadline)) is not None:
                with failures.at(host):
                    text = completion.add(piece)
                if text:
                    yield text
        finally:
            await stream.close()
        if completion.finish_reason is None:
            raise UpstreamError(f"{host} ended the stream before the answer was complete.", passing=True)

    async def _persist(self, post: Callable[[Json, httpx2.Timeout], Awaitable[T]], body: Body, deadline: float) -> T:
        """Tries until there is an answer, the failure won't pass, or the deadline or a budget is used up."""
        endpoint = self._endpoint
        endpoint.budget.pay_in()
        failed = 0
        while True:
            left, sent = deadline - endpoint.clock(), body()
            try:
                connecting = min(_CONNECT_SHARE * left, _CONNECT_S)
                async with asyncio.timeout(left):
                    # For aiohttp `pool` holds the look for an address too.
                    return await post(sent, httpx2.Timeout(left, connect=connecting, pool=connecting))
            except _FAILURES as error:
                failure, cause = self._explain(error), error
            if failure.unsupported is not None and endpoint.dialect.learn(failure.unsupported):
                _log.info("parameter left out from now on", model=endpoint.model, parameter=failure.unsupported)
            if failure.unsupported is not None and body() != sent:
                continue  # it may have been learnt by another call meanwhile
            wait_s = max(backoff_s(failed, endpoint.random), failure.wait_s or 0.0)
            in_time = endpoint.clock() + wait_s < deadline
            if not (failure.passing and failed < endpoint.retries and in_time and endpoint.budget.take()):
                raise failure.error from cause
            failed += 1
            _log.warning("trying again", model=endpoint.model, wait_s=round(wait_s, 3), error=failure.error.detail)
            await endpoint.sleep(wait_s)

    async def _next(self, stream: openai.AsyncStream[object], completion: Completion, deadline: float) -> object:
        """The next piece; None at the end. Once the answer is complete, losing what follows it is no loss."""
        left = deadline - self._endpoint.clock()
        try:
            async with asyncio.timeout(left if completion.finish_reason is None else min(left, _USAGE_S)):
                return await anext(stream, None)
        except (*_FAILURES, *failures.NO_JSON, UpstreamError) as error:
            if completion.finish_reason is not None:
                return None
            if failures.is_broken_off(error):
                broke_off = f"{self._endpoint.host} broke off in the middle of the answer."
                raise UpstreamError(broke_off, passing=True) from error
            raise self._explain(error).error from error

    def _options(self, limits: httpx2.Timeout) -> openai.RequestOptions:
        return {"timeout": limits, "headers": self._headers}

    def _check_type(self, response: httpx2.Response, wanted: str) -> None:
        if (error := failures.wrong_type(self._endpoint.host, response.headers, wanted)) is not None:
            raise error

    def _explain(self, error: Exception) -> failures.Failure:
        return failures.explain(error, host=self._endpoint.host, model=self._endpoint.model)
