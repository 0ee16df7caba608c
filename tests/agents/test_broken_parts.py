"""What an attempt says of a part that broke, so that nobody mistakes an outage for what a route can do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_shop import Kept

from agents.grounding.prompts import UNKNOWN
from agents.router import Router
from agents.state import Parts
from signalbox.contracts import ChatResult
from signalbox.errors import BudgetExceeded, DeadlineExceeded, ModelCrashed, SignalboxError, UpstreamError
from signalbox.models.scripted import ScriptedModel
from signalbox.types import Constraints, Query, Usage

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


@pytest.mark.parametrize(
    ("text", "ending", "reason"),
    [
        ("Standard delivery costs EUR", "length", "cut off after 4 tokens (SIGNALBOX_CLOUD_MAX_TOKENS)"),
        ("", "length", "cut off"),
        ("Standard delivery", "content_filter", "content filter withheld"),
        ("I can't help with that.", "refusal", "refuses to answer"),
        ("", "stop", "said nothing"),
        (f"{UNKNOWN}.", "stop", "doesn't know"),
    ],
)
async def test_half_an_answer_is_none_and_the_reason_says_what_happened(
    parts: Parts, text: str, ending: str, reason: str
) -> None:
    """A text cut off at its limit was once given as the whole answer."""
    result = ChatResult(text, Usage(input_tokens=9, output_tokens=4), "scripted", finish_reason=ending, cost_usd=0.002)
    router = Router(replace(parts, cloud=ScriptedModel([result])), Kept())
    prediction = await router.predict(Query(text=PRICE, constraints=Constraints(route="cloud")))
    (attempt,) = prediction.attempts
    assert (prediction.outcome, prediction.answer, attempt.outcome) == ("in_review", None, "failed")
    assert reason in attempt.reason
    assert (attempt.cost_usd, prediction.cost_usd, attempt.usage) == (0.002, 0.002, result.usage), "it was paid for"


async def test_quotes_that_stand_in_for_what_could_not_be_written_are_shown_and_not_remembered(parts: Parts) -> None:
    dead = ScriptedModel([ModelCrashed("The local LLM died."), ModelCrashed("The local LLM died.")])
    router = Router(replace(parts, local=dead, style="write"), Kept())
    for _ in range(2):
        prediction = await router.predict(Query(text=PRICE, constraints=Constraints(route="grounded")))
        assert (prediction.outcome, prediction.cached_from) == ("answered", None)
        assert prediction.attempts[-1].broken
