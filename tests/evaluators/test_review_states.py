"""Any course of claims, decisions, skips, undoings and waiting: the queue and a small model agree on all of it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from review_samples import Clock, add
from storage_samples import NOON

from evaluators.review import ReviewDecision, ReviewItem, ReviewQueue
from signalbox.errors import Conflict
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database

LEASE_S, UNDO_S, SKIP_S = 60, 300, 120
PEOPLE = ("ann", "bob", "cleo")
ITEMS = 3
_people = st.sampled_from(PEOPLE)
_items = st.integers(0, ITEMS - 1)


class Model:
    """One item as it should be."""

    def __init__(self) -> None:
        self.version = 1
        self.holder: tuple[str, float] | None = None
        self.decided: tuple[str, str, float] | None = None
        self.skipped: dict[str, float] = {}
        self.skips: set[tuple[str, int]] = set()  # who, and the version it led to
        self.undoable: tuple[str, float] | None = None

    def held_by(self, now: float) -> str | None:
        return self.holder[0] if self.holder and self.holder[1] > now else None

    def waits(self, now: float) -> bool:
        return self.decided is None and self.held_by(now) is None

    def take(self, who: str, now: float) -> None:
        self.version += 1
        self.holder = (who, now + LEASE_S)
        self.undoable = None


class Reviewing(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock(NOON + timedelta(minutes=1))
        self.now = 0.0
        self.items = [Model() for _ in range(ITEMS)]
        self.run(self.open())

    async def open(self) -> None:
        self.database = await open_database(Settings(data_dir=self.folder))
        self.queue = ReviewQueue(
            self.database, lease_s=LEASE_S, undo_s=UNDO_S, skip_s=SKIP_S, clock=self.clock, poll_s=60
        )
        made = await add(PredictionStore(self.database), ITEMS)
        self.ids = [prediction.review.id for prediction in made if prediction.review]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def refused(self, work: Coroutine[Any, Any, Any]) -> bool:
        try:
            self.run(work)
        except Conflict:
            return True
        return False

    @rule(seconds=st.sampled_from((1, 30, 61, 121, 301)))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds)
        self.now += seconds

    @rule(who=_people, limit=st.integers(1, ITEMS))
    def claim(self, who: str, limit: int) -> None:
        free = [
            number
            for number, item in enumerate(self.items)
            if item.waits(self.now) and item.skipped.get(who, -1.0) <= self.now
        ]
        got: list[ReviewItem] = self.run(self.queue.claim(who, limit=limit))
        # All are equally urgent and a second apart: the oldest first.
        assert [item.id for item in got] == [self.ids[number] for number in free[:limit]]
        for number in free[:limit]:
            self.items[number].take(who, self.now)

    @rule(who=_people, number=_items)
    def claim_by_id(self, who: str, number: int) -> None:
        item = self.items[number]
        holder = item.held_by(self.now)
        refused = self.refused(self.queue.claim(who, id=self.ids[number]))
        assert refused == (item.decided is not None or holder not in (None, who))
        if not refused and holder == who:
            item.holder = (who, self.now + LEASE_S)
        elif not refused:
            item.take(who, self.now)

    @rule(who=_people, number=_items)
    def renew(self, who: str, number: int) -> None:
        item = self.items[number]
        refused = self.refused(self.queue.renew(self.ids[number], who))
        assert refused == (item.held_by(self.now) != who)
        if not refused:
            item.holder = (who, self.now + LEASE_S)

    @rule(who=_people, number=_items)
    def release(self, who: str, number: int) -> None:
        item = self.items[number]
        refused = self.refused(self.queue.release(self.ids[number], who))
        assert refused == (item.held_by(self.now) != who)
        if not refused:
            item.version += 1
            item.holder = item.undoable = None

    @rule(who=_people, number=_items, verdict=st.sampled_from(("right", "unsafe", "skip")), stale=st.booleans())
    def decide(self, who: str, number: int, verdict: str, stale: bool) -> None:
        item = self.items[number]
        version = max(1, item.version - stale)
        said = ReviewDecision.model_validate({"item_version": version, "verdict": verdict})
        again = item.decided is not None and item.decided[:2] == (who, verdict) and version == item.version - 1
        late_skip = verdict == "skip" and version != item.version and (who, version + 1) in item.skips
        fits = item.waits(self.now) or item.held_by(self.now) == who
        refused = self.refused(self.queue.decide(self.ids[number], who, said))
        assert refused == (not again and not late_skip and not (fits and version == item.version))
        if refused or again or late_skip:
            return
        item.version += 1
        item.holder = None
        item.undoable = (who, self.now)
        if verdict == "skip":
            item.skipped[who] = self.now + SKIP_S
            item.skips.add((who, item.version))
        else:
            item.decided = (who, verdict, self.now)

    @rule(who=_people, number=_items)
    def undo(self, who: str, number: int) -> None:
        item = self.items[number]
        allowed = item.undoable is not None and item.undoable[0] == who and self.now - item.undoable[1] <= UNDO_S
        assert self.refused(self.queue.undo(self.ids[number], who)) != allowed
        if allowed:
            item.decided = None
            item.skipped.pop(who, None)
            item.take(who, self.now)

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        if not hasattr(self, "ids"):
            return
        for item, name in zip(self.items, self.ids, strict=True):
            seen: ReviewItem = self.run(self.queue.get(name))
            assert seen.version == item.version
            assert seen.claimed_by == (None if item.decided else item.held_by(self.now))
            assert (seen.decision is not None) == (item.decided is not None)
            if seen.decision and item.decided:
                assert (seen.decision.by, seen.decision.verdict) == item.decided[:2]

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.run(self.queue.close())
            self.run(self.database.close())
            self.loop.close()
            shutil.rmtree(self.folder)


TestReviewing = Reviewing.TestCase
TestReviewing.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
