"""What the review page says beside the item: the last decision and whether it is kept, and that nothing is left."""

from __future__ import annotations

from api.ui.parts.elements import Html, div, el, link, text
from api.ui.parts.states import empty_state
from api.ui.review.desk import Card
from api.ui.review.facts import WORDS

_QUERY_SHOWN = 120


class LastLine:
    """The quiet line above the item; screen readers are told what it says."""

    def __init__(self) -> None:
        self._said = el("p", "", "visually-hidden", role="status", aria_live="polite")
        self._line = div("review-last")

    def decided(self, card: Card) -> Html:
        """Show a decision before it is sent; returns where `saved` is written once it is."""
        self._line.clear()
        with self._line:
            el("span", WORDS[card.verdict or "skip"], "tag", data_verdict=card.verdict)
            text((card.item.prediction.query or "")[:_QUERY_SHOWN], "muted last-query")
            state = el("span", "saving", "muted small")
        self._said.set_text(WORDS[card.verdict or "skip"])
        return state

    def shows(self, card: Card) -> None:
        """Tell screen readers which query is there now, after what was said of the last one."""
        before = self._said.text.partition(" Next: ")[0]
        self._said.set_text(f"{before} Next: {(card.item.prediction.query or '')[:_QUERY_SHOWN]}".lstrip())

    def say(self, words: str) -> None:
        self.clear()
        self._said.set_text(words)
        with self._line:
            el("span", words, "muted")

    def clear(self) -> None:
        self._line.clear()


def draw_empty(waiting: int) -> None:
    """What stands in an item's place.

    Args:
        waiting: how many others may decide, since this reviewer has skipped them.
    """
    title = "Nothing waits for a person"
    what = (
        "Queries that no route is sure enough of come here. What you decide is what the asker gets, and it becomes a "
        "label that the routes learn from."
    )
    if waiting:
        title = "Nothing is left for you"
        what = f"{waiting:,} that you skipped {'wait' if waiting > 1 else 'waits'} for others; / finds and opens them."
    with empty_state(title, f"{what} This page shows the next one as soon as it comes."):
        link("Ask something", "/ui/", "button")
