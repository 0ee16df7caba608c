"""Targets over real HTTP: a Signalbox at a URL, and any OpenAI-compatible model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness_samples import Scorer, cases_of

from eval_sets.cases import Case
from evaluators.contract import Component
from evaluators.harness import Limits, ModelTarget, SystemTarget, UrlTarget, execute
from signalbox.contracts import Passage
from signalbox.errors import ConfigurationError, DeadlineExceeded, Overloaded, UpstreamError
from signalbox.models.cloud import CloudModel
from signalbox.models.scripted import Fault, ScriptedServer
from signalbox.types import (
    Answer,
    Attempt,
    Constraints,
    LabelAnswer,
    Message,
    Prediction,
    Query,
    Quote,
    Usage,
    ValueAnswer,
    utc_now,
)

CASE = Case(id="a", query="How long?", history=(Message(role="user", content="Hello"),))


def prediction(**changes: Any) -> Prediction:
    fields: dict[str, Any] = {
        "id": "prd_1",
        "created_at": utc_now(),
        "outcome": "answered",
        "reason": None,
        "answer": Answer(text="Within 14 days."),
        "route": "cloud",
        "confidence": 0.9,
        "evidence": (
            Quote(document_id="b.md", title="B", start=0, end=3, text="Two", score=0.9),
            Quote(document_id="b.md", title="B", start=5, end=8, text="one", score=0.8),
        ),
        "attempts": (
            Attempt(route="grounded", outcome="escalated", reason="", usage=Usage(input_tokens=5, output_tokens=1)),
            Attempt(
                route="cloud", outcome="accepted", reason="", model="big", usage=Usage(input_tokens=7, output_tokens=2)
            ),
        ),
        "policy": "pol_0@champion",
        "cost_usd": 0.02,
        "saved_usd": 0.0,
        "duration_ms": 12.0,
        "overhead_ms": 1.0,
    }
    return Prediction(**fields | changes)


class System:
    def __init__(self, says: Prediction) -> None:
        self.says, self.asked = says, list[Query]()

    async def predict(self, query: Query) -> Prediction:
        self.asked.append(query)
        return self.says


async def test_a_system_gives_its_answer_what_it_cost_and_what_its_search_finds() -> None:
    def search(query: str, count: int) -> list[Passage]:
        assert (query, count) == ("How long?", 5)
        return [Passage(f"c{n}", f"{n % 2}.md", "T", f"text {n}", 0, 1.0, 0.5, 1.0) for n in range(3)]

    system = System(prediction())
    target = SystemTarget(system, Component(name="service"), search=search, constraints=Constraints(local_only=True))
    output = await target.answer(CASE)
    assert (output.text, output.model, output.calls, output.cost_usd) == ("Within 14 days.", "big", 2, 0.02)
    assert output.usage == Usage(input_tokens=12, output_tokens=3)
    assert (output.contexts, output.documents) == (("text 0", "text 1", "text 2"), ("0.md", "1.md"))
    assert (system.asked[0].history, system.asked[0].constraints.local_only) == (CASE.history, True)
    assert target.component.arguments["constraints"] == {"local_only": True}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"outcome": "in_review"}, None),
        ({"outcome": "refused", "answer": None}, None),
        ({"answer": Answer(labels=(LabelAnswer(task="topic", label="Sports", probability=0.9),))}, "Sports"),
        ({"answer": Answer(value=ValueAnswer(estimate=3120, low=1, high=9, level=0.9))}, "3120"),
    ],
)
async def test_what_is_not_shown_is_no_answer(changes: dict[str, Any], text: str | None) -> None:
    output = await SystemTarget(System(prediction(**changes)), Component(name="service")).answer(CASE)
    assert output.text == text
    assert output.documents == ("b.md",)


def at(handler: Callable[[httpx.Request], httpx.Response]) -> UrlTarget:
    return UrlTarget("http://box.example/base", transport=httpx.MockTransport(handler))


async def test_a_signalbox_at_a_url_is_asked_as_anybody_asks_it() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/base/predict")
        turns = [{"role": "user", "content": "Hello"}, {"role": "user", "content": "How long?"}]
        assert json.loads(request.content) == {"query": turns}
        return httpx.Response(200, content=prediction().model_dump_json())

    async with at(handler) as target:
        output = await target.answer(CASE)
    assert (output.text, output.contexts, output.documents) == ("Within 14 days.", ("Two", "one"), ("b.md",))


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (httpx.Response(429, json={"detail": "Slow down."}, headers={"Retry-After": "7"}), Overloaded, "Slow down."),
        (httpx.Response(503, text="<html>"), Overloaded, "HTTP status 503"),
        (httpx.Response(504, json={"detail": "Too late."}), DeadlineExceeded, "Too late."),
        (httpx.Response(401, json={"detail": "No key."}), ConfigurationError, "SIGNALBOX_EVAL_API_KEY"),
        (httpx.Response(500, json=[]), UpstreamError, "HTTP status 500"),
        (httpx.Response(200, text="hello"), UpstreamError, "did not answer in JSON"),
        (httpx.Response(200, json={"id": 5}), UpstreamError, "gave no prediction"),
    ],
)
async def test_what_a_url_does_wrong_is_said_in_our_words(
    response: httpx.Response, error: type[Exception], message: str
) -> None:
    async with at(lambda _: response) as target:
        with pytest.raises(error, match=message) as raised:
            await target.answer(CASE)
    if isinstance(raised.value, Overloaded):
        assert raised.value.retry_after_s == (7.0 if response.status_code == 429 else 1.0)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://name:secret@host", "not a url"])
def test_a_url_that_is_none_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        UrlTarget(url)
    assert "secret" not in raised.value.detail


async def test_a_model_behind_http_that_throttles_and_fails_leaves_rows(tmp_path: Path) -> None:
    replies = iter([Fault("rate_limited", retry_after_s=0.1), "first", Fault("server_error"), Fault("hang"), "fourth"])
    limits = Limits(concurrency=1, deadline_ms=1_000, max_unmeasured=1.0)
    async with (
        ScriptedServer(replies) as server,
        CloudModel("scripted", base_url=server.base_url, retries=0) as model,
    ):
        target = ModelTarget(model, system="Be brief.", arguments={"at": model.host})
        record = await execute(cases_of(4), target, [Scorer()], tmp_path / "run", limits=limits)
        sent = server.requests[0].messages
    said = [row.output.text if row.output else row.trouble and row.trouble.kind for row in record.rows]
    assert said == ["first", "UpstreamError", "DeadlineExceeded", "fourth"]
    assert [message.content for message in sent] == ["Be brief.", "What is 0?"]
    assert record.manifest["target"]["arguments"]["system"] == "Be brief."
