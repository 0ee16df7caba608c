"""Real connections that misbehave: idle, slow, malformed, endless. The service stays up and says why where it can."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from api_service import EchoSystem
from test_api_server import ask, running

from api.app import create_app
from api.http.connections import guarded
from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.types import Query

Opener = Callable[[], Any]
HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def served(settings: Settings, service: Service, **limits: Any) -> AsyncIterator[int]:
    """The application on a port of its own, with these limits."""
    limits = {"max_connections": 100, "head_timeout_s": 60.0, "write_timeout_s": 60.0} | limits
    config = uvicorn.Config(
        create_app(settings, service=service), http=guarded(**limits), lifespan="off", log_config=None, ws="none"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await serving


async def connect(port: int, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    return reader, writer


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer with a Content-Length."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split(" ")[1]), headers, body


async def refusal(reader: asyncio.StreamReader, status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The problem it was closed with."""
    found, headers, body = await answer(reader)
    problem: dict[str, Any] = json.loads(body)
    assert found == problem["status"] == status
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert await asyncio.wait_for(reader.read(), 20) == b""
    return headers, problem


async def healthy(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{port}/healthz", timeout=20)).status_code == 200


def test_a_thousand_idle_connections_leave_the_service_up(tmp_path: Path) -> None:
    """Some of them send a byte from time to time. The service runs as it always does, in a process of its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4_096, hard)), hard))
    connections: list[socket.socket] = []
    with running(tmp_path) as server:
        url = server.url()
        host, port = url.removeprefix("http://").split(":")
        try:
            connections.extend(socket.create_connection((host, int(port)), timeout=20) for _ in range(1_000))
            for byte in b"POST /pr":
                for connection in connections[::10]:
                    connection.sendall(bytes([byte]))
                assert ask(url, "0").status_code == 200
        finally:
            for connection in connections:
                connection.close()
        assert ask(url, "0").status_code == 200


async def test_when_all_places_are_taken_the_longest_idle_makes_room(settings: Settings, service: Service) -> None:
    async with served(settings, service, max_connections=20) as port:
        idle = [await connect(port, b"GET /hea") for _ in range(20)]
        assert await healthy(port)
        assert await idle[0][0].read() == b""
        idle[-1][1].write(b"lthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await answer(idle[-1][0]))[0] == 200
        for _, writer in idle:
            writer.close()


async def test_when_all_are_at_work_one_more_is_told_to_come_back(
    settings: Settings, service: Service, system: EchoSystem
) -> None:
    going, started = asyncio.Event(), asyncio.Semaphore(0)

    async def work(_: Query) -> None:
        started.release()
        await going.wait()

    system.during = work
    body = b'{"query": "a"}'
    async with served(settings, service, max_connections=3) as port:
        busy = [await connect(port, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) for _ in range(3)]
        for _ in busy:
            await started.acquire()
        reader, _ = await connect(port)
        headers, problem = await refusal(reader, 503)
        assert headers["retry-after"] == "5"
        assert "3 connections" in problem["detail"]
        going.set()
        for reader, _ in busy:
            assert (await answer(reader))[0] == 200
        assert await healthy(port)


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nHost: loc", b"GET /" + b"a" * 1_000])
async def test_a_head_that_does_not_arrive_is_not_waited_for(settings: Settings, service: Service, sent: bytes) -> None:
    async with served(settings, service, head_timeout_s=0.2) as port:
        reader, _ = await connect(port, sent)
        _, problem = await refusal(reader, 408)
        assert "0.2 s" in problem["detail"]


async def test_a_head_that_comes_byte_by_byte_has_no_longer_time(settings: Settings, service: Service) -> None:
    async with served(settings, service, head_timeout_s=0.3) as port:
        reader, writer = await connect(port, b"GET /")

        async def trickle() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        await refusal(reader, 408)
        trickling.cancel()


async def test_a_connection_that_says_nothing_is_closed(settings: Settings, service: Service) -> None:
    async with served(settings, service, head_timeout_s=0.2) as port:
        reader, _ = await connect(port)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        assert await healthy(port)


async def test_a_second_request_is_waited_for_no_longer(settings: Settings, service: Service) -> None:
    """Uvicorn's own timer for it ends with the first byte."""
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with served(settings, service, head_timeout_s=0.3) as port:
        reader, writer = await connect(port, get)
        assert (await answer(reader))[0] == 200
        writer.write(get)
        assert (await answer(reader))[0] == 200
        writer.write(b"G")
        await refusal(reader, 408)


async def test_requests_one_behind_the_other_are_answered_in_turn(settings: Settings, service: Service) -> None:
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with served(settings, service) as port:
        reader, _ = await connect(port, get * 5)
        assert [(await answer(reader))[0] for _ in range(5)] == [200] * 5


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS handshake
        b"nonsense\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_told_so(settings: Settings, service: Service, sent: bytes) -> None:
    async with served(settings, service) as port:
        reader, _ = await connect(port, sent)
        _, problem = await refusal(reader, 400)
        assert problem["type"] == "/problems/malformed-http"
        assert await healthy(port)


@pytest.mark.parametrize(
    ("sent", "status"), [(b"GET / HTTP/1.1\r\nX-Endless: ", 431), (b"GET /", 400), (b"GET / HTTP/1.1\r\n", 431)]
)
async def test_a_head_without_end_is_refused(settings: Settings, service: Service, sent: bytes, status: int) -> None:
    async with served(settings, service) as port:
        reader, writer = await connect(port, sent)
        more = b"X-Another: header\r\n" * 50 if sent.endswith(b"\n") else b"a" * 1_000
        refused = asyncio.create_task(refusal(reader, status))
        for _ in range(10_000):
            if refused.done():
                break
            writer.write(more)
            await asyncio.sleep(0)
        await refused
        assert await healthy(port)


async def test_who_does_not_take_the_answer_is_dropped(
    settings: Settings, service: Service, system: EchoSystem, caplog: pytest.LogCaptureFixture
) -> None:
    """The work of a stream ends, too."""
    system.store = None
    batch = HEAD.replace(b"/predict", b"/predict/batch").replace(b"application/json", b"application/x-ndjson")
    line = b'{"query": "%b"}\n' % (b"a" * 190)
    async with served(settings, service, write_timeout_s=0.3) as port:
        _reader, writer = await connect(port, batch + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % (len(line) * 20_000) + line * 20_000 + b"\r\n0\r\n\r\n"
        writer.write(chunk)
        await asyncio.wait_for(writer.drain(), 60)
        while "a reader was dropped" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert await healthy(port)


async def test_who_hangs_up_in_mid_stream_stops_the_query(
    settings: Settings, service: Service, system: EchoSystem
) -> None:
    system.during = lambda _: asyncio.Event().wait()
    body = b'{"query": "a"}'
    async with served(settings, service) as port:
        head = HEAD + b"Accept: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
        reader, writer = await connect(port, head + body)
        assert b"event: attempt" in await reader.readuntil(b"started")
        writer.close()
        await asyncio.wait_for(system.cancelled.wait(), 10)


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (OFFER + b"Content-Length: 16\r\n", b'{"query": "a b"}'),
        (OFFER + b"Transfer-Encoding: chunked\r\n", b'10\r\n{"query": "a b"}\r\n0\r\n\r\n'),
        (OFFER.replace(b"h2c", b"websocket") + b"Content-Length: 16\r\n", b'{"query": "a b"}'),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
async def test_an_offer_of_another_protocol_is_not_taken_up(
    settings: Settings, service: Service, headers: bytes, body: bytes, whole: bool
) -> None:
    """Java's HTTP client offers HTTP/2 with every first request, and so does `curl --http2`."""
    async with served(settings, service) as port:
        reader, writer = await connect(port, HEAD + headers + b"\r\n" + (body if whole else body[:5]))
        if not whole:
            await asyncio.sleep(0.05)
            writer.write(body[5:])
        for _ in range(2):
            status, _, content = await answer(reader)
            assert (status, json.loads(content)["answer"]["text"]) == (200, "You said: a b")
            writer.write(HEAD + headers + b"\r\n" + body)


async def test_a_request_without_a_body_may_offer_another_protocol_too(settings: Settings, service: Service) -> None:
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + OFFER + b"\r\n"
    async with served(settings, service) as port:
        reader, writer = await connect(port, get * 3)
        assert [(await answer(reader))[0] for _ in range(3)] == [200] * 3
        writer.write(get.replace(b"Upgrade, ", b"close, Upgrade, "))
        assert (await answer(reader))[0] == 200
        assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_a_body_that_turns_out_to_be_no_http_is_told_so(settings: Settings, service: Service) -> None:
    async with served(settings, service) as port:
        reader, _ = await connect(
            port, HEAD + b"X-Request-ID: mine\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
        )
        headers, problem = await refusal(reader, 400)
        assert problem["type"] == "/problems/malformed-http"
        assert problem["instance"] == "/predict"
        assert problem["request_id"] == headers["x-request-id"] == "mine"
        assert await healthy(port)


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\nno\r\n\r\n"]
)
async def test_what_is_no_http_gets_an_id_that_the_log_has(
    settings: Settings, service: Service, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    caplog.set_level("INFO")
    async with served(settings, service) as port:
        reader, _ = await connect(port, sent)
        headers, problem = await refusal(reader, 400)
        assert problem["request_id"] == headers["x-request-id"]
        assert problem["request_id"] in caplog.text
        assert headers["x-content-type-options"] == "nosniff"


async def test_under_v1_it_is_told_in_openai_s_form(settings: Settings, service: Service) -> None:
    async with served(settings, service) as port:
        reader, _ = await connect(port, b"POST /v1/chat/completions?a=b HTTP/1.1\r\nno header\r\n\r\n")
        status, headers, body = await answer(reader)
        assert (status, headers["content-type"]) == (400, "application/json")
        assert json.loads(body)["error"]["code"] == "malformed_http"


@pytest.mark.parametrize(
    ("head", "status", "slug"),
    [
        (b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * 70_000), 400, "url-too-long"),
        (b"GET / HTTP/1.1\r\nX: %b\r\n\r\n" % (b"a" * 70_000), 431, "head-too-large"),
    ],
)
async def test_a_head_that_is_too_large_is_refused_though_it_comes_at_once(
    settings: Settings, service: Service, head: bytes, status: int, slug: str
) -> None:
    async with served(settings, service) as port:
        reader, _ = await connect(port, head)
        _, problem = await refusal(reader, status)
        assert problem["type"] == f"/problems/{slug}"
        assert len(problem["instance"]) < 400
        assert await healthy(port)
