"""A table that scrolls through any number of rows: the server keeps a cursor, the browser the rows it has seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from nicegui import ui

from api.ui.parts.elements import div, el, icon

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        kind: how a row's value is drawn: a `link` leads to the row's `href`; a `badge` is {route, word}; a
            `confidence` is {share, text, tip} or None; a `time` is {iso, exact}; a `status` a
            word that the style sheet may mark; else the value is a text.
        width: a track of a CSS grid.
        optional: whether it can be hidden; `away` hides it until it is chosen.
    """

    key: str
    label: str
    kind: Literal["text", "link", "badge", "confidence", "time", "number", "status"] = "text"
    width: str = "minmax(80px, 1fr)"
    sortable: bool = False
    optional: bool = True
    away: bool = False
    quiet: bool = False
    title: str | None = None


class Grid(ui.element, component="grid.js"):
    """`reset`, then `append` pages; `on_more` asks for the next one, `on_sort` for another order."""

    def __init__(
        self,
        name: str,
        columns: Sequence[Column],
        *,
        label: str,
        empty: str,
        sort: tuple[str, bool],
        on_more: Callable[[], Awaitable[None]],
        on_sort: Callable[[str, bool], Awaitable[None]],
    ) -> None:
        super().__init__()
        self.props["columns"] = [asdict(column) for column in columns]
        self.props["label"] = label
        self.props["name"] = name
        self.props["empty"] = empty
        self.sorted_by(*sort)
        sortable = {column.key for column in columns if column.sortable}

        async def resort(event: Any) -> None:
            key, descending = event.args.get("key"), event.args.get("descending")
            if key in sortable:
                await on_sort(key, descending is not False)

        self.on("more", on_more, args=[])
        self.on("sort", resort)

    def sorted_by(self, key: str, descending: bool) -> None:
        """Say which column the rows are sorted by."""
        self.props["sort"] = {"key": key, "descending": descending}

    def reset(self) -> None:
        self.run_method("reset")

    def append(self, rows: Sequence[Row], *, end: bool) -> None:
        """Add rows; each has an `id`, an `href` and a value a column. `end`: there are no more."""
        self.run_method("append", list(rows), end)

    def failed(self, detail: str) -> None:
        """No more rows can be had now; `detail` says why."""
        self.run_method("failed", detail)


def column_choice(name: str, columns: Sequence[Column]) -> None:
    """A button that opens a list of the optional columns, to show and hide them."""
    with el("details", "", "choice"):
        with el("summary", "", "button quiet", aria_label="Choose columns"):
            icon("columns")
            el("span", "Columns")
        with div("choice-list card"):
            for column in columns:
                if column.optional:
                    with el("label", "", "check"):
                        el("input", "", type="checkbox", data_grid=name, data_column=column.key)
                        el("span", column.label)
