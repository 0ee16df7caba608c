"""What one reviewer has before them: the items claimed for this page, in order, and which one is looked at.

Decisions count at once and are sent behind the reviewer's back; what was refused comes back with the reason. Knows
nothing of how it is drawn.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from evaluators.review import ReviewDecision, ReviewItem, ReviewQueue
from signalbox.errors import Conflict, NotFound, SignalboxError

VerdictWord = Literal["right", "wrong", "unanswerable", "unsafe", "skip"]

AHEAD = 1  # claimed beyond the one looked at, so that the next is there at once
MOST_HELD = 10  # claimed and undecided; passing over more gives the first ones back
MOST_KEPT = 200  # decided ones that `previous` leads back to


@dataclass
class Draft:
    """What was typed for an item and not sent yet."""

    correction: str = ""
    comment: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass
class Card:
    """An item as it lies before the reviewer.

    Attributes:
        state: `open` may be decided; `sending` and `decided` carry `verdict`; `lost` is someone else's now.
        trouble: why the last thing asked for was refused, as a sentence.
    """

    item: ReviewItem
    state: Literal["open", "sending", "decided", "lost"] = "open"
    verdict: VerdictWord | None = None
    trouble: str | None = None
    draft: Draft = field(default_factory=Draft)


class Desk:
    """The cards of one open page.

    Args:
        reviewer: the name that claims and decides.
    """

    def __init__(self, queue: ReviewQueue, reviewer: str) -> None:
        self._queue = queue
        self.reviewer = reviewer
        self.cards: list[Card] = []
        self.place = 0
        self.left = False
        self._decided: list[Card] = []
        self._claiming = asyncio.Lock()

    @property
    def current(self) -> Card | None:
        """The card looked at; None where there is nothing left to do."""
        return self.cards[self.place] if self.place < len(self.cards) else None

    @property
    def following(self) -> Card | None:
        """The card after it, loaded already; None where none waits."""
        return self.cards[self.place + 1] if self.place + 1 < len(self.cards) else None

    async def fill(self) -> bool:
        """Claim until the current card and the ones ahead are there; True when cards came.

        Raises:
            SignalboxError: the queue can't be asked now.
        """
        async with self._claiming:
            missing = self.place + 1 + AHEAD - len(self.cards)
            if missing <= 0 or self.left:
                return False
            items = await self._queue.claim(self.reviewer, limit=missing)
            if self.left:
                await self._give_back(items)
                return False
            self.cards += [Card(item) for item in items]
        await self._trim()
        return bool(items)

    async def take(self, item_id: str) -> Card:
        """Look at one item in particular; claims it, or shows whose it is or what became of it.

        Raises:
            NotFound: there is none of that id.
        """
        known = next((card for card in self.cards if card.item.id == item_id), None)
        if known is None:
            known = await self._fetch(item_id)
            self.place = min(self.place, len(self.cards))
            self.cards.insert(self.place, known)
        self.look_at(known)
        return known

    def look_at(self, card: Card) -> None:
        self.place = next(place for place, other in enumerate(self.cards) if other is card)

    async def next(self) -> bool:
        """Move on without deciding; False at the end, where one stays."""
        if self.following is None:
            await self.fill()
        if self.following is None:
            return False
        self.place += 1
        return True

    def previous(self) -> bool:
        if self.place == 0:
            return False
        self.place = min(self.place, len(self.cards)) - 1
        return True

    def decide(self, verdict: VerdictWord) -> Card:
        """Mark the current card and move on; `send` must follow. The card must be open."""
        card = self.current
        assert card is not None
        assert card.state == "open"
        card.state, card.verdict, card.trouble = "sending", verdict, None
        self.place += 1
        while (following := self.current) is not None and following.state != "open":
            self.place += 1
        return card

    async def send(self, card: Card) -> None:
        """Tell the queue. What it refuses comes back as the current card, with the reason in `trouble`."""
        assert card.verdict is not None
        try:
            card.item = await self._tell(card)
        except (Conflict, NotFound) as error:
            await self._refused(card, error)
        except (ValidationError, SignalboxError) as error:
            card.state, card.verdict, card.trouble = "open", None, _sentence(error)
            self.look_at(card)
        else:
            card.state = "decided"
            self._decided.append(card)

    async def undo(self) -> Card | None:
        """Take back the decision on what is looked at, else the last one of this page; None when there is nothing.

        Raises:
            SignalboxError: it can't be taken back; the message says why.
        """
        card = self.current
        if card is None or card.state != "decided":
            card = self._decided[-1] if self._decided else None
        if card is None:
            return None
        card.item = await self._queue.undo(card.item.id, self.reviewer)
        self._decided = [other for other in self._decided if other is not card]
        card.verdict, card.state, card.trouble = None, "open", None
        self.look_at(card)
        return card

    async def renew(self) -> bool:
        """Prolong the leases held; True when the current card can't be decided any more: it was decided or taken."""
        before = self.current.state if self.current else None
        for card in self._open_cards():
            try:
                renewed = await self._queue.renew(card.item.id, self.reviewer)
            except (Conflict, NotFound):
                if card.state == "open":  # it may have been decided while we waited
                    await self._hold(card)
            else:
                card.item = renewed if card.state == "open" else card.item
        return before == "open" and self.current is not None and self.current.state in ("lost", "decided")

    async def leave(self) -> None:
        """Give back what is claimed and undecided. Nothing is claimed any more after this."""
        self.left = True
        await self._give_back([card.item for card in self._open_cards()])

    async def come_back(self) -> None:
        """Claim again what `leave` gave back, as far as it is still there."""
        self.left = False
        for card in self._open_cards():
            if card.state == "open":
                await self._hold(card)

    def lease_ends(self) -> datetime | None:
        card = self.current
        return card.item.lease_expires_at if card is not None and card.state == "open" else None

    def _open_cards(self) -> list[Card]:
        return [card for card in self.cards if card.state == "open"]

    async def _tell(self, card: Card) -> ReviewItem:
        """Decide; once more where the item was only given back meanwhile, as after a lost connection.

        What is judged never changes, so whoever can claim the item again still means what was decided about it.
        """
        decision = _decision(card)
        try:
            return await self._queue.decide(card.item.id, self.reviewer, decision)
        except Conflict as error:
            try:
                (item,) = await self._queue.claim(self.reviewer, id=card.item.id)
            except Conflict:
                raise error from None
        decision = decision.model_copy(update={"item_version": item.version})
        return await self._queue.decide(item.id, self.reviewer, decision)

    async def _fetch(self, item_id: str) -> Card:
        try:
            (item,) = await self._queue.claim(self.reviewer, id=item_id)
        except Conflict as error:
            item = await self._queue.get(item_id)
            mine = item.decision
            if mine is None or mine.by != self.reviewer:
                return Card(item, state="lost", trouble=error.detail)
            draft = Draft(mine.correction or "", mine.comment or "", dict(mine.labels or {}), dict(mine.values or {}))
            return Card(item, state="decided", verdict=mine.verdict, draft=draft)
        return Card(item)

    async def _hold(self, card: Card) -> None:
        """Claim the item of an open card again, or see whose it is now."""
        before = card.state
        try:
            fresh = await self._fetch(card.item.id)
        except NotFound as error:
            card.state, card.trouble = "lost", error.detail
            return
        if card.state != before:
            return  # it was decided while we asked; sending finds out how things stand
        card.item, card.state, card.trouble, card.verdict = fresh.item, fresh.state, fresh.trouble, fresh.verdict

    async def _refused(self, card: Card, error: SignalboxError) -> None:
        """It has changed, or someone else has it: take it again where that is possible, and say what was wrong."""
        card.verdict = None
        await self._hold(card)
        card.trouble = error.detail
        self.look_at(card)

    async def _trim(self) -> None:
        held = [card for card in self.cards[: self.place] if card.state == "open"]
        surplus = held[: max(0, len(held) - MOST_HELD)]
        done = [card for card in self.cards[: self.place] if card.state != "open"]
        surplus_ids = {id(card) for card in [*surplus, *done[: max(0, len(done) - MOST_KEPT)]]}
        current = self.current
        self.cards = [card for card in self.cards if id(card) not in surplus_ids]
        self._decided = self._decided[-MOST_KEPT:]
        if current is not None:
            self.look_at(current)
        else:
            self.place = len(self.cards)
        await self._give_back([card.item for card in surplus])

    async def _give_back(self, items: list[ReviewItem]) -> None:
        for item in items:
            try:
                await self._queue.release(item.id, self.reviewer)
            except SignalboxError:
                continue  # its lease ends by itself


def _decision(card: Card) -> ReviewDecision:
    """Raises ValidationError when what was typed can't be sent."""
    assert card.verdict is not None
    corrects = card.verdict == "wrong"
    return ReviewDecision(
        item_version=card.item.version,
        verdict=card.verdict,
        correction=card.draft.correction.strip() or None if corrects else None,
        labels=card.draft.labels or None if corrects else None,
        values=card.draft.numbers or None if corrects else None,
        comment=card.draft.comment.strip() or None,
    )


def _sentence(error: ValidationError | SignalboxError) -> str:
    if isinstance(error, SignalboxError):
        return error.detail
    said = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors(include_input=False))
    return f"{said[:1].upper()}{said[1:]}."
