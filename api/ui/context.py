"""What pages may ask for: the settings, the service once it is open, and who is looking.

NiceGUI's application is one a process, and so is what its pages show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from nicegui import ui

from api.auth import identity_of
from api.service.lifecycle import Lifecycle
from signalbox.settings import Settings


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page. Where no API keys are in use everybody is `local` and may do everything."""

    key_id: str | None
    name: str
    role: str

    @property
    def may_ask(self) -> bool:
        return self.role in ("service", "reviewer", "admin")

    @property
    def may_review(self) -> bool:
        return self.role in ("reviewer", "admin")


_parts: dict[str, object] = {}


def put(settings: Settings, lifecycle: Lifecycle) -> None:
    """Say what the pages show; replaces what was there."""
    _parts.update(settings=settings, lifecycle=lifecycle)


def settings() -> Settings:
    return cast(Settings, _parts["settings"])


def lifecycle() -> Lifecycle:
    return cast(Lifecycle, _parts["lifecycle"])


def visitor() -> Visitor:
    """Who asked for the page that is being built or whose event is being handled."""
    identity = identity_of(ui.context.client.request.scope)
    return Visitor(identity.key_id, identity.name, identity.role)


def request_id() -> str:
    """The id of the request that loaded this page, under which the log tells more."""
    return str(getattr(ui.context.client.request.state, "request_id", "none"))
