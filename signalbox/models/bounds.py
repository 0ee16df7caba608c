"""How much of a server's response is read: so many bytes and no more, and nothing is unpacked.

Three hundred kilobytes of gzip hold as many megabytes, and unpacking them stops everything else in the process. So
packed answers are not asked for, and one that comes all the same is refused. What an answer means is not known here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2

from signalbox.errors import UpstreamError

# Of a refusal only a sentence is shown.
_MOST_OF_REFUSAL = 65_536
UNPACKED = {"Accept-Encoding": "identity"}


def bounded(host: str, most_bytes: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A response hook for an HTTP client: reading an answer of more than `most_bytes` raises UpstreamError.

    What a refusal says beyond its first bytes is left unread, so that its status counts.
    """

    async def hook(response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        packed = response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")
        if response.is_success and packed:
            raise UpstreamError(f"{host} packed its answer, although it was asked not to (Accept-Encoding: identity).")
        if packed:
            del response.headers["content-encoding"]
        most = most_bytes if response.is_success else 0 if packed else _MOST_OF_REFUSAL
        response.stream = _Bounded(response.stream, host, most, cut=not response.is_success)

    return hook


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, host: str, most: int, *, cut: bool) -> None:
        self._stream, self._host, self._most, self._cut = stream, host, most, cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > self._most:
                if self._cut:
                    return
                raise UpstreamError(f"{self._host} sent more than {self._most:,} bytes, too much for one answer.")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
