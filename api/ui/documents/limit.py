"""Keeps files that are too large from being taken in: the browser's own check is only a courtesy.

NiceGUI's door for uploads reads whatever comes; this stands before it.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http import errors

_ROOM = 1_000_000  # for the multipart form around the file
_DOOR = "/_nicegui/client/"


class UploadLimit:
    """ASGI middleware inside NiceGUI's application.

    Args:
        most_bytes: of one file.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and _DOOR in scope["path"]:
            # The server holds the body to the length announced.
            length = Headers(scope=scope).get("content-length", "")
            if not length.isdigit():
                kind = (411, "length-required", "Length required")
                await errors.problem_response(scope, kind, "Say in Content-Length how large the file is.")(
                    scope, receive, send
                )
                return
            if int(length) > self._most + _ROOM:
                kind = (413, "too-large", "Too large")
                detail = (
                    f"The file has {int(length):,} bytes; the limit is {self._most:,}. "
                    "Split it, or raise SIGNALBOX_MAX_DOCUMENT_BYTES."
                )
                await errors.problem_response(scope, kind, detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)
