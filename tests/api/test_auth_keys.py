"""Keys over HTTP: when they are required, how they are shown, what they open, and that they end."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from api_service import EchoSystem
from auth_people import client_of, make_keys, shown
from test_api_predict import problem

from api.auth.credentials import MOST_FAILURES
from api.auth.operator import Signatures, authorization
from api.auth.secret import FILE, ServiceSecret
from api.cli.client import connection
from api.service.wiring import Service
from signalbox.errors import ConfigurationError
from signalbox.settings import Settings
from signalbox.telemetry import configure_logging
from signalbox.types import utc_now

ASK = {"query": "a"}


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("debug", "json", stream=stream)
    yield stream
    root.handlers, root.level = handlers, level


def signed(settings: Settings, method: str, target: str, body: bytes = b"", port: int = 8000) -> dict[str, str]:
    """What the command line shows with one request."""
    secret = ServiceSecret(settings.data_dir)
    return {"Authorization": authorization(secret, port=port, method=method, target=target, body=body)}


async def test_without_keys_no_key_is_looked_at(client: httpx.AsyncClient, system: EchoSystem) -> None:
    for headers in ({}, shown("sk-whatever-a-client-insists-on"), {"Authorization": "Basic eDp5"}):
        assert (await client.post("/predict", json=ASK, headers=headers)).status_code == 200
    assert system.asked[0].caller is None
    assert (await client.get("/session")).json() == {
        "key_id": None,
        "name": "local",
        "role": "admin",
        "expires_at": None,
    }


async def test_from_the_first_key_on_keys_are_required(client: httpx.AsyncClient) -> None:
    made = await client.post("/keys", json={"name": "first", "role": "admin"})
    assert made.status_code == 201
    refused = await client.post("/predict", json=ASK)
    assert problem(refused, 401)["type"] == "/problems/unauthorized"
    assert refused.headers["www-authenticate"] == "Bearer"
    assert (await client.post("/predict", json=ASK, headers=shown(made.json()["token"]))).status_code == 200
    for path in ("/healthz", "/readyz", "/openapi.json", "/sign-in"):
        assert (await client.get(path)).status_code == 200, path
    assert problem(await client.get("/metrics"), 401)


async def test_under_v1_a_refusal_is_in_openai_s_form(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    refused = await client.get("/v1/models")
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "invalid_api_key"
    refused = await client.post("/v1/chat/completions", json={}, headers=shown(keys["viewer"][1]))
    assert refused.status_code == 403
    assert refused.json()["error"]["type"] == "permission_error"


async def test_a_key_may_be_shown_in_two_ways(client: httpx.AsyncClient, service: Service) -> None:
    token = (await make_keys(service))["viewer"][1]
    for headers in (shown(token), {"authorization": f"bearer  {token} "}, {"X-API-Key": token}):
        assert (await client.get("/session", headers=headers)).json()["role"] == "viewer"
    both = [("Authorization", f"Bearer {token}"), ("X-API-Key", token)]
    assert (await client.get("/session", headers=both)).status_code == 200


async def test_what_is_no_key_is_refused(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    (key, token), (_, other) = keys["admin"], keys["viewer"]
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    for headers in (
        [("Authorization", f"Bearer {wrong}")],
        [("Authorization", f"Bearer {token.upper()}")],
        [("Authorization", f"Bearer {token}x")],
        [("Authorization", f"Bearer sb_{key.id}_{other.rpartition('_')[2]}")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer")],
        [("Authorization", f"Basic {token}")],
        [("Authorization", token)],
        [("Authorization", f"Bearer sb_' OR 1=1 --_{'0' * 64}")],
        [("Authorization", b"Bearer \xff\xfe")],
        [("Authorization", "Bearer " + "a" * 20_000)],
        [("X-API-Key", "")],
        [("Authorization", f"Bearer {token}"), ("X-API-Key", other)],
        [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {other}")],
    ):
        assert problem(await client.get("/session", headers=headers), 401), headers


async def test_a_revoked_key_ends_with_the_answer_that_says_so(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    admin, (viewer, token) = shown(keys["admin"][1]), keys["viewer"]
    assert (await client.get("/session", headers=shown(token))).status_code == 200
    revoked = await client.delete(f"/keys/{viewer.id}", headers=admin)
    assert revoked.json()["revoked_at"] is not None
    assert "revoked" in problem(await client.get("/session", headers=shown(token)), 401)["detail"]
    assert problem(await client.delete("/keys/000000000000", headers=admin), 404)
    assert problem(await client.delete(f"/keys/{keys['admin'][0].id}", headers=admin), 409)


async def test_a_rotated_key_opens_with_its_new_token_only(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    key, old = keys["service"]
    made = (await client.post(f"/keys/{key.id}/rotate", headers=shown(keys["admin"][1]))).json()
    assert made["key"]["id"] == key.id
    assert problem(await client.get("/session", headers=shown(old)), 401)
    assert (await client.get("/session", headers=shown(made["token"]))).status_code == 200


async def test_an_expired_key_is_refused(client: httpx.AsyncClient, service: Service) -> None:
    ended = await service.keys.create("short", "viewer", expires_at=utc_now() + timedelta(milliseconds=1))
    assert "expired" in problem(await client.get("/session", headers=shown(ended.token)), 401)["detail"]


async def test_the_list_shows_everything_but_secrets(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    listed = await client.get("/keys", headers=shown(keys["admin"][1]))
    assert [item["id"] for item in listed.json()["items"]] == [key.id for key, _ in keys.values()]
    for _, token in keys.values():
        assert token.rpartition("_")[2] not in listed.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a", "role": "king"}, "role"),
        ({"name": "", "role": "admin"}, "name"),
        ({"name": "a\u0007", "role": "admin"}, "name"),
        ({"name": "a", "role": "admin", "daily_cap_usd": -1}, "daily_cap_usd"),
        ({"name": "a", "role": "admin", "rate_per_minute": 0}, "rate_per_minute"),
        ({"name": "a", "role": "admin", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "a", "role": "admin", "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"name": "a", "role": "admin", "secret": "mine"}, "secret"),
    ],
)
async def test_a_bad_key_is_not_made(client: httpx.AsyncClient, body: dict[str, object], field: str) -> None:
    assert problem(await client.post("/keys", json=body), 422)["field"] == field
    assert (await client.get("/keys")).json()["items"] == []


async def test_a_prediction_belongs_to_the_key_that_asked(
    client: httpx.AsyncClient, service: Service, system: EchoSystem
) -> None:
    keys = await make_keys(service)
    other = (await service.keys.create("other", "service")).token
    key, token = keys["service"]
    id = (await client.post("/predict", json=ASK, headers=shown(token))).json()["id"]  # noqa: A001
    assert system.asked[0].caller == key.id
    stored = await service.predictions.get(id)
    await service.predictions.add(stored.model_copy(update={"id": "prd_own", "caller": key.id}))
    for role in ("service", "viewer", "reviewer", "admin"):
        assert (await client.get("/predictions/prd_own", headers=shown(keys[role][1]))).status_code == 200
    hidden = problem(await client.get("/predictions/prd_own", headers=shown(other)), 404)
    missing = problem(await client.get("/predictions/prd_no1", headers=shown(other)), 404)
    assert hidden["detail"].replace("prd_own", "") == missing["detail"].replace("prd_no1", "")


async def test_an_address_that_tries_many_keys_is_held_off(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    known = shown(keys["admin"][1])
    assert (await client.get("/session", headers=known)).status_code == 200
    for number in range(MOST_FAILURES):
        wrong = shown(f"sb_{number:012x}_{'0' * 64}")
        assert problem(await client.get("/session", headers=wrong), 401)
    refused = await client.get("/session", headers=shown(f"sb_{'f' * 12}_{'0' * 64}"))
    assert problem(refused, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert problem(await client.post("/session", json={"key": f"sb_{'e' * 12}_{'0' * 64}"}), 429)
    assert (await client.get("/session", headers=known)).status_code == 200
    assert (await client.get("/healthz")).status_code == 200


async def test_wrong_keys_of_others_behind_the_same_address_hold_no_good_key_off(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = await make_keys(service)
    guesses = [shown(f"sb_{number:012x}_{'0' * 64}") for number in range(MOST_FAILURES + 50)]
    for guess in guesses[:MOST_FAILURES]:
        assert problem(await client.get("/session", headers=guess), 401)
    reads: list[object] = []
    read = service.database.read

    async def counted(work: Any) -> Any:
        reads.append(work)
        return await read(work)

    monkeypatch.setattr(service.database, "read", counted)
    for guess in guesses[MOST_FAILURES:]:
        assert problem(await client.get("/session", headers=guess), 429)
    assert len(reads) < 10, "guesses beyond the limit must not cost a read each"
    for role, (_, token) in keys.items():
        assert (await client.get("/session", headers=shown(token))).json()["role"] == role
    late = (await service.keys.create("late", "viewer")).token
    assert (await client.get("/session", headers=shown(late))).status_code == 200


async def test_no_secret_reaches_the_log(
    settings: Settings, service: Service, logged: io.StringIO, client: httpx.AsyncClient
) -> None:
    keys = await make_keys(service)
    token = keys["admin"][1]
    made = (await client.post("/keys", json={"name": "a", "role": "viewer"}, headers=shown(token))).json()["token"]
    await client.post("/session", json={"key": made})
    wrong = made[:-8] + "00000000"
    await client.get("/session", headers=shown(wrong))
    await client.get(f"/predictions/{made}", headers=shown(token))
    operator = signed(settings, "GET", f"/predictions/{made}")
    assert problem(await client.get(f"/predictions/{made}", headers=operator), 404)
    said = logged.getvalue()
    assert "key created" in said
    assert "a wrong key was shown" in said
    assert f'"caller": "{keys["admin"][0].id}"' in said, "which key asked"
    for secret in (token, made, wrong, operator["Authorization"].replace(".", "_")):
        assert secret.rpartition("_")[2] not in said


async def test_the_command_line_shows_that_it_may_read_the_data(
    client: httpx.AsyncClient, service: Service, settings: Settings
) -> None:
    await make_keys(service)
    once = signed(settings, "GET", "/session")
    assert (await client.get("/session", headers=once)).json()["name"] == "operator"
    assert (settings.data_dir / FILE).stat().st_mode & 0o777 == 0o600
    assert problem(await client.get("/session", headers=once), 401), "a signature counts once"
    body = b'{"name": "a", "role": "admin"}'
    json_type = {"Content-Type": "application/json"}
    made = await client.post("/keys", content=body, headers=json_type | signed(settings, "POST", "/keys", body))
    assert made.status_code == 201
    swapped = json_type | signed(settings, "POST", "/keys", body)
    assert problem(await client.post("/keys", content=body.replace(b"a", b"b"), headers=swapped), 401)
    assert len(await service.keys.list()) == 5


@pytest.mark.parametrize(
    ("made_for", "cut"),
    [
        ({"method": "POST"}, 0),
        ({"target": "/keys"}, 0),
        ({"target": "/session?a=1"}, 0),
        ({"port": 8001}, 0),
        ({"body": b"x"}, 0),
        ({}, -1),
        ({}, 18),
    ],
)
async def test_what_was_signed_for_something_else_opens_nothing(
    client: httpx.AsyncClient, service: Service, settings: Settings, made_for: dict[str, Any], cut: int
) -> None:
    await make_keys(service)
    header = signed(settings, **{"method": "GET", "target": "/session", **made_for})["Authorization"]
    assert problem(await client.get("/session", headers={"Authorization": header[: cut or None]}), 401)


@pytest.mark.parametrize("passed_s", [-31, -1, 31])
async def test_a_signature_of_another_moment_opens_nothing(settings: Settings, service: Service, passed_s: int) -> None:
    """Nor one that was made before the service started: an earlier process may have taken it."""
    secret = ServiceSecret(settings.data_dir)
    now = [time.time_ns()]
    signatures = Signatures(secret, clock_ns=lambda: now[0] - min(0, passed_s) * 10**9)
    now[0] += max(0, passed_s) * 10**9
    header = signed(settings, "GET", "/session")["Authorization"]
    scope = {"type": "http", "method": "GET", "raw_path": b"/session", "query_string": b"", "server": ("h", 8000)}
    assert signatures.use(scope, header) is None


async def test_who_listens_in_the_service_s_place_learns_nothing_reusable(
    client: httpx.AsyncClient, service: Service, settings: Settings
) -> None:
    heard: list[str] = []

    async def spoof(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{"status":"ok"}')
        writer.close()

    await make_keys(service)
    async with await asyncio.start_server(spoof, "127.0.0.1", 0) as server:
        there = settings.model_copy(update={"port": server.sockets[0].getsockname()[1]})
        async with connection(there, otherwise=ConfigurationError("none")) as asking:
            await asking.get("/keys")
    assert "authorization" not in heard[0].lower()
    (header,) = re.findall(r"(?im)^authorization: (.*?)\r$", heard[1])
    for path in ("/session", "/keys", "/predictions"):
        assert problem(await client.get(path, headers={"Authorization": header}), 401)


async def test_a_secret_that_others_may_read_is_not_used(settings: Settings, service: Service) -> None:
    secret = ServiceSecret(settings.data_dir)
    first = secret.derive("a")
    assert ServiceSecret(settings.data_dir).derive("a") == first
    path = settings.data_dir / FILE
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        ServiceSecret(settings.data_dir).derive("a")
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(ConfigurationError, match="damaged"):
        ServiceSecret(settings.data_dir).derive("a")


async def test_beyond_this_machine_keys_are_required_even_while_there_are_none(
    settings: Settings, service: Service
) -> None:
    async with client_of(settings.model_copy(update={"host": "0.0.0.0"}), service) as client:
        assert problem(await client.post("/predict", json=ASK), 401)
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("192.168.1.4:8000", True),
        ("[fe80::1]:8000", True),
        ("localhost", True),
        ("Signalbox.Example.org", True),
        ("signalbox.example.org:443", True),
        ("evil.example", False),
        ("192.168.1.4.evil.example", False),
        ("", False),
    ],
)
async def test_on_all_addresses_any_address_and_the_allowed_names_are_served(
    settings: Settings, service: Service, host: str, served: bool
) -> None:
    """A page can lead a name of its own here, but not an address."""
    elsewhere = settings.model_copy(update={"host": "0.0.0.0", "allowed_hosts": ("signalbox.example.org",)})
    async with client_of(elsewhere, service) as client:
        status = (await client.get("/healthz", headers={"Host": host})).status_code
    assert status == (200 if served else 421)


async def test_while_the_keys_can_not_be_read_nobody_is_let_in(client: httpx.AsyncClient, service: Service) -> None:
    token = (await make_keys(service))["admin"][1]
    await service.database.close()
    assert problem(await client.get("/session", headers=shown(token)), 503)
    assert problem(await client.get("/session"), 401)
    assert json.loads((await client.get("/healthz")).text) == {"status": "ok"}


async def test_the_openapi_document_says_how_a_key_is_shown(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["key"] == {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key. Needed once there is one.",
    }
    assert document["paths"]["/predict"]["post"]["security"] == [{"key": []}, {}]
    assert "security" not in document["paths"]["/healthz"]["get"]
