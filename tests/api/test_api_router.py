"""The HTTP service over the real router, its graph and its policy; only the cloud LLM is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from api_service import make_service
from test_api_predict import problem

from agents.policy import PolicyStore
from agents.router import Router
from agents.state import Parts
from api.app import create_app
from signalbox.contracts import Opinion, Vectors
from signalbox.errors import UpstreamError
from signalbox.models.scripted import ScriptedModel
from signalbox.settings import Settings
from signalbox.types import Answer, Message

ANSWERED = {"query": "How long does a refund take?", "alpha": 0.9}


class FlatEncoder:
    dimension = 4

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), self.dimension), 0.5, dtype=np.float32)


@pytest.fixture
def cloud() -> ScriptedModel:
    return ScriptedModel("Within 14 days.", name="big")


@pytest.fixture
async def client(settings: Settings, cloud: ScriptedModel) -> AsyncIterator[httpx.AsyncClient]:
    async with await make_service(settings, None) as service:
        parts = Parts(
            policy=PolicyStore(settings.data_dir / "policies").champion(settings.alpha),
            encoder=FlatEncoder(),
            executor=ThreadPoolExecutor(1),
            cloud=cloud,
            cloud_cost_usd=lambda _: 0.01,
            max_query_chars=settings.max_query_chars,
        )
        service.router = Router(parts, service.predictions, metrics=service.telemetry.metrics, max_concurrent=1)
        transport = httpx.ASGITransport(create_app(settings, service=service))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client
        parts.executor.shutdown()


async def test_the_cloud_answers_and_the_prediction_says_so(client: httpx.AsyncClient) -> None:
    response = await client.post("/predict", json=ANSWERED)
    assert response.status_code == 200, response.text
    prediction = response.json()
    assert prediction["outcome"] == "answered"
    assert prediction["answer"]["text"] == "Within 14 days."
    assert prediction["route"] == "cloud"
    assert [(attempt["route"], attempt["outcome"]) for attempt in prediction["attempts"]] == [
        ("classifier", "skipped"),
        ("grounded", "skipped"),
        ("cloud", "accepted"),
    ]
    assert (await client.get(f"/predictions/{prediction['id']}")).json() == prediction
    metrics = (await client.get("/metrics")).text
    assert 'signalbox_predictions_total{outcome="answered",route="cloud"} 1.0' in metrics
    assert (await client.get("/readyz")).json()["status"] == "ready"


class SureExpert:
    """Sure of everything: only answers without a warning are given again."""

    name = "sure@1"

    def predict(self, texts: Sequence[str], **_: object) -> tuple[Opinion, ...]:
        return tuple(Opinion(Answer(text="Fourteen days."), 0.99, {}) for _ in texts)


async def test_an_answer_called_wrong_is_not_given_to_the_next_who_asks(client: httpx.AsyncClient) -> None:
    client_app = client._transport.app  # type: ignore[attr-defined]
    router = client_app.state.lifecycle.service.router
    router.replace_parts(experts={"sure": SureExpert()}, default_expert="sure")
    first, second, third = [(await client.post("/predict", json=ANSWERED)).json() for _ in range(3)]
    assert (second["cached_from"], third["cached_from"]) == (first["id"], first["id"])
    for verdict, again in (("right", first["id"]), ("wrong", None)):
        judged = await client.post(f"/predictions/{second['id']}/verdict", json={"verdict": verdict})
        assert judged.status_code == 200, judged.text
        assert (await client.post("/predict", json=ANSWERED)).json().get("cached_from") == again


async def test_earlier_messages_reach_the_model(client: httpx.AsyncClient, cloud: ScriptedModel) -> None:
    turns = [{"role": "user", "content": "I sent shoes."}, {"role": "user", "content": "When is my money back?"}]
    assert (await client.post("/predict", json={"query": turns})).status_code == 200
    assert cloud.requests[0].messages[0] == Message(role="user", content="I sent shoes.")


async def test_what_no_route_may_answer_is_refused_or_waits_for_a_person(client: httpx.AsyncClient) -> None:
    waiting = (await client.post("/predict", json={**ANSWERED, "local_only": True})).json()
    assert waiting["outcome"] == "in_review"
    assert waiting["review"]["url"] == f"/predictions/{waiting['id']}"
    refused = (await client.post("/predict", json={**ANSWERED, "route": "cloud", "max_cost_usd": 0})).json()
    assert refused["outcome"] == "refused"
    assert "$0.01" in refused["reason"]


async def test_a_failing_cloud_is_an_attempt_not_an_error(client: httpx.AsyncClient, settings: Settings) -> None:
    client_app = client._transport.app  # type: ignore[attr-defined]
    router = client_app.state.lifecycle.service.router
    router.replace_parts(cloud=ScriptedModel([UpstreamError("The upstream said <html>.", status=500)]))
    response = await client.post("/predict", json=ANSWERED)
    assert response.status_code == 200
    assert response.json()["outcome"] == "in_review"


@pytest.mark.parametrize("query", ["", "   ", "\n", "?!…", "\u200b\u200b"])
async def test_a_query_without_words_is_invalid(client: httpx.AsyncClient, query: str) -> None:
    assert problem(await client.post("/predict", json={"query": query}), 422)["field"] == "query"


async def test_a_long_query_is_refused(client: httpx.AsyncClient) -> None:
    found = problem(await client.post("/predict", json={"query": "a" * 201}), 413)
    assert found["type"] == "/problems/query-too-long"
    assert found["title"] == "Query too long"
    assert "201 characters; the limit is 200" in found["detail"]


async def test_an_unknown_expert_is_named(client: httpx.AsyncClient) -> None:
    found = problem(await client.post("/predict", json={"query": "a", "expert": "nobody"}), 422)
    assert (found["type"], found["field"]) == ("/problems/unknown-name", "expert")


async def test_odd_characters_are_answered_and_stored(client: httpx.AsyncClient) -> None:
    for query in ("a\x00b", "\u202eabc", "a\x1b[31mred", "\ufffe a", "🚂 wann?"):
        response = await client.post("/predict", json={"query": query, "alpha": 0.9})
        assert response.status_code == 200, response.text
        stored = await client.get(f"/predictions/{response.json()['id']}")
        assert stored.json()["query"] == query


async def test_more_queries_than_allowed_are_told_to_come_back(client: httpx.AsyncClient, settings: Settings) -> None:
    router = client._transport.app.state.lifecycle.service.router  # type: ignore[attr-defined]
    router.replace_parts(cloud=ScriptedModel("Yes.", latency_s=0.5))
    first, second = (asyncio.create_task(client.post("/predict", json=ANSWERED)) for _ in range(2))
    statuses = sorted([(await first).status_code, (await second).status_code])
    assert statuses == [200, 503]
    refused = next(task.result() for task in (first, second) if task.result().status_code == 503)
    assert problem(refused, 503)["type"] == "/problems/overloaded"
    assert refused.headers["retry-after"] == "1"
