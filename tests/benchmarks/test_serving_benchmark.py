"""The serving benchmark's load: it counts what a real server answers, and its queries are never the same twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator

import pytest

from benchmarks._load import Target, closed, connect, distinct_texts, json_bodies, paced, request_bytes
from benchmarks.serving import _median_ratio, chat
from signalbox.models.scripted import Fault, ScriptedServer


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer("All right.", latency_s=0.01) as server:
        yield server


def target_of(server: ScriptedServer, path: str = "/v1/chat/completions") -> Target:
    port = int(server.base_url.rpartition(":")[2].partition("/")[0])
    return Target(port, path, chat((f"Question {n}?" for n in itertools.count()), "scripted"))


async def test_every_request_of_a_closed_load_is_asked_and_timed(upstream: ScriptedServer) -> None:
    sample = await closed(target_of(upstream), connections=3, requests=10)
    assert len(sample.latencies_ms) == len(upstream.requests) == 10
    assert sample.failed == 0
    assert min(sample.latencies_ms) >= 10
    assert len({request.messages for request in upstream.requests}) == 10


async def test_a_closed_load_ends_when_its_time_is_over(upstream: ScriptedServer) -> None:
    started = time.monotonic()
    sample = await closed(target_of(upstream), connections=2, seconds=0.2)
    assert time.monotonic() - started >= 0.2
    assert 2 <= len(sample.latencies_ms) <= 42
    assert sample.per_second == pytest.approx(len(sample.latencies_ms) / sample.seconds)


async def test_a_paced_load_counts_the_waiting_for_a_connection() -> None:
    async with ScriptedServer("Late.", latency_s=0.1) as server:
        sample = await paced(target_of(server), connections=1, seconds=0.5, per_second=10)
    # Five are due 100 ms apart and take at least that long each: none can hide behind the one before.
    assert len(sample.latencies_ms) == 5
    assert max(sample.latencies_ms) >= 100


async def test_answers_that_are_not_200_are_failures(upstream: ScriptedServer) -> None:
    sample = await closed(target_of(upstream, "/nowhere"), connections=1, requests=3)
    assert sample.failed == 3


async def test_a_server_that_hangs_up_is_an_error() -> None:
    async with ScriptedServer([Fault("cut_stream")]) as server:
        target = target_of(server)
        connection = await connect(target.port)
        with pytest.raises(ConnectionError):
            await connection.ask(request_bytes(target))


async def test_chunked_answers_are_read_whole(upstream: ScriptedServer) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "stream": True}).encode()
    target = Target(target_of(upstream).port, "/v1/chat/completions", lambda: body)
    connection = await connect(target.port)
    status, content = await asyncio.wait_for(connection.ask(request_bytes(target)), 10)
    connection.close()
    assert status == 200
    assert content.endswith(b"data: [DONE]\n\n")


def test_no_text_comes_twice() -> None:
    texts = list(itertools.islice(distinct_texts(["Where is it?", "How much?", "Why?"]), 3 * 64))
    assert len(set(texts)) == len(texts)
    with pytest.raises(RuntimeError, match="distinct"):
        list(distinct_texts(["Why?"]))


def test_bodies_are_json_and_differ() -> None:
    body = json_bodies(iter(["one", "two"]), lambda text: {"query": text})
    assert [json.loads(body()), json.loads(body())] == [{"query": "one"}, {"query": "two"}]


def test_a_ratio_needs_something_to_compare_with() -> None:
    assert _median_ratio([1.0, 2.0, 30.0], [2.0, 4.0, 6.0]) == 0.5
    assert _median_ratio([1.0], [-0.5]) is None
