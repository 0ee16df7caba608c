"""Keys of every role in a test's service, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from api.app import create_app
from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.storage.tokens import ROLES, Key

ORIGIN = "http://localhost:8000"


def shown(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def make_keys(service: Service) -> dict[str, tuple[Key, str]]:
    """A key for each role, with its token."""
    made = {role: await service.keys.create(f"the {role}", role) for role in ROLES}
    return {role: (new.key, new.token) for role, new in made.items()}


def client_of(settings: Settings, service: Service, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(settings, service=service))
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)
