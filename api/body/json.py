"""What a request body may be: JSON by its type, no larger than the limit, and here in time.

The size is counted while reading, so a body without a Content-Length can't fill the memory either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.body import strict_json
from signalbox.errors import TooLarge, UnsupportedType

_READ_TIMEOUT_S = 30.0


class JsonRoute(APIRoute):
    """A route whose body is strict JSON. Parameters are declared as always; only the reading is ours."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            if self.body_field is None:
                return await handler(request)
            check_content_type(request)
            limit: int = request.app.state.settings.max_body_bytes
            return await handler(_Parsed(request, await read_body(request, limit)))

        return strict


class _Parsed(Request):
    """A request whose body is read and parsed already."""

    def __init__(self, request: Request, body: bytes) -> None:
        super().__init__(request.scope, request.receive)
        self._body = body
        self._json = strict_json.parse(body)

    async def json(self) -> Any:
        return self._json


def check_content_type(request: Request) -> None:
    """Raises UnsupportedType unless the body says that it is plain JSON."""
    given = request.headers.get("content-type", "")
    media_type, _, parameters = given.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != "application/json" or charset not in ("", "utf-8", "utf8"):
        shown = f"it is {given[:100]!r}" if given else "there is none"
        raise UnsupportedType(f"Content-Type must be application/json; {shown}.", field="Content-Type")
    check_encoding(request)


def check_encoding(request: Request) -> None:
    """Raises UnsupportedType when the body is compressed."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedType(
            f"Content-Encoding is {encoding[:100]!r}; send the body as it is.", field="Content-Encoding"
        )


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: it has more than `limit` bytes; reading stopped there.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit):
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_READ_TIMEOUT_S):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
    except TimeoutError:
        detail = f"The body did not arrive within {_READ_TIMEOUT_S:g} s."
        raise HTTPException(408, detail, headers={"Connection": "close"}) from None
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {limit:,} bytes. Send less or raise SIGNALBOX_MAX_BODY_BYTES.", field="body"
    )
