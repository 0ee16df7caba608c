"""Liveness, readiness while the service opens, metrics, and the OpenAPI document."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from api_service import EchoSystem, FakeIndex, make_service
from fastapi import FastAPI
from test_api_predict import problem

from api.app import create_app
from api.routes.predict_body import PREDICT_EXAMPLES, PredictBody
from api.service.lifecycle import Lifecycle
from api.service.wiring import Service
from signalbox.errors import ConfigurationError, CorruptArtefact, Unavailable
from signalbox.settings import Settings


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


async def test_a_ready_service_says_what_is_missing(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    parts = response.json()["parts"]
    assert parts["service"] == parts["database"] == "ok"
    assert "signalbox ingest" in parts["documents"]


async def test_a_closed_database_is_not_ready(client: httpx.AsyncClient, service: Service) -> None:
    await service.database.close()
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert "closed" in response.json()["parts"]["database"]
    assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_while_it_opens_it_lives_but_takes_no_queries(settings: Settings) -> None:
    let_open = asyncio.Event()
    ready = asyncio.Event()
    said: list[str] = []

    async def slowly(settings: Settings, progress: Any) -> Service:
        progress("Re-encoding the model.")
        await let_open.wait()
        return await make_service(settings, EchoSystem())

    lifecycle = Lifecycle(settings, opener=slowly, on_ready=ready.set, on_progress=said.append)
    app = create_app(settings, lifecycle=lifecycle)
    async with client_of(app) as client, lifecycle.running():
        await asyncio.sleep(0)
        assert (await client.get("/healthz")).status_code == 200
        waiting = await client.get("/readyz")
        assert waiting.status_code == 503
        assert waiting.json()["status"] == "starting"
        assert "Re-encoding the model" in waiting.json()["parts"]["service"]
        refused = await client.post("/predict", json={"query": "a"})
        assert "starting" in problem(refused, 503)["detail"]
        assert int(refused.headers["retry-after"]) >= 1
        assert problem(await client.get("/metrics"), 503)
        assert problem(await client.get("/predictions/prd_1"), 503)
        let_open.set()
        await ready.wait()
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.post("/predict", json={"query": "a"})).status_code == 200
    assert said == ["Re-encoding the model."]


async def test_a_stop_while_it_opens_cancels_the_opening(settings: Settings) -> None:
    cancelled = asyncio.Event()

    async def forever(settings: Settings, progress: Any) -> Service:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    async with Lifecycle(settings, opener=forever).running():
        await asyncio.sleep(0)
    assert cancelled.is_set()


async def test_a_failure_to_open_is_reported_without_internals(settings: Settings) -> None:
    for error, shown in (
        (ConfigurationError("No model at x.gguf. Set SIGNALBOX_LOCAL_MODEL."), "No model at x.gguf"),
        (ZeroDivisionError("inner workings"), "ZeroDivisionError"),
    ):
        failed = asyncio.Event()

        async def fail(settings: Settings, progress: Any, error: Exception = error) -> Service:
            raise error

        lifecycle = Lifecycle(settings, opener=fail, on_failure=failed.set)
        async with client_of(create_app(settings, lifecycle=lifecycle)) as client, lifecycle.running():
            await failed.wait()
            response = await client.get("/readyz")
            assert response.status_code == 503
            assert response.json()["status"] == "not ready"
            assert shown in response.json()["parts"]["service"]
            assert "inner workings" not in response.text
            assert shown in problem(await client.post("/predict", json={"query": "a"}), 503)["detail"]
        assert lifecycle.failure is error


async def test_documents_ingested_by_another_process_are_followed(settings: Settings, service: Service) -> None:
    looks = 0
    enough = asyncio.Event()

    class Moody(FakeIndex):
        def reload(self) -> bool:
            nonlocal looks
            looks += 1
            if looks == 2:
                raise CorruptArtefact("The index is torn.")
            if looks >= 4:
                loop.call_soon_threadsafe(enough.set)
            return looks == 1

    loop = asyncio.get_running_loop()
    service.models.index = Moody()  # type: ignore[assignment]
    async with Lifecycle(settings, service, follow_every_s=0.01).running():
        await asyncio.wait_for(enough.wait(), 20)
    await service.database.check()  # the service was given, so it is still open


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient, service: Service) -> None:
    class Busy:
        queue_depth = 3

        async def close(self) -> None:
            pass

    busy: Any = Busy()
    service.models.local = busy
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "signalbox_local_queue_depth 3.0" in response.text
    assert 'signalbox_review_items{state="waiting"} 0.0' in response.text


async def test_metrics_are_told_while_the_reviews_can_not_be_counted(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "signalbox_review_items{" in (await client.get("/metrics")).text

    async def fails() -> None:
        raise Unavailable("The database is away.")

    monkeypatch.setattr(service.reviews, "stats", fails)
    text = (await client.get("/metrics")).text
    assert "signalbox_review_items{" not in text, "a number from before would be a lie"
    assert 'signalbox_predictions_total{outcome="in_review",route="none"} 0.0' in text, "counted from 0 on"
    assert "process_resident_memory_bytes" in text
    assert "signalbox_queries_limit 64.0" in text


async def test_requests_are_counted_by_the_routes_template(client: httpx.AsyncClient) -> None:
    await client.get("/predictions/prd_of_my_choice")
    await client.get("/nowhere/of/my/choice")
    text = (await client.get("/metrics")).text
    counted = [line for line in text.splitlines() if line.startswith("http_server_request_duration_seconds_count")]
    assert any('http_route="/predictions/{id}"' in line and '_status_code="404"' in line for line in counted)
    assert any('http_route=""' in line and 'http_request_method="_OTHER"' in line for line in counted)
    assert "my_choice" not in text
    assert "my/choice" not in text


async def test_the_openapi_document_is_complete(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert {"/predict", "/predictions/{id}", "/healthz", "/readyz", "/metrics"} <= set(document["paths"])
    schemas = document["components"]["schemas"]
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    responses = document["paths"]["/predict"]["post"]["responses"]
    for status in ("400", "413", "415", "422", "503", "504"):
        assert list(responses[status]["content"]) == ["application/problem+json"]
    assert responses["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Prediction")
    assert "HTTPValidationError" not in json.dumps(document)


async def test_the_examples_of_the_document_work(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert set(content["examples"]) == set(PREDICT_EXAMPLES)
    for example in content["examples"].values():
        PredictBody.model_validate(example["value"])
        assert (await client.post("/predict", json=example["value"])).status_code == 200


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for child in node.values() for found in _references(child)]
    return [found for child in node for found in _references(child)] if isinstance(node, list) else []
