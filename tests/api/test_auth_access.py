"""The table of roles: every route is in it, and every route, role by role, is let through or refused as it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from auth_people import make_keys, shown
from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send
from test_api_predict import problem

from api.app import create_app
from api.auth import Gate
from api.auth.access import _RULES, rule_of
from api.auth.paths import Paths
from api.http.edge import Edge
from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.storage.tokens import ROLES

ANSWERED = 299
CALLERS = (*ROLES, None)


def routes() -> list[tuple[str, str]]:
    """Every (method, template) the application serves."""
    paths = Paths(lambda: create_app(Settings()).router.routes)
    return [
        (method, entry.template)
        for entry in paths.entries
        for method in sorted(entry.methods or {"GET", "POST", "WEBSOCKET"})
    ]


ROUTES = routes()


def filled(template: str) -> str:
    return re.sub(r"\{[^}]*\}", "x1", template).replace("/*", "/page")


def expected(method: str, template: str, role: str | None) -> int:
    rule = rule_of(method, template, filled(template))
    assert rule is not None
    if rule.public or role in rule.roles:
        return ANSWERED
    return 401 if role is None else 403


async def _answers(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=ANSWERED)(scope, receive, send)


@pytest.fixture
async def gated(settings: Settings, service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The application's routes behind the gate and the edge, with something that always answers in their place."""
    app = create_app(settings, service=service)
    gate = Gate(_answers, auth=app.state.auth, routes=lambda: app.router.routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Edge(gate, settings)), base_url="http://localhost") as c:
        yield c


def test_every_route_is_in_the_table() -> None:
    missing = [f"{method} {template}" for method, template in ROUTES if rule_of(method, template, template) is None]
    assert not missing, f"api/auth/access.py must say who may: {', '.join(missing)}"


def test_every_entry_of_the_table_has_a_route() -> None:
    plain = {re.sub(r"\{[^}]*\}", "{}", f"{method} {template}") for method, template in ROUTES}
    pages = {"GET /", "GET /ui", *(f"{method} /ui/*" for method in ("GET", "POST", "WEBSOCKET"))}  # added by `ui`
    assert set(_RULES) - plain <= pages


async def test_every_route_lets_each_role_do_what_the_table_says(gated: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    wrong = []
    for method, template in ROUTES:
        if method == "WEBSOCKET":
            continue  # in test_auth_sockets
        for role in CALLERS:
            headers = shown(keys[role][1]) if role else {}
            status = (await gated.request(method, filled(template), headers=headers)).status_code
            if status != expected(method, template, role):
                wrong.append(f"{method} {template} as {role}: {status}, not {expected(method, template, role)}")
    assert not wrong


async def test_without_keys_everything_is_open_on_this_machine(gated: httpx.AsyncClient) -> None:
    for method, template in ROUTES:
        if method != "WEBSOCKET":
            assert (await gated.request(method, filled(template))).status_code == ANSWERED, template


def may(role: Any) -> set[str]:
    found = {(method, template, rule_of(method, template, template)) for method, template in ROUTES}
    return {f"{method} {template}" for method, template, rule in found if rule and role in rule.roles}


def test_the_roles_mean_what_they_are_called() -> None:
    everything = set.union(*map(may, ROLES))
    assert may("admin") == everything
    assert may("viewer") < may("reviewer") < may("admin")
    changing = {entry for entry in may("viewer") if not entry.startswith(("GET ", "HEAD "))}
    assert changing <= {"POST /ui/*", "WEBSOCKET /ui/*"}
    only_admins = everything - may("viewer") - may("reviewer") - may("service")
    assert {"POST /keys", "DELETE /keys/{id}", "POST /documents", "DELETE /documents/{id}"} <= only_admins
    service = may("service")
    assert {"POST /predict", "POST /predict/batch", "POST /v1/chat/completions", "GET /predictions/{id}"} <= service
    assert not {entry for entry in service if "/reviews" in entry or "/ui" in entry or "/keys" in entry}
    assert "GET /predictions" not in service


def with_route(settings: Settings, service: Service, *, late: bool) -> FastAPI:
    app = create_app(settings, service=service)
    if late:
        app.build_middleware_stack()

    async def forgotten() -> str:
        return "secret"

    app.router.routes.append(Route("/forgotten", forgotten))
    return app


@pytest.mark.parametrize("late", [False, True])
async def test_a_route_that_is_not_in_the_table_is_refused_to_all(
    settings: Settings, service: Service, late: bool
) -> None:
    app = with_route(settings, service, late=late)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert "table of roles" in problem(await client.get("/forgotten"), 403)["detail"]
        keys = await make_keys(service)
        assert problem(await client.get("/forgotten"), 401)
        assert problem(await client.get("/forgotten", headers=shown(keys["admin"][1])), 403)


async def test_what_is_not_there_is_told_to_those_with_a_key_only(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    viewer = shown(keys["viewer"][1])
    for path in ("/nowhere", "/keys/", "/KEYS", "/predictions/a/b"):
        assert problem(await client.get(path), 401), path
        assert problem(await client.get(path, headers=viewer), 404), path
    assert problem(await client.put("/predict"), 401)
    refused = await client.put("/predict", headers=viewer)
    assert problem(refused, 405)
    assert refused.headers["allow"] == "POST"


async def test_a_refusal_names_the_role_that_is_needed(client: httpx.AsyncClient, service: Service) -> None:
    keys = await make_keys(service)
    refused = await client.get("/keys", headers=shown(keys["viewer"][1]))
    assert problem(refused, 403)["detail"] == "This needs the role admin; yours is viewer."
    refused = await client.post("/predict", json={"query": "a"}, headers=shown(keys["viewer"][1]))
    assert problem(refused, 403)["detail"] == "This needs the role reviewer, service or admin; yours is viewer."


async def test_the_first_route_that_takes_a_request_decides(settings: Settings, service: Service) -> None:
    """As in the application itself: a later, plainer path must not lend its rule to an earlier one."""
    order = [Route("/keys/{id}", _answers_get), Route("/keys/mine", _answers_get), Mount("/ui", _answers)]
    paths = Paths(lambda: order)
    assert paths.find("GET", "/keys/mine") == "/keys/{id}"
    assert paths.find("GET", "/ui/a/b") == "/ui/*"
    assert paths.find("GET", "/uix") is None
    assert paths.find("POST", "/keys/1") is None
    assert paths.has("/keys/1")
    order.insert(0, Route("/keys/mine", _answers_get))
    assert paths.find("GET", "/keys/mine") == "/keys/mine"


@pytest.mark.parametrize(
    ("path", "public"),
    [
        ("/ui/_nicegui/3.18.0/static/nicegui.js", True),
        ("/ui/static/signalbox.css", True),
        ("/ui/_nicegui/client/abc/upload/1", False),
        ("/ui/_nicegui/auto/static/x/file.csv", False),
        ("/ui/_nicegui/3.18.0/../client/abc", False),
        ("/ui/", False),
        ("/ui/staticx", False),
    ],
)
def test_of_the_pages_only_assets_are_open(path: str, public: bool) -> None:
    rule = rule_of("GET", "/ui/*", path)
    assert rule is not None
    assert rule.public is public
    post = rule_of("POST", "/ui/*", path)
    assert post is not None
    assert not post.public


async def _answers_get(_: Any) -> Response:
    return Response()
