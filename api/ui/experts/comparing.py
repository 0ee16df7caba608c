"""Two versions side by side: each figure with both intervals on one scale, and what that proves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.service.wiring import Service
from api.ui.experts import figures
from api.ui.experts.reading import ExpertShown, VersionShown, reading
from api.ui.parts.elements import Html, div, el, text
from api.ui.parts.states import failure
from classifiers.registry.wire import Comparison, Figure, FigurePair, comparison
from signalbox.errors import SignalboxError

_MOST = 200


class Comparing:
    """Draws two choices and the table of what was chosen."""

    def __init__(self, service: Service, expert: ExpertShown) -> None:
        self._service = service
        self._expert = expert
        champion = expert.champion or expert.versions[-1]
        others = [one for one in expert.versions if one is not champion]
        challenger = next((one for one in others if "challenger" in one.version.aliases), others[0])
        self._numbers = [champion.version.version, challenger.version.version]
        with el("section", "", "stack", aria_labelledby="compare"):
            with div("row wrap"):
                el("h2", "Compare", id="compare")
                self._choice(0, "Version")
                el("span", "with", "muted")
                self._choice(1, "Other version")
            self._place = div("stack")

    async def show(self) -> None:
        """Draw the two that are chosen now."""
        wanted = tuple(self._numbers)
        first, second = (f"{self._expert.name}@{number}" for number in wanted)
        try:
            found = await reading(self._service, lambda registry: comparison(registry, first, second))
        except SignalboxError as error:
            self._place.clear()
            with self._place:
                failure("They can't be compared", error)
            return
        if wanted == tuple(self._numbers) and not self._place.is_deleted:
            self._place.clear()
            with self._place:
                _draw(found)

    def _choice(self, place: int, label: str) -> Html:
        with el("select", "", "input compare-choice", aria_label=label) as choice:
            for one in self._expert.versions:
                number = one.version.version
                el("option", _name(one), value=number, selected=number == self._numbers[place])

        async def chosen(event: Any) -> None:
            number = int(event.args) if str(event.args).isdecimal() else 0
            if self._expert.number(number) is not None:
                self._numbers[place] = number
                await self.show()

        choice.on("change", chosen, js_handler="(event) => emit(event.target.value)")
        return choice


def _name(one: VersionShown) -> str:
    aliases = f" ({', '.join(one.version.aliases)})" if one.version.aliases else ""
    return f"{one.version.version}{aliases}"


def _draw(found: Comparison) -> None:
    if found.first.version == found.second.version:
        el("p", "These are the same version. Choose another one.", "muted")
        return
    said = (
        "Both learnt from the same data."
        if found.same_data
        else "They learnt from different data, so their figures are of different texts: read differences with care."
    )
    el("p", f"{said} Whiskers are 95% intervals; where they overlap, little is proven.", "muted small")
    if not found.metrics:
        el("p", "Neither has figures.", "muted")
        return
    with div("table-scroll"), el("table", "", "table compare-table", aria_label="Figures of both versions"):
        with el("thead"), el("tr"):
            for label in ("Figure", f"Version {found.first.version}", f"Version {found.second.version}", "Difference"):
                el("th", label, "number" if label == "Difference" else "", scope="col")
        with el("tbody"):
            for pair in found.metrics[:_MOST]:
                _row(pair, len(_tasks(found.metrics)) > 1)
    if len(found.metrics) > _MOST:
        el("p", f"{len(found.metrics) - _MOST:,} more figures are left out.", "muted small")


def _tasks(pairs: Sequence[FigurePair]) -> set[str]:
    return {figures.split(pair.metric)[0] for pair in pairs}


def _row(pair: FigurePair, named: bool) -> None:
    task, key = figures.split(pair.metric)
    end = figures.scale(key, [pair.first, pair.second])
    with el("tr"):
        with el("th", "", "", scope="row"), div("stack tight"):
            text(figures.title(key), "wrap-words")
            if named and task:
                text("whole answer" if task == "expert" else task, "muted small break clip")
        for figure in (pair.first, pair.second):
            with el("td", "", "cell-figure"):
                if figure is None:
                    el("span", "—", "muted")
                else:
                    figures.figure_bar(key, figure, end)
        with el("td", "", "number"), div("stack tight"):
            if pair.difference is None:
                el("span", "—", "muted")
            else:
                sign = "+" if pair.difference >= 0 else "−"
                size = figures.shown(key, abs(pair.difference))
                points = size.removesuffix("%") + " points" if size.endswith("%") else size
                el("span", f"{sign}{points}")
                el("span", verdict(key, pair.first, pair.second), "muted small")


def verdict(key: str, first: Figure | None, second: Figure | None) -> str:
    """In a word or two, whether the second is better beyond doubt."""
    ends = [end for one in (first, second) if one for end in (one.low, one.high)]
    if first is None or second is None or len(ends) != 4 or None in ends:
        return ""
    if (second.low or 0) <= (first.high or 0) and (first.low or 0) <= (second.high or 0):
        return "may be chance"
    if key == "set_size" or key.endswith("_coverage") or key == "interval_width":
        return "apart"
    return "better" if (second.value > first.value) != figures.smaller_is_better(key) else "worse"
