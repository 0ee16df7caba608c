"""POST /predict as server-sent events: what comes in which order, and what happens to those who stop reading."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from api_service import EchoSystem
from test_api_predict import Wire, problem

from api.app import create_app
from api.service.wiring import Service
from api.stream import response as streaming
from signalbox.errors import ModelCrashed, TooLarge
from signalbox.settings import Settings

SSE = {"Accept": "text/event-stream"}


def events(text: str) -> list[tuple[str, Any]]:
    """Name and data of each event."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        if lines and lines[0]:
            name, data = lines
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_a_query_is_told_step_by_step(client: httpx.AsyncClient) -> None:
    response = await client.post("/predict", json={"query": "how long"}, headers=SSE)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    told = events(response.text)
    assert [name for name, _ in told] == ["attempt", "token", "token", "evidence", "attempt", "prediction"]
    assert told[0][1] == {"state": "started", "route": "cloud"}
    assert told[4][1]["state"] == "finished"
    assert told[4][1]["attempt"]["outcome"] == "accepted"
    assert "".join(data["text"] for name, data in told if name == "token") == "howlong"
    assert told[3][1]["evidence"][0]["value"] == "a\nb"
    stored = await client.get(f"/predictions/{told[-1][1]['id']}")
    assert stored.json() == told[-1][1]


async def test_what_fails_before_the_first_event_is_an_ordinary_error(
    client: httpx.AsyncClient, system: EchoSystem
) -> None:
    system.tells = False

    def refuse(_: object) -> None:
        raise TooLarge("Too long.", field="query")

    system.during = refuse
    found = problem(await client.post("/predict", json={"query": "a"}, headers=SSE), 413)
    assert found["type"] == "/problems/query-too-long"
    assert problem(await client.post("/predict", json={"qery": "a"}, headers=SSE), 422)


@pytest.mark.parametrize(
    ("error", "status"), [(ModelCrashed("It died."), 503), (ZeroDivisionError("inner workings"), 500)]
)
async def test_what_fails_later_is_the_last_event(
    client: httpx.AsyncClient, system: EchoSystem, error: Exception, status: int
) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise error

    system.during = lambda _: fail()
    response = await client.post("/predict", json={"query": "a"}, headers=SSE)
    assert response.status_code == 200
    (first, _), (last, found) = events(response.text)
    assert (first, last) == ("attempt", "error")
    assert found["status"] == status
    assert found["instance"] == "/predict"
    assert "inner" not in response.text


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/event-stream"),
        ("text/event-stream", "text/event-stream"),
        ("TEXT/Event-Stream; charset=utf-8", "text/event-stream"),
        ("application/json;q=0.5, text/event-stream", "text/event-stream"),
        ("application/json, text/event-stream;q=0.9", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream, */*", "text/event-stream"),
        ("text/event-stream;q=0, */*;q=0.1", "application/json"),
        ("nonsense, text/event-stream;q=abc, application/json;q=0.1", "application/json"),
        ("text/html", None),
        ("text/event-stream;q=0", None),
        ("*/*;q=0", None),
        (";;;,,,/,//", None),
    ],
)
async def test_the_caller_chooses_the_form(client: httpx.AsyncClient, accept: str, form: str | None) -> None:
    response = await client.post("/predict", json={"query": "a"}, headers={"Accept": accept})
    if form is None:
        assert "application/json or text/event-stream" in problem(response, 406)["detail"]
    else:
        assert response.headers["content-type"].startswith(form)


async def test_silence_is_filled_with_comments(
    client: httpx.AsyncClient, system: EchoSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_PING_S", 0.01)
    system.tells = False
    system.during = lambda _: asyncio.sleep(0.1)
    response = await client.post("/predict", json={"query": "a"}, headers=SSE)
    assert ": ping\n\n" in response.text
    assert [name for name, _ in events(response.text)] == ["prediction"]


class StreamWire(Wire):
    """A wire whose other side asks for events, and takes them one by one where `taking` says so."""

    def __init__(self, app: Any, *, taking: asyncio.Semaphore | None = None) -> None:
        self.taking = taking
        self.news = asyncio.Event()
        super().__init__(app)
        self.coming.put_nowait({"type": "http.request", "body": b'{"query": "a"}', "more_body": False})

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [*super().headers(), (b"accept", b"text/event-stream")]

    async def _send(self, message: Any) -> None:
        if self.taking is not None:
            await self.taking.acquire()
        await super()._send(message)
        self.news.set()

    async def until(self, name: str) -> None:
        """Wait until `name` was told."""
        while name not in self.told():
            self.news.clear()
            await self.news.wait()

    def told(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()


async def test_who_leaves_in_mid_stream_stops_the_query(
    service: Service, settings: Settings, system: EchoSystem
) -> None:
    system.during = lambda _: asyncio.Event().wait()
    wire = StreamWire(create_app(settings, service=service))
    await wire.until("attempt")
    assert not system.cancelled.is_set()
    wire.coming.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(wire.request, 10)
    assert system.cancelled.is_set()


async def test_who_leaves_before_the_first_event_stops_the_query_too(
    service: Service, settings: Settings, system: EchoSystem
) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    system.tells = False
    system.during = lambda _: endless()
    wire = StreamWire(create_app(settings, service=service))
    await started.wait()
    wire.coming.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(wire.request, 10)
    assert system.cancelled.is_set()


async def test_who_does_not_read_is_dropped_and_the_query_stops(
    service: Service,
    settings: Settings,
    system: EchoSystem,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(streaming, "_WRITE_TIMEOUT_S", 0.05)
    system.during = lambda _: asyncio.Event().wait()
    wire = StreamWire(create_app(settings, service=service), taking=asyncio.Semaphore(1))
    await asyncio.wait_for(wire.request, 10)
    assert system.cancelled.is_set()
    assert "a reader was dropped" in caplog.text
    assert "unexpected" not in caplog.text


async def test_what_waits_for_a_slow_reader_is_bounded(
    service: Service, settings: Settings, system: EchoSystem, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = streaming.Outbox(1_000)
    for _ in range(100):
        outbox.put(b"x" * 100)
    assert outbox.overflowed
    assert outbox.take() == b""


async def test_a_stop_of_the_service_is_told_in_the_stream(
    service: Service, settings: Settings, system: EchoSystem
) -> None:
    system.during = lambda _: asyncio.Event().wait()
    wire = StreamWire(create_app(settings, service=service))
    await wire.until("attempt")
    wire.request.cancel()
    await asyncio.wait({wire.request})
    name, found = events(wire.told())[-1]
    assert (name, found["status"]) == ("error", 503)
    assert system.cancelled.is_set()
