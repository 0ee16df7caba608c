"""How often a caller may ask: over any minute not much more than the limit, told in the IETF's headers."""

from __future__ import annotations

import re

import httpx
import pytest
from auth_people import client_of, make_keys, shown
from hypothesis import given
from hypothesis import strategies as st
from test_api_predict import problem

from api.auth.rates import WINDOW_S, SlidingWindow
from api.service.wiring import Service
from signalbox.settings import Settings

ASK = {"query": "a"}


class Clock:
    def __init__(self) -> None:
        self.now = 6_000.0

    def __call__(self) -> float:
        return self.now


def test_a_limit_holds_and_comes_back() -> None:
    clock = Clock()
    window = SlidingWindow(clock=clock)
    standings = [window.hit("a", 3) for _ in range(5)]
    assert [standing.allowed for standing in standings] == [True, True, True, False, False]
    assert [standing.remaining for standing in standings] == [2, 1, 0, 0, 0]
    assert window.hit("b", 3).allowed
    assert standings[-1].wait_s > 0
    clock.now += standings[-1].wait_s
    assert window.hit("a", 3).allowed


def test_looking_counts_nothing() -> None:
    window = SlidingWindow(clock=Clock())
    assert [window.wait_s("a", 1) for _ in range(3)] == [0, 0, 0]
    assert window.hit("a", 1).allowed
    assert window.wait_s("a", 1) > 0


@given(
    gaps=st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=200),
    limit=st.integers(1, 20),
)
def test_no_minute_lets_more_than_twice_the_limit_through_and_waiting_as_told_always_helps(
    gaps: list[float], limit: int
) -> None:
    clock = Clock()
    window = SlidingWindow(clock=clock)
    let_through: list[float] = []
    for gap in gaps:
        clock.now += gap
        standing = window.hit("a", limit)
        assert standing.allowed == (standing.wait_s == 0)
        assert 0 <= standing.remaining < limit
        assert 1 <= standing.reset_s <= WINDOW_S
        if standing.allowed:
            let_through.append(clock.now)
        else:
            assert window.wait_s("a", limit) == standing.wait_s <= 2 * WINDOW_S
    for start in let_through:
        assert sum(start <= moment < start + WINDOW_S for moment in let_through) <= 2 * limit
    clock.now += window.wait_s("a", limit)
    assert window.wait_s("a", limit) == 0


def test_names_are_forgotten_before_they_fill_the_memory() -> None:
    clock = Clock()
    window = SlidingWindow(clock=clock)
    for number in range(20_000):
        window.hit(str(number), 5)
    assert len(window._counts) <= 10_000
    assert window.hit("19999", 5).remaining == 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"rate_per_minute": 5})


async def test_too_many_requests_are_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    first = await client.post("/predict", json=ASK)
    assert first.headers["ratelimit-policy"] == '"requests";q=5;w=60'
    assert re.fullmatch(r'"requests";r=4;t=\d+', first.headers["ratelimit"])
    for _ in range(4):
        assert (await client.post("/predict", json=ASK)).status_code == 200
    refused = await client.post("/predict", json=ASK)
    assert problem(refused, 429)["type"] == "/problems/too-many-requests"
    assert int(refused.headers["retry-after"]) >= 1
    assert re.fullmatch(r'"requests";r=0;t=\d+', refused.headers["ratelimit"])
    for path in ("/healthz", "/readyz"):
        probe = await client.get(path)
        assert probe.status_code == 200
        assert "ratelimit" not in probe.headers
    refused = await client.get("/v1/models")
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"


async def test_each_key_has_its_own_limit(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    busy = (await service.keys.create("busy", "viewer", rate_per_minute=8)).token
    for token, limit in ((keys["viewer"][1], 5), (keys["admin"][1], 5), (busy, 8)):
        for _ in range(limit):
            answer = await client.get("/session", headers=shown(token))
            assert answer.status_code == 200
            assert f"q={limit};" in answer.headers["ratelimit-policy"]
        assert problem(await client.get("/session", headers=shown(token)), 429)


async def test_without_a_limit_nothing_is_counted(settings: Settings, service: Service) -> None:
    async with client_of(settings.model_copy(update={"rate_per_minute": 0}), service) as client:
        for _ in range(10):
            answer = await client.get("/session")
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers
