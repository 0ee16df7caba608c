"""POST /predict/batch: lines in, lines out, whatever the lines are and however they come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from api_service import EchoSystem
from test_api_predict import Wire, problem

from api.app import create_app
from api.body import lines as ndjson
from api.routes import batch as batch_route
from api.service.wiring import Service
from api.stream import response as streaming
from signalbox.errors import Overloaded
from signalbox.settings import Settings
from signalbox.types import Query

NDJSON = {"Content-Type": "application/x-ndjson"}


def body(lines: Iterable[object]) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


async def send(client: httpx.AsyncClient, content: Any) -> list[Any]:
    response = await client.post("/predict/batch", content=content, headers=NDJSON)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def said(answer: Any) -> str:
    return str(answer["answer"]["text"]).removeprefix("You said: ")


async def test_answers_come_in_the_order_of_the_lines(client: httpx.AsyncClient, system: EchoSystem) -> None:
    async def slow(query: Query) -> None:
        await asyncio.sleep(0.05 if query.text == "0" else 0)

    system.during = slow
    answers = await send(client, body({"query": str(number)} for number in range(50)))
    assert [said(answer) for answer in answers] == [str(number) for number in range(50)]
    stored = await client.get(f"/predictions/{answers[7]['id']}")
    assert stored.json() == answers[7]


async def test_one_broken_line_of_thousands_costs_only_itself(client: httpx.AsyncClient, system: EchoSystem) -> None:
    system.store = None
    lines: list[object] = [{"query": str(number)} for number in range(1, 6001)]
    lines[4999] = b'{"query": "unfinished'
    answers = await send(client, body(lines))
    assert len(answers) == 6000
    broken = answers.pop(4999)
    assert broken["line"] == 5000
    assert broken["error"]["status"] == 400
    assert broken["error"]["type"] == "/problems/malformed-json"
    assert broken["error"]["detail"].startswith("The line is not JSON")
    assert [said(answer) for answer in answers] == [str(number) for number in range(1, 6001) if number != 5000]


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        (b"nonsense", 400, "not JSON"),
        (b"[]", 422, "JSON object"),
        (b'"text"', 422, "JSON object"),
        (b"null", 422, "JSON object"),
        (b"{}", 422, "query is missing"),
        (b'{"query": ""}', 200, ""),
        (b'{"query": "a", "qeury": "b"}', 422, "no such field"),
        (b'{"query": "a", "alpha": 2}', 422, "alpha"),
        (b'{"query": "a", "alpha": NaN}', 422, "NaN"),
        (b'{"query": "\xff"}', 400, "UTF-8"),
        (b'{"query": "\\ud800"}', 422, "surrogate"),
        (b'{"record": {"a": 1}, "expert": "x"}', 422, "takes text"),
        (b'{"query": "' + b"a" * 4_000 + b'"}', 413, "4,000 bytes"),
        (json.dumps({"query": [{"role": "user", "content": "a"}] * 4}).encode(), 413, "4 messages"),
        (b"   ", 400, "empty"),
    ],
)
async def test_each_kind_of_bad_line_is_told_in_its_place(
    client: httpx.AsyncClient, line: bytes, status: int, says: str
) -> None:
    good = b'{"query": "good"}'
    first, second, third = await send(client, body([good, line, good]))
    assert said(first) == said(third) == "good"
    if status == 200:
        assert second["outcome"] == "answered"
        return
    assert second["line"] == 2
    assert second["error"]["status"] == status
    assert says in second["error"]["detail"]


async def test_a_chat_of_ten_thousand_turns_is_refused_however_it_comes(service: Service, settings: Settings) -> None:
    """With the limits that a service has unless told otherwise."""
    service.settings = Settings(data_dir=settings.data_dir)
    turns = [{"role": ("user", "assistant")[number % 2], "content": "Hello."} for number in range(10_001)]
    transport = httpx.ASGITransport(create_app(service.settings, service=service))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        asked = {"query": turns}
        for accept in ("application/json", "text/event-stream"):
            found = problem(await client.post("/predict", json=asked, headers={"Accept": accept}), 413)
            assert "10,001 messages" in found["detail"]
        refused, fine = await send(client, body([asked, {"query": turns[:1]}]))
    assert refused["error"]["status"] == 413
    assert said(fine) == "Hello."


async def test_lines_may_end_as_on_windows_and_the_last_need_not_end(client: httpx.AsyncClient) -> None:
    answers = await send(client, b'\xef\xbb\xbf{"query": "a"}\r\n{"query": "b"}')
    assert [said(answer) for answer in answers] == ["a", "b"]
    assert [said(answer) for answer in await send(client, b'{"query": "a"}\n\n\r\n\n')] == ["a"]


async def test_lines_may_come_in_any_pieces(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in body({"query": f"é{number}"} for number in range(5)):
            yield bytes([byte])

    assert [said(answer) for answer in await send(client, pieces())] == [f"é{number}" for number in range(5)]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n \n"])
async def test_a_batch_of_nothing_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    response = await client.post("/predict/batch", content=content, headers=NDJSON)
    assert "at least one line" in problem(response, 400)["detail"]


async def test_only_ndjson_is_read_and_written(client: httpx.AsyncClient) -> None:
    response = await client.post("/predict/batch", json={"query": "a"})
    assert "application/x-ndjson" in problem(response, 415)["detail"]
    refused = await client.post("/predict/batch", content=b"{}", headers=NDJSON | {"Accept": "application/json"})
    assert problem(refused, 406)
    packed = await client.post("/predict/batch", content=b"{}", headers=NDJSON | {"Content-Encoding": "gzip"})
    assert problem(packed, 415)["field"] == "Content-Encoding"


async def test_a_batch_has_a_most_of_lines(settings: Settings, service: Service) -> None:
    service.settings = settings.model_copy(update={"max_batch_lines": 3})
    transport = httpx.ASGITransport(create_app(settings, service=service))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answers = await send(client, body([{"query": "a"}] * 9))
    assert [answer.get("line") for answer in answers] == [None, None, None, 4]
    assert answers[3]["error"]["status"] == 413


async def test_batches_leave_room_for_people(client: httpx.AsyncClient, system: EchoSystem, service: Service) -> None:
    running, most = 0, 0

    async def watched(query: Query) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    system.during = watched
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(send(client, body([{"query": "a"}] * 30)))
    assert most == service.settings.max_batch_queries


async def test_a_line_waits_while_the_router_is_full(client: httpx.AsyncClient, system: EchoSystem) -> None:
    tries = 0

    def full(_: Query) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Overloaded("Busy.", retry_after_s=0.001)

    system.during = full
    assert [said(answer) for answer in await send(client, body([{"query": "a"}]))] == ["a"]
    assert tries == 4


async def test_a_line_that_waited_too_long_is_told_so(
    client: httpx.AsyncClient, system: EchoSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_route, "_PATIENCE_S", 0.0)

    def full(_: Query) -> None:
        raise Overloaded("Busy.", retry_after_s=1.0)

    system.during = full
    assert (await send(client, body([{"query": "a"}])))[0]["error"]["status"] == 503


class BatchWire(Wire):
    """A batch on a wire; its answers can be waited for."""

    def __init__(self, app: Any, *, taking: bool = True) -> None:
        self.news = asyncio.Event()
        self.taking = asyncio.Event()
        if taking:
            self.taking.set()
        self.received = 0
        super().__init__(app)

    path = "/predict/batch"

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"host", b"localhost"), (b"content-type", b"application/x-ndjson")]

    async def _send(self, message: Any) -> None:
        await self.taking.wait()
        await super()._send(message)
        self.news.set()

    def answers(self) -> list[Any]:
        sent = b"".join(message.get("body", b"") for message in self.sent)
        return [json.loads(line) for line in sent.splitlines()]

    async def until(self, count: int) -> None:
        while len(self.answers()) < count:
            self.news.clear()
            await self.news.wait()

    def give(self, content: bytes, *, more: bool = True) -> None:
        self.coming.put_nowait({"type": "http.request", "body": content, "more_body": more})


async def test_answers_come_while_lines_are_still_sent(service: Service, settings: Settings) -> None:
    wire = BatchWire(create_app(settings, service=service))
    for number in range(1, 4):
        wire.give(body([{"query": str(number)}]))
        await asyncio.wait_for(wire.until(number), 10)
    wire.give(b"", more=False)
    await asyncio.wait_for(wire.request, 10)
    assert [said(answer) for answer in wire.answers()] == ["1", "2", "3"]


async def test_nothing_more_is_read_while_answers_are_not_taken(
    service: Service, settings: Settings, system: EchoSystem
) -> None:
    system.store = None
    service.settings = settings.model_copy(update={"max_batch_waiting_bytes": 1_000_000})
    wire = BatchWire(create_app(settings, service=service), taking=False)
    line = body([{"query": "a" * 190}])
    for _ in range(8_000):
        wire.give(line)
    wire.give(b"", more=False)
    seen = 0
    while not 100 < len(system.asked) == seen:
        seen = len(system.asked)
        await asyncio.sleep(0.2)
    assert seen < 5_000
    wire.taking.set()
    await asyncio.wait_for(wire.request, 60)
    assert len(wire.answers()) == 8_000


async def test_who_sends_all_before_reading_gets_all(service: Service, settings: Settings, system: EchoSystem) -> None:
    """What waits is kept on disk, in a file that nobody else sees."""
    system.store = None
    there = set(settings.data_dir.iterdir())
    wire = BatchWire(create_app(settings, service=service), taking=False)
    for number in range(3_000):
        wire.give(body([{"query": str(number)}]), more=number < 2_999)
    while len(system.asked) < 3_000:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert not wire.sent
    assert set(settings.data_dir.iterdir()) == there
    wire.taking.set()
    await asyncio.wait_for(wire.request, 60)
    assert [said(answer) for answer in wire.answers()] == [str(number) for number in range(3_000)]


async def test_who_leaves_stops_the_batch(service: Service, settings: Settings, system: EchoSystem) -> None:
    system.during = lambda _: asyncio.Event().wait()
    for more in (True, False):
        system.cancelled.clear()
        wire = BatchWire(create_app(settings, service=service))
        asked = len(system.asked)
        wire.give(body([{"query": "a"}]), more=more)
        while len(system.asked) == asked:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        wire.coming.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(wire.request, 10)
        assert system.cancelled.is_set()


async def test_who_does_not_take_answers_is_dropped(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(streaming, "_WRITE_TIMEOUT_S", 0.05)
    wire = BatchWire(create_app(settings, service=service), taking=False)
    wire.give(body([{"query": "a"}]))
    await asyncio.wait_for(wire.request, 10)
    assert "a reader was dropped" in caplog.text


async def test_a_line_that_never_ends_is_not_waited_for(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "_LINE_TIMEOUT_S", 0.05)
    wire = BatchWire(create_app(settings, service=service))
    wire.give(body([{"query": "a"}]) + b'{"que')
    await asyncio.wait_for(wire.request, 10)
    first, second = wire.answers()
    assert said(first) == "a"
    assert second["line"] == 2
    assert second["error"]["status"] == 408
