"""The guard in conftest.py itself: a test that leaves the machine fails, one on loopback works."""

from __future__ import annotations

import asyncio
import socket

import pytest


def test_connecting_elsewhere_is_refused() -> None:
    with socket.socket() as sock, pytest.raises(RuntimeError, match="only use loopback"):
        sock.connect(("192.0.2.1", 80))


def test_looking_up_a_name_is_refused() -> None:
    with pytest.raises(RuntimeError, match="loopback names"):
        socket.create_connection(("example.com", 80))


async def test_asyncio_is_guarded_too() -> None:
    with pytest.raises(RuntimeError, match="loopback"):
        await asyncio.open_connection("192.0.2.1", 80)


async def test_loopback_works() -> None:
    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b"hello"
        writer.close()
