"""Where `signalbox keys` makes its changes: in the database, or through the service that is writing to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol

import httpx

from api.cli.client import connection
from signalbox.errors import SignalboxError, Unavailable, UpstreamError
from signalbox.files import disk_errors_explained
from signalbox.settings import Settings
from signalbox.storage import KeyStore, open_database
from signalbox.storage.sqlite import DATABASE_FILE
from signalbox.storage.tokens import Key, KeyList, NewKey


class Keys(Protocol):
    """What the command asks for; `KeyStore` and `RemoteKeys` have it."""

    async def create(
        self,
        name: str,
        role: str,
        *,
        expires_at: datetime | None = None,
        daily_cap_usd: float | None = None,
        rate_per_minute: int | None = None,
    ) -> NewKey: ...

    async def list(self) -> list[Key]: ...

    async def revoke(self, id: str) -> Key: ...  # noqa: A002

    async def rotate(self, id: str) -> NewKey: ...  # noqa: A002


@asynccontextmanager
async def open_keys(settings: Settings, *, write: bool) -> AsyncIterator[Keys]:
    """The keys of the settings' database. Without `write` they are read beside whoever writes.

    Raises:
        Unavailable: another process writes to the database, and no service answers for it.
    """
    with disk_errors_explained(settings.data_dir):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    exists = settings.database_url is not None or (settings.data_dir / DATABASE_FILE).exists()
    try:
        database = await open_database(settings, write=write or not exists)
    except Unavailable as error:
        async with connection(settings, otherwise=error) as client:
            yield RemoteKeys(client)
        return
    async with database:
        yield KeyStore(database)


class RemoteKeys:
    """The keys of a running service."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def create(
        self,
        name: str,
        role: str,
        *,
        expires_at: datetime | None = None,
        daily_cap_usd: float | None = None,
        rate_per_minute: int | None = None,
    ) -> NewKey:
        body = {
            "name": name,
            "role": role,
            "expires_at": expires_at.isoformat() if expires_at else None,
            "daily_cap_usd": daily_cap_usd,
            "rate_per_minute": rate_per_minute,
        }
        return NewKey.model_validate_json(await self._ask("POST", "/keys", json=body))

    async def list(self) -> list[Key]:
        return KeyList.model_validate_json(await self._ask("GET", "/keys")).items

    async def revoke(self, id: str) -> Key:  # noqa: A002
        return Key.model_validate_json(await self._ask("DELETE", f"/keys/{_segment(id)}"))

    async def rotate(self, id: str) -> NewKey:  # noqa: A002
        return NewKey.model_validate_json(await self._ask("POST", f"/keys/{_segment(id)}/rotate"))

    async def _ask(self, method: str, path: str, **options: Any) -> bytes:
        try:
            response = await self._client.request(method, path, **options)
            if response.is_success:
                return response.content
            problem = response.json()
            detail, field = str(problem["detail"]), problem.get("field")
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise UpstreamError(f"The running service gave no answer ({type(error).__name__}).") from None
        if response.status_code in (401, 403):
            raise UpstreamError(f"The running service refused this: {detail}", status=response.status_code)
        raise SignalboxError(detail, field=field)


def _segment(id: str) -> str:  # noqa: A002
    """An id as one part of a path."""
    from urllib.parse import quote

    return quote(id[:80], safe="") or "-"
