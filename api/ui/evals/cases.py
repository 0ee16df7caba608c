"""The cases of a run: filtered by how they did, by slice and by text; each opens to its trace when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from api.ui.parts.elements import Html, attrs, button, div, el, text

if TYPE_CHECKING:
    from evaluators.contract import Row
    from evaluators.harness import RunRecord
    from evaluators.reports.ranking import Standing

_PAGE = 50
_MOST_SLICES = 60
_WORDS = {
    "failed": "no output",
    "wrong": "wrong",
    "unmeasured": "not measured",
    "declined": "declined",
    "other": "measured",
    "right": "right",
}


class Cases:
    """Draws the filters and the list; a case's trace is made when it is opened."""

    def __init__(self, record: RunRecord) -> None:
        from evaluators.reports.ranking import ranked

        self._metrics = {metric.name: metric for metric in record.metrics}
        self._ranked = ranked(record.rows, record.metrics)
        self._standing, self._slice, self._wanted = "", ("", ""), ""
        self._shown = 0
        self._buttons: dict[str, Html] = {}
        with el("section", "", "stack", aria_labelledby="cases"):
            el("h2", "Cases", id="cases")
            self._tools()
            self._count = el("p", "", "muted small", role="status")
            self._list = el("div", "", "eval-cases")
            self._more = button("Show more", "", data_key="m")
            self._more.on("click", self._next, args=[])
        self._refill()

    def _tools(self) -> None:
        counts = Counter(place for place, _ in self._ranked)
        with div("row wrap"):
            with div("row wrap tight", role="group", aria_label="How they did"):
                self._kind("", "All", len(self._ranked))
                for place, word in _WORDS.items():
                    if counts[place]:  # type: ignore[index]
                        self._kind(place, word.capitalize(), counts[place])  # type: ignore[index]
            slices = _slices([row for _, row in self._ranked])
            if slices:
                with el("select", "", "input compare-choice", aria_label="Slice") as choice:
                    el("option", "Every slice", value="")
                    for number, (tag, value) in enumerate(slices):
                        el("option", f"{tag}: {value}", value=number)

                def chosen(event: Any) -> None:
                    said = str(event.args)
                    self._slice = slices[int(said)] if said.isdecimal() and int(said) < len(slices) else ("", "")
                    self._refill()

                choice.on("change", chosen, js_handler="(event) => emit(event.target.value)")
            field = el("input", "", "input list-filter", type="search", placeholder="Text in the query or answer",
                       aria_label="Text in the query or answer", data_key="/", maxlength=200)  # fmt: skip
            field.on("input", self._filter, js_handler="(event) => emit(event.target.value)", throttle=0.2)

    def _kind(self, place: str, word: str, count: int) -> None:
        made = button(f"{word} {count:,}", "quiet", aria_pressed="true" if place == self._standing else "false")
        self._buttons[place] = made

        def pick() -> None:
            self._standing = place
            for name, one in self._buttons.items():
                attrs(one, aria_pressed="true" if name == place else "false")
                one.update()
            self._refill()

        made.on("click", pick, args=[])

    def _filter(self, event: Any) -> None:
        self._wanted = str(event.args)[:200].casefold().strip()
        self._refill()

    def _refill(self) -> None:
        tag, value = self._slice
        self._found = [
            (place, row)
            for place, row in self._ranked
            if (not self._standing or place == self._standing)
            and (not tag or row.case.tags.get(tag) == value)
            and (not self._wanted or self._wanted in _searched(row))
        ]
        self._shown = 0
        self._list.clear()
        self._next()

    def _next(self) -> None:
        with self._list:
            for place, row in self._found[self._shown : self._shown + _PAGE]:
                _case(place, row, self._metrics)
        self._shown = min(len(self._found), self._shown + _PAGE)
        told = f"{self._shown:,} of {len(self._found):,} cases, those that say most first."
        self._count.set_text(told if self._found else "No case is like that.")
        self._more.set_visibility(self._shown < len(self._found))


def _case(place: Standing, row: Row, metrics: dict[str, Any]) -> None:
    with el("details", "", "eval-case", data_standing=place) as box:
        with el("summary", "", "eval-case-line"):
            el("span", _WORDS[place], "eval-standing")
            text(row.case.query, "eval-case-query")
            text(row.case.id, "mono muted eval-case-id")
        trace = div("report eval-trace")
    done: list[bool] = []

    def opened() -> None:
        if done or trace.is_deleted:
            return
        done.append(True)
        from evaluators.reports.case import trace_html

        with trace:
            ui.html(trace_html(row, metrics), sanitize=True)

    box.on("toggle", opened, args=[])


def _slices(rows: Sequence[Row]) -> list[tuple[str, str]]:
    counted = Counter((tag, value) for row in rows for tag, value in row.case.tags.items())
    many = Counter(tag for tag, _ in counted)
    found = [one for one in counted if many[one[0]] <= 30 and counted[one] < len(rows)]
    return sorted(found)[:_MOST_SLICES]


def _searched(row: Row) -> str:
    said = row.output.text if row.output is not None and row.output.text else ""
    return f"{row.case.id} {row.case.query} {said}".casefold()
