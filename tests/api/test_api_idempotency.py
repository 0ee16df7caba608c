"""The Idempotency-Key header, on both databases: a request sent twice is worked on once."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from api_service import EchoSystem, make_service
from postgres_server import postgres_server, postgres_url, run_sql  # noqa: F401
from sqlalchemy import select
from test_api_predict import problem
from test_api_stream import SSE, events

from api.app import create_app
from api.service.wiring import Service
from signalbox.errors import InvalidInput, ModelCrashed
from signalbox.settings import Settings
from signalbox.storage import Claim, IdempotencyStore, schema
from signalbox.types import Query

KEY = {"Idempotency-Key": "order 66"}


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    if request.param == "sqlite":
        return settings
    url = request.getfixturevalue("postgres_url")
    return settings.model_copy(update={"database_url": url_secret(url)})


def url_secret(url: Any) -> Any:
    return Settings(database_url=url.render_as_string(hide_password=False)).database_url


async def ask(client: httpx.AsyncClient, query: str = "a", **headers: str) -> httpx.Response:
    return await client.post("/predict", json={"query": query}, headers=KEY | headers)


async def test_a_repeated_request_gets_the_first_answer(client: httpx.AsyncClient, system: EchoSystem) -> None:
    first, second = await ask(client), await ask(client)
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    other = await client.post("/predict", json={"query": "a"}, headers={"Idempotency-Key": "order 67"})
    assert other.json()["id"] != first.json()["id"]
    assert len(system.asked) == 2


async def test_the_same_request_may_be_spelt_differently(client: httpx.AsyncClient) -> None:
    first = await ask(client)
    spelt = {"route": "auto", "query": "a", "local_only": False}
    second = await client.post("/predict", json=spelt, headers=KEY)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()


async def test_another_request_with_the_same_key_is_refused(client: httpx.AsyncClient, system: EchoSystem) -> None:
    await ask(client)
    assert problem(await ask(client, "b"), 422)["field"] == "Idempotency-Key"
    assert len(system.asked) == 1


async def test_a_stream_is_replayed_as_its_last_event(client: httpx.AsyncClient, system: EchoSystem) -> None:
    first = await ask(client, Accept="text/event-stream")
    again = await ask(client, **SSE)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert events(again.text) == events(first.text)[-1:]
    assert (await ask(client)).json() == events(first.text)[-1][1]
    assert len(system.asked) == 1


async def test_of_many_at_once_exactly_one_is_worked_on(client: httpx.AsyncClient, system: EchoSystem) -> None:
    going = asyncio.Event()
    system.during = lambda _: going.wait()
    async with asyncio.TaskGroup() as group:
        racing = [group.create_task(ask(client)) for _ in range(20)]
        while sum(task.done() for task in racing) < 19:
            await asyncio.wait([task for task in racing if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        going.set()
    answers = sorted((task.result() for task in racing), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200] + [409] * 19
    assert all(answer.headers["retry-after"] == "1" for answer in answers[1:])
    assert problem(answers[1], 409)["field"] == "Idempotency-Key"
    assert len(system.asked) == 1
    assert (await ask(client)).json() == answers[0].json()


@pytest.mark.parametrize("error", [ModelCrashed("It died."), ZeroDivisionError(), InvalidInput("No.", field="query")])
async def test_a_failure_frees_the_key(client: httpx.AsyncClient, system: EchoSystem, error: Exception) -> None:
    def fail(_: object) -> None:
        raise error

    system.during = fail
    assert (await ask(client)).status_code in (500, 503, 422)
    system.during = None
    again = await ask(client)
    assert again.status_code == 200
    assert "idempotent-replayed" not in again.headers


async def test_a_caller_that_went_away_may_ask_again(client: httpx.AsyncClient, system: EchoSystem) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    system.during = lambda _: endless()
    gone = asyncio.create_task(ask(client))
    await started.wait()
    gone.cancel()
    await asyncio.wait({gone})
    system.during = None
    assert (await ask(client)).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ünïcode".encode()])
async def test_a_key_has_rules(client: httpx.AsyncClient, system: EchoSystem, key: str | bytes) -> None:
    response = await client.post("/predict", json={"query": "a"}, headers=[("Idempotency-Key", key)])
    assert problem(response, 422)["field"] == "Idempotency-Key"
    assert not system.asked


async def test_callers_do_not_share_keys(service: Service) -> None:
    store = service.idempotency
    lease = timedelta(minutes=1)
    assert await store.claim(Claim("key_1", "k", "f"), lease) is None
    assert await store.claim(Claim("key_2", "k", "g"), lease) is None


class Later:
    """A clock that can be set on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def later(service: Service) -> Later:
    clock = Later()
    service.idempotency = IdempotencyStore(service.database, clock=clock)
    return clock


async def test_a_key_is_kept_for_a_day_and_then_purged(
    client: httpx.AsyncClient, service: Service, later: Later, system: EchoSystem
) -> None:
    await ask(client)
    later.now += timedelta(hours=23, minutes=59)
    assert (await ask(client)).headers["idempotent-replayed"] == "true"
    later.now += timedelta(minutes=2)
    assert (await ask(client, "b")).status_code == 200
    later.now += timedelta(hours=30)
    await client.post("/predict", json={"query": "c"}, headers={"Idempotency-Key": "new"})
    table = schema.idempotency_keys
    left = await service.database.read(lambda c: c.execute(select(table.c.idempotency_key)).scalars().all())
    assert list(left) == ["new"]


async def test_a_process_that_died_at_work_does_not_keep_its_keys(
    client: httpx.AsyncClient, service: Service, later: Later, system: EchoSystem
) -> None:
    died = IdempotencyStore(service.database, clock=later)
    await died.claim(Claim("", KEY["Idempotency-Key"], "of another request"), timedelta(minutes=1))
    if service.database.kind == "postgresql":
        problem(await ask(client), 422)
        later.now += timedelta(minutes=2)
    assert (await ask(client)).status_code == 200


async def test_a_key_survives_a_restart(settings: Settings, system: EchoSystem) -> None:
    async def once() -> httpx.Response:
        async with await make_service(settings, system) as service:
            transport = httpx.ASGITransport(create_app(settings, service=service))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await ask(client)

    first, second = await once(), await once()
    assert second.headers["idempotent-replayed"] == "true"
    assert first.json() == second.json()


async def test_commits_are_few(client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = 0
    write = service.database.write

    async def counted(work: Any) -> Any:
        nonlocal writes
        writes += 1
        return await write(work)

    monkeypatch.setattr(service.database, "write", counted)
    await client.post("/predict", json={"query": "a"})
    assert writes == 1
    await ask(client)
    assert writes == 3
    await ask(client)
    assert writes == 4


async def test_a_request_that_lost_its_key_keeps_nothing(
    client: httpx.AsyncClient, service: Service, later: Later, system: EchoSystem
) -> None:
    """Its lease was over, so another may have the key: both predictions must not be kept."""
    other = IdempotencyStore(service.database, clock=later)

    async def overtaken() -> None:
        later.now += timedelta(hours=2)
        assert await other.claim(Claim("", KEY["Idempotency-Key"], "f"), timedelta(minutes=1)) is None

    system.during = lambda _: overtaken()
    assert "another one has the key now" in problem(await ask(client), 409)["detail"]
    assert (await client.get("/predictions")).json()["items"] == []
    count = await service.database.read(lambda c: c.execute(select(schema.ledger.c.prediction_id)).all())
    assert not count


async def test_a_caller_that_went_while_its_key_was_claimed_may_ask_again(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, begun, claimed = service.database.write, asyncio.Event(), asyncio.Event()

    async def slow(work: Any) -> Any:
        found = await write(work)
        begun.set()
        await claimed.wait()
        return found

    monkeypatch.setattr(service.database, "write", slow)
    gone = asyncio.create_task(ask(client))
    await begun.wait()
    gone.cancel()
    await asyncio.sleep(0)
    monkeypatch.setattr(service.database, "write", write)
    claimed.set()
    await asyncio.wait({gone})
    assert (await ask(client)).status_code == 200


def lines_of(response: httpx.Response) -> list[Any]:
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


async def send_batch(client: httpx.AsyncClient, *queries: str, key: str = "order 66") -> list[Any]:
    content = "".join(json.dumps({"query": query}) + "\n" for query in queries)
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": key}
    return lines_of(await client.post("/predict/batch", content=content, headers=headers))


@pytest.mark.parametrize("key", ["order 66", "k" * 255])
async def test_a_batch_sent_again_is_worked_on_where_it_has_no_answers_yet(
    client: httpx.AsyncClient, system: EchoSystem, key: str
) -> None:
    def down(query: Query) -> None:
        if query.text == "b":
            raise ModelCrashed("The model is gone.")

    system.during = down
    first = await send_batch(client, "a", "b", "a", key=key)
    assert first[1]["error"]["status"] == 503
    assert first[0]["id"] != first[2]["id"]
    system.during = None
    again = await send_batch(client, "a", "b", "a", "d", key=key)
    assert [again[0], again[2]] == [first[0], first[2]]
    assert again[1]["answer"]["text"] == "You said: b"
    assert len(system.asked) == 5
    assert (await send_batch(client, "x", key=key))[0]["error"]["status"] == 422
    assert (await ask(client)).status_code == 200  # a line's key is not the request's


async def test_two_keys_are_one_too_many(client: httpx.AsyncClient, system: EchoSystem) -> None:
    keys = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    refused = problem(await client.post("/predict", json={"query": "a"}, headers=keys), 422)
    assert refused["field"] == "Idempotency-Key"
    assert not system.asked


async def test_a_chat_sent_again_gets_the_very_same_completion(client: httpx.AsyncClient) -> None:
    body = {"model": "signalbox/auto", "messages": [{"role": "user", "content": "a"}]}
    first, second = [await client.post("/v1/chat/completions", json=body, headers=KEY) for _ in range(2)]
    assert first.status_code == 200
    assert first.json() == second.json()
