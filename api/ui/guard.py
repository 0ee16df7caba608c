"""What stands between a browser and the pages: a content security policy, and a limit on open pages.

Scripts run only with the nonce of the page they came with, so that a text that gets into a page as markup stays dead.
"""

from __future__ import annotations

import secrets

from nicegui import Client
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import errors

MAX_PAGES = 500  # a page's state takes about a megabyte
_ASSETS = ("/_nicegui", "/static/", "/favicon")


class Guard:
    """ASGI middleware inside NiceGUI's application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or path.startswith(_ASSETS):
            await self._app(scope, receive, send)
            return
        if len(Client.instances) >= MAX_PAGES:
            kind = (503, "overloaded", "Overloaded")
            detail = f"{MAX_PAGES} pages are open, the most there can be. Close some and load this one again."
            await errors.problem_response(scope, kind, detail, headers={"Retry-After": "60"})(scope, receive, send)
            return
        await self._app(scope, receive, _Page(send))


class _Page:
    """Sends a page on with its policy, whole, because the nonce is put into the markup."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        nonce = secrets.token_urlsafe(18)
        # Texts in the page have their angle brackets escaped: what reads `<script` here was written by us or NiceGUI.
        body = self._body.replace(b"<script", f'<script nonce="{nonce}"'.encode())
        headers = MutableHeaders(scope=start)
        headers["Content-Length"] = str(len(body))
        headers["Content-Security-Policy"] = policy(nonce)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def policy(nonce: str) -> str:
    """NiceGUI evaluates event handlers that the server sends, and sets style attributes: it needs both `unsafe`."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _is_html(start: Message) -> bool:
    return MutableHeaders(scope=start).get("content-type", "").startswith("text/html")
