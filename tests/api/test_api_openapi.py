"""The OpenAPI document: every example in it works as it stands, and every operation names its errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_service import EchoSystem, make_service
from test_api_documents import hashing_encoder

from api.app import create_app
from api.routes import ROUTERS
from api.service.folders import index_folder
from api.service.wiring import Service
from retriever import Index
from signalbox.settings import Settings

PATHS = ("/predict", "/predict/batch", "/predictions", "/documents", "/experts", "/jobs")


@pytest.fixture
async def service(settings: Settings, system: EchoSystem) -> AsyncIterator[Service]:
    async with await make_service(settings, system) as service:
        service.models.encoder = hashing_encoder()
        service.models.index = Index.open(index_folder(settings), service.models.encoder)
        yield service


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of what this file answers for."""
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        if path.startswith(PATHS) and not path.endswith("/verdict")
        for method, operation in item.items()
    ]


async def test_every_example_works(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    sent = []
    for method, path, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            for name, example in content.get("examples", {}).items():
                value = example["value"]
                given: dict[str, Any] = {"content": value} if isinstance(value, str) else {"json": value}
                response = await client.request(method, path, headers={"Content-Type": media_type}, **given)
                assert response.is_success, (path, name, response.text)
                assert '"error":{' not in response.text
                sent.append((path, name))
    assert len(sent) >= 5
    assert {path for path, _ in sent} == {"/predict", "/predict/batch", "/documents", "/experts"}


async def test_every_parameter_example_works(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for method, path, operation in operations(document):
        asked = {
            parameter["name"]: parameter["schema"]["examples"][0]
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "query" and "examples" in parameter["schema"]
        }
        if asked:
            response = await client.request(method, path, params=asked)
            assert response.is_success, (path, response.text)


async def test_errors_are_described_as_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for method, path, operation in operations(document):
        responses = operation["responses"]
        assert operation["summary"], path
        assert operation["description"], path
        assert {"421", "500", "503"} <= set(responses), (method, path)
        for status, response in responses.items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (path, status)


async def test_every_route_is_in_the_document(settings: Settings) -> None:
    document = create_app(settings).openapi()
    for router in ROUTERS:
        for route in router.routes:
            if getattr(route, "include_in_schema", False):
                assert route.path_format in document["paths"]  # type: ignore[attr-defined]
