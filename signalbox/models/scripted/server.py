"""The scripted model behind HTTP: an OpenAI-compatible server on loopback that can also misbehave in every usual way.

A bare ASGI application, run by uvicorn in the caller's event loop. It has no limits on what it reads: it is for
tests, examples and benchmarks, never for the outside.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Collection, Generator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any, Self

import uvicorn

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import ConfigurationError, DeadlineExceeded, InvalidInput, Overloaded, UpstreamError
from signalbox.models.scripted import wire
from signalbox.models.scripted.script import Fault, Replies, Script, as_result
from signalbox.models.scripted.wire import Json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

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
        exchange = _Exchange(scope, receive, send)
        self.headers.append(exchange.headers)
        route = scope["method"], scope["path"]
        if self._api_key is not None and exchange.headers.get("authorization") != f"Bearer {self._api_key}":
            shown = exchange.headers.get("authorization", "").removeprefix("Bearer ")
            problem = wire.error(f"Incorrect API key provided: {shown}", kind="auth", code="invalid_api_key")
            await exchange.json(401, problem)
        elif route == ("GET", "/v1/models"):
            names = [self._model] if self._models is None else sorted(self._models)
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "signalbox"} for name in names]
            await exchange.json(200, {"object": "list", "data": listed})
        elif route == ("POST", "/v1/chat/completions"):
            await self._complete(exchange)
        else:
            await exchange.json(404, wire.error(f"Unknown path {scope['path']}", kind="invalid_request_error"))

    async def _complete(self, exchange: _Exchange) -> None:
        try:
            body = json.loads(await exchange.body())
            request = wire.read_request(body)
        except (InvalidInput, ValueError, AttributeError, TypeError) as error:
            await exchange.json(400, wire.error(str(error), kind="invalid_request_error"))
            return
        self.bodies.append(body)
        name = str(body.get("model") or self._model)
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
        if isinstance(reply, Fault) and reply.kind != "no_usage":
            await self._fail(exchange, reply, request, name, stream=bool(body.get("stream")))
            return
        result = as_result(reply.text if isinstance(reply, Fault) else reply, request, model=name)
        if body.get("stream"):
            usage = bool((body.get("stream_options") or {}).get("include_usage")) and not isinstance(reply, Fault)
            await self._stream(exchange, result, usage=usage)
        else:
            await exchange.json(200, wire.completion(result, usage=not isinstance(reply, Fault)))

    async def _stream(self, exchange: _Exchange, result: ChatResult, *, usage: bool, share: float = 1.0) -> None:
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

    async def _fail(self, exchange: _Exchange, fault: Fault, request: ChatRequest, name: str, *, stream: bool) -> None:
        headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
        if fault.kind in ("rate_limited", "server_error"):
            limited = fault.kind == "rate_limited"
            said = "Rate limit reached" if limited else "The server had an error"
            problem = wire.error(said, kind="requests" if limited else "server_error")
            await exchange.json(429 if limited else fault.status, problem, headers)
        elif fault.kind == "hang":
            await exchange.wait_for_hang_up(self._stopping)
        elif fault.kind == "cut_stream":
            result = as_result(fault.text, request, model=name)
            if stream:
                await self._stream(exchange, result, usage=True, share=0.5)
            else:
                content = json.dumps(wire.completion(result)).encode()
                await exchange.start(200, "application/json", {"content-length": str(len(content))})
                await exchange.more(content[: len(content) // 2])
        elif fault.kind == "html":
            await exchange.send(200, _HTML, "text/html")
        elif fault.kind == "bad_json":
            content = b'data: {"choices": [{\n\n' if stream else b'{"choices": [{'
            await exchange.send(200, content, "text/event-stream" if stream else "application/json")
        elif fault.kind == "wrong_shape":
            shape = {"choices": "none", "object": "chat.completion"}
            content = wire.event(shape) if stream else json.dumps(shape).encode()
            await exchange.send(200, content, "text/event-stream" if stream else "application/json")


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._receive, self._send = receive, send

    async def body(self) -> bytes:
        parts, more = [], True
        while more:
            message = await self._receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    async def json(self, status: int, content: Json, headers: dict[str, str] | None = None) -> None:
        await self.send(status, json.dumps(content).encode(), "application/json", headers)

    async def send(self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        await self.start(status, kind, {"content-length": str(len(content))} | (headers or {}))
        await self._send({"type": "http.response.body", "body": content})

    async def start(self, status: int, kind: str, headers: dict[str, str] | None = None) -> None:
        pairs = [(name.encode(), value.encode()) for name, value in {"content-type": kind, **(headers or {})}.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def more(self, content: bytes) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def wait_for_hang_up(self, stopping: asyncio.Event) -> None:
        """Until the client gives up or the server stops."""

        async def gone() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass

        waits = {asyncio.create_task(gone()), asyncio.create_task(stopping.wait())}
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


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
