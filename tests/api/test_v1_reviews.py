"""Chats whose query a person decides on: what the caller is shown before, after and instead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_service import make_service
from test_api_reviews import UnsureSystem, claimed

from agents.events import Token
from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.types import Prediction, Query


class UnsureWriter(UnsureSystem):
    """What it is unsure of, it writes all the same."""

    async def predict(self, query: Query, *, observe: Any = None) -> Prediction:
        if observe is not None:
            observe(Token("cloud", "maybe"))
        return await super().predict(query)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with await make_service(settings, UnsureWriter()) as service:
        yield service


def chat(client: httpx.AsyncClient, model: str, stream: bool, wait_ms: float) -> asyncio.Task[httpx.Response]:
    body = {
        "model": model,
        "stream": stream,
        "messages": [{"role": "user", "content": "How long?"}],
        "signalbox": {"wait_for_review_ms": wait_ms},
    }
    return asyncio.create_task(client.post("/v1/chat/completions", json=body))


async def decide(client: httpx.AsyncClient, **said: str) -> None:
    (item,) = await claimed(client)
    decision = {"item_version": item["version"], **said}
    decided = await client.post(f"/reviews/{item['id']}/decide", json=decision)
    assert decided.status_code == 200, decided.text


def shown(response: httpx.Response) -> tuple[str, dict[str, Any]]:
    """The text, and what is known of it, of an answer in either form."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"] == "application/json":
        answer = response.json()
        return answer["choices"][0]["message"]["content"], answer["signalbox"]
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line.startswith("data: {")]
    chunks = [json.loads(line) for line in lines]
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks), chunks[-1]["signalbox"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_persons_answer_is_waited_for(client: httpx.AsyncClient, stream: bool) -> None:
    waiting = chat(client, "signalbox/auto", stream, 60_000)
    await decide(client, verdict="wrong", correction="14 days")
    text, known = shown(await waiting)
    assert text == "14 days"
    assert (known["outcome"], known["route"]) == ("answered", "review")


@pytest.mark.parametrize("stream", [False, True])
async def test_who_does_not_wait_long_enough_is_told_politely(client: httpx.AsyncClient, stream: bool) -> None:
    text, known = shown(await chat(client, "signalbox/auto", stream, 1))
    assert "a person" in text
    assert "maybe" not in text
    assert known["outcome"] == "in_review"


async def test_text_that_was_sent_before_is_followed_by_the_persons_answer(client: httpx.AsyncClient) -> None:
    waiting = chat(client, "signalbox/cloud", True, 60_000)
    await decide(client, verdict="wrong", correction="14 days")
    text, known = shown(await waiting)
    assert text.startswith("maybe\n\n(A person")
    assert text.endswith("14 days")
    assert known["route"] == "review"


async def test_text_that_a_person_finds_right_stands(client: httpx.AsyncClient) -> None:
    waiting = chat(client, "signalbox/cloud", True, 60_000)
    await decide(client, verdict="right")
    text, known = shown(await waiting)
    assert (text, known["outcome"]) == ("maybe", "answered")


async def test_waiting_longer_than_the_service_allows_is_refused(client: httpx.AsyncClient) -> None:
    response = await chat(client, "signalbox/auto", False, 10_000_000)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "signalbox.wait_for_review_ms"
