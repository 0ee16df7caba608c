"""What pages may ask for: the settings, the service once it is open, and who is looking.

NiceGUI's application is one a process, and so is what its pages show.
"""

from __future__ import annotations

from typing import cast

from nicegui import ui

from api.auth import Identity, identity_of
from api.service.lifecycle import Lifecycle
from signalbox.settings import Settings

_parts: dict[str, object] = {}


def put(settings: Settings, lifecycle: Lifecycle) -> None:
    """Say what the pages show; replaces what was there."""
    _parts.update(settings=settings, lifecycle=lifecycle)


def settings() -> Settings:
    return cast(Settings, _parts["settings"])


def lifecycle() -> Lifecycle:
    return cast(Lifecycle, _parts["lifecycle"])


def visitor() -> Identity:
    """Who asked for the page that is being built or whose event is being handled.

    `guard` lets no connection of somebody else's reach a page.
    """
    return identity_of(ui.context.client.request.scope)


def request_id() -> str:
    """The id of the request that loaded this page, under which the log tells more."""
    return str(getattr(ui.context.client.request.state, "request_id", "none"))
