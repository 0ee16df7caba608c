"""A service of small real parts: SQLite on disk, telemetry, the application; only the answering is scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from api_service import EchoSystem, make_service
from v1_shop import shop, shop_data

from api.app import create_app
from api.service.wiring import Service
from signalbox.settings import Settings

__all__ = ["shop", "shop_data"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path / "data", port=0, max_body_bytes=4_000, max_query_chars=200, max_turns=3, local_model="none"
    )


@pytest.fixture
def system() -> EchoSystem:
    return EchoSystem()


@pytest.fixture
async def service(settings: Settings, system: EchoSystem) -> AsyncIterator[Service]:
    async with await make_service(settings, system) as service:
        yield service


@pytest.fixture
async def client(settings: Settings, service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings, service=service))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client
