"""Mounting the pages: once a process, because NiceGUI's application is one a process."""

from __future__ import annotations

import importlib
from pathlib import Path

import nicegui
from fastapi import FastAPI
from nicegui import ui
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse

from api.service.lifecycle import Lifecycle
from api.ui import context, failures, theme
from api.ui.documents.limit import UploadLimit
from api.ui.guard import Guard
from api.ui.pages import PAGES
from signalbox.settings import Settings

MOUNT = "/ui"
_STATIC = Path(__file__).parent / "static"
_RECONNECT_S = 20.0  # a page whose connection is away for longer is forgotten, and made again when it comes back
_HISTORY = 300  # messages kept a page for a connection that comes back


def install(app: FastAPI, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve the pages under /ui of `app`, and lead / there."""
    context.put(settings, lifecycle)
    for name in PAGES:
        importlib.import_module(f"api.ui.pages.{name}")
    nicegui.app.add_static_files("/static", _STATIC, max_cache_age=3600)
    nicegui.app.config.socket_io_js_transports = ["websocket"]
    # The edge says which origins may ask. Engine.IO's own answer would let every origin read what it asks for.
    nicegui.core.sio.eio.cors_allowed_origins = []
    ui.add_head_html(theme.head(_STATIC), shared=True)
    app.add_api_route("/", _home, include_in_schema=False)
    app.add_api_route(MOUNT, _home, include_in_schema=False)
    ui.run_with(
        app,
        mount_path=MOUNT,
        title="Signalbox",
        favicon=theme.FAVICON,
        dark=None,
        language="en-US",
        tailwind=False,
        reconnect_timeout=_RECONNECT_S,
        message_history_length=_HISTORY,
        show_welcome_message=False,
        binding_refresh_interval=None,
    )
    failures.install()
    nicegui.app.user_middleware.append(Middleware(UploadLimit, most_bytes=settings.max_document_bytes))
    # Innermost, so that it sees pages before they are compressed.
    nicegui.app.user_middleware.append(Middleware(Guard))


async def _home() -> RedirectResponse:
    return RedirectResponse(f"{MOUNT}/", status_code=303)
