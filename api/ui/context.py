"""What pages may ask for: the settings, the service once it is open, and who is looking.

NiceGUI's application is one a process, and so is what its pages show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from nicegui import ui

from api.lifecycle import Lifecycle
from signalbox.settings import Settings

Role = Literal["viewer", "reviewer", "operator", "admin"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page. Where no API keys are in use everybody may do everything, and has no name."""

    name: str | None
    role: str

    @property
    def may_ask(self) -> bool:
        return self.role != "viewer"

    @property
    def signature(self) -> str:
        """The name under which verdicts and decisions are kept."""
        return self.name or "local"


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
    identity = getattr(ui.context.client.request.state, "identity", None)
    if identity is None:
        return Visitor(None, "admin")
    return Visitor(str(identity.name), str(identity.role))


def request_id() -> str:
    """The id of the request that loaded this page, under which the log tells more."""
    return str(getattr(ui.context.client.request.state, "request_id", "none"))
