"""The way of a query: a line with a station for every attempt. It can be drawn at once or grow while the query runs."""

from __future__ import annotations

from collections.abc import Iterable

from api.ui.parts import formats
from api.ui.parts.elements import Html, div, el, text
from api.ui.parts.marks import ROUTE_WORDS, confidence_bar
from signalbox.types import Attempt, Decision, Prediction

_OUTCOMES = {"accepted": "accepted", "escalated": "moved on", "failed": "failed", "skipped": "skipped"}


class Way:
    """Stations in the order of the attempts. `start`, `finish` and `end` follow a query that runs."""

    def __init__(self) -> None:
        self._box = el("ol", "", "way", aria_label="The way of the query", aria_live="polite")
        self._running: tuple[str, Html] | None = None

    def start(self, route: str, *, deadline_ms: float | None = None) -> None:
        """A route is being tried; the whole query takes `deadline_ms` at most."""
        with self._box:
            station = el("li", "", "station running", data_route=route)
        with station, _head(route, "trying"):
            most = f" of {deadline_ms / 1000:,.6g} s at most" if deadline_ms is not None else ""
            el("span", "", "small muted", data_running="", data_most=most, aria_live="off")
        self._running = (route, station)

    def finish(self, attempt: Attempt, decision: Decision | None = None) -> None:
        """It has been tried, or was skipped."""
        if self._running is not None and self._running[0] == attempt.route:
            self._running[1].delete()
        self._running = None
        with self._box:
            _station(attempt, decision)

    def end(self, prediction: Prediction) -> None:
        """The terminus: an answer, a person, or nothing."""
        words = {"answered": "Answered", "in_review": "Waits for a person", "refused": "Refused"}[prediction.outcome]
        route = "review" if prediction.outcome == "in_review" or prediction.route == "review" else prediction.route
        if prediction.route == "review":
            words = "Decided by a person"
        elif prediction.cached_from is not None:
            words = f"{words} from the cache"
        with self._box, el("li", "", "station terminus", data_route=route or "none"):
            el("span", "", "station-sign", aria_hidden="true")
            with div("station-head"):
                el("span", words, "station-name")
                total = f"{formats.duration(prediction.duration_ms)} · {formats.money(prediction.cost_usd)} in all"
                el("span", total, "muted small")

    def settle(self, prediction: Prediction) -> None:
        """Replace what was drawn by the whole way, with what was decided before it began."""
        self._running = None
        self._box.clear()
        self._box.classes(add="settled")
        for attempt in prediction.attempts:
            self.finish(attempt, prediction.decision)
        self.end(prediction)


def draw_way(prediction: Prediction) -> Way:
    """The whole way of a prediction that is made."""
    way = Way()
    way.settle(prediction)
    return way


def tried(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Without those that were skipped."""
    return [attempt for attempt in attempts if attempt.outcome != "skipped"]


def _station(attempt: Attempt, decision: Decision | None) -> None:
    limit = decision.thresholds.get(attempt.route) if decision is not None else None
    with el("li", "", f"station {attempt.outcome}", data_route=attempt.route):
        _head(attempt.route, _OUTCOMES[attempt.outcome])
        if attempt.outcome == "skipped":
            text(formats.sentence(attempt.reason), "station-reason muted small break", tag="p")
            return
        with div("station-facts"):
            if attempt.confidence is not None:
                confidence_bar(attempt.confidence, route=attempt.route, limit=limit)
            el("span", formats.duration(attempt.duration_ms))
            el("span", formats.money(attempt.cost_usd))
            who = attempt.expert or attempt.model
            if who:
                text(who, "muted break")
        text(formats.sentence(attempt.reason), "station-reason muted small break", tag="p")


def _head(route: str, outcome: str) -> Html:
    el("span", "", "station-sign", aria_hidden="true")
    with div("station-head") as head:
        el("span", ROUTE_WORDS[route], "station-name")
        el("span", outcome, "station-outcome small muted")
    return head
