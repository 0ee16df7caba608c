"""/attacks over HTTP: lists, what is refused, and one run as its folder has it."""

from __future__ import annotations

import json

import httpx
import pytest

from api.service.attacking import new_request, prepare
from api.service.evaluating import set_path
from api.service.folders import attacks_folder
from eval_sets import read_set
from signalbox.settings import Settings


async def test_there_are_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/attacks")).json() == {"items": [], "next_cursor": None}
    unknown = "/attacks/atk_01JD3V5ZK8Q0T9W4X7Y2B6C1DE"
    for path in (unknown, f"{unknown}/report"):
        assert (await client.get(path)).json()["type"] == "/problems/not-found"
    assert (await client.get("/attacks/x")).status_code == 422
    assert (await client.get("/attacks", params={"cursor": "x"})).status_code == 422


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"set": "nowhere"}, "There is no eval set 'nowhere'"),
        ({"families": ["best"]}, "There is no attack family 'best'"),
        ({"families": ["indirect_csv+typos"]}, "it can only be the last"),
        ({"defences": "walls"}, "There is no defence 'walls'"),
        ({"target": "model:small", "defences": "off"}, "Defences can be switched in the service"),
        ({"target": "http://127.0.0.1:1"}, None),
        ({"strengths": [4]}, None),
        ({"tries": 0}, None),
        ({"gadget_queries": 10_000}, None),
    ],
)
async def test_what_is_refused_leaves_nothing(
    client: httpx.AsyncClient, settings: Settings, body: dict[str, object], message: str | None
) -> None:
    answer = await client.post("/attacks", json={"set": "adversarial", **body})
    assert answer.status_code == 422, answer.text
    if message is not None:
        assert message in answer.json()["detail"]
    assert not attacks_folder(settings).exists()


async def test_a_run_is_shown_with_its_report(client: httpx.AsyncClient, settings: Settings) -> None:
    request = new_request(families=("typos",))
    prepare(settings, request, read_set(set_path("adversarial")), 3)
    folder = settings.data_dir / "attacks" / request.run
    (listed,) = (await client.get("/attacks")).json()["items"]
    assert (listed["id"], listed["state"], listed["set"]["name"]) == (request.run, "waiting", "adversarial")
    assert listed["set"]["cases"] == 6  # three attacks with their twins
    assert (await client.get(f"/attacks/{request.run}")).json()["report"] is None
    assert (await client.get(f"/attacks/{request.run}/report")).status_code == 404
    (folder / "summary.json").write_text(json.dumps({"asked": 6}))
    (folder / "report.html").write_text("<p>6</p>")
    assert (await client.get(f"/attacks/{request.run}")).json()["report"] == {"asked": 6}
    page = await client.get(f"/attacks/{request.run}/report")
    assert (page.text, page.headers["content-type"]) == ("<p>6</p>", "text/html; charset=utf-8")
    assert "sandbox" in page.headers["content-security-policy"]


async def test_a_run_is_removed(client: httpx.AsyncClient, settings: Settings) -> None:
    request = new_request(families=("typos",))
    prepare(settings, request, read_set(set_path("adversarial")), 3)
    assert (await client.delete(f"/attacks/{request.run}")).status_code == 204
    assert not (attacks_folder(settings) / request.run).exists()
    assert (await client.delete(f"/attacks/{request.run}")).status_code == 404
