"""What a full service says, and that it says it without doing any work."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from api_service import EchoSystem
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from test_api_predict import problem

from api.app import create_app
from api.service.wiring import Service
from signalbox.settings import Settings


class FullSystem(EchoSystem):
    is_full = True


@pytest.fixture
def system() -> EchoSystem:
    return FullSystem()


@pytest.fixture
async def client(settings: Settings, service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings, service=service))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


async def test_queries_are_refused_with_a_time_to_come_back(client: httpx.AsyncClient, system: EchoSystem) -> None:
    response = await client.post("/predict", content=b"not even JSON")
    detail = problem(response, 503)["detail"]
    assert "SIGNALBOX_MAX_CONCURRENT_QUERIES" in detail
    assert response.headers["retry-after"] == "1"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert not system.asked


async def test_a_refusal_carries_the_caller_s_own_id(client: httpx.AsyncClient) -> None:
    response = await client.post("/predict", json={}, headers={"X-Request-ID": "mine-1"})
    assert (response.status_code, response.headers["x-request-id"]) == (503, "mine-1")
    assert response.json()["request_id"] == "mine-1"
    response = await client.post("/predict", json={}, headers={"X-Request-ID": "<b>"})
    assert response.headers["x-request-id"].startswith("req_")


def test_the_layers_stand_in_this_order(settings: Settings) -> None:
    """What a full service refuses costs no trace; nothing but that is answered before the host is checked."""
    app = create_app(settings, before_gate=[Middleware(CORSMiddleware)])
    order = [getattr(layer.cls, "__name__", None) for layer in app.user_middleware]
    assert order == ["Shedding", "Edge", "Head", "CORSMiddleware", "Gate"]


async def test_openai_clients_are_refused_in_their_form(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/chat/completions", json={})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["error"]["code"] == "overloaded"


async def test_everything_else_still_works(client: httpx.AsyncClient, system: FullSystem) -> None:
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/predictions")).status_code == 200
    system.is_full = False
    assert (await client.post("/predict", json={"query": "a"})).status_code == 200
