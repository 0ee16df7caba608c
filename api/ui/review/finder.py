"""The dialog behind `/`: looks for items of the queue by what their query says, and opens one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from api.ui.parts.elements import button, div, el, text
from evaluators.review import ReviewItem, ReviewQueue
from signalbox.errors import SignalboxError

_SHOWN = 30
_LONGEST = 200
_ON_ENTER = """(event) => {
  if (event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  emit(event.target.value);
}"""


class Finder:
    """Draws the dialog, closed.

    Args:
        opened: called with the id of the item chosen.
    """

    def __init__(self, queue: ReviewQueue, reviewer: str, opened: Callable[[str], Awaitable[None]]) -> None:
        self._queue = queue
        self._reviewer = reviewer
        self._opened = opened
        self._asked = 0
        with el("dialog", "", "dialog", id="review-search", aria_label="Search the queue"):
            with div("dialog-head"):
                field = el("input", "", "finder-input", type="search", autofocus=True, maxlength=_LONGEST, dir="auto",
                           placeholder="Search the queue", aria_label="Search the queue")  # fmt: skip
                button("", "quiet square", icon_name="cross", data_closes=True, aria_label="Close")
            self._list = div("finder-list")
        field.on("input", self._search, js_handler="(event) => emit(event.target.value)", throttle=0.15)
        # What waits now, whenever the dialog opens; the words of before are still in the field.
        field.on("focus", self._search, js_handler="(event) => emit(event.target.value)")
        field.on("keydown", self._open_first, js_handler=_ON_ENTER)

    async def _open_first(self, event: Any) -> None:
        """For the words as they are now, whatever list of theirs is drawn yet."""
        try:
            found = await self._find(event, 1)
        except SignalboxError:
            return  # the list says it
        if found:
            ui.run_javascript("document.getElementById('review-search').close()")
            await self._opened(found[0].id)

    async def _find(self, event: Any, limit: int) -> list[ReviewItem]:
        words = str(event.args)[:_LONGEST].strip()
        found, _ = await self._queue.list(query=words or None, state=None if words else "waiting", limit=limit)
        return found

    async def _search(self, event: Any) -> None:
        self._asked += 1
        asked = self._asked
        words = str(event.args).strip()
        try:
            found = await self._find(event, _SHOWN)
        except SignalboxError as error:
            found, trouble = [], error.detail
        else:
            trouble = "Nothing in the queue says this." if words else "Nothing waits."
        if asked != self._asked:
            return
        self._list.clear()
        with self._list:
            for item in found:
                self._draw(item)
            if not found:
                el("p", trouble, "muted finder-none", role="status")

    def _draw(self, item: ReviewItem) -> None:
        made = el("button", "", "finder-item", type="button", data_closes=True)
        with made:
            text((item.prediction.query or "query not kept")[:300])
            el("span", _state(item, self._reviewer), "muted small")
        made.on("click", lambda: self._opened(item.id), args=[])


def _state(item: ReviewItem, reviewer: str) -> str:
    if item.decision is not None:
        return f"decided by {item.decision.by}"
    if item.claimed_by is not None:
        return "yours" if item.claimed_by == reviewer else f"with {item.claimed_by}"
    return "waiting"
