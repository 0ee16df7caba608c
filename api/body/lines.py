"""Bodies of one JSON value a line, read as they arrive: what is waited for, kept and counted has limits.

What a line means is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import chain, repeat

from fastapi import Request
from starlette.exceptions import HTTPException

from api.body.json import check_encoding
from signalbox.errors import SignalboxError, TooLarge, UnsupportedType

MEDIA_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_LINE_TIMEOUT_S = 30.0
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line by its number, from 1; without its text when `error` says why it was not kept."""

    number: int
    text: bytes = b""
    error: SignalboxError | HTTPException | None = None


def check_ndjson(request: Request) -> None:
    """Raises UnsupportedType unless the body says that it is NDJSON."""
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() not in MEDIA_TYPES:
        shown = f"it is {given[:100]!r}" if given else "there is none"
        raise UnsupportedType(f"Content-Type must be {MEDIA_TYPES[0]}; {shown}.", field="Content-Type")
    check_encoding(request)


async def read_lines(request: Request, *, most_bytes: int, most_lines: int) -> AsyncIterator[Line]:
    """The lines of the body, empty ones at its end left out.

    A line that is too long is skipped and told as an error; so is what ends the reading early: too many lines, or
    one that does not arrive in time.

    Raises:
        ClientDisconnect: the caller went away.
    """
    number, empty = 0, 0
    splitter = _Splitter(most_bytes)
    pieces = request.stream().__aiter__()
    while True:
        try:
            # Time that passes while the caller waits for us does not count.
            async with asyncio.timeout(_LINE_TIMEOUT_S):
                lines = await splitter.next(pieces)
        except TimeoutError:
            detail = f"The line did not arrive within {_LINE_TIMEOUT_S:g} s; nothing after it is read."
            yield Line(number + empty + 1, error=HTTPException(408, detail))
            return
        if lines is None:
            return
        for text in lines:
            if text is not None and not text.strip():
                empty += 1
                continue
            for given in chain(repeat(b"", empty), (text,)):
                number += 1
                if number > most_lines:
                    yield Line(number, error=_too_many(most_lines))
                    return
                yield Line(number, error=_too_long(most_bytes)) if given is None else Line(number, given)
            empty = 0


class _Splitter:
    """Cuts what arrives into lines; None stands for one that was too long to keep."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = bytearray()
        self._too_long = False
        self._first = True
        self._ended = False

    async def next(self, pieces: AsyncIterator[bytes]) -> list[bytes | None] | None:
        """Lines that are complete now, at least one; None at the end."""
        while not self._ended:
            piece = await anext(pieces, None)
            self._ended = piece is None
            if lines := self._cut(piece or b""):
                return lines
        return None

    def _cut(self, piece: bytes) -> list[bytes | None]:
        *complete, rest = piece.split(b"\n")
        lines = [self._line(part) for part in complete]
        self._keep(rest)
        if self._ended and (self._rest or self._too_long):
            lines.append(self._line(b""))
        return lines

    def _line(self, end: bytes) -> bytes | None:
        self._keep(end)
        text = None if self._too_long else bytes(self._rest)
        if self._first and text is not None:
            text = text.removeprefix(_BOM)
        self._rest.clear()
        self._too_long = self._first = False
        return text

    def _keep(self, part: bytes) -> None:
        if self._too_long or len(self._rest) + len(part) > self._most:
            self._too_long = True
            self._rest.clear()
        else:
            self._rest += part


def _too_long(most: int) -> TooLarge:
    return TooLarge(
        f"The line is longer than {most:,} bytes. Shorten it or raise SIGNALBOX_MAX_BODY_BYTES.", field="line"
    )


def _too_many(most: int) -> TooLarge:
    return TooLarge(
        f"The batch has more than {most:,} lines; nothing from here on is read. Send it in parts or raise "
        "SIGNALBOX_MAX_BATCH_LINES.",
        field="line",
    )
