"""The scripted model behind HTTP: an OpenAI-compatible server on loopback that can also misbehave in every usual way.

A bare ASGI application, run by uvicorn in the caller's event loop. It has no limits on what it reads: it is for
tests, examples and benchmarks, never for the outside.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from typing import Self

import uvicorn

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import ConfigurationError, DeadlineExceeded, InvalidInput, Overloaded, UpstreamError
from signalbox.models.scripted import wire
from signalbox.models.scripted.exchange import Exchange, Receive, Scope, Send
from signalbox.models.scripted.script import Fault, Replies, Script, as_result
from signalbox.models.scripted.wire import Json

_NOISE = bytes(range(1, 256)) * 4
_TRICKLE_S = 1.0
_HTML = b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"


class ScriptedServer:
    """`async with ScriptedServer("Hello") as server: ...` serves at `server.base_url` until the block ends.

    Args:
        replies: as for ScriptedModel; an exception is answered as the error a real server would send.
        model: the name in replies.
        models: names it knows; others are answered 404. None knows every name.
        api_key: what a bearer token must be; None takes any.
        refuses: request parameters answered with 400, as reasoning models do.
        latency_s, token_interval_s: how long it thinks, and pauses between the tokens of a stream.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        replies: Replies = "All right.",
        *,
        model: str = "scripted",
        models: Collection[str] | None = None,
        api_key: str | None = None,
        refuses: Collection[str] = (),
        latency_s: float = 0.0,
        token_interval_s: float = 0.0,
        port: int = 0,
    ) -> None:
        self._script = Script(replies, latency_s=latency_s)
        self._model, self._models, self._api_key = model, models, api_key
        self._refuses, self._token_interval_s, self._port = refuses, token_interval_s, port
        self._stopping = asyncio.Event()
        self._running: tuple[uvicorn.Server, asyncio.Task[None]] | None = None
        self._counts: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._by_model: Counter[str] = Counter()
        self.bodies: list[Json] = []
        self.headers: list[dict[str, str]] = []

    @property
    def base_url(self) -> str:
        """What clients take as base URL, up to and with `/v1`."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[ChatRequest]:
        """The completions asked for so far, those answered with an error included."""
        return self._script.requests

    @property
    def counts(self) -> Json:
        """Completions asked for, in work and answered, and how often which fault; also served at `GET /counts`."""
        asked, over = self._counts["requests"], self._counts["over"]
        return {
            "requests": asked,
            "in_flight": asked - over,
            "answered": self._counts["answered"],
            "faults": dict(self._faults),
            "models": dict(self._by_model),
        }

    async def __aenter__(self) -> Self:
        # With the protocol named, asyncio turns Nagle's algorithm off; else each answer waits 40 ms for an ACK.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
        except OSError as error:
            listener.close()
            raise ConfigurationError(
                f"Port {self._port} can't be used: {error.strerror}. Take another.", field="port"
            ) from None
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        self._running = server, task
        await server.ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._running is not None
        server, task = self._running
        self._stopping.set()
        server.should_exit = True
        await task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        route = scope["method"], scope["path"]
        if route == ("GET", "/counts"):
            await exchange.json(200, self.counts)
            return
        self.headers.append(exchange.headers)
        if self._api_key is not None and exchange.headers.get("authorization") != f"Bearer {self._api_key}":
            shown = exchange.headers.get("authorization", "").removeprefix("Bearer ")
            problem = wire.error(f"Incorrect API key provided: {shown}", kind="auth", code="invalid_api_key")
            await exchange.json(401, problem)
        elif route == ("GET", "/v1/models"):
            names = [self._model] if self._models is None else sorted(self._models)
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "signalbox"} for name in names]
            await exchange.json(200, {"object": "list", "data": listed})
        elif route == ("POST", "/v1/chat/completions"):
            self._counts["requests"] += 1
            try:
                await self._complete(exchange)
            finally:
                self._counts["over"] += 1
        else:
            await exchange.json(404, wire.error(f"Unknown path {scope['path']}", kind="invalid_request_error"))

    async def _complete(self, exchange: Exchange) -> None:
        try:
            body = json.loads(await exchange.body())
            request = wire.read_request(body)
        except (InvalidInput, ValueError, AttributeError, TypeError) as error:
            await exchange.json(400, wire.error(str(error), kind="invalid_request_error"))
            return
        self.bodies.append(body)
        name = str(body.get("model") or self._model)
        self._by_model[name] += 1
        for parameter in self._refuses:
            if parameter in body:
                said = f"Unsupported parameter: '{parameter}' is not supported with this model."
                problem = wire.error(said, kind="invalid_request_error", code="unsupported_parameter", param=parameter)
                await exchange.json(400, problem)
                return
        if self._models is not None and name not in self._models:
            said = f"The model '{name}' does not exist"
            await exchange.json(404, wire.error(said, kind="invalid_request_error", code="model_not_found"))
            return
        reply = await self._script.next(request)
        if isinstance(reply, Exception):
            reply = _as_fault(reply)
        if isinstance(reply, Fault):
            self._faults[reply.kind] += 1
        if isinstance(reply, Fault) and reply.kind != "no_usage":
            await self._fail(exchange, reply, request, name, stream=bool(body.get("stream")))
            return
        self._counts["answered"] += 1
        result = as_result(reply.text if isinstance(reply, Fault) else reply, request, model=name)
        if body.get("stream"):
            usage = bool((body.get("stream_options") or {}).get("include_usage")) and not isinstance(reply, Fault)
            await self._stream(exchange, result, usage=usage)
        else:
            await exchange.json(200, wire.completion(result, usage=not isinstance(reply, Fault)))

    async def _stream(self, exchange: Exchange, result: ChatResult, *, usage: bool, share: float = 1.0) -> None:
        """Sends the first `share` of the events; the connection breaks when that is not all of them."""
        events = [*map(wire.event, wire.chunks(result, usage=usage)), wire.event("[DONE]")]
        whole = share >= 1
        await exchange.start(200, "text/event-stream")
        for data in events if whole else events[: int(len(events) * share)]:
            await exchange.more(data)
            if self._token_interval_s:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._token_interval_s)
            if self._stopping.is_set():
                return
        if whole:
            await exchange.end()

    async def _trickle(self, exchange: Exchange, result: ChatResult, *, stream: bool) -> None:
        """An answer that never stops coming: no timeout between two bytes sees anything wrong with it."""
        if stream:
            content = b"".join(map(wire.event, wire.chunks(result, usage=True)))
            await exchange.start(200, "text/event-stream")
        else:
            content = json.dumps(wire.completion(result)).encode()
            await exchange.start(200, "application/json", {"content-length": str(len(content))})
        for place in range(len(content)):
            await exchange.more(content[place : place + 1])
            if await exchange.wait_for_hang_up(self._stopping, _TRICKLE_S):
                return

    async def _fail(self, exchange: Exchange, fault: Fault, request: ChatRequest, name: str, *, stream: bool) -> None:
        headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
        if fault.kind in ("rate_limited", "server_error"):
            limited = fault.kind == "rate_limited"
            said = "Rate limit reached" if limited else "The server had an error"
            problem = wire.error(said, kind="requests" if limited else "server_error")
            await exchange.json(429 if limited else fault.status, problem, headers)
        elif fault.kind == "hang":
            await exchange.wait_for_hang_up(self._stopping)
        elif fault.kind == "trickle":
            result = as_result(fault.text, request, model=name)
            await self._trickle(exchange, result, stream=stream)
        elif fault.kind == "cut_stream":
            result = as_result(fault.text, request, model=name)
            if stream:
                await self._stream(exchange, result, usage=True, share=0.5 if fault.text else 0.25)
            else:
                content = json.dumps(wire.completion(result)).encode()
                await exchange.start(200, "application/json", {"content-length": str(len(content))})
                await exchange.more(content[: len(content) // 2])
        elif fault.kind == "html":
            await exchange.send(200, _HTML, "text/html")
        elif fault.kind == "bad_json":
            content = b'data: {"choices": [{\n\n' if stream else b'{"choices": [{'
            await exchange.send(200, content, "text/event-stream" if stream else "application/json")
        elif fault.kind == "garbage":
            await exchange.send(200, _NOISE, "text/event-stream" if stream else "application/json")
        elif fault.kind == "wrong_shape":
            shape = {"choices": "none", "object": "chat.completion"}
            content = wire.event(shape) if stream else json.dumps(shape).encode()
            await exchange.send(200, content, "text/event-stream" if stream else "application/json")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are the business of the program around it."""
        yield


def _as_fault(error: Exception) -> Fault:
    if isinstance(error, Overloaded):
        return Fault("rate_limited", retry_after_s=error.retry_after_s)
    if isinstance(error, DeadlineExceeded):
        return Fault("hang")
    status = error.status if isinstance(error, UpstreamError) else None
    return Fault("server_error", status=status or 500)
