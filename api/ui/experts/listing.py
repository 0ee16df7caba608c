"""The table of experts, filtered and sorted here: dozens of rows, so all of them are in the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.service.wiring import Service
from api.ui.experts.figures import main_bar
from api.ui.experts.reading import Listed, TaskShown, expert_path, megabytes, moment_of
from api.ui.parts.elements import Html, attrs, div, el, icon, link, text
from api.ui.parts.marks import relative_time
from api.ui.parts.states import empty_state

_MOST_TASKS = 4
_FILTERED_FROM = 8
_COLUMNS = (
    ("name", "Expert"),
    ("tasks", "Tells"),
    ("rows", "Rows"),
    ("figure", "How good"),
    ("trained", "Trained"),
    ("memory", "Memory"),
)


class Listing:
    """Draws the experts; `replace` shows what there is now."""

    def __init__(self, service: Service, found: Sequence[Listed]) -> None:
        self._service = service
        self._found = list(found)
        self._by, self._descending, self._wanted = "name", False, ""
        self._heads: dict[str, Html] = {}
        self._arrows: dict[str, Html] = {}
        with div("row wrap list-tools"):
            if len(self._found) >= _FILTERED_FROM:
                field = el("input", "", "input list-filter", type="search", placeholder="Filter by name or label",
                           aria_label="Filter by name or label", data_key="f", maxlength=200)  # fmt: skip
                field.on("input", self._filter, js_handler="(event) => emit(event.target.value)", throttle=0.15)
            self._memory = el("span", "", "muted small")
        with div("table-scroll"), el("table", "", "table experts-table", aria_label="Experts"):
            with el("thead"), el("tr"):
                for key, label in _COLUMNS:
                    self._head(key, label)
            self._body = el("tbody")
        self._draw()

    def replace(self, found: Sequence[Listed]) -> None:
        self._found = list(found)
        self._draw()

    def _head(self, key: str, label: str) -> None:
        with el("th", "", "number" if key == "rows" else "", scope="col") as head:
            sort = el("button", "", "grid-sort", type="button")
            with sort:
                el("span", label)
                self._arrows[key] = el("span", "", "grid-arrow", aria_hidden="true")
        sort.on("click", lambda: self._sort(key), args=[])
        self._heads[key] = head

    def _sort(self, key: str) -> None:
        self._descending = not self._descending if key == self._by else key in ("rows", "figure", "trained", "memory")
        self._by = key
        self._draw()

    def _filter(self, event: Any) -> None:
        self._wanted = str(event.args)[:200].casefold().strip()
        self._draw()

    def _draw(self) -> None:
        for key, head in self._heads.items():
            mine = key == self._by
            attrs(head, aria_sort=("descending" if self._descending else "ascending") if mine else None)
            head.update()
            self._arrows[key].set_text(("↓" if self._descending else "↑") if mine else "")
        pool = self._service.models.experts
        if pool is not None:
            used, budget = megabytes(pool.memory.used), megabytes(pool.memory.budget)
            self._memory.set_text(f"{used} of {budget} are taken by loaded experts")
        self._body.clear()
        rows = [one for one in self._found if self._wanted in _searched(one)]
        rows.sort(key=lambda one: (_value(one, self._by), one.summary.name), reverse=self._descending)
        with self._body:
            for one in rows:
                _row(one)
            if not rows:
                with el("tr"):
                    el("td", "No expert has this in its name or labels.", "muted", colspan=len(_COLUMNS))


def _searched(one: Listed) -> str:
    labels = " ".join(label for task in one.tasks for label in (task.name, *task.labels))
    return f"{one.summary.name} {labels}".casefold()


def _value(one: Listed, by: str) -> str | float:
    champion = one.summary.champion
    match by:
        case "tasks":
            return float(sum(len(task.labels) for task in one.tasks))
        case "rows":
            return float(champion.rows or 0) if champion else 0.0
        case "figure":
            return one.main.figure.value if one.main else -1.0
        case "trained":
            moment = moment_of(champion) if champion else None
            return moment.timestamp() if moment else 0.0
        case "memory":
            return float(one.nbytes or 0)
    return one.summary.name


def _row(one: Listed) -> None:
    champion, challenger = one.summary.champion, one.summary.challenger
    with el("tr", "", "expert-row", data_trouble="yes" if one.trouble else None):
        with el("th", "", "cell-name", scope="row"), div("stack tight"):
            link(one.summary.name, expert_path(one.summary.name), "link strong break")
            with div("row wrap tight"):
                if champion is not None:
                    el("span", f"version {champion.version}", "muted small", title="The champion: it answers.")
                if challenger is not None:
                    el("span", f"challenger {challenger.version}", "tag small",
                       title="A newer version that does not answer yet. Compare, then promote it.")  # fmt: skip
            if one.trouble:
                with div("row small trouble"):
                    icon("warning")
                    text(one.trouble, "break wrap-words")
        with el("td", "", "cell-tasks"), div("stack tight"):
            for task in one.tasks[:_MOST_TASKS]:
                task_line(task)
            if len(one.tasks) > _MOST_TASKS:
                el("span", f"and {len(one.tasks) - _MOST_TASKS} more", "muted small")
            if not one.tasks:
                el("span", "—", "muted")
        el("td", f"{champion.rows:,}" if champion and champion.rows is not None else "—", "number cell-rows")
        with el("td", "", "cell-figure"):
            main_bar(one.main)
        with el("td", "", "cell-trained"):
            moment = moment_of(champion) if champion else None
            if moment is not None:
                relative_time(moment)
            else:
                el("span", "—", "muted")
        with el("td", "", "cell-memory"):
            if one.nbytes is None:
                el("span", "not loaded", "muted", title="It is loaded with the first text it is asked about.")
            else:
                el("span", f"loaded, {megabytes(one.nbytes)}")


def task_line(task: TaskShown) -> None:
    """A task's name and what it tells: so many labels, or a number with its unit."""
    with div("row wrap tight"):
        text(task.name, "break clip")
        if task.labels:
            named = ", ".join(task.labels[:12]) + (" …" if len(task.labels) > 12 else "")
            el("span", f"{len(task.labels)} labels" + (", in order" if task.kind == "ordinal" else ""), "muted small",
               title=named)  # fmt: skip
        else:
            text("a number" + (f" ({task.unit})" if task.unit else ""), "muted small")


def draw_nothing(may_train: bool) -> None:
    """Before the first expert is there."""
    with empty_state(
        "No experts yet",
        "An expert is a small local model, trained on texts that people have labelled. It answers within milliseconds, "
        "says how sure it is, and leaves to others what it does not know. "
        + ("Train one above, or from the command line:" if may_train else "Someone with the role admin can train one."),
    ):
        if may_train:
            el("code", "signalbox train text FILE --name NAME", "mono")
