"""What runs may spend: a limit where money can be spent, booked in the workspace's accounts and given back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.service.eval_spending import book_here, can_cost, limited, settle_here
from api.service.evaluating import EvalPlan, new_plan, prepare, uploaded_set
from api.service.folders import evals_folder
from api.service.wiring import Service
from evaluators.contract import Component, Output
from evaluators.harness import execute
from signalbox.errors import InvalidInput, Unavailable
from signalbox.models.protection.spending import NANO, SERVICE
from signalbox.models.scripted import ScriptedServer
from signalbox.settings import Settings
from signalbox.storage import SpendingStore, open_database
from signalbox.types import utc_now

CASES = [{"id": f"case-{number}", "query": f"What is {number}?", "expected": {"contains": ["Yes"]}} for number in "123"]
PRICES = {"models": {"dear": {"input": 100, "output": 100, "as_of": "2026-11-01", "source": "this test"}}}
CLOUD = "http://127.0.0.1:9/v1"


def at(folder: Path, **values: Any) -> Settings:
    (folder / "prices.json").write_text(json.dumps(PRICES), encoding="utf-8")
    given = {"data_dir": folder / "data", "local_model": "none", "prices_file": folder / "prices.json", **values}
    return Settings(**given)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return at(tmp_path, cloud_base_url=CLOUD, cloud_model="dear", daily_cap_usd=3.0)


@pytest.mark.parametrize(
    ("target", "scorers", "costs"),
    [
        ("service", (), True),
        ("given", ("contains",), False),
        ("given", ("judge:rubric=helpfulness",), True),
        ("given", ("judge:rubric=helpfulness,model=local",), False),
        ("given", ("panel:rubric=helpfulness,models=local+dear",), True),
        ("given", ("ragas:metric=faithfulness",), True),
        ("given", ("judge:rubric=helpfulness,model=own@http://127.0.0.1:9/v1",), False),
        ("model:dear", (), True),
        ("model:local", (), False),
        ("model:dear@https://elsewhere.example/v1", (), True),
        ("model:nobody-knows@https://elsewhere.example/v1", (), True),
        ("http://127.0.0.1:8000", ("contains",), False),
    ],
)
def test_a_run_that_can_cost_money_has_a_limit(
    settings: Settings, target: str, scorers: tuple[str, ...], costs: bool
) -> None:
    assert can_cost(settings, target, scorers) == costs
    plan = new_plan(target=target, scorers=scorers)
    assert limited(settings, plan).limits == ({"max_cost_usd": 1.0} if costs else {})
    named = plan.model_copy(update={"limits": {"max_cost_usd": 9.0}})
    assert limited(settings, named) == named
    poor = settings.model_copy(update={"daily_cap_usd": 0.25})
    assert limited(poor, plan).limits == ({"max_cost_usd": 0.25} if costs else {})


def test_a_service_without_a_cloud_costs_nothing(tmp_path: Path) -> None:
    assert not can_cost(at(tmp_path), "service", ("judge:rubric=helpfulness",))


class Dear:
    """Each answer costs 10 cents."""

    component = Component(name="dear")

    async def answer(self, case: object) -> Output:
        return Output(text="Yes", calls=1, cost_usd=0.1)


def prepared(settings: Settings, **fields: Any) -> tuple[EvalPlan, Path]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    found = uploaded_set(CASES)
    plan = new_plan(target="service", scorers=("contains",), **fields)
    plan = limited(settings, prepare(settings, plan, found, found.cases))
    return plan, evals_folder(settings) / plan.run


async def taken(settings: Settings) -> float:
    database = await open_database(settings)
    try:
        return await SpendingStore(database).taken(utc_now().date(), SERVICE) / NANO
    finally:
        await database.close()


async def test_a_run_books_its_limit_and_gives_back_what_it_did_not_spend(settings: Settings) -> None:
    plan, folder = prepared(settings)
    booking = await book_here(settings, plan, folder)
    assert await taken(settings) == pytest.approx(1.0)
    await execute(uploaded_set(CASES).cases, Dear(), [], folder)
    await settle_here(settings, booking, plan, folder)
    assert await taken(settings) == pytest.approx(0.3)
    again = await book_here(settings, plan, folder)  # what it spent before is not booked twice
    assert await taken(settings) == pytest.approx(1.0)
    await settle_here(settings, again, plan, folder)
    assert await taken(settings) == pytest.approx(0.3)


async def test_what_the_cap_does_not_leave_is_refused(settings: Settings) -> None:
    first, folder = prepared(settings, limits={"max_cost_usd": 2.5})
    await book_here(settings, first, folder)
    second, folder = prepared(settings)
    with pytest.raises(InvalidInput, match=r"may spend \$1, and \$0.5 are left of today's cap") as caught:
        await book_here(settings, second, folder)
    assert caught.value.field == "max_cost_usd"
    assert await taken(settings) == pytest.approx(2.5)


async def test_beside_a_running_service_on_sqlite_only_free_runs_start(settings: Settings) -> None:
    plan, folder = prepared(settings)
    database = await open_database(settings)
    try:
        with pytest.raises(Unavailable, match=r"--target http://127\.0\.0\.1:8000"):
            await book_here(settings, plan, folder)
        free = plan.model_copy(update={"target": "given", "limits": {}})
        assert await book_here(settings, free, folder) is None
    finally:
        await database.close()


async def test_over_http_the_service_books_for_the_run(
    tmp_path: Path, service: Service, client: httpx.AsyncClient
) -> None:
    async with ScriptedServer("Yes.") as server:
        priced = at(tmp_path, data_dir=service.settings.data_dir, cloud_base_url=server.base_url, daily_cap_usd=1.5)
        service.settings = priced
        service.books._poll_s = 0.05
        asked = {"cases": CASES, "target": "model:dear", "scorers": ["contains"]}
        started = await client.post("/evals", json=asked)
        assert started.status_code == 202, started.text
        accounts, day = SpendingStore(service.database), utc_now().date()
        assert await accounts.taken(day, SERVICE) == NANO
        refused = (await client.post("/evals", json=asked)).json()
        assert (refused["status"], refused["field"]) == (422, "max_cost_usd")
        async for job in service.jobs.follow(started.json()["id"]):
            ended = job
        assert ended.state == "done", ended.error
        spent = NANO
        for _ in range(400):
            spent = await accounts.taken(day, SERVICE)
            if spent < NANO:
                break
            await asyncio.sleep(0.05)
        shown = (await client.get(f"/evals/{started.json()['run']}")).json()
        rows = (await client.get(f"/evals/{shown['id']}/rows")).json()["items"]
    assert shown["limits"]["max_cost_usd"] == 1.0
    assert 0 < spent < NANO / 10
    assert spent / NANO == pytest.approx(sum(row["spent"]["cost_usd"] for row in rows))
    assert [item["id"] for item in (await client.get("/evals")).json()["items"]] == [shown["id"]]
