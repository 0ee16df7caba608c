"""Work that stops when its caller has gone: nobody reads the answer, so nobody should pay for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. The request's body must have been read.

    Raises:
        ClientDisconnect: the caller closed the connection first; the work was cancelled.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(client_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        await end(working, watching)


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel what is still running and wait for it. What it raises while being cancelled has no reader."""
    for task in tasks:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def client_gone(request: Request) -> None:
    """Returns once the caller has gone. After the body nothing else can arrive, so this waits without polling."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
