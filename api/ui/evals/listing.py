"""The table of runs, the newest first, and the choice of two to compare. What is under way moves while one looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from api.service.wiring import Service
from api.ui.evals.figures import metric_figure, state_word
from api.ui.evals.reading import MOST_LISTED, Listed, comparison_path, read_list, run_path
from api.ui.parts.elements import Html, attrs, button, div, el, link, text
from api.ui.parts.marks import relative_time
from api.ui.parts.states import empty_state, failure
from signalbox.errors import NotFound, SignalboxError

_EVERY_S = 1.5
_QUIET_EVERY = 6  # looks, while nothing is under way
_COLUMNS = (
    ("id", "Run"),
    ("state", "State"),
    ("", "Figures, with 95% intervals"),
    ("cases", "Cases"),
    ("begun", "Begun"),
)


class Listing:
    """Draws the runs and follows them while the page is open."""

    def __init__(self, service: Service, found: Sequence[Listed], count: int) -> None:
        self._service = service
        self._found, self._count = list(found), count
        self._bars: dict[str, tuple[Html, Html]] = {}
        self._looks, self._looking, self._wanted = 0, False, ""
        self._by, self._descending = "begun", True
        self._heads: dict[str, tuple[Html, Html]] = {}
        self._body: Html | None = None
        self._chosen: dict[str, str] = {"margin": "0.02"}
        self._trouble = div("stack")
        self._tools = div("row wrap list-tools")
        self._place = div("stack")
        self._draw()
        ui.timer(_EVERY_S, self._tick, immediate=False)

    async def _tick(self) -> None:
        self._looks += 1
        if self._looking or (not any(one.under_way for one in self._found) and self._looks % _QUIET_EVERY):
            return
        self._looking = True
        try:
            found, self._count = await read_list(self._service)
        except SignalboxError as error:
            self._trouble.clear()
            with self._trouble:
                failure("The runs can't be listed", error)
            return
        finally:
            self._looking = False
        if self._place.is_deleted:
            return
        if [(one.id, one.state) for one in found] != [(one.id, one.state) for one in self._found]:
            self._found = found
            self._draw()
        await self._progress()

    async def _progress(self) -> None:
        for one in self._found:
            if not one.under_way or one.job is None or one.id not in self._bars:
                continue
            try:
                job = await self._service.jobs.get(one.job)
            except (NotFound, SignalboxError):
                continue  # a run of the command line has its books elsewhere
            fill, said = self._bars[one.id]
            if not fill.is_deleted:
                fill.style(f"width: {job.progress:.1%}")
                said.set_text(f"{job.progress:.0%} {job.stage}")

    def _draw(self) -> None:
        """What was typed and chosen stays: field and table are drawn once, and only their rows anew."""
        self._tools.clear()
        with self._tools:
            _comparing([one for one in self._found if not one.under_way and one.state != "damaged"], self._chosen)
        if self._body is None or not self._found:
            self._place.clear()
            with self._place:
                if self._found:
                    self._draw_table()
                else:
                    draw_nothing()
        self._fill()

    def _draw_table(self) -> None:
        field = el("input", "", "input list-filter", type="search", placeholder="Filter by run, set or target",
                   aria_label="Filter by run, set or target", data_key="/", maxlength=200)  # fmt: skip
        field.on("input", self._filter, js_handler="(event) => emit(event.target.value)", throttle=0.15)
        with div("table-scroll"), el("table", "", "table evals-table", aria_label="Runs"):
            with el("thead"), el("tr"):
                for key, label in _COLUMNS:
                    self._head(key, label)
            self._body = el("tbody")
        self._rest = el("p", "", "muted small")

    def _head(self, key: str, label: str) -> None:
        with el("th", "", "number" if key == "cases" else "", scope="col") as head:
            if not key:
                el("span", label)
                return
            sort = el("button", "", "grid-sort", type="button")
            with sort:
                el("span", label)
                self._heads[key] = head, el("span", "", "grid-arrow", aria_hidden="true")
        sort.on("click", lambda: self._sort(key), args=[])

    def _sort(self, key: str) -> None:
        self._descending = not self._descending if key == self._by else key in ("cases", "begun")
        self._by = key
        self._fill()

    def _filter(self, event: Any) -> None:
        self._wanted = str(event.args)[:200].casefold().strip()
        self._fill()

    def _fill(self) -> None:
        if self._body is None or not self._found:
            self._body = None
            return
        for key, (head, arrow) in self._heads.items():
            order = ("descending" if self._descending else "ascending") if key == self._by else None
            attrs(head, aria_sort=order)
            head.update()
            arrow.set_text({"descending": "↓", "ascending": "↑"}.get(order or "", ""))
        more = f"The newest {MOST_LISTED:,} of {self._count:,} runs." if self._count > MOST_LISTED else ""
        self._rest.set_text(more)
        self._bars = {}
        self._body.clear()
        rows = [one for one in self._found
                if self._wanted in f"{one.id} {one.set_name} {one.target} {one.kind}".casefold()]  # fmt: skip
        rows.sort(key=lambda one: _value(one, self._by), reverse=self._descending)
        with self._body:
            for one in rows:
                self._row(one)
            if not rows:
                with el("tr"):
                    el("td", "No run has this in its id, set or target.", "muted", colspan=len(_COLUMNS))

    def _row(self, one: Listed) -> None:
        with el("tr", "", "eval-row", data_state=one.state):
            with el("th", "", "cell-name", scope="row"), div("stack tight"):
                link(one.id, run_path(one.id), "link strong break mono")
                with div("row wrap tight"):
                    if one.kind == "attack":
                        el("span", "attack", "tag small")
                    text(" on ".join(filter(None, (one.target, one.set_name))), "muted small break")
            with el("td", "", "cell-state"), div("stack tight"):
                state_word(one.state)
                if one.under_way:
                    with div("row"):
                        with el("span", "", "job-track grow", role="progressbar", aria_label=f"Progress of {one.id}"):
                            fill = el("span", "", "job-fill", style="width: 0%")
                        self._bars[one.id] = fill, el("span", "", "number small")
                if one.trouble:
                    text(one.trouble, "small muted wrap-words break clip-2", title=one.trouble[:500])
            with el("td", "", "cell-figure"), div("stack tight"):
                for figure in one.figures:
                    metric_figure(figure)
                if one.told:
                    text(one.told, "small wrap-words")
                if not one.figures and not one.told:
                    el("span", "—", "muted")
            el("td", f"{one.cases:,}" if one.cases is not None else "—", "number cell-cases")
            with el("td", "", "cell-begun"):
                if one.created_at is not None:
                    relative_time(one.created_at)
                else:
                    el("span", "—", "muted")


def _value(one: Listed, by: str) -> tuple[str | float, str]:
    if by == "cases":
        return float(-1 if one.cases is None else one.cases), one.id
    if by == "begun":
        return (one.created_at.timestamp() if one.created_at else 0.0), one.id
    return (one.state if by == "state" else one.id), one.id


def _comparing(runs: Sequence[Listed], chosen: dict[str, str]) -> None:
    """Two choices and a margin; by default the newest run against the one before it on the same set.

    Args:
        chosen: `before`, `after` and `margin`, kept when this is drawn anew once somebody has `picked`.
    """
    if len(runs) < 2:
        return
    after = next((one for one in runs if one.state == "done"), runs[0])
    others = [one for one in runs if one is not after]
    alike = [one for one in others if one.set_hash == after.set_hash and one.kind == after.kind]
    before = next((one for one in alike if one.state == "done"), (alike or others)[0])
    known = {one.id for one in runs}
    if "picked" not in chosen or not known.issuperset((chosen["after"], chosen["before"])):
        chosen |= {"after": after.id, "before": before.id}
    with el("form", "", "row wrap compare-form", aria_label="Compare two runs") as form:
        el("span", "Compare", "muted")
        _choice(runs, chosen, "after", "Run to judge")
        el("span", "against", "muted")
        _choice(runs, chosen, "before", "Run to compare with")
        with el("label", "", "row"):
            el("span", "margin", "muted")
            margin = el("input", "", "input compare-margin number", value=chosen["margin"], inputmode="decimal",
                        maxlength=8, aria_label="Margin: the largest difference that does not matter",
                        title="The largest difference that does not matter: 0.02 is two points.")  # fmt: skip
        margin.on("input", lambda event: chosen.update(margin=str(event.args)[:8]),
                  js_handler="(event) => emit(event.target.value)")  # fmt: skip
        go = button("Compare", "", data_key="c")
        attrs(go, type="submit")
    said = el("p", "", "small trouble", role="alert")

    def start() -> None:
        try:
            value = float(chosen["margin"].replace(",", "."))
        except ValueError:
            value = 0.0
        if not 0 < value < 1:
            said.set_text("The margin must lie between 0 and 1, as 0.02.")
        elif chosen["after"] == chosen["before"]:
            said.set_text("Choose two different runs.")
        else:
            ui.navigate.to(comparison_path(chosen["before"], chosen["after"], value).removeprefix("/ui"))

    form.on("submit", start, js_handler="(event) => { event.preventDefault(); emit(); }")


def _choice(runs: Sequence[Listed], chosen: dict[str, str], key: str, label: str) -> None:
    known = {one.id for one in runs}
    with el("select", "", "input compare-choice", aria_label=label) as choice:
        for one in runs:
            el("option", f"{one.id} · {one.target} on {one.set_name}", value=one.id, selected=one.id == chosen[key])

    def picked(event: Any) -> None:
        if str(event.args) in known:
            chosen.update({key: str(event.args), "picked": "yes"})

    choice.on("change", picked, js_handler="(event) => emit(event.target.value)")


def draw_nothing() -> None:
    """Before the first run is there."""
    with empty_state(
        "No evaluations yet",
        "A run asks every case of an eval set, measures the answers and keeps both, so that two runs can be compared "
        "case by case. Start one from the command line:",
    ):
        el("code", "signalbox eval run eval_sets/helpdesk", "mono")
