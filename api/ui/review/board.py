"""The review page at work: shows the desk's current card, takes decisions, keeps leases, and prepares what comes next.

One board a page. How an item is drawn is `sheet`'s business, what is claimed the desk's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from nicegui import background_tasks, ui

from api.service.wiring import Service
from api.ui.parts.documents import quoted_texts
from api.ui.parts.elements import Html, div, link
from api.ui.parts.states import failure, skeleton
from api.ui.review import facts, header, messages, panel
from api.ui.review.desk import Card, Desk, Draft, VerdictWord
from api.ui.review.sheet import draw_sheet
from api.ui.review.similar import SimilarVerdicts
from signalbox.errors import NotFound, SignalboxError
from signalbox.telemetry import get_logger

log = get_logger(__name__)

LOOK_EVERY_S = 3.0  # for new items, while there are none
RENEW_EVERY_S = 20.0
IDLE_S = 600.0  # without a key or a pointer's move; then leases are left to end
GONE_S = 8.0  # a connection that is away longer has left
SIMILAR_AFTER_S = 0.15  # so that encoding does not hold up the item itself, and passing over items costs nothing
_TEXTS_KEPT = 8


class Board:
    """The desk with its drawing.

    Args:
        place: where the item is drawn.
        top: where progress and the page's buttons are drawn.
    """

    def __init__(self, service: Service, reviewer: str, place: Html, top: Html) -> None:
        self._service = service
        self._place = place
        self._client = ui.context.client
        self.desk = Desk(service.reviews, reviewer)
        self._similar = SimilarVerdicts(service.reviews, service.models.encoder, service.models.executor)
        self._texts: dict[str, Mapping[str, str]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._active_at = time.monotonic()
        self._visible = True
        self._drawn = 0
        self._failing = self._ended = False
        with place:
            self._last = messages.LastLine()
            self._body = div("review-body")
        with top:
            self._header = header.Header(reviewer, following=self.next, previous=self.previous, undo=self.undo)
        with self._body:
            skeleton(4)

    # -- what the page calls

    async def open(self, item_id: str | None) -> None:
        try:
            if item_id:
                await self.desk.take(item_id)
            await self._refill()
        except NotFound as error:
            self._fail("This item is not there", error)
            self._ended = True
            return
        except SignalboxError as error:
            self._fail("The queue can't be read", error)
            return
        await self._header.update(self._service)
        self.draw()

    def seen(self, visible: bool) -> None:
        """The browser says that somebody is there, or that the page is in the background."""
        was_away = not self._visible
        self._visible = visible
        if visible:
            self._active_at = time.monotonic()
            if self.desk.left:
                self._run(self._come_back())
            elif was_away:
                self._run(self.tick())  # its lease may have ended in the background

    async def tick(self) -> None:
        """Keep the leases while somebody is there."""
        if not self._attended() or time.monotonic() - self._active_at > IDLE_S:
            return
        try:
            if await self.desk.renew():
                self.draw()
        except SignalboxError as error:
            log.info("leases could not be renewed", reason=error.detail)
        await self._header.update(self._service)

    async def look(self) -> None:
        """For new items, while there are none."""
        if self.desk.current is None and self._attended() and not self._ended:
            await self._after_moving()

    def show_lease(self) -> None:
        self._header.show_lease(self.desk.lease_ends())

    async def gone(self) -> None:
        """The connection went; if it does not come back soon, what is held is given back."""
        await asyncio.sleep(GONE_S)
        if not self._client.has_socket_connection:
            await self.leave()

    async def leave(self) -> None:
        if not self.desk.left:
            await self.desk.leave()

    # -- what keys and buttons call

    async def next(self) -> None:
        try:
            if not await self.desk.next():
                self._last.say("This is the last one that waits.")
                return
            self.draw()
            await self._refill()
        except SignalboxError as error:
            self._last.say(error.detail)

    async def previous(self) -> None:
        if not self.desk.previous():
            self._last.say("This is the first one.")
            return
        assert self.desk.current is not None
        await self._read_quoted(self.desk.current)
        self.draw()

    async def decide(self, verdict: VerdictWord, draft: Draft) -> None:
        card = self.desk.current
        if card is None or card.state != "open":
            return
        card.draft = draft
        self.desk.decide(verdict)
        state = self._last.decided(card)
        if self.desk.current is not None:
            self.draw()
        else:
            self._wait()
        self._sending.add(task := self._run(self._send(card, state)))
        task.add_done_callback(self._sending.discard)
        await self._after_moving()

    async def resend(self, item_id: str, verdict: VerdictWord, draft: Draft) -> None:
        """Decide what a browser had decided while no connection was there, unless somebody else has done it."""
        try:
            card = await self.desk.take(item_id)
        except SignalboxError as error:
            self._last.say(error.detail)
            return
        if card.state == "open":
            await self.decide(verdict, draft)
            return
        self._forget(card)
        if card.state == "decided":
            await self.desk.next()
            self._last.say("What you decided while the connection was lost is saved.")
        await self._after_moving()
        self.draw()

    async def undo(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending)
        try:
            card = await self.desk.undo()
        except SignalboxError as error:
            self._last.say(error.detail)
            return
        if card is None:
            self._last.say("There is nothing to undo on this page.")
            return
        self._last.clear()
        self.draw()
        self._last.say("Taken back. Decide again.")
        await self._header.update(self._service)

    async def take(self, item_id: str) -> None:
        try:
            await self._read_quoted(await self.desk.take(item_id))
        except SignalboxError as error:
            self._last.say(error.detail)
            return
        self.draw()

    # -- drawing

    def draw(self) -> None:
        card = self.desk.current
        self._drawn += 1
        self._failing = False
        self._body.clear()
        self._header.show(self.desk)
        if card is None:
            with self._body:
                messages.draw_empty(self._header.waiting)
            return
        self._last.shows(card)
        with self._body:
            self._past = draw_sheet(
                card,
                texts=self._texts.get(card.item.id, {}),
                experts=self._service.router.parts.experts,
                decide=self.decide,
                undo=self.undo,
            )
        self._run(self._find_similar(card, self._drawn))

    def _wait(self) -> None:
        self._body.clear()
        with self._body:
            skeleton(4)

    def _fail(self, title: str, error: SignalboxError) -> None:
        if self._failing:
            return  # it is said already
        self._failing = True
        self._body.clear()
        with self._body:
            failure(title, error)
            link("Open the queue", "/ui/review", "button")

    # -- what goes on behind

    async def _send(self, card: Card, state: Html) -> None:
        await self.desk.send(card)
        self._forget(card)
        if card.trouble:
            self._last.clear()
            self.draw()
        else:
            if not state.is_deleted:
                state.set_text("saved")
            self._similar.renew()
            ui.run_javascript(f"signalbox.forgetDrafts({panel.draft_name(card)!r})")
            if self.desk.current is card:
                self.draw()
        await self._header.update(self._service)
        if self._shows_empty():
            self.draw()  # what waits may have changed

    async def _after_moving(self) -> None:
        """Claim ahead; draw when there was nothing to look at."""
        waited = self.desk.current is None
        try:
            came = await self._refill()
        except SignalboxError as error:
            if waited:
                self._fail("The queue can't be read", error)
            return
        if waited and (came or not self._shows_empty()):
            self.draw()

    def _attended(self) -> bool:
        """Whether a browser shows this page: one that has gone must not take items from others."""
        return self._visible and not self.desk.left and self._client.has_socket_connection

    def _shows_empty(self) -> bool:
        return any("empty" in child.classes for child in self._body.default_slot.children)

    async def _refill(self) -> bool:
        came = await self.desk.fill()
        for card in (self.desk.current, self.desk.following):
            if card is not None:
                await self._read_quoted(card)
        return came

    async def _read_quoted(self, card: Card) -> None:
        """The texts around its quotes, before it is drawn."""
        if card.item.id not in self._texts:
            self._texts[card.item.id] = await quoted_texts(self._service, card.item.prediction)
        while len(self._texts) > _TEXTS_KEPT:
            del self._texts[next(iter(self._texts))]

    async def _find_similar(self, card: Card, drawn: int) -> None:
        await asyncio.sleep(SIMILAR_AFTER_S)
        if drawn != self._drawn:
            return
        try:
            found = await self._similar.of(card.item.prediction.query or "", besides=card.item.id)
        except SignalboxError as error:
            log.info("similar verdicts could not be looked up", reason=error.detail)
            return
        if drawn == self._drawn:
            facts.draw_similar(self._past, found)

    def _forget(self, card: Card) -> None:
        """The decision has arrived, whatever became of it."""
        ui.run_javascript(f"signalbox.forgetDecision({card.item.id!r})")

    async def _come_back(self) -> None:
        """What is looked at is drawn anew only if it has changed: somebody may be typing in it."""
        card = self.desk.current
        before = (card, card.state) if card else None
        await self.desk.come_back()
        await self._after_moving()
        card = self.desk.current
        if before is None or before != ((card, card.state) if card else None):
            self.draw()
        self._header.show(self.desk)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return background_tasks.create(work, name="review", context=self._place)
