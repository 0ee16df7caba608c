"""What an attempt says of a part that broke, so that nobody mistakes an outage for what a route can do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_shop import Kept

from agents.grounding.prompts import UNKNOWN
from agents.router import Router
from agents.state import Parts
from signalbox.errors import BudgetExceeded, DeadlineExceeded, ModelCrashed, SignalboxError, UpstreamError
from signalbox.models.scripted import ScriptedModel
from signalbox.types import Constraints, Query

PRICE = "How much does standard delivery cost?"


@pytest.mark.parametrize(
    ("reply", "broken"),
    [
        (UpstreamError("The server answered 503.", status=503), True),
        (BudgetExceeded("Today's cap is spent."), True),
        (DeadlineExceeded("The deadline passed."), True),
        (f"{UNKNOWN}.", False),
        ("", False),
    ],
)
async def test_a_cloud_that_fails_is_broken_and_one_that_does_not_know_is_not(
    parts: Parts, reply: str | SignalboxError, broken: bool
) -> None:
    router = Router(replace(parts, cloud=ScriptedModel([reply])), Kept())
    prediction = await router.predict(Query(text=PRICE, constraints=Constraints(route="cloud")))
    (attempt,) = prediction.attempts
    assert (prediction.outcome, attempt.outcome, attempt.broken) == ("in_review", "failed", broken)


async def test_quotes_that_stand_in_for_what_could_not_be_written_are_shown_and_not_remembered(parts: Parts) -> None:
    dead = ScriptedModel([ModelCrashed("The local LLM died."), ModelCrashed("The local LLM died.")])
    router = Router(replace(parts, local=dead, style="write"), Kept())
    for _ in range(2):
        prediction = await router.predict(Query(text=PRICE, constraints=Constraints(route="grounded")))
        assert (prediction.outcome, prediction.cached_from) == ("answered", None)
        assert prediction.attempts[-1].broken
