"""/ui/documents/{id}?start=&end=: one document's text with its chunks, at the place asked for."""

from __future__ import annotations

import asyncio

from nicegui import ui

from api.auth.access import ADMIN
from api.service.ingesting import ADDED_AT
from api.service.wiring import Service
from api.ui import assets, context
from api.ui.documents import listing, reading
from api.ui.documents.deleting import DeleteDialog
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.elements import Html, button, div, el, link, text
from api.ui.parts.keys import Key
from api.ui.parts.marks import relative_time
from api.ui.parts.states import empty_state, error_state
from retriever import Document, DocumentEntry, Span
from signalbox.errors import NotFound

_BACK = ("Documents", "/ui/documents")
_MOST_METADATA = 12


@ui.page("/documents/{document_id:path}", response_timeout=PATIENCE_S)
async def document(document_id: str, start: int | None = None, end: int | None = None, at: int = 0) -> None:
    """`start` and `end` are the place to mark, `at` where to begin in a long text; all in characters."""
    assets.use("documents.css")
    lifecycle = context.lifecycle()
    loaded = await _load(lifecycle.service, document_id) if lifecycle.state == "ready" else None
    title = loaded[0].title if loaded else document_id[:200]
    keys = (Key(("Delete",), "Delete the document"),) if _may_delete() else ()
    with frame(title, "documents", keys=keys, back=_BACK) as actions:
        service = open_service()
        if service is None:
            return
        if loaded is None:
            ui.context.client.status_code = 404
            with empty_state(
                "No such document", f"There is no document {document_id[:200]!r}. It may have been deleted."
            ):
                link("Show the documents", "/ui/documents", "button")
            return
        _draw(*loaded, start, end, at)
        if _may_delete():
            _draw_delete(service, loaded[0], actions)


def _may_delete() -> bool:
    return context.visitor().may(ADMIN)


async def _load(service: Service, document_id: str) -> tuple[Document, tuple[Span, ...]] | None:
    index = service.models.index

    def read() -> tuple[Document, tuple[Span, ...]]:
        return index.document(document_id), index.chunks(document_id)

    try:
        return await asyncio.to_thread(read)
    except NotFound:
        return None


def _draw(shown: Document, chunks: tuple[Span, ...], start: int | None, end: int | None, at: int) -> None:
    mark = reading.place_of(shown, start, end)
    _draw_facts(shown, len(chunks))
    if shown.metadata.get("status") == "outdated":
        error_state("This document is outdated", "It is found, and no answer rests on it. Upload a newer version under "
                    "the same name, or delete it.", kind="warn")  # fmt: skip
    if mark is None and (start is not None or end is not None):
        error_state("This place is not in the document", f"It has {len(shown.text):,} characters, and the place asked "
                    f"for is {start} to {end}. It may have changed since it was quoted.", kind="warn")  # fmt: skip
    reading.draw_text(shown, chunks, mark, at)


def _draw_facts(shown: Document, chunks: int) -> None:
    entry = DocumentEntry(shown.id, shown.title, shown.source, len(shown.text), chunks, shown.metadata)
    with div("document-facts"):
        text(shown.id, "mono break")
        el("span", listing.kind(shown.source or shown.id))
        el("span", f"{entry.characters:,} characters")
        el("span", f"{chunks:,} chunks" if chunks != 1 else "1 chunk")
        moment = listing.added(entry)
        if moment is not None:
            with el("span"):
                el("span", "added ")
                relative_time(moment)
        word = listing.status(entry)
        text(word, "status", data_status=word)
        others = [pair for pair in shown.metadata.items() if pair[0] not in ("status", ADDED_AT)]
        for name, value in others[:_MOST_METADATA]:
            text(f"{name}: {value[:200]}", "break")


def _draw_delete(service: Service, shown: Document, actions: Html) -> None:
    dialog = DeleteDialog(service, lambda: ui.navigate.to("/documents"))
    with actions:
        gone = button("Delete", "quiet", data_key="Delete")
        gone.on("click", lambda: dialog.ask(shown.id, shown.title), args=[])
