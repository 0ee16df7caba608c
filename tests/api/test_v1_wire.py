"""What OpenAI's clients don't show of /v1: every error's form, keep-alives, and what happens when a caller leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_service import EchoSystem, make_service
from test_api_predict import Wire

from agents.events import Observer, Token
from api.app import create_app
from api.service.lifecycle import Lifecycle
from api.service.wiring import Service
from api.stream import response as streaming
from api.v1.answers import completion, pieces, text_of
from api.v1.errors import of_problem
from signalbox.errors import ModelCrashed, Overloaded
from signalbox.settings import Settings
from signalbox.types import Answer, LabelAnswer, Prediction, Query, ValueAnswer, utc_now

CHAT = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}


class Writing(EchoSystem):
    """Tells of half a sentence before anything else happens."""

    async def predict(self, query: Query, *, observe: Observer | None = None) -> Prediction:
        if observe is not None:
            observe(Token("cloud", "Half a "))
        return await super().predict(query)


@pytest.fixture
def system() -> EchoSystem:
    return Writing()


@pytest.fixture
async def service(settings: Settings, system: EchoSystem) -> AsyncIterator[Service]:
    async with await make_service(settings, system) as service:
        yield service


def body(model: str = "signalbox/auto", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "how long"}], **more}


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error, after checking what all of them have in common."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    assert response.json().keys() == {"error"}
    error: dict[str, Any] = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert error["message"].endswith((".", "?"))
    return error


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "code"),
    [
        ("GET", "/v1", {}, 404, "not_found"),
        ("GET", "/v1/", {}, 404, "not_found"),
        ("POST", "/v1/completions", {"json": {}}, 404, "not_found"),
        ("GET", CHAT, {}, 405, "method_not_allowed"),
        ("POST", CHAT, {"content": b"{}"}, 415, "unsupported_type"),
        ("POST", CHAT, {"content": b"{}", "headers": JSON | {"Content-Encoding": "gzip"}}, 415, "unsupported_type"),
        ("POST", CHAT, {"content": b"", "headers": JSON}, 400, "malformed_json"),
        ("POST", CHAT, {"content": b'{"model": "a", "model": "b"}', "headers": JSON}, 400, "invalid_value"),
        ("POST", CHAT, {"content": b"[" * 2_000, "headers": JSON}, 400, "invalid_value"),
        ("POST", CHAT, {"content": b" " * 5_000, "headers": JSON}, 413, "request_too_large"),
        ("POST", CHAT, {"json": body(), "headers": {"Host": "evil.example"}}, 421, "unknown_host"),
        ("POST", CHAT, {"json": body(), "headers": {"Origin": "https://evil.example"}}, 403, "foreign_origin"),
        ("POST", CHAT, {"json": body(), "headers": {"Idempotency-Key": "x" * 300}}, 400, "invalid_value"),
    ],
    ids=str,
)
async def test_whatever_is_refused_is_refused_in_their_form(
    client: httpx.AsyncClient, method: str, path: str, given: dict[str, Any], status: int, code: str
) -> None:
    response = await client.request(method, path, **given)
    error = problem(response, status, code)
    assert error["type"] in ("invalid_request_error", "permission_error")
    if status == 405:
        assert response.headers["allow"] == "POST"


async def test_a_path_that_only_looks_alike_keeps_our_form(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v12")).headers["content-type"] == "application/problem+json"


async def test_what_is_overloaded_says_when_to_come_back(client: httpx.AsyncClient, system: EchoSystem) -> None:
    def refuse(_: object) -> None:
        raise Overloaded("Too much at once.", retry_after_s=2.5)

    system.during = refuse
    response = await client.post(CHAT, json=body())
    assert problem(response, 503, "overloaded")["type"] == "server_error"
    assert response.headers["retry-after"] == "3"
    streamed = await client.post(CHAT, json=body(stream=True))
    assert problem(streamed, 503, "overloaded")
    assert streamed.headers["retry-after"] == "3"


async def test_before_it_is_ready_it_says_so(settings: Settings) -> None:
    app = create_app(settings, lifecycle=Lifecycle(settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert "starting" in problem(await client.get("/v1/models"), 503, "unavailable")["message"]


def test_running_out_of_money_is_told_as_openai_does_and_not_retried() -> None:
    response = of_problem(402, "budget-exceeded", "The cap is reached.")
    assert response.status_code == 429
    assert json.loads(bytes(response.body))["error"]["code"] == "insufficient_quota"
    assert response.headers["x-should-retry"] == "false"


async def test_nothing_is_sent_of_an_answer_that_is_not_accepted_yet(client: httpx.AsyncClient) -> None:
    held = (await client.post(CHAT, json=body(stream=True))).text
    assert "Half" not in held
    assert "You " in held
    live = (await client.post(CHAT, json=body("signalbox/cloud", stream=True))).text
    assert "Half a " in live
    assert "You " not in live


async def test_silence_is_filled_with_comments(
    client: httpx.AsyncClient, system: EchoSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_PING_S", 0.01)
    system.during = lambda _: asyncio.sleep(0.1)
    said = (await client.post(CHAT, json=body(stream=True))).text
    assert said.startswith(": waiting\n\n")
    assert said.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [(ModelCrashed("It died."), "model_crashed"), (ZeroDivisionError("inner workings"), "internal_error")],
)
async def test_what_fails_in_mid_stream_ends_it_with_an_error(
    client: httpx.AsyncClient, system: EchoSystem, error: Exception, code: str
) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise error

    system.during = lambda _: fail()
    response = await client.post(CHAT, json=body("signalbox/cloud", stream=True))
    assert response.status_code == 200
    *_, last = response.text.strip().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == code
    assert "[DONE]" not in response.text
    assert "inner" not in response.text


@pytest.mark.parametrize("given", [{}, {"stream": True}, {"stream": True, "model": "signalbox/cloud"}], ids=str)
async def test_who_leaves_stops_the_query(
    service: Service, settings: Settings, system: EchoSystem, given: dict[str, Any]
) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    class ChatWire(Wire):
        path = CHAT

    system.during = lambda _: endless()
    wire = ChatWire(create_app(settings, service=service))
    sent = json.dumps(body() | given).encode()
    wire.coming.put_nowait({"type": "http.request", "body": sent, "more_body": False})
    await started.wait()
    wire.coming.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(wire.request, 10)
    assert system.cancelled.is_set()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_sent_again_under_its_key_is_worked_on_once(
    client: httpx.AsyncClient, system: EchoSystem, stream: bool
) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = await client.post(CHAT, json=body(stream=stream), headers=key)
    again = await client.post(CHAT, json=body(stream=stream), headers=key)
    assert first.headers["x-signalbox-prediction"] == again.headers["x-signalbox-prediction"]
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert len(system.asked) == 1
    other = await client.post(CHAT, json=body(stream=stream, seed=1), headers=key)
    assert problem(other, 400, "invalid_value")


async def test_every_constraint_reaches_the_router(client: httpx.AsyncClient, system: EchoSystem) -> None:
    system.parts.experts = {"intents": None}
    given = {
        "max_cost_usd": 0,
        "deadline_ms": 500,
        "local_only": True,
        "alpha": 0.05,
        "session_id": "s",
        "expert": "intents",
    }
    messages = [{"role": "developer", "content": "Be kind."}, {"role": "assistant", "content": None, "refusal": "No."}]
    sent = {"model": "expert/intents", "messages": [*messages, *body()["messages"]], "signalbox": given}
    assert (await client.post(CHAT, json=sent)).status_code == 200
    (query,) = system.asked
    assert [(turn.role, turn.content) for turn in query.history] == [("system", "Be kind."), ("assistant", "No.")]
    assert (query.text, query.session_id) == ("how long", "s")
    constraints = query.constraints
    assert (constraints.route, constraints.expert, constraints.alpha) == ("classifier", "intents", 0.05)
    assert (constraints.max_cost_usd, constraints.deadline_ms, constraints.local_only) == (0, 500, True)


def prediction(**values: Any) -> Prediction:
    known: dict[str, Any] = {
        "id": "prd_1",
        "created_at": utc_now(),
        "outcome": "answered",
        "answer": None,
        "route": "classifier",
        "confidence": 0.9,
        "evidence": (),
        "attempts": (),
        "policy": "pol_0",
        "cost_usd": 0.0,
        "saved_usd": 0.0,
        "duration_ms": 1.0,
        "overhead_ms": 1.0,
    }
    return Prediction(**known | values)


def test_answers_that_are_no_text_are_spelled_out() -> None:
    labels = (
        LabelAnswer(task="topic", label="Sports", probability=0.9),
        LabelAnswer(task="mood", label="calm", probability=0.8),
    )
    assert text_of(prediction(answer=Answer(labels=labels))) == "topic: Sports; mood: calm"
    value = ValueAnswer(estimate=3120.0, low=2890.0, high=3390.0, level=0.9, unit="USD")
    assert text_of(prediction(answer=Answer(value=value))) == "3120 USD (2890 to 3390, 90% sure)"


def test_a_provisional_answer_is_not_shown_as_one() -> None:
    waiting = prediction(outcome="in_review", answer=Answer(text="A guess.", provisional=True), route=None)
    shown = completion(waiting, "signalbox/auto").model_dump_json()
    assert "A guess." not in shown
    assert "a person" in shown


@pytest.mark.parametrize("text", ["", " ", "a", " a  b\n\nc ", "\n", "Zug 🚂 fährt.\t"])
def test_pieces_make_up_the_text_again(text: str) -> None:
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize("stream", [False, True])
async def test_limits_that_have_no_effect_are_named(client: httpx.AsyncClient, stream: bool) -> None:
    """Who asks for five tokens and gets a paragraph should not have to guess why."""
    asked = body(stream=stream, max_tokens=5, stop=["\n"], temperature=0.2)
    answered = (await client.post(CHAT, json=asked)).text
    chunk = next(line for line in answered.splitlines() if '"signalbox":{' in line).removeprefix("data: ")
    assert json.loads(chunk)["signalbox"]["warnings"] == [
        "max_tokens and stop have no effect: answers come whole, as they were verified."
    ]
    plain = (await client.post(CHAT, json=body(stop=[], temperature=0.2))).json()
    assert plain["signalbox"]["warnings"] == []


async def test_what_moved_the_answer_can_be_asked_for(client: httpx.AsyncClient, system: EchoSystem) -> None:
    assert (await client.post(CHAT, json=body(signalbox={"explain": True}))).status_code == 200
    assert system.asked[-1].constraints.explain
