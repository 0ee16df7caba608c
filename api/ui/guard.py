"""What stands between a browser and the pages: a content security policy, a limit on open pages, and whose they are.

Scripts run only with the nonce of the page they came with, so that a text that gets into a page as markup stays dead.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qsl, urlencode

from nicegui import Client
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import identity_of
from api.http import errors

MAX_PAGES = 500  # a page's state takes about a megabyte
_CONNECTIONS = "/_nicegui_ws/"
_OF_PAGE = re.compile(r"/_nicegui/client/([^/]+)/")
_ASSETS = ("/_nicegui", "/static/", "/favicon")


class Guard:
    """ASGI middleware inside NiceGUI's application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] in ("http", "websocket") and path.startswith(_CONNECTIONS):
            await self._app(_connecting(scope), receive, send)
            return
        upload = _OF_PAGE.match(path)
        if upload and not _is_own(scope, upload[1]):
            kind = (403, "forbidden", "Forbidden")
            detail = "This page was given to somebody else. Load it again."
            await errors.problem_response(scope, kind, detail)(scope, receive, send)
            return
        if scope["type"] != "http" or path.startswith(_ASSETS):
            await self._app(scope, receive, send)
            return
        if len(Client.instances) >= MAX_PAGES:
            kind = (503, "overloaded", "Overloaded")
            detail = f"{MAX_PAGES} pages are open, the most there can be. Close some and load this one again."
            await errors.problem_response(scope, kind, detail, headers={"Retry-After": "60"})(scope, receive, send)
            return
        await self._app(scope, receive, _Page(send))


def _connecting(scope: Scope) -> Scope:
    """A page keeps the identity it was made for, so another's connection finds none: then NiceGUI loads it anew.

    NiceGUI refuses a connection to another page than the one that its query names.
    """
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    if _is_own(scope, query.get("client_id", "")):
        return scope
    return {**scope, "query_string": urlencode({**query, "client_id": "none"}).encode()}


def _is_own(scope: Scope, client_id: str) -> bool:
    client = Client.instances.get(client_id)
    return client is not None and identity_of(client.request.scope) == identity_of(scope)


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
