"""What holds for every path: ids, headers, hosts, origins, unknown paths."""

from __future__ import annotations

import httpx
import pytest
from test_api_predict import problem

ORIGIN = "http://localhost:8000"


async def test_a_request_id_is_kept_or_made(client: httpx.AsyncClient) -> None:
    for given in ("abc-123", "a" * 64, "A.b:c_d"):
        response = await client.get("/healthz", headers={"X-Request-ID": given})
        assert response.headers["x-request-id"] == given
    for unsafe in (b"", b"a" * 65, b"a b", b"a\tb", b"<script>", b"\xe9"):
        response = await client.get("/healthz", headers=[(b"X-Request-ID", unsafe)])
        assert response.headers["x-request-id"].startswith("req_")


async def test_a_trace_is_continued(client: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    response = await client.post("/predict", json={"query": "a"}, headers=headers)
    assert response.json()["trace_id"] == trace
    response = await client.post("/predict", json={"query": "a"}, headers={"traceparent": "nonsense"})
    assert response.status_code == 200


async def test_every_answer_carries_the_safety_headers(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/nowhere"):
        response = await client.get(path)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "server" not in response.headers


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    assert "/openapi.json" in problem(await client.get("/nowhere"), 404)["detail"]
    assert problem(await client.post("/predict/", json={"query": "a"}), 404)
    wrong = await client.get("/predict")
    assert problem(wrong, 405)["type"] == "/problems/method-not-allowed"
    assert wrong.headers["allow"] == "POST"
    assert problem(await client.delete("/healthz"), 405)
    assert problem(await client.get("/docs"), 404)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000", "localhost:65535"]
)
async def test_the_machine_s_own_names_are_served(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "0.0.0.0",
        "127.0.0.1.evil.example",
        "[::1",
        "evil.example#localhost",
        "evil.example",
        "evil.example:8000",
        "evil.example@localhost",
        "localhost, evil.example",
        "localhost.evil.example",
        "localhost/x",
        "localhost:99999",
        "localhost:x",
        "localhost@evil.example",
    ],
)
async def test_a_name_led_here_from_outside_is_refused(client: httpx.AsyncClient, host: str) -> None:
    response = await client.post("/predict", json={"query": "a"}, headers={"Host": host})
    assert problem(response, 421)["field"] == "Host"
    assert problem(await client.get("/metrics", headers={"Host": host}), 421)


async def test_two_host_headers_are_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert problem(response, 421)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "http://127.0.0.1:8000",
        "http://evil.example",
        "http://localhost",
        "http://localhost:3000",
        "http://localhost:8000.evil.example",
        "http://localhost:8000/",
        "https://localhost:8000",
        "null",
    ],
)
async def test_a_page_of_another_origin_may_not_ask(client: httpx.AsyncClient, origin: str) -> None:
    response = await client.post("/predict", json={"query": "a"}, headers={"Origin": origin})
    assert problem(response, 403)["field"] == "Origin"
    assert "access-control-allow-origin" not in response.headers


async def test_our_own_pages_may_ask(client: httpx.AsyncClient) -> None:
    sent = {"query": "a"}
    assert (await client.post("/predict", json=sent, headers={"Origin": ORIGIN})).status_code == 200
    default = {"Origin": "http://localhost", "Host": "localhost:80"}
    assert (await client.post("/predict", json=sent, headers=default)).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/predictions", "/openapi.json", "/predictions/export"])
async def test_head_is_get_without_the_body(client: httpx.AsyncClient, path: str) -> None:
    asked, got = await client.head(path), await client.get(path)
    assert asked.status_code == got.status_code == 200
    assert asked.content == b""
    for name in ("content-type", "content-length"):
        assert asked.headers.get(name) == got.headers.get(name)
    assert asked.headers["x-request-id"]


async def test_head_finds_nothing_where_get_does_not(client: httpx.AsyncClient) -> None:
    assert (await client.head("/nowhere")).status_code == 404
    refused = await client.head("/predict")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "POST"
    assert (await client.delete("/healthz")).headers["allow"] == "GET, HEAD"
