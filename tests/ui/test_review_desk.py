"""What lies before a reviewer: claiming ahead, deciding, taking back, leaving, and what others do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from api.ui.review.desk import MOST_HELD, Desk, Draft
from evaluators.review import ReviewDecision, ReviewQueue
from signalbox.errors import Conflict, NotFound
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, open_database
from signalbox.types import Answer, Prediction, ReviewRef, new_id, utc_now


class Clock:
    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(Settings(data_dir=tmp_path))
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def queue(database: Database, clock: Clock) -> AsyncIterator[ReviewQueue]:
    queue = ReviewQueue(database, lease_s=300, clock=clock)
    yield queue
    await queue.close()


async def asked(database: Database, *queries: str, answer: str | None = "Within 14 days.") -> list[str]:
    """Puts queries into review; returns the reviews' ids."""
    ids = []
    for query in queries:
        review = ReviewRef(id=new_id("rev"), state="waiting", url="/predictions/x")
        await PredictionStore(database).add(
            Prediction(
                id=new_id("prd"),
                created_at=utc_now(),
                query=query,
                outcome="in_review",
                answer=Answer(text=answer, provisional=True) if answer else None,
                route=None,
                confidence=0.4 if answer else None,
                evidence=(),
                attempts=(),
                policy="pol_0@champion",
                cost_usd=0,
                saved_usd=0,
                duration_ms=1,
                overhead_ms=1,
                review=review,
            )
        )
        ids.append(review.id)
    return ids


async def filled(queue: ReviewQueue, reviewer: str = "ann") -> Desk:
    desk = Desk(queue, reviewer)
    await desk.fill()
    return desk


def query_of(desk: Desk) -> str | None:
    return desk.current.item.prediction.query if desk.current else None


async def test_the_next_item_is_claimed_before_it_is_needed(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one", "two", "three")
    desk = await filled(queue)
    assert desk.current is not None
    assert desk.following is not None
    assert (await queue.stats()).claimed == 2


async def test_a_decision_moves_on_at_once_and_is_sent_after(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one", "two")
    desk = await filled(queue)
    first = query_of(desk)
    card = desk.decide("wrong")
    card.draft = Draft(correction=" 30 days ")
    assert query_of(desk) != first
    assert card.state == "sending"
    await desk.send(card)
    assert card.state == "decided"
    decision = (await queue.get(card.item.id)).decision
    assert decision is not None
    assert (decision.verdict, decision.correction, decision.by) == ("wrong", "30 days", "ann")


async def test_a_correction_goes_with_wrong_only(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one")
    desk = await filled(queue)
    card = desk.decide("right")
    card.draft = Draft(correction="typed and then thought better of")
    await desk.send(card)
    decision = (await queue.get(card.item.id)).decision
    assert decision is not None
    assert decision.correction is None


async def test_a_number_is_corrected_by_its_task(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one")
    desk = await filled(queue)
    card = desk.decide("wrong")
    card.draft = Draft(numbers={"price": 3120.5})
    await desk.send(card)
    decision = (await queue.get(card.item.id)).decision
    assert decision is not None
    assert decision.values == {"price": 3120.5}


async def test_two_desks_never_hold_the_same_item(database: Database, queue: ReviewQueue) -> None:
    await asked(database, *"abcdef")
    desks = [await filled(queue, "ann"), await filled(queue, "ben"), await filled(queue, "ann")]
    held = [card.item.id for desk in desks for card in desk.cards]
    assert len(held) == len(set(held)) == 6


async def test_what_is_refused_comes_back_with_the_reason_and_the_draft(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one", "two")
    desk = await filled(queue)
    card = desk.decide("wrong")
    card.draft = Draft(correction="   ")
    await desk.send(card)
    assert desk.current is card
    assert card.state == "open"
    assert card.trouble is not None
    assert "give correction or labels" in card.trouble
    card.draft = Draft(correction="14 days")
    await desk.send(desk.decide("wrong"))
    assert card.state == "decided"


async def test_an_item_that_someone_else_took_says_whose_it_is(
    database: Database, queue: ReviewQueue, clock: Clock
) -> None:
    (only,) = await asked(database, "one")
    desk = await filled(queue)
    clock.passes(minutes=6)
    await queue.claim("ben", id=only)
    card = desk.decide("right")
    await desk.send(card)
    assert desk.current is card
    assert card.state == "lost"
    assert card.trouble is not None
    assert "claimed by ben" in card.trouble


async def test_an_item_decided_by_another_shows_that_decision(
    database: Database, queue: ReviewQueue, clock: Clock
) -> None:
    (only,) = await asked(database, "one")
    desk = await filled(queue)
    clock.passes(minutes=6)
    (theirs,) = await queue.claim("ben", id=only)
    await queue.decide(only, "ben", ReviewDecision(item_version=theirs.version, verdict="unsafe"))
    card = desk.decide("right")
    await desk.send(card)
    assert card.state == "lost"
    assert card.item.decision is not None
    assert card.item.decision.by == "ben"


async def test_a_lease_that_ran_out_is_taken_again(database: Database, queue: ReviewQueue, clock: Clock) -> None:
    await asked(database, "one")
    desk = await filled(queue)
    clock.passes(minutes=6)
    assert not await desk.renew()
    assert desk.current is not None
    assert desk.current.state == "open"
    assert (await queue.get(desk.current.item.id)).claimed_by == "ann"


async def test_renewing_tells_when_the_current_item_was_lost(
    database: Database, queue: ReviewQueue, clock: Clock
) -> None:
    (only,) = await asked(database, "one")
    desk = await filled(queue)
    clock.passes(minutes=6)
    await queue.claim("ben", id=only)
    assert await desk.renew()
    assert desk.current is not None
    assert desk.current.state == "lost"


async def test_undo_goes_back_to_the_item_and_holds_it_again(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one", "two")
    desk = await filled(queue)
    card = desk.decide("right")
    await desk.send(card)
    assert await desk.undo() is card
    assert desk.current is card
    assert card.state == "open"
    assert (await queue.get(card.item.id)).claimed_by == "ann"
    assert await desk.undo() is None


async def test_a_skipped_item_goes_to_others_and_can_be_taken_back(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one")
    desk = await filled(queue)
    card = desk.decide("skip")
    await desk.send(card)
    assert not await desk.fill(), "it is not given to the one who skipped it"
    assert desk.current is None
    (theirs,) = await queue.claim("ben")
    assert theirs.id == card.item.id
    with pytest.raises(Conflict):
        await desk.undo()


async def test_leaving_gives_back_and_coming_back_claims_again(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one", "two")
    desk = await filled(queue)
    await desk.leave()
    assert (await queue.stats()).claimed == 0
    assert not await desk.fill(), "a page that was left claims nothing"
    await queue.claim("ben")
    await desk.come_back()
    assert [card.state for card in desk.cards].count("open") == 1
    open_card = next(card for card in desk.cards if card.state == "open")
    desk.look_at(open_card)
    await desk.send(desk.decide("right"))
    assert open_card.state == "decided"


async def test_a_decision_made_while_items_were_given_back_still_counts(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one", "two")
    desk = await filled(queue)
    await desk.leave()
    card = desk.decide("right")
    await desk.send(card)
    assert card.state == "decided"
    decision = (await queue.get(card.item.id)).decision
    assert decision is not None
    assert decision.verdict == "right"


async def test_deciding_while_an_item_is_claimed_again_counts(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one")
    desk = await filled(queue)
    await desk.leave()
    claiming = asyncio.create_task(desk.come_back())
    await asyncio.sleep(0)
    card = desk.decide("unsafe")
    await claiming
    assert (card.state, card.verdict) == ("sending", "unsafe")
    await desk.send(card)
    assert card.state == "decided"


async def test_passing_over_many_gives_the_first_ones_back(database: Database, queue: ReviewQueue) -> None:
    await asked(database, *(f"query {number}" for number in range(MOST_HELD + 8)))
    desk = await filled(queue)
    for _ in range(MOST_HELD + 5):
        assert await desk.next()
        await desk.fill()
    assert (await queue.stats()).claimed <= MOST_HELD + 2
    assert desk.previous()


async def test_at_either_end_one_stays(database: Database, queue: ReviewQueue) -> None:
    await asked(database, "one")
    desk = await filled(queue)
    assert not await desk.next()
    assert not desk.previous()
    assert query_of(desk) == "one"


async def test_one_item_in_particular_can_be_taken(database: Database, queue: ReviewQueue) -> None:
    ids = await asked(database, "one", "two", "three")
    desk = await filled(queue)
    wanted = next(name for name in ids if name not in {card.item.id for card in desk.cards})
    card = await desk.take(wanted)
    assert desk.current is card
    assert card.state == "open"
    with pytest.raises(NotFound, match="rev_none"):
        await desk.take("rev_none")


async def test_ones_own_decision_is_shown_and_can_be_taken_back(database: Database, queue: ReviewQueue) -> None:
    (only,) = await asked(database, "one")
    (item,) = await queue.claim("ann")
    await queue.decide(only, "ann", ReviewDecision(item_version=item.version, verdict="wrong", correction="14 days"))
    desk = Desk(queue, "ann")
    card = await desk.take(only)
    assert (card.state, card.verdict, card.draft.correction) == ("decided", "wrong", "14 days")
    assert await desk.undo() is card
    assert card.state == "open"


async def test_an_item_of_someone_else_is_shown_but_not_decided(database: Database, queue: ReviewQueue) -> None:
    (only,) = await asked(database, "one")
    await queue.claim("ben", id=only)
    desk = Desk(queue, "ann")
    card = await desk.take(only)
    assert card.state == "lost"
    assert card.trouble is not None
    assert "ben" in card.trouble
