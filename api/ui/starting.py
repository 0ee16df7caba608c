"""The page shown while the service is not open: plain HTML that loads itself again, since nothing else works yet.

Who looks can't be known either: it says no more than /readyz, which is open to all.
"""

from __future__ import annotations

import html

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.service.lifecycle import Lifecycle
from api.ui import theme

_HEADINGS = {
    "starting": "Signalbox is starting",
    "stopping": "Signalbox is stopping",
    "failed": "Signalbox could not start",
}
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class Starting:
    """ASGI middleware before anything that needs the service; requests that don't wait for a page go on."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._lifecycle.state == "ready" or not _is_page(scope):
            await self._app(scope, receive, send)
            return
        headers = {"Retry-After": "2", "Content-Security-Policy": _POLICY}
        content = _page(_HEADINGS[self._lifecycle.state], self._lifecycle.reason)
        await HTMLResponse(content, status_code=503, headers=headers)(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    path = scope["path"]
    ours = path == "/" or path == "/ui" or (path.startswith("/ui/") and not path.startswith(("/ui/_", "/ui/static/")))
    return ours and "text/html" in Headers(scope=scope).get("accept", "")


def _page(heading: str, reason: str) -> str:
    reason = html.escape(reason[:1].upper() + reason[1:])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="1"><title>{heading}</title>
<style>{theme.tokens(by_system=True)}
{theme.icons()}</style><link rel="stylesheet" href="/ui/static/signalbox.css"></head>
<body><div class="frame"><nav class="rail" aria-label="Pages"><div class="brand">
<span class="brand-sign icon-branch" aria-hidden="true"></span><span>Signalbox</span></div></nav>
<div class="main"><main class="content"><div class="empty" role="status"><h1>{heading}</h1>
<p class="muted break">{reason}</p><p class="muted small">This page loads itself again.</p></div></main></div></div>
</body></html>"""
