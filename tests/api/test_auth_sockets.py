"""Connections that stay open, over a real server: who may open one from where, and that it ends with its key."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from auth_people import make_keys, shown
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.app import create_app
from api.auth import sessions
from api.auth.secret import ServiceSecret
from api.server import WEBSOCKETS, listen
from api.service.wiring import Service
from signalbox.settings import Settings


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            name = websocket.state.identity.name
            await websocket.send_text(f"{name}: {await websocket.receive_text()}")
    except WebSocketDisconnect:
        pass


@pytest.fixture
async def address(settings: Settings, service: Service) -> AsyncIterator[str]:
    """Of a server whose pages are one echo."""
    app = create_app(settings, service=service)
    app.mount("/ui", Starlette(routes=[WebSocketRoute("/echo", _echo)]))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, **WEBSOCKETS))
    with listen(settings) as listener:
        port = listener.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield f"127.0.0.1:{port}"
        server.should_exit = True
        await serving


async def say(address: str, words: str, origin: str | None = "own", **options: Any) -> str:
    given = f"http://{address}" if origin == "own" else origin
    async with connect(f"ws://{address}/ui/echo", origin=given, proxy=None, **options) as connection:
        await connection.send(words)
        return str(await connection.recv())


async def refusal(address: str, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await say(address, "hello", **options)
    return caught.value.response.status_code


async def test_our_own_pages_may_connect(address: str) -> None:
    assert await say(address, "hello") == "local: hello"


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://localhost:1", "https://127.0.0.1"])
async def test_pages_of_other_origins_may_not(address: str, origin: str | None) -> None:
    assert await refusal(address, origin=origin) == 403


async def test_a_name_led_here_from_outside_is_refused(address: str) -> None:
    assert await refusal(address, additional_headers={"Host": "evil.example"}) in (400, 421)


async def test_once_there_are_keys_one_is_needed(address: str, service: Service, settings: Settings) -> None:
    keys = await make_keys(service)
    assert await refusal(address) == 401
    assert await refusal(address, additional_headers=shown(keys["service"][1])) == 403
    assert await say(address, "a", additional_headers=shown(keys["viewer"][1])) == "the viewer: a"
    stored = await service.keys.find(keys["reviewer"][0].id)
    assert stored is not None
    cookie = sessions.Sessions(ServiceSecret(settings.data_dir)).seal(stored)
    signed = {"Cookie": f"{sessions.COOKIE}={cookie}"}
    assert await say(address, "b", additional_headers=signed) == "the reviewer: b"


async def test_an_open_connection_ends_with_its_key(
    address: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.auth.gate.FRESH_S", 0.0)
    key, token = (await make_keys(service))["viewer"]
    own = f"http://{address}"
    async with connect(f"ws://{address}/ui/echo", origin=own, proxy=None, additional_headers=shown(token)) as open_one:
        await open_one.send("a")
        assert await open_one.recv() == "the viewer: a"
        await service.keys.revoke(key.id)
        await open_one.send("b")
        with pytest.raises(ConnectionClosed):
            await open_one.recv()


@pytest.mark.parametrize("end", ["signing out", "running out"])
async def test_an_open_connection_ends_with_its_session(
    address: str, service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("api.auth.gate.FRESH_S", 0.0)
    key, _ = (await make_keys(service))["reviewer"]
    stored = await service.keys.find(key.id)
    assert stored is not None
    left_s = 3.0 if end == "running out" else 3_600.0
    begun = time.time() - sessions.LIFE_S + left_s
    cookie = sessions.Sessions(ServiceSecret(settings.data_dir), clock=lambda: begun).seal(stored)
    signed = {"Cookie": f"{sessions.COOKIE}={cookie}"}
    own = f"http://{address}"
    async with connect(f"ws://{address}/ui/echo", origin=own, proxy=None, additional_headers=signed) as open_one:
        await open_one.send("a")
        assert await open_one.recv() == "the reviewer: a"
        if end == "running out":
            await asyncio.sleep(left_s)
        else:
            async with httpx.AsyncClient(base_url=own, trust_env=False) as client:
                assert (await client.delete("/session", headers=signed)).status_code == 204
        await open_one.send("b")
        with pytest.raises(ConnectionClosed):
            await open_one.recv()


async def test_a_message_that_is_too_large_ends_the_connection(address: str) -> None:
    with pytest.raises(ConnectionClosed):
        await say(address, "x" * 2_000_000)


async def test_what_is_not_a_page_takes_no_connection(address: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"ws://{address}/predict", origin=f"http://{address}", proxy=None):
            pass
    assert caught.value.response.status_code == 404


async def test_accepted_connections_send_at_once(settings: Settings) -> None:
    """Otherwise the kernel holds small answers back for up to 40 ms (Nagle's algorithm)."""
    accepted: list[int] = []

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            assert isinstance(transport, asyncio.Transport)
            transport.close()

    with listen(settings) as listener:
        assert listener.proto == socket.IPPROTO_TCP
        listener.setblocking(False)
        server = await asyncio.get_running_loop().create_server(Protocol, sock=listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        await reader.read()
        writer.close()
        server.close()
    assert accepted
    assert all(accepted)
