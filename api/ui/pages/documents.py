"""/ui/documents: what the grounded route may quote, searched, listed, uploaded."""

from __future__ import annotations

from typing import Any

from nicegui import background_tasks, ui

from api.auth.access import ADMIN
from api.service.wiring import Service
from api.ui import assets, context
from api.ui.documents import found, listing
from api.ui.documents.upload import Upload
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.elements import div, el
from api.ui.parts.keys import Key
from api.ui.parts.states import failure, skeleton
from signalbox.errors import SignalboxError

KEYS = (Key(("/",), "Search the passages"), Key(("f",), "Filter the table"))


@ui.page("/documents", response_timeout=PATIENCE_S)
async def documents(q: str = "") -> None:
    """`q` is a search to start with."""
    assets.use("documents.css")
    with frame("Documents", "documents", keys=KEYS):
        service = open_service()
        if service is not None:
            await _Documents(service).draw(q[: found.LONGEST])


class _Documents:
    """The search on top; below it what was found, or the upload and the table."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._admin = context.visitor().may(ADMIN)
        self._listing: listing.Listing | None = None
        self._asked = 0

    async def draw(self, query: str) -> None:
        with div("search-box"):
            el("span", "", "icon icon-search", aria_hidden="true")
            field = el("input", "", "search-input", type="search", value=query, data_key="/", dir="auto",
                       maxlength=found.LONGEST, aria_label="Search the passages", autocomplete="off",
                       placeholder="Search the passages as a query would")  # fmt: skip
            el("kbd", "/", aria_hidden="true")
        field.on("input", self._search, js_handler="(event) => emit(event.target.value)", throttle=0.2)
        self._found = div("stack found")
        self._rest = div("stack loose")
        with self._rest:
            if self._admin:
                Upload(self._service, self._refresh)
            self._table = div("stack listing")
            with self._table:
                skeleton(4)
        await self._fill()
        if query:
            await self._show(query)

    def _refresh(self) -> None:
        background_tasks.create(self._fill(), name="documents", context=self._table)

    async def _fill(self) -> None:
        try:
            entries = await listing.read_entries(self._service)
        except SignalboxError as error:
            self._listing = None
            self._table.clear()
            with self._table:
                failure("The documents can't be listed", error)
            return
        if entries and self._listing is not None:
            await self._listing.replace(entries)
            return
        self._table.clear()
        with self._table:
            self._listing = listing.Listing(entries) if entries else None
            if not entries:
                listing.draw_nothing(self._admin)

    async def _search(self, event: Any) -> None:
        await self._show(str(event.args))

    async def _show(self, query: str) -> None:
        """The newest search wins, whichever is done first."""
        self._asked += 1
        asked = self._asked
        self._rest.set_visibility(not query.strip())
        if query.strip():
            await found.show(self._service, query, self._found, lambda: asked == self._asked)
        else:
            self._found.clear()
