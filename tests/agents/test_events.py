"""What an observer is told of a query, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_shop import Kept

from agents.events import AttemptFinished, AttemptStarted, Event, EvidenceFound, Token, ask_model
from agents.router import Router
from agents.state import Parts
from signalbox.contracts import ChatRequest
from signalbox.errors import UpstreamError
from signalbox.models.scripted import Fault, ScriptedModel
from signalbox.types import Constraints, Message, Prediction, Query

TRACTOR = "Which engine oil does a tractor from 1974 need?"
REQUEST = ChatRequest((Message(role="user", content="Hi"),))


async def follow(router: Router, text: str, **constraints: object) -> tuple[Prediction, list[Event]]:
    told: list[Event] = []
    query = Query(text=text, constraints=Constraints(**constraints))  # type: ignore[arg-type]
    return await router.predict(query, observe=told.append), told


def named(told: list[Event]) -> list[tuple[str, str]]:
    """Kind and route (or how it ended) of each event, tokens of one attempt as one."""
    names: list[tuple[str, str]] = []
    for event in told:
        if isinstance(event, AttemptFinished):
            name = event.attempt.outcome, event.attempt.route
        else:
            kinds = {AttemptStarted: "started", EvidenceFound: "evidence", Token: "token"}
            name = kinds[type(event)], event.route
        if not (name[0] == "token" and names[-1:] == [name]):
            names.append(name)
    return names


def finished(told: list[Event]) -> list[object]:
    return [event.attempt for event in told if isinstance(event, AttemptFinished)]


async def test_a_route_that_is_accepted_starts_and_ends(parts: Parts) -> None:
    prediction, told = await follow(Router(parts, Kept()), "I forgot my password")
    assert prediction.route == "classifier"
    assert named(told) == [("skipped", "cloud"), ("started", "classifier"), ("accepted", "classifier")]


async def test_an_escalation_is_told_with_the_evidence_before_the_end(parts: Parts) -> None:
    prediction, told = await follow(Router(parts, Kept()), "How much does standard delivery cost?")
    assert prediction.route == "grounded"
    assert named(told) == [
        ("skipped", "cloud"),
        ("started", "classifier"),
        ("escalated", "classifier"),
        ("started", "grounded"),
        ("evidence", "grounded"),
        ("accepted", "grounded"),
    ]
    (found,) = (event for event in told if isinstance(event, EvidenceFound))
    assert found.evidence == prediction.evidence


async def test_what_is_told_of_attempts_is_what_the_prediction_keeps(parts: Parts) -> None:
    cloud = ScriptedModel("A tractor of that age takes SAE 30.")
    prediction, told = await follow(Router(replace(parts, cloud=cloud), Kept()), TRACTOR)
    assert finished(told) == list(prediction.attempts)


async def test_the_clouds_tokens_come_one_by_one_between_start_and_end(parts: Parts) -> None:
    cloud = ScriptedModel("A tractor of that age takes SAE 30.")
    prediction, told = await follow(Router(replace(parts, cloud=cloud), Kept()), TRACTOR, route="cloud")
    assert named(told) == [("started", "cloud"), ("token", "cloud"), ("accepted", "cloud")]
    pieces = [event.text for event in told if isinstance(event, Token)]
    assert len(pieces) == 8
    assert prediction.answer is not None
    assert "".join(pieces) == prediction.answer.text


async def test_the_local_llms_tokens_are_told_where_it_writes(parts: Parts) -> None:
    local = ScriptedModel("Standard delivery costs EUR 4.90.")
    router = Router(replace(parts, local=local, style="write"), Kept())
    prediction, told = await follow(router, "How much does standard delivery cost?", route="grounded")
    assert named(told)[:3] == [("started", "grounded"), ("token", "grounded"), ("evidence", "grounded")]
    assert "".join(event.text for event in told if isinstance(event, Token)) == "Standard delivery costs EUR 4.90."
    assert prediction.attempts[-1].usage is not None


async def test_an_answer_that_breaks_off_ends_in_a_failed_attempt(parts: Parts) -> None:
    cloud = ScriptedModel([Fault("cut_stream", text="One two three four.")])
    prediction, told = await follow(Router(replace(parts, cloud=cloud), Kept()), TRACTOR, route="cloud")
    assert named(told) == [("started", "cloud"), ("token", "cloud"), ("failed", "cloud")]
    assert prediction.outcome == "in_review"


async def test_of_a_cached_answer_nothing_is_told(parts: Parts) -> None:
    router = Router(parts, Kept())
    first, _ = await follow(router, "I forgot my password")
    again, told = await follow(router, "I forgot my password")
    assert again.cached_from == first.id
    assert told == []


async def test_an_observed_query_ends_as_one_that_is_not(parts: Parts) -> None:
    watched, _ = await follow(Router(parts, Kept()), "How much does standard delivery cost?")
    alone = await Router(parts, Kept()).predict(Query(text="How much does standard delivery cost?"))
    assert watched.answer == alone.answer
    assert watched.confidence == alone.confidence


async def test_a_model_is_asked_whole_when_nobody_watches() -> None:
    told: list[Event] = []
    alone = await ask_model(ScriptedModel("One two."), REQUEST, "cloud", None)
    watched = await ask_model(ScriptedModel("One two."), REQUEST, "cloud", told.append)
    assert alone == watched
    assert told == [Token("cloud", "One "), Token("cloud", "two.")]


async def test_a_models_error_passes_through_after_its_tokens() -> None:
    told: list[Event] = []
    with pytest.raises(UpstreamError):
        await ask_model(ScriptedModel([Fault("cut_stream", text="One two.")]), REQUEST, "cloud", told.append)
    assert told == [Token("cloud", "One ")]
