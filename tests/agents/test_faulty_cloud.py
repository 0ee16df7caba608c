"""The real router before a cloud of which 30% fails: nothing hangs, nothing is lost, the cap holds."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from small_shop import Kept

from agents.router import Router
from agents.state import Parts
from signalbox.contracts import ChatRequest
from signalbox.models.cloud import CloudModel
from signalbox.models.prices import Price, Prices
from signalbox.models.protection import ProtectedCloud, Spending
from signalbox.models.scripted import Fault, FaultKind, Reply, ScriptedServer
from signalbox.types import Constraints, Prediction, Query

PRICE = Price(input=10, output=50, as_of=date(2026, 11, 1), source="this test")
PRICES = Prices({"first": PRICE, "second": PRICE, "*": PRICE})
FAULTS: tuple[FaultKind, ...] = (
    "rate_limited",
    "server_error",
    "hang",
    "trickle",
    "cut_stream",
    "html",
    "bad_json",
    "garbage",
    "wrong_shape",
)
QUERIES = 120
DEADLINE_MS = 2_000.0


async def ask_all(parts: Parts, server: ScriptedServer, spending: Spending, queries: int) -> list[Prediction]:
    models = [CloudModel(name, base_url=server.base_url, prices=PRICES, retries=0) for name in ("first", "second")]
    store = Kept()
    async with ProtectedCloud(models, spending=spending) as cloud:
        router = Router(replace(parts, cloud=cloud), store)
        constraints = Constraints(route="cloud", deadline_ms=DEADLINE_MS)
        limit = asyncio.Semaphore(16)

        async def ask(number: int) -> Prediction:
            async with limit:
                observed: list[object] = []
                observe = observed.append if number % 2 else None  # every other one is streamed
                return await router.predict(Query(text=f"What is {number}?", constraints=constraints), observe=observe)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(number)) for number in range(queries)]
    assert {prediction.id for prediction in store.predictions} == {task.result().id for task in tasks}
    return [task.result() for task in tasks]


def faulty(seed: int) -> Callable[[ChatRequest], Reply]:
    chance = random.Random(seed)

    def reply(_: ChatRequest) -> Reply:
        if chance.random() < 0.3:
            return Fault(chance.choice(FAULTS), retry_after_s=0.2)
        return "Fourteen days."

    return reply


async def test_with_30_percent_faults_every_query_ends_in_time_and_under_the_cap(parts: Parts) -> None:
    spending = Spending(daily_cap_usd=50)
    started = time.monotonic()
    async with ScriptedServer(faulty(1)) as server:
        predictions = await ask_all(parts, server, spending, QUERIES)
        attempts = server.counts["requests"]
    assert time.monotonic() - started < 60
    outcomes = [prediction.outcome for prediction in predictions]
    assert set(outcomes) <= {"answered", "in_review"}
    assert outcomes.count("answered") >= 0.75 * QUERIES
    assert attempts <= 1.2 * QUERIES
    assert spending.spent_usd > 0
    assert sum(prediction.cost_usd for prediction in predictions) == pytest.approx(spending.spent_usd)
    for prediction in predictions:
        assert prediction.answer is not None or prediction.saved_usd == -prediction.cost_usd
        (attempt,) = [attempt for attempt in prediction.attempts if attempt.route == "cloud"]
        assert attempt.reason
        assert attempt.outcome in ("accepted", "failed")


async def test_a_spent_cap_sends_queries_to_a_person_and_says_why(parts: Parts) -> None:
    spending = Spending(daily_cap_usd=0.2)
    async with ScriptedServer("Fourteen days.") as server:
        predictions = await ask_all(parts, server, spending, 60)
        asked = server.counts["requests"]
    answered = [prediction for prediction in predictions if prediction.outcome == "answered"]
    left = [prediction for prediction in predictions if prediction.outcome == "in_review"]
    assert len(answered) == asked > 0
    assert left
    assert all("SIGNALBOX_DAILY_CAP_USD" in (prediction.reason or "") for prediction in left)
    assert spending.spent_usd <= 0.2
    assert spending.spent_usd == pytest.approx(sum(prediction.cost_usd for prediction in answered))


async def test_a_prediction_says_which_calls_its_cost_is_for(parts: Parts) -> None:
    async with ScriptedServer([Fault("cut_stream"), "Fourteen days."]) as server:
        (prediction,) = await ask_all(parts, server, Spending(), 1)
    (attempt,) = [attempt for attempt in prediction.attempts if attempt.route == "cloud"]
    assert (prediction.outcome, attempt.model) == ("answered", "second")
    assert attempt.usage is not None
    assert prediction.cost_usd > PRICES.cost("second", attempt.usage) * 2, "the failed call may be billed"
    (told,) = [warning for warning in prediction.warnings if warning.startswith("cloud: ")]
    assert "2 calls were made for this answer and are in its cost: first: " in told


async def test_a_prediction_of_one_call_says_nothing_of_it(parts: Parts) -> None:
    async with ScriptedServer("Fourteen days.") as server:
        (prediction,) = await ask_all(parts, server, Spending(), 1)
    assert not [warning for warning in prediction.warnings if warning.startswith("cloud: ")]
