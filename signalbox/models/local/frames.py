"""How service and worker talk: JSON objects, each behind its length in four bytes. Data only, nothing that runs."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

_HEAD = struct.Struct(">I")
MOST_BYTES = 16_000_000
Frame = dict[str, Any]


def pack(frame: Frame) -> bytes:
    body = json.dumps(frame).encode()
    return _HEAD.pack(len(body)) + body


def read(stream: BinaryIO) -> Frame | None:
    """The next frame, None at the end of the stream."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    (size,) = _HEAD.unpack(head)
    body = stream.read(size) if size <= MOST_BYTES else b""
    return json.loads(body) if len(body) == size else None


async def read_async(stream: asyncio.StreamReader) -> Frame | None:
    try:
        (size,) = _HEAD.unpack(await stream.readexactly(_HEAD.size))
        if size > MOST_BYTES:
            return None
        frame: Frame = json.loads(await stream.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        return None
    return frame
