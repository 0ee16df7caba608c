"""The review queue as reviewers and askers meet it, on both databases, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from review_samples import Clock, add, decision
from storage_samples import NOON, plain

from evaluators.review import ReviewDecision, ReviewItem, ReviewQueue
from signalbox.errors import Conflict, InvalidInput, NotFound, Overloaded, SignalboxError, UnknownName
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, VerdictStore, open_database
from signalbox.text import INJECTION_WARNING
from signalbox.types import Answer, Prediction, ValueAnswer


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON + timedelta(minutes=1))


@pytest.fixture
def queue(database: Database, clock: Clock) -> ReviewQueue:
    return ReviewQueue(database, lease_s=60, undo_s=600, skip_s=3_600, poll_s=0.05, clock=clock)


def review_id(prediction: Prediction) -> str:
    assert prediction.review is not None
    return prediction.review.id


async def kinds(queue: ReviewQueue, name: str) -> list[str]:
    return [event.kind for event in await queue.history(name)]


async def test_an_item_shows_the_whole_prediction(queue: ReviewQueue, store: PredictionStore) -> None:
    (made,) = await add(store)
    item = await queue.get(review_id(made))
    assert item.prediction == made
    assert (item.state, item.version, item.reason, item.decision) == ("waiting", 1, made.reason, None)


async def test_the_most_urgent_comes_first(queue: ReviewQueue, store: PredictionStore) -> None:
    (sure,) = await add(store, confidence=0.8)
    (unsure,) = await add(store, confidence=0.2)
    (silent,) = await add(store, answer=None, confidence=None)
    (attack,) = await add(store, confidence=0.2, warnings=(INJECTION_WARNING,))
    items, _ = await queue.list()
    assert [item.id for item in items] == list(map(review_id, (silent, attack, unsure, sure)))
    assert [item.id for item in await queue.claim("ann", limit=10)] == [item.id for item in items]


async def test_only_an_attack_comes_earlier_than_its_confidence_says(
    queue: ReviewQueue, store: PredictionStore
) -> None:
    (warned,) = await add(store, confidence=0.25, warnings=("nobody has measured how often this route is right",))
    (surer,) = await add(store, confidence=0.2)
    items, _ = await queue.list()
    assert [item.prediction_id for item in items] == [surer.id, warned.id]


async def test_nothing_starves(queue: ReviewQueue, store: PredictionStore) -> None:
    """A day's wait outweighs any priority."""
    (old,) = await add(store, confidence=1.0, created_at=NOON - timedelta(hours=25))
    await add(store, 3, answer=None, confidence=None)
    assert [item.id for item in await queue.claim("ann")] == [review_id(old)]


async def test_pages_show_each_item_once_in_order(queue: ReviewQueue, store: PredictionStore) -> None:
    made = await add(store, 7)
    seen, cursor = [], None
    while True:
        items, cursor = await queue.list(limit=3, cursor=cursor)
        seen += [item.id for item in items]
        if cursor is None:
            break
    assert sorted(seen) == sorted(map(review_id, made))
    assert seen == [item.id for item in (await queue.list())[0]]


async def test_filters(queue: ReviewQueue, store: PredictionStore, clock: Clock) -> None:
    (a,) = await add(store, query="Wo ist mein PAKET? 50% früher", reason="below 0.87")
    (b,) = await add(store, query="Refund?", reason="no route was sure enough")
    await queue.claim("ann", id=review_id(a))

    async def found(**filters: Any) -> set[str]:
        return {item.id for item in (await queue.list(**filters))[0]}

    assert await found(query="paket") == await found(query="0% FRÜ") == {review_id(a)}
    assert await found(query="_") == set()
    assert await found(reason="SURE") == {review_id(b)}
    assert await found(state="claimed") == await found(claimed_by="ann") == {review_id(a)}
    assert await found(state="waiting") == {review_id(b)}
    clock.forward(61)
    assert await found(state="waiting") == {review_id(a), review_id(b)}
    assert await found(claimed_by="ann") == await found(state="claimed") == set()
    for wrong in ({"state": "done"}, {"verdict": "meh"}):
        with pytest.raises(UnknownName):
            await queue.list(**wrong)
    for impossible in ({"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"cursor": "W251bGwsIDFd"}):
        with pytest.raises(InvalidInput):
            await queue.list(**impossible)


async def test_a_claim_is_the_claimers_until_its_lease_ends(
    queue: ReviewQueue, store: PredictionStore, clock: Clock
) -> None:
    (made,) = await add(store)
    (item,) = await queue.claim("ann")
    assert (item.state, item.version, item.claimed_by) == ("claimed", 2, "ann")
    assert await queue.claim("bob") == []
    with pytest.raises(Conflict, match=r"claimed by ann until 2026-11-20 12:02:00 UTC"):
        await queue.claim("bob", id=item.id)
    assert (await store.get(made.id)).review.state in ("claimed", "waiting")  # type: ignore[union-attr]
    clock.forward(59)
    assert (await queue.renew(item.id, "ann")).version == 2
    clock.forward(59)
    assert await queue.claim("bob") == []
    clock.forward(1)
    (again,) = await queue.claim("bob")
    assert (again.claimed_by, again.version) == ("bob", 3)
    with pytest.raises(Conflict, match="claimed by bob"):
        await queue.renew(item.id, "ann")
    assert await kinds(queue, item.id) == ["queued", "claimed", "expired", "claimed"]


async def test_claiming_by_id_what_one_holds_renews_it(
    queue: ReviewQueue, store: PredictionStore, clock: Clock
) -> None:
    (made,) = await add(store)
    (first,) = await queue.claim("ann")
    clock.forward(30)
    (again,) = await queue.claim("ann", id=review_id(made))
    assert again.version == first.version
    assert again.lease_expires_at == clock() + timedelta(seconds=60)


async def test_released_items_wait_again(queue: ReviewQueue, store: PredictionStore) -> None:
    await add(store)
    (item,) = await queue.claim("ann")
    with pytest.raises(Conflict, match="claimed by ann"):
        await queue.release(item.id, "bob")
    released = await queue.release(item.id, "ann")
    assert (released.state, released.claimed_by) == ("waiting", None)
    with pytest.raises(Conflict, match="Claim it again"):
        await queue.release(item.id, "ann")
    (again,) = await queue.claim("bob")
    assert again.id == item.id


async def test_an_administrator_may_take_an_item_from_who_holds_it(queue: ReviewQueue, store: PredictionStore) -> None:
    await add(store)
    (item,) = await queue.claim("ann")
    with pytest.raises(Conflict, match="claimed by ann"):
        await queue.release(item.id, "boss")
    released = await queue.release(item.id, "boss", admin=True)
    assert (released.state, released.claimed_by) == ("waiting", None)
    assert [(event.kind, event.by) for event in await queue.history(item.id)][1:] == [
        ("claimed", "ann"),
        ("released", "boss"),
    ]
    with pytest.raises(Conflict):
        await queue.decide(item.id, "ann", decision(item))
    with pytest.raises(Conflict, match="not claimed"):
        await queue.release(item.id, "boss", admin=True)


@pytest.mark.parametrize("verdict", ["right", "wrong", "unanswerable", "unsafe"])
async def test_the_asker_gets_what_the_person_decided(queue: ReviewQueue, store: PredictionStore, verdict: str) -> None:
    (made,) = await add(store)
    (item,) = await queue.claim("ann")
    decided = await queue.decide(item.id, "ann", decision(item, verdict))
    assert (decided.state, decided.version) == ("decided", 3)
    assert decided.prediction.answer == made.answer, "the item shows what was judged"
    shown = await store.get(made.id)
    assert (shown.route, shown.confidence, shown.guarantee) == ("review", None, None)
    assert shown.review is not None
    assert shown.review.state == "decided"
    if verdict in ("right", "wrong"):
        assert shown.outcome == "answered"
        assert shown.answer is not None
        assert (shown.answer.text, shown.answer.provisional) == (
            "maybe" if verdict == "right" else "Within 14 days.",
            False,
        )
    else:
        assert (shown.outcome, shown.answer) == ("refused", None)
        assert shown.reason
    for wanted, there in (("in_review", False), (shown.outcome, True)):
        assert bool((await store.list(limit=5, outcome=wanted))[0]) == there
    assert (await store.list(limit=5, route="review"))[0] == [shown]
    assert (await store.list(limit=5))[0] == [shown]


async def test_a_correction_by_labels_becomes_labels(queue: ReviewQueue, store: PredictionStore) -> None:
    (made,) = await add(store)
    (item,) = await queue.claim("ann")
    await queue.decide(item.id, "ann", decision(item, "wrong", labels={"intent": "track_order"}, comment="seen twice"))
    shown = await store.get(made.id)
    assert shown.answer is not None
    assert shown.answer.labels is not None
    assert (shown.answer.labels[0].task, shown.answer.labels[0].label) == ("intent", "track_order")
    assert "seen twice" not in shown.model_dump_json(), "comments are for reviewers"
    (case,) = [case async for case in queue.export()]
    assert (case.labels, case.comment, case.query, case.confidence) == (
        {"intent": "track_order"},
        "seen twice",
        made.query,
        0.5,
    )


async def test_a_correction_by_numbers_becomes_numbers_in_their_units(
    queue: ReviewQueue, store: PredictionStore
) -> None:
    estimates = tuple(
        ValueAnswer(estimate=2.0, low=1.0, high=3.0, level=0.9, unit=unit, task=task)
        for task, unit in (("price", "EUR"), ("weight", "kg"))
    )
    answer = Answer(value=estimates[0], values=estimates, provisional=True)
    (made,) = await add(store, answer=answer)
    (item,) = await queue.claim("ann")
    said = decision(item, "wrong", values={"price": 3120.5, "weight": 4})
    decided = await queue.decide(item.id, "ann", said)
    assert await queue.decide(item.id, "ann", said) == decided, "sent twice"
    with pytest.raises(Conflict):
        await queue.decide(item.id, "ann", decision(item, "wrong", values={"price": 3120.5}))
    shown = (await store.get(made.id)).answer
    assert shown is not None
    assert shown.values is not None
    assert [(number.task, number.estimate, number.low, number.high, number.unit) for number in shown.values] == [
        ("price", 3120.5, 3120.5, 3120.5, "EUR"),
        ("weight", 4.0, 4.0, 4.0, "kg"),
    ]
    assert shown.value == shown.values[0]
    (case,) = [case async for case in queue.export()]
    assert case.values == {"price": 3120.5, "weight": 4.0}
    undone = await queue.undo(item.id, "ann")
    assert undone.decision is None
    await queue.decide(item.id, "ann", decision(undone, "wrong"))
    again = (await store.get(made.id)).answer
    assert again is not None
    assert again.value is None


async def test_predictions_of_other_routes_are_listed_as_ever(queue: ReviewQueue, store: PredictionStore) -> None:
    other = plain()
    await store.add(other)
    await add(store)
    assert (await store.list(limit=5, outcome="answered"))[0] == [other]
    assert (await store.list(limit=5, route="classifier"))[0] == [other]
    assert (await store.list(limit=5, route="review"))[0] == []


async def test_a_decision_sent_twice_does_no_harm(queue: ReviewQueue, store: PredictionStore) -> None:
    await add(store)
    (item,) = await queue.claim("ann")
    said = decision(item, "wrong")
    first = await queue.decide(item.id, "ann", said)
    assert await queue.decide(item.id, "ann", said) == first
    with pytest.raises(Conflict, match="decided by ann"):
        await queue.decide(item.id, "ann", decision(item, "right"))
    with pytest.raises(Conflict, match="decided by ann"):
        await queue.decide(item.id, "bob", said)
    assert await kinds(queue, item.id) == ["queued", "claimed", "decided"]


async def test_stale_and_foreign_decisions_are_refused(
    queue: ReviewQueue, store: PredictionStore, clock: Clock
) -> None:
    (made,) = await add(store)
    seen = await queue.get(review_id(made))
    (item,) = await queue.claim("ann")
    with pytest.raises(Conflict, match=r"claimed by ann until 2026-11-20 12:02:00 UTC"):
        await queue.decide(item.id, "bob", decision(item))
    with pytest.raises(Conflict, match="version 2 now, and the decision is about version 1") as stale:
        await queue.decide(item.id, "ann", decision(seen))
    assert stale.value.field == "item_version"
    clock.forward(61)
    (taken,) = await queue.claim("bob")
    with pytest.raises(Conflict, match="claimed by bob"):
        await queue.decide(item.id, "ann", decision(item))
    assert (await queue.decide(item.id, "bob", decision(taken))).state == "decided"


async def test_work_is_kept_when_nobody_took_it_after_the_lease(
    queue: ReviewQueue, store: PredictionStore, clock: Clock
) -> None:
    (made,) = await add(store)
    (item,) = await queue.claim("ann")
    clock.forward(61)
    await add(store, confidence=0.0)
    await queue.claim("bob")
    assert (await queue.get(review_id(made))).state == "waiting"
    assert (await queue.decide(item.id, "ann", decision(item))).decision is not None


async def test_right_needs_an_answer(queue: ReviewQueue, store: PredictionStore) -> None:
    await add(store, answer=None)
    (item,) = await queue.claim("ann")
    with pytest.raises(InvalidInput, match="no provisional answer"):
        await queue.decide(item.id, "ann", decision(item, "right"))


@pytest.mark.parametrize(
    "values",
    [
        {"verdict": "wrong"},
        {"verdict": "right", "correction": "x"},
        {"verdict": "skip", "labels": {"a": "b"}},
        {"verdict": "wrong", "correction": " "},
        {"verdict": "wrong", "correction": "x" * 20_001},
        {"verdict": "wrong", "correction": "a\x00b"},
        {"verdict": "wrong", "correction": "\ud800"},
        {"verdict": "wrong", "labels": {}},
        {"verdict": "wrong", "values": {}},
        {"verdict": "wrong", "values": {"a": float("nan")}},
        {"verdict": "right", "values": {"a": 1.0}},
        {"verdict": "wrong", "labels": {"a": "x" * 201}},
        {"verdict": "wrong", "labels": {str(n): "x" for n in range(51)}},
        {"verdict": "unsafe", "comment": "x" * 5_001},
        {"verdict": "maybe"},
        {"verdict": "right", "item_version": 0},
        {"verdict": "right", "item_version": 2**31},
    ],
)
def test_decisions_that_can_not_be(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReviewDecision.model_validate({"item_version": 1} | values)


async def test_a_skipped_item_goes_to_others_first(queue: ReviewQueue, store: PredictionStore, clock: Clock) -> None:
    await add(store)
    (item,) = await queue.claim("ann")
    skip = decision(item, "skip")
    skipped = await queue.decide(item.id, "ann", skip)
    assert (skipped.state, skipped.decision) == ("waiting", None)
    assert await queue.decide(item.id, "ann", skip) == skipped, "sent twice"
    assert await queue.claim("ann") == []
    (others,) = await queue.claim("bob")
    assert others.id == item.id
    assert (await queue.decide(item.id, "ann", skip)).claimed_by == "bob", "sent late"
    await queue.release(item.id, "bob")
    clock.forward(3_601)
    assert [mine.id for mine in await queue.claim("ann")] == [item.id], "nobody wanted it"


async def test_a_decision_can_be_taken_back_by_who_took_it(
    queue: ReviewQueue, store: PredictionStore, clock: Clock
) -> None:
    (made,) = await add(store)
    (item,) = await queue.claim("ann")
    decided = await queue.decide(item.id, "ann", decision(item))
    with pytest.raises(Conflict, match="only ann or an administrator"):
        await queue.undo(item.id, "bob")
    undone = await queue.undo(item.id, "ann")
    assert (undone.state, undone.claimed_by, undone.decision, undone.version) == ("claimed", "ann", None, 4)
    assert (await store.get(made.id)).outcome == "in_review"
    with pytest.raises(Conflict, match="no decision"):
        await queue.undo(item.id, "ann")
    with pytest.raises(Conflict, match="version 4 now"):
        await queue.decide(item.id, "ann", decision(item))
    await queue.decide(item.id, "ann", decision(undone, "unsafe"))
    clock.forward(601)
    with pytest.raises(Conflict, match="for 10 minutes only"):
        await queue.undo(item.id, "ann")
    assert (await kinds(queue, item.id))[1:] == ["claimed", "decided", "undone", "decided"]
    assert decided.decision is not None


async def test_an_administrator_may_undo_what_others_decided(queue: ReviewQueue, store: PredictionStore) -> None:
    await add(store)
    (item,) = await queue.claim("ann")
    await queue.decide(item.id, "ann", decision(item))
    assert (await queue.undo(item.id, "root", admin=True)).claimed_by == "root"


async def test_a_skip_can_be_undone_until_someone_takes_the_item(queue: ReviewQueue, store: PredictionStore) -> None:
    await add(store)
    (item,) = await queue.claim("ann")
    await queue.decide(item.id, "ann", decision(item, "skip"))
    mine = await queue.undo(item.id, "ann")
    assert mine.claimed_by == "ann"
    await queue.decide(item.id, "ann", decision(mine, "skip"))
    await queue.claim("bob")
    with pytest.raises(Conflict, match="claimed by bob"):
        await queue.undo(item.id, "ann")


async def test_fifty_at_once_never_get_the_same_item(queue: ReviewQueue, store: PredictionStore) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(200):
            group.create_task(add(store))
    got: list[str] = []
    decided: list[str] = []

    async def work(name: str) -> None:
        while items := await queue.claim(name, limit=1 + len(name) % 2):
            got.extend(item.id for item in items)
            decided.extend([(await queue.decide(item.id, name, decision(item))).id for item in items])

    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(work(f"worker {number}"))
    assert len(got) == len(set(got)) == len(set(decided)) == 200
    stats = await queue.stats()
    assert (stats.waiting, stats.claimed, stats.decided) == (0, 0, 200)


async def test_several_services_on_one_postgres_share_the_queue(postgres_settings: Settings) -> None:
    async with (
        await open_database(postgres_settings) as one,
        await open_database(postgres_settings) as two,
    ):
        await add(PredictionStore(one), 60)
        queues = [ReviewQueue(one), ReviewQueue(two)]
        got: list[str] = []

        async def work(number: int) -> None:
            queue = queues[number % 2]
            while items := await queue.claim(f"w{number}", limit=2):
                got.extend(item.id for item in items)
                for item in items:
                    await queue.decide(item.id, f"w{number}", decision(item))

        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(work(number))
    assert len(got) == len(set(got)) == 60


async def test_waiting_ends_with_the_decision(queue: ReviewQueue, store: PredictionStore) -> None:
    (made,) = await add(store)
    waiting = asyncio.create_task(queue.wait(made.id, 60_000))
    await asyncio.sleep(0)
    (item,) = await queue.claim("ann")
    await queue.decide(item.id, "ann", decision(item))
    assert (await waiting).outcome == "answered"
    assert (await queue.wait(made.id, 60_000)).outcome == "answered", "decided already"


async def test_a_decision_by_another_process_ends_the_waiting_too(
    queue: ReviewQueue, store: PredictionStore, database: Database
) -> None:
    (made,) = await add(store)
    waiting = asyncio.create_task(queue.wait(made.id, 60_000))
    other = ReviewQueue(database)
    (item,) = await other.claim("ann")
    await other.decide(item.id, "ann", decision(item))
    assert (await waiting).route == "review"
    await queue.close()


async def test_waiting_is_not_for_ever(queue: ReviewQueue, store: PredictionStore) -> None:
    (made,) = await add(store)
    assert (await queue.wait(made.id, 1)).outcome == "in_review"
    with pytest.raises(NotFound):
        await queue.wait("prd_none", 1)
    waiting = asyncio.create_task(queue.wait(made.id, 60_000))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await queue.claim("ann"))[0].prediction_id == made.id, "the item is still there"


async def test_one_caller_can_not_take_all_places_to_wait(
    queue: ReviewQueue, store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.review.waiting.MAX_PER_CALLER", 1)
    (made,) = await add(store)
    waiting = asyncio.create_task(queue.wait(made.id, 60_000, caller="key_1"))
    await asyncio.sleep(0.01)
    with pytest.raises(Overloaded):
        await queue.wait(made.id, 1, caller="key_1")
    for caller in ("key_2", None):
        assert (await queue.wait(made.id, 1, caller=caller)).outcome == "in_review"
    queue.end_waiting()
    await waiting
    assert (await queue.wait(made.id, 1, caller="key_1")).outcome == "in_review"
    await queue.close()


async def test_a_service_that_stops_keeps_nobody_waiting(queue: ReviewQueue, store: PredictionStore) -> None:
    (made,) = await add(store)
    waiting = asyncio.create_task(queue.wait(made.id, 60_000))
    await asyncio.sleep(0.01)
    queue.end_waiting()
    assert (await waiting).outcome == "in_review"
    assert (await queue.wait(made.id, 60_000)).outcome == "in_review"
    await queue.close()


async def test_figures(queue: ReviewQueue, store: PredictionStore, clock: Clock) -> None:
    empty = await queue.stats()
    assert (empty.waiting, empty.oldest_at, empty.median_wait_ms, empty.agreement.brier) == (0, None, None, None)
    await add(store, 4, confidence=0.8)
    for verdict in ("right", "wrong", "unsafe"):
        (item,) = await queue.claim("ann")
        clock.forward(10)
        await queue.decide(item.id, "ann", decision(item, verdict))
    stats = await queue.stats()
    assert (stats.waiting, stats.decided, stats.median_work_ms) == (1, 3, 10_000)
    assert stats.verdicts == {"right": 1, "wrong": 1, "unanswerable": 0, "unsafe": 1}
    assert stats.reviewers == {"ann": 3}
    assert (stats.agreement.measured, stats.agreement.right, stats.agreement.agreed) == (2, 1, 0.5)
    assert stats.agreement.brier == pytest.approx((0.04 + 0.64) / 2)
    assert stats.oldest_at is not None
    assert stats.oldest_age_ms == (clock() - stats.oldest_at).total_seconds() * 1000


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb", "a\x00"])
async def test_names_that_can_not_be(queue: ReviewQueue, name: str) -> None:
    with pytest.raises(InvalidInput):
        await queue.claim(name)


async def test_what_is_not_there(queue: ReviewQueue) -> None:
    said = ReviewDecision(item_version=1, verdict="unsafe")
    for asked in (
        queue.get("rev_none"),
        queue.get("\x00"),
        queue.claim("ann", id="rev_none"),
        queue.renew("rev_none", "ann"),
        queue.release("rev_none", "ann"),
        queue.decide("rev_none", "ann", said),
        queue.undo("rev_none", "ann"),
        queue.history("rev_none"),
    ):
        with pytest.raises(NotFound):
            await asked
    for limit in (0, 101):
        with pytest.raises(InvalidInput):
            await queue.claim("ann", limit=limit)


async def test_verdicts_on_answers_the_latest_of_each_person_counts(database: Database, store: PredictionStore) -> None:
    answered, (waiting,) = plain(), await add(store)
    await store.add(answered)
    verdicts = VerdictStore(database)
    await verdicts.add(answered.id, "wrong", "ann", "last year's price")
    await verdicts.add(answered.id, "right", "bob")
    await verdicts.add(answered.id, "right", "ann")
    assert [(said.by, said.verdict) for said in await verdicts.of(answered.id)] == [("ann", "right"), ("bob", "right")]
    assert [said.verdict for said in await verdicts.history(answered.id)] == ["wrong", "right", "right"]
    refused: list[tuple[type[SignalboxError], tuple[str, ...]]] = [
        (NotFound, ("prd_none", "right", "ann")),
        (InvalidInput, (waiting.id, "right", "ann")),
        (UnknownName, (answered.id, "unsafe", "ann")),
        (InvalidInput, (answered.id, "right", "")),
        (InvalidInput, (answered.id, "right", "ann", "x" * 5_001)),
    ]
    for error, arguments in refused:
        with pytest.raises(error):
            await verdicts.add(*arguments)


async def test_what_a_person_answered_is_found(queue: ReviewQueue, store: PredictionStore) -> None:
    made = await add(store, 3)
    answers: list[dict[str, Any]] = [{"correction": "Nur mit „Beleg“."}, {"labels": {"topic": 'track "order" ö'}}]
    for more in answers:
        (item,) = await queue.claim("ann")
        await queue.decide(item.id, "ann", decision(item, "wrong", **more))
    decided = {one.id: one.answer for one in (await store.list(limit=10, route="review"))[0]}
    for text in ("mit „beleg“", 'k "ORDER" ö'):
        (found,) = (await store.list(limit=10, text=text))[0]
        assert decided[found.id] == found.answer
    assert len((await store.list(limit=10, text=made[0].query))[0]) == 3
    assert (await store.list(limit=10, text="topic"))[0] == [], "a task is no answer"


async def test_lists_are_made_off_the_event_loop(
    queue: ReviewQueue, store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(store, 3)
    threads, of = set(), ReviewItem.of

    def noted(*args: Any) -> ReviewItem:
        threads.add(threading.get_ident())
        return of(*args)

    monkeypatch.setattr(ReviewItem, "of", noted)
    items, cursor = await queue.list(limit=2)
    assert len(items) == 2
    assert len((await queue.list(limit=2, cursor=cursor))[0]) == 1
    assert threads
    assert threading.get_ident() not in threads
