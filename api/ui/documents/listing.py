"""The table of documents: read at once in a thread, sorted and filtered here, sent to the browser as it scrolls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Self
from urllib.parse import urlencode

from nicegui import ui

from api.service.ingesting import ADDED_AT
from api.service.wiring import Service
from api.spreadsheet import Cell
from api.ui.documents.found import document_path
from api.ui.parts import formats
from api.ui.parts.elements import attrs, div, el, icon
from api.ui.parts.grid import Column, Grid, column_choice
from api.ui.parts.states import empty_state
from retriever import DocumentEntry

_ROWS = 200  # sent at once
_PAGE = 5_000  # read at once
_LONGEST = 200  # characters of a filter

_KINDS = {
    ".md": "Markdown",
    ".markdown": "Markdown",
    ".txt": "Text",
    ".text": "Text",
    ".html": "HTML",
    ".htm": "HTML",
    ".pdf": "PDF",
    ".docx": "Word",
    ".csv": "CSV",
    ".tsv": "TSV",
}
COLUMNS = (
    Column("title", "Title", "link", "minmax(144px, 3fr)", sortable=True, optional=False),
    Column("id", "Id", width="minmax(104px, 2fr)", sortable=True, quiet=True),
    Column("kind", "Kind", width="96px", sortable=True, quiet=True),
    Column("characters", "Characters", "number", "112px", sortable=True),
    Column("chunks", "Chunks", "number", "88px", sortable=True, title="Pieces that are found and quoted one by one"),
    Column("added", "Added", "time", "112px", sortable=True,
           title="Not known of documents ingested from the command line"),
    Column("status", "Status", "status", "128px", sortable=True),
)  # fmt: skip


async def read_entries(service: Service) -> list[DocumentEntry]:
    """All documents' entries, by id."""
    index = service.models.index

    def read() -> list[DocumentEntry]:
        entries: list[DocumentEntry] = []
        while page := index.entries(after=entries[-1].id if entries else "", limit=_PAGE):
            entries += page
        return entries

    return await asyncio.to_thread(read)


def kind(name: str) -> str:
    """What sort of file a document was read from, by its name."""
    suffix = PurePosixPath(name).suffix.lower()
    return _KINDS.get(suffix, suffix.removeprefix(".").upper() or "Text")


def added(entry: DocumentEntry) -> datetime | None:
    """When it came in; None where nobody has noted it."""
    try:
        moment = datetime.fromisoformat(entry.metadata.get(ADDED_AT, ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def status(entry: DocumentEntry) -> str:
    """What its author says of it, as `outdated`, which no answer rests on; else whether it can be found."""
    return entry.metadata.get("status", "") or ("in use" if entry.chunks else "nothing to find")


@dataclass(frozen=True, slots=True)
class Order:
    """What of the documents is shown: those with `wanted` in title or id, by one column."""

    wanted: str = ""
    by: str = "title"
    descending: bool = False

    @classmethod
    def make(cls, wanted: str, by: str, *, descending: bool) -> Self:
        """From what an address or a form says; a column that is not known is the title."""
        known = {column.key for column in COLUMNS if column.sortable}
        return cls(wanted[:_LONGEST].casefold().strip(), by if by in known else "title", descending)

    def of(self, entries: Sequence[DocumentEntry]) -> list[DocumentEntry]:
        matching = [entry for entry in entries if self.wanted in f"{entry.title}\n{entry.id}".casefold()]
        return sorted(matching, key=self._key, reverse=self.descending)

    def _key(self, entry: DocumentEntry) -> tuple[str | float, str]:
        return _value(entry, self.by), entry.id


def _value(entry: DocumentEntry, by: str) -> str | float:
    if by == "added":
        moment = added(entry)
        return moment.timestamp() if moment else 0.0
    if by == "kind":
        return kind(entry.source or entry.id)
    if by == "status":
        return status(entry)
    value: str | int = getattr(entry, by)
    return value.casefold() if isinstance(value, str) else value


class Listing:
    """Draws the table with its filter. Sorting goes on in a thread: there may be a hundred thousand documents."""

    def __init__(self, entries: Sequence[DocumentEntry]) -> None:
        self._entries = list(entries)
        self._shown: list[DocumentEntry] = []
        self._order = Order()
        self._sent = 0
        with div("row list-tools"):
            field = el("input", "", "input list-filter", type="search", placeholder="Filter by title or id",
                       aria_label="Filter by title or id", data_key="f", maxlength=_LONGEST)  # fmt: skip
            div("grow")
            column_choice("documents", COLUMNS)
            self._export = el("a", "", "button", href=_export_path(self._order))
            with self._export:
                icon("download")
                el("span", "Export CSV")
        field.on("input", self._filter, js_handler="(event) => emit(event.target.value)", throttle=0.15)
        self._grid = Grid("documents", COLUMNS, label="Documents", empty="No document has this in its title or id.",
                          sort=("title", False), on_more=self._more, on_sort=self._sort)  # fmt: skip
        ui.timer(0, self._show, once=True)  # rows can be sent once the browser is there

    async def replace(self, entries: Sequence[DocumentEntry]) -> None:
        """Show what there is now, sorted and filtered as before."""
        self._entries = list(entries)
        await self._show()

    async def _more(self) -> None:
        self._send()

    async def _sort(self, key: str, descending: bool) -> None:
        self._order = replace(self._order, by=key, descending=descending)
        self._grid.sorted_by(key, descending)
        self._grid.update()
        await self._show()

    async def _filter(self, event: Any) -> None:
        self._order = Order.make(str(event.args), self._order.by, descending=self._order.descending)
        await self._show()

    async def _show(self) -> None:
        """The newest wish wins, whichever is done first."""
        order, entries = self._order, self._entries
        attrs(self._export, href=_export_path(order))
        self._export.update()
        shown = await asyncio.to_thread(order.of, entries)
        if order is self._order and entries is self._entries:
            self._shown, self._sent = shown, 0
            self._grid.reset()
            self._send()

    def _send(self) -> None:
        rows = self._shown[self._sent : self._sent + _ROWS]
        self._sent += len(rows)
        self._grid.append([_row(entry) for entry in rows], end=self._sent >= len(self._shown))


def _export_path(order: Order) -> str:
    given = {"q": order.wanted, "sort": order.by, "down": "1" if order.descending else ""}
    return "/ui/documents.csv?" + urlencode({name: value for name, value in given.items() if value})


def row_of(entry: DocumentEntry) -> tuple[Cell, ...]:
    """A cell for each of the table's columns, as a spreadsheet wants them."""
    moment = added(entry)
    about = (entry.title, entry.id, kind(entry.source or entry.id))
    return (*about, entry.characters, entry.chunks, moment.isoformat() if moment else None, status(entry))


def _row(entry: DocumentEntry) -> dict[str, Any]:
    moment = added(entry)
    return {
        "id": entry.id,
        "href": document_path(entry.id),
        "title": entry.title,
        "kind": kind(entry.source or entry.id),
        "characters": f"{entry.characters:,}",
        "chunks": f"{entry.chunks:,}",
        "added": {"iso": moment.isoformat(), "exact": formats.exact(moment)} if moment else None,
        "status": status(entry),
    }


def draw_nothing(may_upload: bool) -> None:
    """Before the first document is there."""
    with empty_state(
        "No documents yet",
        "The grounded route answers by quoting these documents, with the place. "
        + ("Drop some above, or ingest a folder:" if may_upload else "Someone with the role admin can upload some."),
    ):
        if may_upload:
            el("code", "signalbox ingest PATH", "mono")
