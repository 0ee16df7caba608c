"""The review queue: what a person may do with an item, each act one transaction that checks and writes.

Rules are in `rules`, rows in `signalbox.storage.reviews`. An item's `version` grows with everything that changes who
has it or what was decided, so a decision about an older state is refused; a lease that ends changes nothing by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from evaluators.review import rules
from evaluators.review.claiming import Claim, claim_all, held
from evaluators.review.cursor import read_cursor, write_cursor
from evaluators.review.deciding import MAX_HISTORY, NOT_HELD, Judgement, decide_all, missing
from evaluators.review.figures import CONSIDERED, review_stats
from evaluators.review.notices import notice_of
from evaluators.review.together import Together
from evaluators.review.types import ReviewCase, ReviewDecision, ReviewEvent, ReviewItem, ReviewStats
from evaluators.review.waiting import Waiters
from signalbox.errors import InvalidInput
from signalbox.storage import Database, PredictionStore
from signalbox.storage.outbox import Outbox
from signalbox.storage.review_rows import ReviewFilter, StoredReview
from signalbox.storage.reviews import ReviewTable, place
from signalbox.types import Prediction, utc_now

MAX_CLAIM = 100
MAX_LIMIT = 1_000
_EXPORT_PAGE = 200
_UNDECIDED: Mapping[str, Any] = dict.fromkeys(
    ("outcome", "verdict", "correction", "labels", "numbers", "comment", "decided_by", "decided_at")
)


# Within the class, `list` is its method.
_Items = list[ReviewItem]
_Events = list[ReviewEvent]
_Records = list[StoredReview]


class ReviewQueue:
    """The queue in `database`, which stays the caller's to close. Any number may work on one database at once.

    Args:
        lease_s: how long an item is someone's before it goes back to the others, in seconds.
        undo_s: how long a decision or skip can be taken back, in seconds.
        skip_s: how long who skipped an item is not given it again, in seconds; he can still claim it by its id.
        poll_s: how often decisions made by other processes are looked for while someone waits, in seconds.
        clock: the time, aware; for tests.
        on_notice: is called after a transaction that left a webhook to deliver.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_s: float = 300,
        undo_s: float = 3_600,
        skip_s: float = 3_600,
        poll_s: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
        on_notice: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._lease, self._undo_window, self._skip = (timedelta(seconds=value) for value in (lease_s, undo_s, skip_s))
        self._clock = clock
        self._claims: Together[Claim, _Records] = Together(database, self._claim_all)
        self._decisions: Together[Judgement, StoredReview] = Together(database, self._decide_all)
        self._predictions = PredictionStore(database, clock=clock)
        self._waiters = Waiters(self._decided_among, poll_s=poll_s)
        self.on_notice = on_notice

    async def list(
        self,
        *,
        state: str | None = None,
        reason: str | None = None,
        query: str | None = None,
        claimed_by: str | None = None,
        decided_by: str | None = None,
        verdict: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[_Items, str | None]:
        """A page of items in the order in which they are given out, and the next page's cursor (None: the last).

        With `state="decided"` the latest decision comes first.

        Args:
            reason, query: texts to look for in the reason and in the query, whatever their case.
            limit: 1 to 1000.

        Raises:
            InvalidInput: a limit or cursor that can't be.
            UnknownName: there is no such state or verdict.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"limit is {limit}; give 1 to {MAX_LIMIT:,}.", field="limit")
        wanted = rules.check_filter(ReviewFilter(state, reason, query, claimed_by, decided_by, verdict))
        after = None if cursor is None else read_cursor(cursor, wanted)
        now = self._clock()

        def work(connection: Any) -> tuple[_Items, str | None]:
            # Items are made here, off the event loop: each is parsed from its prediction's body.
            found = ReviewTable(connection).page(wanted, now, limit + 1, after)
            more = len(found) > limit
            items = [ReviewItem.of(record, now) for record in found[:limit]]
            return items, write_cursor(*place(found[limit - 1], wanted)) if more else None

        return await self._database.read(work)

    async def get(self, id: str) -> ReviewItem:  # noqa: A002 - the word for it everywhere else
        """Raises NotFound."""
        return self._item(await self._database.read(lambda connection: _found(ReviewTable(connection), id)))

    async def claim(self, reviewer: str, *, limit: int = 1, id: str | None = None) -> _Items:  # noqa: A002
        """Take items for `lease_s`: the first of the queue, or the one called `id`.

        Nobody else can take or decide them meanwhile. Claiming by id what one holds renews it. Fewer items, or none,
        mean that no more wait.

        Raises:
            InvalidInput: a limit outside 1 to 100, or no name.
            NotFound: there is no item `id`.
            Conflict: it is decided, or someone else has it, and until when.
        """
        rules.check_reviewer(reviewer)
        if not 1 <= limit <= MAX_CLAIM:
            raise InvalidInput(f"limit is {limit}; give 1 to {MAX_CLAIM}.", field="limit")
        if id is None:
            return [self._item(record) for record in await self._claims.ask(Claim(reviewer, limit))]
        now = self._clock()

        def work(table: ReviewTable) -> StoredReview:
            record = _locked(table, id)
            rules.refuse_decided(record)
            rules.refuse_foreign(record, reviewer, now)
            if record.held_by(now) == reviewer:
                renewed = replace(record, lease_expires_at=now + self._lease)
                table.save(renewed)
                return renewed
            return self._reopen(table, record, reviewer, now, "claimed", {})

        return [ReviewItem.of(await self._database.write(lambda connection: work(ReviewTable(connection))), now)]

    async def renew(self, id: str, reviewer: str) -> ReviewItem:  # noqa: A002
        """Hold it for another `lease_s` from now. Raises NotFound, or Conflict unless `reviewer` holds it."""

        def change(record: StoredReview, now: datetime) -> StoredReview:
            rules.require_held(record, reviewer, now)
            return replace(record, lease_expires_at=now + self._lease)

        return await self._change(id, reviewer, change, None)

    async def release(self, id: str, reviewer: str, *, admin: bool = False) -> ReviewItem:  # noqa: A002
        """Put it back undecided. Raises NotFound, or Conflict unless `reviewer`, or with `admin` anyone, holds it."""

        def change(record: StoredReview, now: datetime) -> StoredReview:
            holder = record.held_by(now) if admin else None
            rules.require_held(record, holder or reviewer, now)
            return replace(record, state="waiting", version=record.version + 1, **NOT_HELD)

        return await self._change(id, reviewer, change, "released")

    async def decide(self, id: str, reviewer: str, decision: ReviewDecision) -> ReviewItem:  # noqa: A002
        """Decide an item that `reviewer` holds, or that nobody holds. Sending it twice does no harm.

        The asker's prediction shows the decision from then on. A skipped item waits again, for others first.

        Raises:
            NotFound: there is no such item.
            Conflict: someone else holds it (whose and until when), or it is no longer as `item_version` says.
            InvalidInput: `right` without a provisional answer.
        """
        rules.check_reviewer(reviewer)
        return self._settled(await self._decisions.ask(Judgement(id, reviewer, decision)))

    async def undo(self, id: str, reviewer: str, *, admin: bool = False) -> ReviewItem:  # noqa: A002
        """Take back one's decision or skip: the item is claimed by `reviewer` again. The history keeps both.

        An asker who was told of the decision by a webhook is told of this too.

        Args:
            admin: may undo what others have decided.

        Raises:
            NotFound: there is no such item.
            Conflict: it is someone else's decision, too long ago, or someone has acted since.
        """
        rules.check_reviewer(reviewer)
        now = self._clock()

        def work(connection: Any) -> StoredReview:
            table = ReviewTable(connection)
            record = _locked(table, id)
            events = [event for event in table.events(record.id, MAX_HISTORY) if not event.kind.startswith("webhook")]
            last = events[-1] if events else None
            rules.require_undoable(record, last, reviewer, now, self._undo_window, admin=admin)
            assert last is not None
            table.unskip(record.id, reviewer)
            details = {"undid": last.kind, "of": last.by}
            open_again = self._reopen(table, replace(record, **_UNDECIDED), reviewer, now, "undone", details)
            if (notice := notice_of("prediction.review_undone", open_again, now)) is not None:
                Outbox(connection).replace(record.id, notice, now)
            return open_again

        return self._settled(await self._database.write(work))

    async def history(self, id: str) -> _Events:  # noqa: A002
        """All that happened to it, oldest first; of very long histories the latest 1,000. Raises NotFound."""

        def work(table: ReviewTable) -> _Events:
            record = _found(table, id)
            queued = ReviewEvent(at=record.created_at, kind="queued", version=1, details={"priority": record.priority})
            return [queued, *(ReviewEvent.of(event) for event in table.events(record.id, MAX_HISTORY))]

        return await self._database.read(lambda connection: work(ReviewTable(connection)))

    async def stats(self) -> ReviewStats:
        """The queue at a glance; see `ReviewStats`."""
        now = self._clock()

        def work(table: ReviewTable) -> ReviewStats:
            return review_stats(table.counts(now), table.oldest_open(), table.latest_decisions(CONSIDERED), now)

        return await self._database.read(lambda connection: work(ReviewTable(connection)))

    async def export(self) -> AsyncIterator[ReviewCase]:
        """All decided items as labels, the latest first."""
        cursor: str | None = None
        while True:
            items, cursor = await self.list(state="decided", limit=_EXPORT_PAGE, cursor=cursor)
            for item in items:
                yield ReviewCase.of(item)
            if cursor is None:
                return

    async def wait(self, prediction_id: str, timeout_ms: float, *, caller: str | None = None) -> Prediction:
        """The prediction as soon as a person has decided on it, or as it is after `timeout_ms`.

        Cancelling this ends the waiting and nothing else.

        Args:
            caller: whose waits are counted together; None: nobody's.

        Raises:
            NotFound: there is no such prediction.
            Overloaded: too many wait already, or too many of this caller.
        """
        with self._waiters.waiting_for(prediction_id, caller) as decided:
            prediction = await self._predictions.get(prediction_id)
            if prediction.outcome != "in_review" or not await decided.within(timeout_ms / 1000):
                return prediction
        return await self._predictions.get(prediction_id)

    def end_waiting(self) -> None:
        """Those who wait, now and later, get what there is."""
        self._waiters.end()

    async def close(self) -> None:
        """End the waiting and the looking for others' decisions."""
        await self._waiters.close()

    async def _change(
        self,
        id: str,  # noqa: A002
        reviewer: str,
        change: Callable[[StoredReview, datetime], StoredReview],
        kind: str | None,
    ) -> ReviewItem:
        rules.check_reviewer(reviewer)
        now = self._clock()

        def work(table: ReviewTable) -> StoredReview:
            changed = change(_locked(table, id), now)
            table.save(changed)
            if kind is not None:
                table.add_events(now, [(kind, reviewer, changed, {})])
            return changed

        return ReviewItem.of(await self._database.write(lambda connection: work(ReviewTable(connection))), now)

    def _settled(self, record: StoredReview) -> ReviewItem:
        """Tell those who wait for what has become of it."""
        if record.state == "decided":
            self._waiters.tell(record.prediction_id)
        if record.webhook_url is not None:
            self.on_notice()
        return self._item(record)

    def _claim_all(self, connection: Any, claims: Sequence[Claim]) -> Sequence[_Records]:
        return claim_all(ReviewTable(connection), claims, self._clock(), self._lease)

    def _decide_all(self, connection: Any, judgements: Sequence[Judgement]) -> Sequence[StoredReview | Exception]:
        return decide_all(connection, judgements, self._clock(), self._skip)

    def _reopen(
        self,
        table: ReviewTable,
        record: StoredReview,
        reviewer: str,
        now: datetime,
        kind: str,
        details: Mapping[str, Any],
    ) -> StoredReview:
        mine = held(record, reviewer, now, self._lease)
        table.save(mine)
        table.add_events(now, [(kind, reviewer, mine, {"until": (now + self._lease).isoformat(), **details})])
        return mine

    def _item(self, record: StoredReview) -> ReviewItem:
        return ReviewItem.of(record, self._clock())

    async def _decided_among(self, prediction_ids: Sequence[str]) -> set[str]:
        return await self._database.read(lambda connection: ReviewTable(connection).decided_among(prediction_ids))


def _found(table: ReviewTable, id: str) -> StoredReview:  # noqa: A002
    record = table.get(id)
    if record is None:
        raise missing(id)
    return record


def _locked(table: ReviewTable, id: str) -> StoredReview:  # noqa: A002
    record = table.get(id, lock=True)
    if record is None:
        raise missing(id)
    return record
