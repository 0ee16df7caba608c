"""What servers send that no server should: it is read within bounds, and booked for what it may have cost."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from typing import Any

import pytest

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import Overloaded, SignalboxError, UpstreamError
from signalbox.models.cloud import CloudModel
from signalbox.models.prices import Price, Prices
from signalbox.models.protection import CircuitBreaker, ProtectedCloud
from signalbox.models.scripted import ScriptedServer
from signalbox.types import Message

PRICES = Prices(
    dict.fromkeys(("first", "*"), Price(input=1000, output=1000, as_of=date(2026, 11, 1), source="this test"))
)
# Two bytes and 16 around them, and four tokens of output; the usage below.
MOST_USD, USUAL_USD = 0.022, 0.005
USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
JSON, EVENTS = "application/json", "text/event-stream"


def response(content: bytes, kind: str = JSON, *, status: int = 200, **headers: str) -> bytes:
    fields = {"content-type": kind, "content-length": str(len(content)), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


def whole(message: dict[str, Any], ending: str = "stop", usage: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": ending} | more.pop("choice", {})
    return response(json.dumps({"choices": [choice], "usage": usage or USAGE} | more).encode())


def streamed(delta: dict[str, Any], ending: str = "stop", usage: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta} | more.pop("choice", {})
    pieces = [{"choices": [choice]} | more, {"choices": [{"index": 0, "delta": {}, "finish_reason": ending}]}]
    pieces.append({"choices": [], "usage": usage or USAGE})
    return response(b"".join(f"data: {json.dumps(piece)}\n\n".encode() for piece in pieces), EVENTS)


@asynccontextmanager
async def served(pieces: Iterable[bytes], *, hold: bool = False) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if hold:
                await reader.read()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client had enough, or the test
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def ask(cloud: ProtectedCloud, *, stream: bool, patience_s: float = 20.0, text: str = "Hi") -> ChatResult:
    deadline_s = time.monotonic() + patience_s
    request = ChatRequest((Message(role="user", content=text),), max_tokens=4, logprobs=True, deadline_s=deadline_s)
    if not stream:
        return await cloud.generate(request)
    result = [chunk async for chunk in cloud.stream(request)][-1].result
    assert result is not None
    return result


async def one(pieces: bytes | Iterable[bytes], *, stream: bool, **options: Any) -> tuple[ChatResult | Exception, float]:
    """What comes of one call, and what is booked for it."""
    async with (
        served([pieces] if isinstance(pieces, bytes) else pieces) as url,
        ProtectedCloud([model(url, **options)], retries=0) as cloud,
    ):
        try:
            return await ask(cloud, stream=stream), cloud.spent_usd
        except SignalboxError as error:
            return error, cloud.spent_usd


def model(url: str, name: str = "first", **options: Any) -> CloudModel:
    return CloudModel(name, base_url=url, prices=PRICES, retries=0, **options)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [200, 500])
async def test_a_bomb_is_not_unpacked(status: int, stream: bool) -> None:
    """What was 300 kB on the wire stopped the service for a minute and a half."""
    bomb = gzip.compress(bytes(30_000_000))
    answer = response(bomb, EVENTS if stream else JSON, status=status, content_encoding="gzip")
    outcome, spent = await one(answer, stream=stream)
    assert isinstance(outcome, UpstreamError)
    assert outcome.status == (500 if status == 500 else None)
    assert ("packed" in outcome.detail) == (status == 200)
    assert spent == pytest.approx(0.0 if status == 500 else MOST_USD)


@pytest.mark.parametrize("kind", ["body", "pieces", "line", "refusal"])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_endless_answer_is_read_so_far_only(kind: str, stream: bool) -> None:
    media_type = EVENTS if stream else JSON
    status = b"500 X" if kind == "refusal" else b"200 OK"
    head = b"HTTP/1.1 %s\r\ncontent-type: %s\r\nconnection: close\r\n\r\n" % (status, media_type.encode())
    piece = f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': 'x' * 10_000}}]})}\n\n".encode()
    filler = piece if kind == "pieces" else b"x" * 100_000
    sent = 0

    def endless() -> Iterable[bytes]:
        nonlocal sent
        yield head + (b"data: " if stream and kind == "line" else b"")
        while sent < 200_000_000:
            sent += len(filler)
            yield filler

    outcome, _ = await one(endless(), stream=stream, max_tokens=4)
    assert isinstance(outcome, UpstreamError)
    if kind == "refusal":
        assert outcome.status == 500
    else:
        assert "sent more than 1,016,000 bytes" in outcome.detail
    assert sent < 50_000_000


@pytest.mark.parametrize("make", [whole, streamed])
@pytest.mark.parametrize(
    ("message", "ending"),
    [({"content": None}, "stop"), ({"content": " \n"}, "stop"), ({"content": None, "tool_calls": []}, "tool_calls")],
)
async def test_an_answer_without_text_is_none_and_costs_what_the_server_says(
    make: Any, message: dict[str, Any], ending: str
) -> None:
    outcome, spent = await one(make(message, ending), stream=make is streamed)
    assert isinstance(outcome, UpstreamError)
    assert f"no text (finish_reason '{ending}')" in outcome.detail
    assert [outcome.cost_usd, spent] == pytest.approx([USUAL_USD] * 2)


@pytest.mark.parametrize("make", [whole, streamed])
@pytest.mark.parametrize("ending", ["length", "content_filter"])
async def test_what_was_cut_off_or_withheld_says_so(make: Any, ending: str) -> None:
    for text in ("Half an", None):
        outcome, _ = await one(make({"content": text}, ending), stream=make is streamed)
        assert isinstance(outcome, ChatResult)
        assert (outcome.text, outcome.finish_reason) == (text or "", ending)


@pytest.mark.parametrize("make", [whole, streamed])
async def test_a_refusal_is_called_one(make: Any) -> None:
    outcome, _ = await one(make({"content": None, "refusal": "I can't help."}), stream=make is streamed)
    assert isinstance(outcome, ChatResult)
    assert (outcome.text, outcome.finish_reason) == ("I can't help.", "refusal")


@pytest.mark.parametrize("make", [whole, streamed])
@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 3, "completion_tokens": 0},
        {"prompt_tokens": 10**12, "completion_tokens": 2},
        {"prompt_tokens": 10**400, "completion_tokens": 2},
        {"prompt_tokens": -3, "completion_tokens": 2},
        {"prompt_tokens": "three"},
        [3],
    ],
)
async def test_a_count_that_cannot_be_is_booked_at_the_most(make: Any, usage: Any) -> None:
    """Nothing would leave the cap open, billions would close it."""
    outcome, spent = await one(make({"content": "Fine."}, usage=usage), stream=make is streamed)
    assert isinstance(outcome, ChatResult)
    assert outcome.usage_estimated
    assert [outcome.cost_usd, spent] == pytest.approx([MOST_USD] * 2)


@pytest.mark.parametrize("make", [whole, streamed])
async def test_more_tokens_than_could_be_are_booked_and_told(make: Any, caplog: pytest.LogCaptureFixture) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 2}
    outcome, spent = await one(make({"content": "Fine."}, usage=usage), stream=make is streamed)
    assert isinstance(outcome, ChatResult)
    assert [outcome.cost_usd, spent] == pytest.approx([0.102] * 2)
    assert "cost more than it could" in caplog.text


@pytest.mark.parametrize("make", [whole, streamed])
async def test_what_an_answer_can_do_without_may_be_broken(make: Any) -> None:
    broken = [{"token": "F", "logprob": math.nan}]
    text = "Fine." if make is whole else "Fi\ud800ne."  # half a character in a whole answer is no JSON
    answer = make({"content": text}, model="m" * 10_000, choice={"logprobs": {"content": broken}})
    outcome, spent = await one(answer, stream=make is streamed)
    assert isinstance(outcome, ChatResult)
    outcome.text.encode()
    assert (outcome.model, outcome.logprobs) == ("first", ())
    assert spent == pytest.approx(USUAL_USD)


@pytest.mark.parametrize("stream", [False, True])
async def test_json_that_nests_too_deep_is_no_answer(stream: bool) -> None:
    deep = b"[" * 200_000
    outcome, _ = await one(
        response(b"data: %s\n\n" % deep if stream else deep, EVENTS if stream else JSON), stream=stream
    )
    assert isinstance(outcome, UpstreamError)
    refusal = b'{"error":' * 500 + b'"no"' + b"}" * 500
    outcome, _ = await one(response(refusal, status=500), stream=stream)
    assert isinstance(outcome, UpstreamError)
    assert outcome.status == 500


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999999999999999999 23:59:59 GMT", "-5"]
)
async def test_a_moment_to_come_back_that_is_none_is_a_second(date: str) -> None:
    outcome, _ = await one(response(b"", status=429, retry_after=date), stream=False)
    assert isinstance(outcome, Overloaded)
    assert outcome.retry_after_s == 1.0


@pytest.mark.parametrize("stream", [False, True])
async def test_silence_after_the_head_meets_the_deadline(stream: bool) -> None:
    head = response(b"", EVENTS if stream else JSON, content_length="100")
    async with served([head], hold=True) as url, ProtectedCloud([model(url)], retries=0) as cloud:
        started = time.monotonic()
        with pytest.raises(SignalboxError, match=r"in time|before the deadline"):
            await ask(cloud, stream=stream, patience_s=0.3)
        assert time.monotonic() - started < 3


async def test_a_stream_held_open_after_its_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from signalbox.models import connection

    monkeypatch.setattr(connection, "_USAGE_S", 0.05)
    whole_answer = streamed({"content": "Fine."}).partition(b'data: {"choices": [], "usage"')[0]
    head = re.sub(rb"content-length: \d+", b"content-length: 9999", whole_answer)
    async with served([head], hold=True) as url, ProtectedCloud([model(url)], retries=0) as cloud:
        started = time.monotonic()
        assert (await ask(cloud, stream=True)).text == "Fine."
        assert time.monotonic() - started < 5
        assert cloud.spent_usd == pytest.approx(MOST_USD)


async def test_all_that_ask_at_once_learn_what_a_model_refuses() -> None:
    """The first refusal teaches the dialect; those refused with it ask again, too."""
    async with (
        ScriptedServer("Fine.", refuses=("temperature", "logprobs", "max_tokens"), latency_s=0.02) as server,
        ProtectedCloud([model(server.base_url)], retries=0) as cloud,
    ):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(cloud, stream=number % 2 == 0)) for number in range(20)]
        assert {task.result().text for task in tasks} == {"Fine."}
        assert cloud.breakers == {"first": "closed"}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_name_that_is_not_found_in_time_costs_nothing(stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent, so nothing can be billed, however little time the query had."""
    found = threading.Event()
    known = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **options: Any) -> Any:
        if "hangs" in str(host):
            found.wait(3)
        return known("127.0.0.1", *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    breaker = partial(CircuitBreaker, min_calls=1)
    async with ProtectedCloud([model("http://hangs.example.com:9/v1")], retries=0, breaker=breaker) as cloud:
        started = time.monotonic()
        with pytest.raises(UpstreamError, match="no connection in time") as raised:
            await ask(cloud, stream=stream, patience_s=0.5)
        assert time.monotonic() - started < 3
        assert raised.value.cost_usd == cloud.spent_usd == 0
        assert cloud.breakers == {"first": "closed"}, "who has no patience must not close the cloud for all"
    found.set()


async def test_a_server_that_turns_connections_away_opens_the_breaker() -> None:
    async with served([]) as url:
        pass
    async with ProtectedCloud([model(url)], retries=0, breaker=partial(CircuitBreaker, min_calls=1)) as cloud:
        with pytest.raises(UpstreamError, match="refused"):
            await ask(cloud, stream=False, patience_s=0.9)
        assert cloud.breakers == {"first": "open"}
