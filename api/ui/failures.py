"""What a page looks like that is not there, or that failed while it was made."""

from __future__ import annotations

import nicegui
from fastapi.exception_handlers import http_exception_handler
from nicegui import Client, ui
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.ui.frame import frame
from api.ui.parts.elements import link
from api.ui.parts.states import empty_state, error_state, failure
from signalbox.errors import SignalboxError
from signalbox.telemetry import get_logger

log = get_logger(__name__)


def install() -> None:
    """Draw these pages instead of NiceGUI's own."""
    nicegui.app.add_exception_handler(404, _on_missing)
    nicegui.app.on_page_exception(_on_failure)


async def _on_missing(request: Request, error: Exception) -> Response:
    endpoint = request.scope.get("endpoint")
    if isinstance(error, HTTPException) and endpoint is not None and endpoint is not nicegui.app:
        return await http_exception_handler(request, error)  # a file of NiceGUI's that is not there
    words = "The link may be cut off, or from another version of Signalbox."
    with (
        Client(ui.page(""), request=request) as client,
        frame("Not found", ""),
        empty_state("There is no such page", words),
    ):
        link("Ask something", "/ui/", "button primary")
    return client.build_response(request, 404)


def _on_failure(error: Exception) -> None:
    if not isinstance(error, SignalboxError):
        log.error("making a page failed", exc_info=error)
    with frame("Failed", ""):
        if isinstance(error, SignalboxError):
            failure("The page can't be shown", error)
        else:
            error_state("Something failed that should not", "Load the page again. If it fails again, the log tells "
                        "more under this id.")  # fmt: skip
