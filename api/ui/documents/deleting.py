"""The dialog that asks before a document is deleted, by name, and does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from api.service.ingesting import delete_documents
from api.service.wiring import Service
from api.ui.parts.elements import attrs, button, div, el, text
from signalbox.errors import SignalboxError


class DeleteDialog:
    """Draws the dialog, closed.

    Args:
        deleted: called when a document is gone.
    """

    def __init__(self, service: Service, deleted: Callable[[], Any]) -> None:
        self._service = service
        self._deleted = deleted
        self._id = ""
        with el("dialog", "", "dialog", id="delete-document", aria_labelledby="delete-title"):
            with div("dialog-head"):
                el("h2", "Delete this document?", id="delete-title")
                button("", "quiet square", icon_name="cross", data_closes=True, aria_label="Close")
            with div("dialog-body stack loose"):
                with div("stack"):
                    self._name = text("", "break delete-name", tag="p")
                    el("p", "Its passages can't be found or quoted any more. Answers given before keep their quotes. "
                       "To bring it back, upload it again.", "muted")  # fmt: skip
                    self._trouble = el("p", "", "trouble small break", role="alert")
                with div("row end"):
                    button("Keep it", "", data_closes=True, autofocus=True)
                    self._confirm = button("Delete", "danger")
        self._confirm.on("click", self._delete, args=[])

    def ask(self, document_id: str, title: str) -> None:
        self._id = document_id
        self._name.set_text(title if title == document_id else f"{title} ({document_id})")
        self._trouble.set_text("")
        self._busy(False)
        ui.run_javascript("document.getElementById('delete-document').showModal()")

    async def _delete(self) -> None:
        self._busy(True)
        try:
            await delete_documents(self._service, [self._id])
        except SignalboxError as error:
            self._trouble.set_text(error.detail)
            self._busy(False)
            return
        ui.run_javascript("document.getElementById('delete-document').close()")
        self._deleted()

    def _busy(self, busy: bool) -> None:
        attrs(self._confirm, disabled=busy)
        self._confirm.update()
