"""The review page's head: progress and agreement, how long the item is held, and the buttons behind the keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from api.service.wiring import Service
from api.ui.parts.elements import attrs, button, div, el
from api.ui.review.desk import Desk
from signalbox.errors import SignalboxError
from signalbox.types import utc_now

Do = Callable[[], Any]


class Header:
    """Draws figures and buttons.

    Args:
        reviewer: whose decisions are counted as one's own.
        following, previous, undo: what the buttons do.
    """

    def __init__(self, reviewer: str, *, following: Do, previous: Do, undo: Do) -> None:
        self._reviewer = reviewer
        self.waiting = 0  # in the whole queue, for anybody
        with div("review-progress"):
            self._waiting = el("span", "")
            self._mine = el("span", "", "muted")
            self._agreement = el("span", "", "muted")
            self._lease = el("span", "", "muted review-lease", title="Nobody else is given it meanwhile. The time "
                             "starts anew as long as you work here.")  # fmt: skip
        self._undo = button("Undo", "quiet", data_key="u", title="Take back the last decision (u)")
        self._undo.on("click", undo, args=[])
        search = button("", "quiet square", icon_name="search", data_key="/", data_opens="review-search",
                        aria_label="Search the queue", title="Search the queue (/)")  # fmt: skip
        attrs(search, aria_haspopup="dialog")
        back = button("", "quiet square flip", icon_name="back", data_key="k", aria_label="Previous item",
                      title="Previous (k)")  # fmt: skip
        back.on("click", previous, args=[])
        forth = button("", "quiet square", icon_name="chevron", data_key="j", aria_label="Next item", title="Next (j)")
        forth.on("click", following, args=[])

    def show(self, desk: Desk) -> None:
        self.show_lease(desk.lease_ends())

    def show_lease(self, ends: datetime | None) -> None:
        now = utc_now()
        words = "" if ends is None else f"yours for {time_left(ends, now)}" if ends > now else "not held any more"
        if words != self._lease.text:
            self._lease.set_text(words)

    async def update(self, service: Service) -> None:
        try:
            stats = await service.reviews.stats()
        except SignalboxError:
            return  # numbers that are unknown stay what they were
        self.waiting = stats.waiting
        self._waiting.set_text(f"{stats.waiting:,} waiting")
        mine = stats.reviewers.get(self._reviewer, 0)
        self._mine.set_text(f"{mine:,} by you" if mine else "")
        agreed, measured = stats.agreement.agreed, stats.agreement.measured
        self._agreement.set_text(f"{agreed:.0%} agreement" if agreed is not None else "")
        attrs(self._agreement, title=f"Of {measured:,} proposed answers that people called right or wrong, confidence "
              "pointed the same way in this share: at or above 0.5 just if the answer was right.")  # fmt: skip
        self._agreement.update()


def time_left(ends: datetime, now: datetime) -> str:
    """How long a lease runs, in words that change seldom."""
    seconds = max(0.0, (ends - now).total_seconds())
    return f"{round(seconds / 60)} min" if seconds >= 90 else f"{seconds - seconds % 10:.0f} s"
