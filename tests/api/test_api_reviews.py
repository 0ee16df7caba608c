"""Reviews over HTTP: the queue's objects, its refusals as problems, and the asker who waits."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_service import EchoSystem, make_service

from api.app import create_app
from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.types import Answer, Prediction, Query, ReviewRef, new_id

ANN = {"X-Reviewer": "ann"}
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class UnsureSystem(EchoSystem):
    """Sends every query to review; `answered` ones start with an exclamation mark."""

    async def predict(self, query: Query, *, observe: Any = None) -> Prediction:
        assert self.store is not None
        store, self.store = self.store, None
        made = await super().predict(query)
        self.store = store
        if not query.text.startswith("!"):
            made = made.model_copy(
                update={
                    "outcome": "in_review",
                    "reason": "no route was sure enough",
                    "answer": Answer(text="maybe", provisional=True),
                    "route": None,
                    "confidence": 0.4,
                    "review": ReviewRef(id=new_id("rev"), state="waiting", url=f"/predictions/{made.id}"),
                    "webhook_url": query.webhook_url,
                }
            )
        await store.add(made)
        return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", port=0, local_model="none", webhook_secret=SECRET)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with await make_service(settings, UnsureSystem()) as service:
        yield service


@pytest.fixture
async def client(settings: Settings, service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings, service=service))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


async def ask(client: httpx.AsyncClient, query: str = "How long?", **more: Any) -> dict[str, Any]:
    answer = await client.post("/predict", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


async def claimed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """What there is to claim, once there is something."""
    for _ in range(1_000):
        items: list[dict[str, Any]] = (await client.post("/reviews/claim")).json()["items"]
        if items:
            return items
        await asyncio.sleep(0.01)
    raise AssertionError("nothing came into the queue")


async def test_from_question_to_a_persons_answer(client: httpx.AsyncClient) -> None:
    asked = await ask(client)
    listed = (await client.get("/reviews", params={"state": "waiting"})).json()
    assert [item["id"] for item in listed["items"]] == [asked["review"]["id"]]
    assert listed["next_cursor"] is None
    (item,) = (await client.post("/reviews/claim", headers=ANN)).json()["items"]
    assert (item["claimed_by"], item["prediction"]["query"]) == ("ann", "How long?")
    path = f"/reviews/{item['id']}"
    assert (await client.post(f"{path}/renew", headers=ANN)).status_code == 200
    said = {"item_version": item["version"], "verdict": "wrong", "correction": "14 days"}
    decided = await client.post(f"{path}/decide", json=said, headers=ANN)
    assert decided.status_code == 200, decided.text
    assert decided.json()["decision"]["by"] == "ann"
    shown = (await client.get(f"/predictions/{asked['id']}")).json()
    assert (shown["outcome"], shown["route"], shown["answer"]["text"]) == ("answered", "review", "14 days")
    detail = (await client.get(path)).json()
    assert [event["kind"] for event in detail["history"]] == ["queued", "claimed", "decided"]
    exported = (await client.get("/reviews/export")).text.splitlines()
    assert [json.loads(line)["correction"] for line in exported] == ["14 days"]
    stats = (await client.get("/reviews/stats")).json()
    assert (stats["waiting"], stats["decided"]) == (0, 1)
    assert (await client.post(f"{path}/undo", headers=ANN)).json()["state"] == "claimed"
    assert (await client.post(f"{path}/release", headers=ANN)).json()["state"] == "waiting"


async def test_without_a_name_the_reviewer_is_local(client: httpx.AsyncClient) -> None:
    await ask(client)
    (item,) = (await client.post("/reviews/claim")).json()["items"]
    assert item["claimed_by"] == "local"
    assert (await client.post("/reviews/claim")).json() == {"items": [], "next_cursor": None}


async def test_refusals_are_problems(client: httpx.AsyncClient) -> None:
    asked = await ask(client)
    path = f"/reviews/{asked['review']['id']}"
    (item,) = (await client.post("/reviews/claim", headers=ANN)).json()["items"]
    right = {"item_version": item["version"], "verdict": "right"}
    for verb, by, body, status, words in (
        ("decide", "bob", right, 409, "claimed by ann until"),
        ("decide", "ann", right | {"item_version": 1}, 409, "version 2 now"),
        ("decide", "ann", {"item_version": 2, "verdict": "wrong"}, 422, "correction"),
        ("decide", "", right, 422, "reviewer"),
        ("decide", "x" * 201, right, 422, "reviewer"),
        ("decide", "ann", right | {"reviewer": "ann"}, 422, "reviewer"),
        ("decide", "ann", right | {"item_version": "2"}, 422, "item_version"),
        ("decide", "ann", right | {"note": "x"}, 422, "note"),
        ("renew", "bob", None, 409, "claimed by ann"),
        ("undo", "bob", None, 409, "claimed by ann"),
    ):
        answer = await client.post(f"{path}/{verb}", json=body, headers={"X-Reviewer": by})
        assert answer.status_code == status, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in answer.text
    assert (await client.get("/reviews/rev_none")).status_code == 404
    assert (await client.get("/reviews", params={"state": "done"})).status_code == 422
    assert (await client.get("/reviews", params={"cursor": "x"})).status_code == 422
    assert (
        await client.post("/reviews/claim", content=b"{", headers={"content-type": "text/plain"})
    ).status_code == 415


async def test_an_asker_may_wait_for_the_person(client: httpx.AsyncClient) -> None:
    waiting = asyncio.create_task(ask(client, wait_for_review_ms=60_000))
    items = await claimed(client)
    said = {"item_version": items[0]["version"], "verdict": "right"}
    await client.post(f"/reviews/{items[0]['id']}/decide", json=said)
    answer = await waiting
    assert (answer["outcome"], answer["route"], answer["answer"]["text"]) == ("answered", "review", "maybe")
    assert (await ask(client, "again", wait_for_review_ms=1))["outcome"] == "in_review"
    assert (await ask(client, "!at once", wait_for_review_ms=60_000))["outcome"] == "answered"
    refused = await client.post("/predict", json={"query": "a", "wait_for_review_ms": 600_001})
    assert (refused.status_code, refused.json()["field"]) == (422, "wait_for_review_ms")


async def test_a_stream_waits_for_the_person_too(client: httpx.AsyncClient) -> None:
    async def stream() -> str:
        body = {"query": "How long?", "wait_for_review_ms": 60_000}
        return (await client.post("/predict", json=body, headers={"accept": "text/event-stream"})).text

    waiting = asyncio.create_task(stream())
    items = await claimed(client)
    said = {"item_version": items[0]["version"], "verdict": "right"}
    await client.post(f"/reviews/{items[0]['id']}/decide", json=said)
    assert '"route":"review"' in await waiting


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x",
        "example.com",
        "http://",
        "http://user:pass@example.com/",
        "http://example.com/#x",
        "http://localhost/x",
        "http://hooks.internal/x",
        "http://127.0.0.1/x",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://10.1.2.3/",
        "http://192.168.0.1:8000/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[fd00::1]/",
        "http://0.0.0.0/",
        "http://exa mple.com/",
        "https://example.com/" + "x" * 2_000,
        "https://example.com:99999/",
    ],
)
async def test_webhooks_to_places_that_may_not_be_called(client: httpx.AsyncClient, url: str) -> None:
    answer = await client.post("/predict", json={"query": "a", "webhook_url": url})
    assert (answer.status_code, answer.json()["field"]) == (422, "webhook_url"), answer.text


async def test_a_webhooks_url_is_kept_and_not_shown(client: httpx.AsyncClient, service: Service) -> None:
    asked = await ask(client, webhook_url="https://example.com/hooks/secret-path?x=1")
    await client.post("/reviews/claim")
    said = {"item_version": 2, "verdict": "right"}
    decided = await client.post(f"/reviews/{asked['review']['id']}/decide", json=said)
    for text in (json.dumps(asked), decided.text, (await client.get(f"/predictions/{asked['id']}")).text):
        assert "secret-path" not in text
    document = (await client.get("/openapi.json")).json()["components"]["schemas"]
    assert "webhook_url" not in document["Prediction"]["properties"]


async def test_webhooks_need_a_secret(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", port=0, local_model="none")
    async with await make_service(settings, UnsureSystem()) as service:
        transport = httpx.ASGITransport(create_app(settings, service=service))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            answer = await client.post("/predict", json={"query": "a", "webhook_url": "https://example.com"})
    assert (answer.status_code, answer.json()["field"]) == (422, "webhook_url")
    assert "SIGNALBOX_WEBHOOK_SECRET" in answer.json()["detail"]


async def test_one_click_says_right_or_wrong(client: httpx.AsyncClient, service: Service) -> None:
    answered, waiting = await ask(client, "!now"), await ask(client)
    path = f"/predictions/{answered['id']}/verdict"
    said = await client.post(path, json={"verdict": "wrong", "comment": "old price"}, headers=ANN)
    assert said.status_code == 200, said.text
    assert (said.json()["by"], said.json()["verdict"]) == ("ann", "wrong")
    await client.post(path, json={"verdict": "right"}, headers=ANN)
    assert [kept.verdict for kept in await service.verdicts.of(answered["id"])] == ["right"]
    for target, body, status in (
        (path, {"verdict": "unsafe"}, 422),
        ("/predictions/prd_none/verdict", {"verdict": "right"}, 404),
        (f"/predictions/{waiting['id']}/verdict", {"verdict": "right"}, 422),
    ):
        assert (await client.post(target, json=body)).status_code == status


async def test_every_example_of_the_document_works(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]

    def examples(path: str) -> list[dict[str, Any]]:
        content = paths[path]["post"]["requestBody"]["content"]["application/json"]
        return [example["value"] for example in content["examples"].values()]

    for number, said in enumerate(examples("/reviews/{id}/decide")):
        asked = await ask(client, f"question {number}")
        await client.post("/reviews/claim", json={"id": asked["review"]["id"]})
        decided = await client.post(f"/reviews/{asked['review']['id']}/decide", json=said)
        assert decided.status_code == 200, (said, decided.text)
    answered = await ask(client, "!now")
    for said in examples("/predictions/{id}/verdict"):
        judged = await client.post(f"/predictions/{answered['id']}/verdict", json=said)
        assert judged.status_code == 200, (said, judged.text)
    for path in ("/reviews", "/reviews/stats", "/reviews/{id}", "/reviews/export"):
        assert "503" in paths[path]["get"]["responses"]


@pytest.mark.parametrize("path", ["/predict", "/v1/chat/completions"])
async def test_who_can_not_wait_gets_what_he_paid_for(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("evaluators.review.waiting.MAX_WAITING", 0)
    if path == "/predict":
        asked = await ask(client, wait_for_review_ms=60_000)
        warnings = asked["warnings"]
    else:
        body = {
            "model": "signalbox/auto",
            "messages": [{"role": "user", "content": "How long?"}],
            "signalbox": {"wait_for_review_ms": 60_000},
        }
        answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        asked = {"id": answer.json()["signalbox"]["prediction"], "outcome": answer.json()["signalbox"]["outcome"]}
        warnings = answer.json()["signalbox"]["warnings"]
    assert asked["outcome"] == "in_review"
    assert (await client.get(f"/predictions/{asked['id']}")).status_code == 200
    assert len(warnings) == 1
    assert f"Look at /predictions/{asked['id']} later" in warnings[0]


async def test_a_filter_that_there_is_not_is_refused(client: httpx.AsyncClient) -> None:
    """A slip of the pen must not show everything."""
    response = await client.get("/reviews", params={"verdikt": "wrong"})
    assert response.status_code == 422
    assert response.json()["field"] == "verdikt"


async def test_decided_reviews_as_a_table_that_no_spreadsheet_runs(client: httpx.AsyncClient) -> None:
    assert (await client.get("/reviews/export")).text == ""
    asked = await ask(client, "=1+1; 🦊 \u202eabc")
    said = {
        "item_version": 1,
        "verdict": "wrong",
        "correction": '=HYPERLINK("http://x.example")\n@SUM(A1)',
        "labels": {"intent": "+1"},
        "values": {"price": 1234567.25},
        "comment": "-2+3",
    }
    assert (await client.post(f"/reviews/{asked['review']['id']}/decide", json=said)).status_code == 200
    response = await client.get("/reviews/export", headers={"Accept": "text/csv"})
    assert response.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(response.text))
    assert row["query"] == "'=1+1; 🦊 \u202eabc"
    assert row["correction"] == "'=HYPERLINK(\"http://x.example\")\n'@SUM(A1)"
    assert (row["comment"], row["correct_labels"]) == ("'-2+3", "intent: +1")
    assert (row["correct_values"], row["verdict"], row["by"]) == ("price: 1234567.25", "wrong", "local")
    assert (await client.get("/reviews/export", headers={"Accept": "image/png"})).status_code == 406


@pytest.mark.parametrize("form", ["application/x-ndjson", "text/csv"])
async def test_labels_that_can_not_be_read_are_an_error_and_no_empty_file(
    client: httpx.AsyncClient, service: Service, form: str
) -> None:
    await service.database.close()
    response = await client.get("/reviews/export", headers={"Accept": form})
    assert response.status_code == 503, response.text


async def test_lists_have_at_most_two_hundred(client: httpx.AsyncClient) -> None:
    for path in ("/reviews", "/predictions"):
        assert (await client.get(path, params={"limit": 200})).status_code == 200
        refused = await client.get(path, params={"limit": 201})
        assert (refused.status_code, refused.json()["field"]) == (422, "limit")


async def test_with_a_key_its_name_decides_and_no_header(client: httpx.AsyncClient, service: Service) -> None:
    await ask(client)
    zoe = {"X-Reviewer": "Zoë Ångström 会".encode()}
    (item,) = (await client.post("/reviews/claim", headers=zoe)).json()["items"]
    assert item["claimed_by"] == "Zoë Ångström 会"
    await client.post(f"/reviews/{item['id']}/release", headers=zoe)
    token = (await service.keys.create("the desk", "reviewer")).token
    (item,) = (await client.post("/reviews/claim", headers=ANN | {"Authorization": f"Bearer {token}"})).json()["items"]
    assert item["claimed_by"] == "the desk"
