"""Page sessions: signing in with a key, what the cookie is good for, and when it ends."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from auth_people import ORIGIN, client_of, make_keys, shown
from test_api_predict import problem

from api.auth.secret import ServiceSecret
from api.auth.sessions import COOKIE, LIFE_S, Sessions
from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.storage.tokens import Key, StoredKey, digest_of
from signalbox.types import utc_now

FORM = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}


def cookie_of(response: httpx.Response) -> dict[str, str]:
    (header,) = response.headers.get_list("set-cookie")
    morsel = SimpleCookie(header)[COOKIE]
    return {"value": morsel.value} | {name: str(value) for name, value in morsel.items() if value}


async def sign_in(client: httpx.AsyncClient, token: str) -> None:
    response = await client.post("/session", json={"key": token})
    assert response.status_code == 200
    client.cookies.set(COOKIE, cookie_of(response)["value"])


async def test_a_key_starts_a_session_and_signing_out_ends_it(client: httpx.AsyncClient, service: Service) -> None:
    key, token = (await make_keys(service))["reviewer"]
    response = await client.post("/session", json={"key": token})
    who = response.json()
    assert (who["key_id"], who["name"], who["role"]) == (key.id, "the reviewer", "reviewer")
    cookie = cookie_of(response)
    assert cookie["httponly"] == "True"
    assert cookie["samesite"] == "strict"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(LIFE_S)
    assert "secure" not in cookie
    assert token.rpartition("_")[2] not in cookie["value"]
    signed = {"Cookie": f"theme=dark; {COOKIE}={cookie['value']}"}
    assert (await client.get("/session", headers=signed)).json()["role"] == "reviewer"
    assert (await client.get("/predictions/none", headers=signed)).status_code == 404
    gone = cookie_of(await client.delete("/session"))
    assert gone["value"] == ""
    assert gone["max-age"] == "0"


async def test_signing_out_ends_the_session_and_not_only_the_cookie(
    client: httpx.AsyncClient, service: Service
) -> None:
    token = (await make_keys(service))["reviewer"][1]
    signed = {"Cookie": f"{COOKIE}={cookie_of(await client.post('/session', json={'key': token}))['value']}"}
    assert (await client.get("/session", headers=signed)).status_code == 200
    client.cookies.clear()
    assert (await client.delete("/session", headers=signed)).status_code == 204
    assert problem(await client.get("/session", headers=signed), 401)


async def test_by_https_the_cookie_is_secure(settings: Settings, service: Service) -> None:
    token = (await make_keys(service))["viewer"][1]
    async with client_of(settings.model_copy(update={"served_over_https": True}), service) as client:
        assert cookie_of(await client.post("/session", json={"key": token}))["secure"] == "True"
        await sign_in(client, token)
        assert problem(await client.post("/predict", json={}, headers={"Origin": ORIGIN}), 403)["field"] == "Origin"
        theirs = await client.post("/predict", json={}, headers={"Origin": ORIGIN.replace("http", "https")})
        assert "role" in problem(theirs, 403)["detail"]


async def test_a_key_that_is_none_starts_no_session(client: httpx.AsyncClient, service: Service) -> None:
    key, _ = (await make_keys(service))["admin"]
    for body in ({"key": f"sb_{key.id}_{'0' * 64}"}, {"key": "x"}):
        response = await client.post("/session", json=body)
        assert problem(response, 401)
        assert "set-cookie" not in response.headers
    for wrong in ({}, {"key": 1}, {"key": "x", "more": 1}, []):
        assert problem(await client.post("/session", json=wrong), 422)
    assert problem(await client.post("/session", content=b"{", headers={"Content-Type": "application/json"}), 400)
    assert problem(await client.post("/session", content=b"x" * 5_000, headers=FORM), 413)


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "WyJhIl0.sig", "x" * 5_000, '"', "=;=", "WzEsMiwzLDRd.AAAA"])
async def test_a_forged_cookie_is_no_session(client: httpx.AsyncClient, service: Service, cookie: str) -> None:
    await make_keys(service)
    assert problem(await client.get("/session", headers={"Cookie": f"{COOKIE}={cookie}"}), 401)


async def test_a_session_of_another_service_is_none_here(
    client: httpx.AsyncClient, service: Service, tmp_path: Path
) -> None:
    key, token = (await make_keys(service))["admin"]
    other = tmp_path / "other"
    other.mkdir()
    forged = Sessions(ServiceSecret(other)).seal(StoredKey(key, digest_of(token)))
    assert problem(await client.get("/session", headers={"Cookie": f"{COOKIE}={forged}"}), 401)


@pytest.mark.parametrize("end", ["revoke", "rotate"])
async def test_a_session_ends_with_its_key(client: httpx.AsyncClient, service: Service, end: str) -> None:
    key, token = (await make_keys(service))["viewer"]
    await sign_in(client, token)
    assert (await client.get("/session")).status_code == 200
    await getattr(service.keys, end)(key.id)
    assert problem(await client.get("/session"), 401)


def test_a_session_runs_out(tmp_path: Path) -> None:
    now = 1_000_000.0
    sessions = Sessions(ServiceSecret(tmp_path), clock=lambda: now)
    stored = StoredKey(Key(id="0" * 12, name="a", role="viewer", created_at=utc_now()), "f" * 64)
    cookie = sessions.seal(stored)
    now += LIFE_S - 1
    session = sessions.open(cookie)
    assert session is not None
    assert session.key_id == stored.key.id
    now += 1
    assert sessions.open(cookie) is None


async def test_a_session_changes_things_from_our_own_pages_only(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    await sign_in(client, keys["admin"][1])
    ask = {"query": "a"}
    assert "Origin" in problem(await client.post("/predict", json=ask), 403)["detail"]
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert problem(await client.post("/predict", json=ask, headers=headers), 403), headers
    assert (await client.post("/predict", json=ask, headers={"Origin": ORIGIN})).status_code == 200
    assert (await client.post("/predict", json=ask, headers={"Sec-Fetch-Site": "same-origin"})).status_code == 200


async def test_a_key_in_a_header_counts_before_the_session(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    await sign_in(client, keys["admin"][1])
    assert (await client.get("/session", headers=shown(keys["viewer"][1]))).json()["role"] == "viewer"
    assert problem(await client.get("/session", headers=shown("sb_nonsense")), 401)


async def test_people_are_led_to_where_to_sign_in(client: httpx.AsyncClient, service: Service) -> None:
    for path in ("/ui/", "/ui/reviews"):
        led = await client.get("/sign-in", params={"next": path})
        assert (led.status_code, led.headers["location"]) == (303, path)
    keys = await make_keys(service)
    html = {"Accept": "text/html,application/xhtml+xml"}
    led = await client.get("/ui/reviews", headers=html)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/ui/reviews")
    page = await client.get(led.headers["location"])
    assert page.status_code == 200
    assert 'action="/session"' in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    done = await client.post("/session", data={"key": keys["viewer"][1], "next": "/ui/reviews"}, headers=FORM)
    assert (done.status_code, done.headers["location"]) == (303, "/ui/reviews")
    assert cookie_of(done)["httponly"]
    wrong = await client.post("/session", data={"key": "sb_x", "next": "/ui/reviews"}, headers=FORM)
    assert wrong.status_code == 401
    assert "not valid" in wrong.text
    assert 'value="/ui/reviews"' in wrong.text
    client.cookies.clear()
    assert problem(await client.get("/ui/reviews"), 401)
    assert problem(await client.get("/predictions", headers=html), 401)


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/\t/evil", "/é", "\\"],
)
async def test_signing_in_leads_nowhere_else(client: httpx.AsyncClient, service: Service, target: str) -> None:
    token = (await make_keys(service))["viewer"][1]
    done = await client.post("/session", data={"key": token, "next": target}, headers=FORM)
    assert urlsplit(done.headers["location"]).path == "/ui/"
    page = await client.get("/sign-in", params={"next": f'{target}"><script>'})
    assert "<script" not in page.text


async def test_another_origin_can_not_sign_anyone_in(client: httpx.AsyncClient, service: Service) -> None:
    token = (await make_keys(service))["viewer"][1]
    forged = await client.post("/session", data={"key": token}, headers=FORM | {"origin": "http://evil.example"})
    assert problem(forged, 403)
    assert "set-cookie" not in forged.headers
