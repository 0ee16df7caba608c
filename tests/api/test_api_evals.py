"""/evals over HTTP: starting a run, following its job, and reading what it found."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api.service.wiring import Service

CASES = [
    {
        "id": f"case-{number}",
        "query": f"What is <b>{number}</b>?",
        "expected": {"contains": [str(number)]},
        "given": {"answer": f"It is {number if number else 'nothing'}."},
    }
    for number in range(3)
]
GIVEN: dict[str, Any] = {"cases": CASES, "target": "given", "scorers": ["contains"]}


async def ended(client: httpx.AsyncClient, job: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = (await client.get(f"/jobs/{job}")).json()
        if found["state"] in ("done", "failed", "cancelled"):
            return found
        await asyncio.sleep(0.1)


async def test_a_run_is_started_followed_and_read(client: httpx.AsyncClient) -> None:
    assert (await client.get("/evals")).json() == {"items": [], "next_cursor": None}
    started = await client.post("/evals", json=GIVEN)
    assert started.status_code == 202, started.text
    run = started.json()["run"]
    assert started.headers["Location"] == f"/evals/{run}"
    job = await ended(client, started.json()["id"])
    assert (job["state"], job["kind"]) == ("done", "eval")
    assert job["result"] == {
        "run": run, "cases": 3, "state": "done", "reason": None, "measured": 3, "url": f"/evals/{run}",
    }  # fmt: skip
    shown = (await client.get(f"/evals/{run}")).json()
    assert (shown["state"], shown["job"], shown["set"]["name"]) == ("done", job["id"], "uploaded")
    assert shown["scorers"][0]["name"] == "contains"
    assert shown["summary"] is not None
    first = (await client.get(f"/evals/{run}/rows", params={"limit": 2})).json()
    rest = (await client.get(f"/evals/{run}/rows", params={"cursor": first["next_cursor"]})).json()
    rows = first["items"] + rest["items"]
    assert ([row["case"]["id"] for row in rows], rest["next_cursor"]) == (["case-0", "case-1", "case-2"], None)
    assert [row["measures"][0]["value"] for row in rows] == [0.0, 1.0, 1.0]
    report = await client.get(f"/evals/{run}/report")
    assert report.headers["content-type"].startswith("text/html")
    assert "script-src 'none'" in report.headers["content-security-policy"]
    assert "<b>1</b>" not in report.text
    more = await client.post("/evals", json={**GIVEN, "limit": 1, "seed": 3})
    await ended(client, more.json()["id"])
    page = (await client.get("/evals", params={"limit": 1})).json()
    assert [item["id"] for item in page["items"]] == [more.json()["run"]]
    last = (await client.get("/evals", params={"cursor": page["next_cursor"]})).json()
    assert ([item["id"] for item in last["items"]], last["next_cursor"]) == ([run], None)


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"set": "x"}, "set", "Give either the name of a `set` or `cases`"),
        ({"cases": None, "set": "../api"}, "set", "There is no eval set '../api'"),
        ({"cases": [{"id": "a"}]}, "cases", "line 1: query"),
        ({"cases": [CASES[0], CASES[0]]}, "cases", "'case-0' stands in line 1 already"),
        ({"scorers": []}, "scorers", "names no scorers"),
        ({"scorers": ["best"]}, "scorers", "There is no scorer 'best'"),
    ],
)
async def test_bad_input_starts_nothing(
    client: httpx.AsyncClient, change: dict[str, Any], field: str, message: str
) -> None:
    refused = await client.post("/evals", json={**GIVEN, **change})
    problem = refused.json()
    assert (refused.status_code, problem["field"]) == (422, field)
    assert message in problem["detail"]
    assert (await client.get("/evals")).json()["items"] == []


async def test_what_callers_may_not_name(client: httpx.AsyncClient) -> None:
    for change in (
        {"target": "http://10.0.0.1"},
        {"target": "model:m@http://10.0.0.1/v1"},
        {"engine": "spark"},
        {"limits": {"concurrency": 1000}},
        {"limits": {"max_minutes": -1}},
        {"limit": 0},
    ):
        assert (await client.post("/evals", json={**GIVEN, **change})).status_code == 422, change
    for path in ("/evals/evl_01M7X0000000000000000FRMT1", "/evals/evl_01M7X0000000000000000FRMT1/rows"):
        assert (await client.get(path)).json()["type"] == "/problems/not-found"
    assert (await client.get("/evals/..%2Fevals")).status_code in (404, 422)
    assert (await client.get("/evals", params={"cursor": "x"})).status_code == 422


async def test_a_run_that_can_not_be_measured_says_why(client: httpx.AsyncClient, service: Service) -> None:
    started = await client.post("/evals", json={**GIVEN, "target": "model:local"})
    job = await ended(client, started.json()["id"])
    assert "switched off" in job["error"]["detail"]
    shown = (await client.get(f"/evals/{started.json()['run']}")).json()
    assert (shown["state"], shown["reason"], shown["summary"]) == ("failed", job["error"]["detail"], None)
    assert (await client.get(f"/evals/{shown['id']}/report")).status_code == 404
