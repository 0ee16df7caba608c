"""/evals over HTTP: starting a run, following its job, and reading what it found."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.service.eval_models import model_of
from api.service.eval_specs import check_remote_scorers
from api.service.folders import evals_folder
from api.service.wiring import Service
from evaluators.harness.records import held
from signalbox.contracts import ChatRequest
from signalbox.errors import InvalidInput
from signalbox.models.scripted import ScriptedServer
from signalbox.settings import Settings
from signalbox.types import Message

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


@pytest.mark.parametrize(
    "spec",
    [
        "judge:rubric=helpfulness,model=m@{url}",
        "judge:rubric=helpfulness,model={url}",
        "judge:rubric=helpfulness,model=local@1",
        "judge:rubric=/etc/rubric.yaml",
        "judge:rubric=rubric.yaml",
        "judge:rubric=../rubric.JSON",
        "panel:rubric=helpfulness,models=a+m@{url}",
        'panel:rubric=helpfulness,models=["a", "m@{url}"]',
        'panel:rubric=helpfulness,models={{"m@{url}": 1}}',
        "ragas:metric=faithfulness,judge=m@{url}",
        "groundedness:folder=/etc",
        "groundedness:folder=heads",
        "groundedness:folder=7",
        "contains:text=C:\\\\heads",
    ],
)
async def test_scorers_over_http_open_no_url_and_no_file(client: httpx.AsyncClient, spec: str) -> None:
    async with ScriptedServer("yes") as server:
        refused = await client.post("/evals", json={**GIVEN, "scorers": [spec.format(url=server.base_url)]})
        assert (refused.status_code, refused.json()["field"]) == (422, "scorers"), refused.text
        assert "over HTTP" in refused.json()["detail"]
        assert not server.headers
    assert (await client.get("/evals")).json()["items"] == []


@pytest.mark.parametrize(
    "spec",
    [
        r"regex:pattern=^[\w.]+@shop\.example/.*\.json$",
        "judge:rubric=helpfulness@1,model=openai/gpt-5-mini",
        "panel:rubric=helpfulness,models=openai/a+meta-llama/b:free",
        "ragas:metric=faithfulness,judge=cloud",
        "groundedness:gates=true",
    ],
)
def test_names_of_models_and_texts_may_be_said_over_http(spec: str) -> None:
    check_remote_scorers([spec])


async def test_the_key_of_fallbacks_goes_only_where_settings_say(tmp_path: Path) -> None:
    async with ScriptedServer("yes") as named, ScriptedServer("yes") as judge, ScriptedServer("yes") as stranger:
        settings = Settings.load(
            environ={},
            folder=tmp_path,
            cloud_api_key="sk-cloud",
            cloud_fallback_api_key="sk-fallback",
            cloud_fallbacks=f"m@{named.base_url}",
            judge_model=f"m@{judge.base_url}",
        )
        for server in (named, judge, stranger):
            async with model_of(f"other@{server.base_url}", settings) as model:  # type: ignore[union-attr]
                await model.generate(ChatRequest((Message(role="user", content="Well?"),)))
        sent = [server.headers[0].get("authorization") for server in (named, judge, stranger)]
        assert sent == ["Bearer sk-fallback", "Bearer sk-fallback", None]
    with pytest.raises(InvalidInput) as refused:
        model_of("m@http://someone:hidden@127.0.0.1:1/v1", settings)
    assert "hidden" not in refused.value.detail


async def test_a_run_is_removed_but_not_while_it_is_worked_on(client: httpx.AsyncClient, service: Service) -> None:
    kept, gone = [(await client.post("/evals", json=GIVEN)).json() for _ in range(2)]
    assert (await client.delete(f"/evals/{gone['run']}")).json()["type"] == "/problems/conflict"
    await ended(client, kept["id"])
    await ended(client, gone["id"])
    folder = evals_folder(service.settings) / gone["run"]
    with held(folder):
        refused = await client.delete(f"/evals/{gone['run']}")
        assert refused.status_code == 409, refused.text
    assert (await client.delete(f"/evals/{gone['run']}")).status_code == 204
    assert not folder.exists()
    assert (await client.delete(f"/evals/{gone['run']}")).status_code == 404
    assert [item["id"] for item in (await client.get("/evals")).json()["items"]] == [kept["run"]]
    (evals_folder(service.settings) / kept["run"] / "run.json").write_text("damaged")
    assert (await client.delete(f"/evals/{kept['run']}")).status_code == 204
