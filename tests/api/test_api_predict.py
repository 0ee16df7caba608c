"""POST /predict and GET /predictions/{id}, as a caller sees them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx
import pytest
from api_service import EchoSystem

from api.app import create_app
from api.body import json as limits
from api.service.wiring import Service
from signalbox import errors
from signalbox.settings import Settings
from signalbox.types import Prediction


async def post(client: httpx.AsyncClient, content: bytes | str, **headers: str) -> httpx.Response:
    given = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/predict", content=content, headers=given)


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details, after checking what all of them have in common."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert re.fullmatch(r"/problems/[a-z0-9-]+", body["type"])
    assert body["title"]
    assert body["detail"].endswith((".", "?"))
    assert body["instance"] == response.request.url.path
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return body


async def test_a_question_is_answered_stored_and_found_again(client: httpx.AsyncClient) -> None:
    response = await client.post("/predict", json={"query": "Wie lange dauert es? 🚂"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    prediction = response.json()
    assert prediction["answer"]["text"] == "You said: Wie lange dauert es? 🚂"
    again = await client.get(f"/predictions/{prediction['id']}")
    assert again.status_code == 200
    assert again.json() == prediction
    Prediction.model_validate(prediction)


async def test_every_constraint_reaches_the_router(client: httpx.AsyncClient, system: EchoSystem) -> None:
    sent = {
        "query": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Refund?"}],
        "route": "classifier",
        "expert": "intents",
        "session_id": "visitor-1",
        "max_cost_usd": 0,
        "deadline_ms": 5000,
        "local_only": True,
        "alpha": 0.05,
        "explain": False,
        "wait_for_review_ms": 0,
    }
    assert (await client.post("/predict", json=sent)).status_code == 200
    (query,) = system.asked
    assert query.text == "Refund?"
    assert [message.content for message in query.history] == ["Hello."]
    assert query.session_id == "visitor-1"
    assert query.constraints.model_dump() == {
        "route": "classifier",
        "expert": "intents",
        "max_cost_usd": 0.0,
        "deadline_ms": 5000.0,
        "local_only": True,
        "alpha": 0.05,
        "explain": False,
    }


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({}, "query", "query is missing"),
        ({"query": None}, "query", "query is missing"),
        ({"query": 7}, "query", "a string, or a list"),
        ({"query": {"text": "a"}}, "query", "a string, or a list"),
        ({"query": []}, "query", "no messages"),
        ({"query": ["a"]}, "query", "valid dictionary"),
        ({"query": [{"role": "user"}]}, "query", "missing"),
        ({"query": [{"role": "robot", "content": "a"}]}, "query", "'system', 'user' or 'assistant'"),
        ({"query": [{"role": "user", "content": "a", "mood": "bad"}]}, "query", "no such field"),
        ({"query": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "query", "the user's"),
        ({"query": "a", "rout": "auto"}, "rout", "no such field"),
        ({"query": "a", "route": "carrier pigeon"}, "route", "'classifier'"),
        ({"query": "a", "route": "review"}, "route", "'classifier'"),
        ({"query": "a", "expert": ""}, "expert", "at least 1"),
        ({"query": "a", "session_id": "x" * 201}, "session_id", "at most 200"),
        ({"query": "a", "session_id": "a\x00b"}, "session_id", "pattern"),
        ({"query": "a", "session_id": 5}, "session_id", "string"),
        ({"query": "a", "max_cost_usd": -0.01}, "max_cost_usd", "greater than or equal to 0"),
        ({"query": "a", "max_cost_usd": "1"}, "max_cost_usd", "number"),
        ({"query": "a", "max_cost_usd": True}, "max_cost_usd", "number"),
        ({"query": "a", "max_cost_usd": 10**399}, "max_cost_usd", ""),
        ({"query": "a", "deadline_ms": 0}, "deadline_ms", "greater than 0"),
        ({"query": "a", "deadline_ms": 1e300}, "deadline_ms", "less than or equal"),
        ({"query": "a", "local_only": "yes"}, "local_only", "boolean"),
        ({"query": "a", "alpha": 0}, "alpha", "greater than 0"),
        ({"query": "a", "alpha": 1}, "alpha", "less than 1"),
        ({"query": "a", "explain": None}, "explain", "boolean"),
        ({"query": "a", "wait_for_review_ms": 600_001}, "wait_for_review_ms", "the most is"),
        ({"query": "a", "wait_for_review_ms": -1}, "wait_for_review_ms", "greater than or equal"),
        ({"record": {"carat": 1.0}, "expert": "diamonds"}, "record", "takes text"),
        ({"records": [{"carat": 1.0}], "expert": "diamonds"}, "records", "takes text"),
        ({"record": {"carat": 1.0}}, "expert", "needs expert"),
        ({"record": {"carat": 1.0}, "query": "a", "expert": "diamonds"}, "record", "exclude each other"),
        ({"record": [1]}, "record", "dictionary"),
        ([], "body", "a JSON object"),
        ("query", "body", "a JSON object"),
        (None, "body", "a JSON object"),
    ],
)
async def test_a_value_that_breaks_a_rule_is_named(
    client: httpx.AsyncClient, system: EchoSystem, body: Any, field: str, says: str
) -> None:
    found = problem(await post(client, json.dumps(body)), 422)
    assert found["field"] == field
    assert says in found["detail"]
    assert not system.asked


async def test_all_values_at_fault_are_listed_with_pointers(client: httpx.AsyncClient) -> None:
    body = {
        "query": [{"role": "user", "content": 5}, {"role": "nobody", "content": "a"}],
        "alpha": 2,
        "a/b~c": 1,
    }
    found = problem(await client.post("/predict", json=body), 422)
    assert {error["pointer"] for error in found["errors"]} == {
        "#/query/0/content",
        "#/query/1/role",
        "#/alpha",
        "#/a~1b~0c",
    }
    assert all(error["message"] and error["field"] for error in found["errors"])
    assert found["detail"].startswith("4 values are invalid")
    assert found["field"] == "query"


async def test_what_is_said_of_many_faults_stays_short(client: httpx.AsyncClient) -> None:
    found = problem(await client.post("/predict", json={"query": "a"} | {f"x{i}": 0 for i in range(300)}), 422)
    assert found["detail"].startswith("300 values are invalid (x0, x1, x2, x3, x4, …)")
    assert len(found["errors"]) == 50
    for name in ("y" * 3_000, "\U0001f682" * 500):
        response = await client.post("/predict", json={"query": "a", name: 0})
        assert problem(response, 422)["field"].startswith(name[:50])
        assert len(response.content) < 2_000
    twice = await post(client, f'{{"{"z" * 1_500}": 1, "{"z" * 1_500}": 2}}')
    assert len(problem(twice, 422)["detail"]) < 200


@pytest.mark.parametrize(
    ("raw", "status", "says"),
    [
        (b"", 400, "empty"),
        (b"  \n", 400, "empty"),
        (b"{", 400, "line 1, column 2"),
        (b"{'query': 'a'}", 400, "not JSON"),
        (b'{"query": "a"} {}', 400, "not JSON"),
        (b'{"query": "a",}', 400, "not JSON"),
        (b"query=a", 400, "not JSON"),
        (b'{"query": "a\nb"}', 400, "not JSON"),
        (b'{"query": "\xff\xfe"}', 400, "not UTF-8"),
        (b'\xef\xbb\xbf{"query": "a"}', 400, "BOM"),
        ('{"query": "a"}'.encode("utf-16"), 400, "not UTF-8"),
        (b'{"query": "a \\ud800 b"}', 422, "surrogate"),
        (b'{"query": [{"role": "user", "content": "\\udfff"}]}', 422, "surrogate"),
        (b'{"\\ud800": 1, "query": "a"}', 422, "surrogate"),
        (b'{"query": "a", "alpha": NaN}', 422, "NaN"),
        (b'{"query": "a", "max_cost_usd": Infinity}', 422, "Infinity"),
        (b'{"query": "a", "max_cost_usd": -Infinity}', 422, "Infinity"),
        (b'{"query": "a", "max_cost_usd": 1e999}', 422, "too large"),
        (b'{"query": "a", "deadline_ms": ' + b"9" * 3000 + b"}", 422, "3,000 digits"),
        (b'{"query": "a", "query": "b"}', 422, "twice"),
        (b'{"query": ' + b"[" * 100 + b"]" * 100 + b"}", 422, "deeper than 32"),
        (b"[" * 3_900, 422, "deeper than 32"),
        (b'{"a":' * 700, 400, "not JSON"),
    ],
)
async def test_a_body_that_is_no_strict_json_is_refused(
    client: httpx.AsyncClient, system: EchoSystem, raw: bytes, status: int, says: str
) -> None:
    assert says in problem(await post(client, raw), status)["detail"]
    assert not system.asked


async def test_a_character_outside_the_basic_plane_may_be_escaped(client: httpx.AsyncClient) -> None:
    response = await post(client, b'{"query": "\\ud83d\\ude82"}')
    assert response.json()["answer"]["text"] == "You said: \U0001f682"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
    ],
)
async def test_only_json_is_read(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post("/predict", content=b'{"query": "a"}', headers={"Content-Type": content_type})
    assert problem(response, 415)["field"] == "Content-Type"


async def test_the_type_may_name_its_character_set(client: httpx.AsyncClient) -> None:
    assert (await post(client, '{"query": "a"}', Content_Type='Application/JSON; charset="UTF-8"')).status_code == 200


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    assert problem(await post(client, b"\x1f\x8b", Content_Encoding="gzip"), 415)["field"] == "Content-Encoding"


async def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_so(client: httpx.AsyncClient) -> None:
    large = json.dumps({"query": "a" * 5_000}).encode()
    found = problem(await post(client, large), 413)
    assert found["type"] == "/problems/body-too-large"
    assert "4,000 bytes" in found["detail"]
    assert "SIGNALBOX_MAX_BODY_BYTES" in found["detail"]

    read = 0

    async def endless() -> Any:
        nonlocal read
        while True:
            read += 1
            yield b" " * 1_000

    response = await client.post("/predict", content=endless(), headers={"Content-Type": "application/json"})
    assert "content-length" not in response.request.headers
    assert problem(response, 413)["field"] == "body"
    assert response.headers["connection"] == "close"
    assert read <= 6

    lying = await post(client, b'{"query": "a"}', Content_Length="9" * 5_000)
    assert problem(lying, 413)


async def test_a_conversation_has_limits(client: httpx.AsyncClient) -> None:
    turn = {"role": "user", "content": "a"}
    found = problem(await client.post("/predict", json={"query": [turn] * 4}), 413)
    assert found["type"] == "/problems/query-too-long"
    assert "4 messages" in found["detail"]
    long = {"role": "assistant", "content": "a" * 201}
    assert "Message 1" in problem(await client.post("/predict", json={"query": [long, turn]}), 413)["detail"]


@pytest.mark.parametrize(
    ("error", "status", "slug", "retry_after"),
    [
        (errors.TooLarge("Too long.", field="query"), 413, "query-too-long", None),
        (errors.TooLarge("Too many.", field="tags"), 413, "too-large", None),
        (errors.UnsupportedType("A scan."), 415, "unsupported-type", None),
        (errors.UnknownName("No expert.", field="expert"), 422, "unknown-name", None),
        (errors.InvalidInput("Empty.", field="query"), 422, "invalid-value", None),
        (errors.NotFound("Not there."), 404, "not-found", None),
        (errors.Conflict("Decided already."), 409, "conflict", None),
        (errors.DeadlineExceeded("Too late."), 504, "deadline-exceeded", None),
        (errors.BudgetExceeded("Too dear."), 402, "budget-exceeded", None),
        (errors.Unavailable("Disk full.", retry_after_s=2.2), 503, "unavailable", "3"),
        (errors.Overloaded("Busy.", retry_after_s=0.1), 503, "overloaded", "1"),
        (errors.ModelCrashed("It died."), 503, "model-crashed", "1"),
        (errors.UpstreamError("Nonsense.", status=418), 502, "upstream-error", None),
        (errors.CorruptArtefact("Bad sum."), 500, "corrupt-artefact", None),
        (errors.ConfigurationError("No such file."), 500, "configuration-error", None),
        (errors.MissingDependency("pip install it."), 500, "missing-dependency", None),
    ],
)
async def test_each_error_has_its_status(
    client: httpx.AsyncClient,
    system: EchoSystem,
    error: errors.SignalboxError,
    status: int,
    slug: str,
    retry_after: str | None,
) -> None:
    def fail(_: object) -> None:
        raise error

    system.during = fail
    response = await client.post("/predict", json={"query": "a"})
    found = problem(response, status)
    assert found["type"] == f"/problems/{slug}"
    assert found["detail"] == error.detail
    assert found.get("field") == error.field
    assert response.headers.get("retry-after") == retry_after


async def test_an_unexpected_error_tells_the_caller_an_id_and_the_log_the_rest(
    client: httpx.AsyncClient, system: EchoSystem, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("secret inner workings")

    system.during = fail
    response = await client.post("/predict", json={"query": "a"})
    found = problem(response, 500)
    assert found["request_id"] in found["detail"]
    assert "secret" not in response.text
    assert "unexpected error" in caplog.text


class Wire:
    """One request below the HTTP client: what arrives is put in `coming`, what is answered lies in `sent`."""

    path = "/predict"

    def __init__(self, app: Any) -> None:
        self.coming = asyncio.Queue[dict[str, Any]]()
        self.sent: list[Any] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": self.headers(),
        }
        self.request = asyncio.create_task(app(scope, self.coming.get, self._send))

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"host", b"localhost"), (b"content-type", b"application/json")]

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


async def test_who_goes_away_stops_the_query(service: Service, settings: Settings, system: EchoSystem) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    system.during = lambda _: endless()
    wire = Wire(create_app(settings, service=service))
    wire.coming.put_nowait({"type": "http.request", "body": b'{"query": "a"}', "more_body": False})
    await started.wait()
    wire.coming.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(wire.request, 10)
    assert system.cancelled.is_set()


async def test_who_goes_away_before_the_body_ends_is_no_error(
    service: Service, settings: Settings, system: EchoSystem, caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire(create_app(settings, service=service))
    wire.coming.put_nowait({"type": "http.request", "body": b'{"que', "more_body": True})
    wire.coming.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(wire.request, 10)
    assert not system.asked
    assert "unexpected" not in caplog.text


async def test_a_body_that_never_arrives_is_not_waited_for(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_READ_TIMEOUT_S", 0.05)
    wire = Wire(create_app(settings, service=service))
    wire.coming.put_nowait({"type": "http.request", "body": b'{"que', "more_body": True})
    await asyncio.wait_for(wire.request, 10)
    assert wire.sent[0]["status"] == 408
    assert json.loads(wire.sent[1]["body"])["type"] == "/problems/request-timeout"


async def test_a_prediction_that_is_not_there(client: httpx.AsyncClient) -> None:
    assert "prd_nothing" in problem(await client.get("/predictions/prd_nothing"), 404)["detail"]
    assert problem(await client.get("/predictions/" + "x" * 201), 422)["field"] == "id"
    assert problem(await client.get("/predictions/%00%ff'--"), 404)
