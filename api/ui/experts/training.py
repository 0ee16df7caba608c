"""Draws the panel that starts a training: a file, what its columns mean, a few options."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments, UploadEventArguments
from pydantic import ValidationError

from api.auth.access import ADMIN
from api.routes.expert_models import Training
from api.service.training import KIND, arguments_of
from api.service.wiring import Service
from api.ui import context
from api.ui.experts.chosen import SUFFIXES, Chosen, ColumnSeen, Seen, look
from api.ui.parts.elements import attrs, button, div, el, text
from api.ui.parts.states import error_state, failure, skeleton
from classifiers.learners import DEFAULT
from signalbox.errors import Conflict, SignalboxError
from signalbox.files import disk_errors_explained

LEARNERS = {
    "embeddings": "Meaning (embeddings), seconds to minutes",
    "tfidf": "Words alone (TF-IDF), seconds",
    "few-shot": "For few texts a label (few-shot), minutes",
    "fine-tuned": "The encoder itself (fine-tuned), minutes to hours",
    "auto": "Choose for me: cheap ones first",
}
_ROLES = {"text": "Text to read", "target": "Target to tell", "time": "Time of the row", "none": "Leave out"}

_HEADER = """
<div class="drop" @click="props.pickFiles">
  <q-uploader-add-trigger />
  <button type="button" class="button" @click.stop="props.pickFiles">Choose a labelled file</button>
  <span class="muted">or drop it here</span>
  <span class="muted small drop-kinds">CSV, TSV, JSON Lines or JSON; up to MOST MB</span>
</div>
"""
_SENDING = """
<p class="muted small" v-for="file in props.files.filter((file) => file.__status !== 'uploaded')" :key="file.__key">
  <span v-if="file.__status !== 'failed'">sending {{ file.name }}, {{ file.__progressLabel }}</span>
  <span v-else>{{ file.name }} was not sent: the connection broke or it is too large; choose it again</span>
</p>
"""
_REJECTED = "(entries) => emit(entries.map((entry) => [entry.failedPropValidation, entry.file.name, entry.file.size]))"


class TrainPanel:
    """Draws the panel.

    Args:
        started: called when a job has been started.
        name: of the expert that gets a new version; None: the file's.
    """

    def __init__(self, service: Service, started: Callable[[], Awaitable[None]], *, name: str | None = None) -> None:
        self._service = service
        self._started = started
        self._name = name
        self._chosen: Chosen | None = None
        self._seen: Seen | None = None
        self._limit = service.settings.max_document_bytes
        ui.context.client.on_delete(self._forget)
        with el("section", "", "train stack", aria_label="Train an expert"):
            self._draw_sender()
            self._place = div("stack loose")

    def _draw_sender(self) -> None:
        sender = ui.upload(auto_upload=True, max_file_size=self._limit, on_upload=self._arrived)
        sender.classes("sender")
        sender.props.update({"flat": True, "accept": ",".join(SUFFIXES), "field-name": "file"})
        attrs(sender, aria_label="Upload a labelled file")
        sender.add_slot("header", _HEADER.replace("MOST", f"{self._limit / 1e6:,.0f}"))
        sender.add_slot("list", _SENDING)
        sender.on("uploaded", lambda: sender.run_method("removeUploadedFiles"), args=[])
        sender.on("rejected", self._rejected, js_handler=_REJECTED)

    def _rejected(self, event: GenericEventArguments) -> None:
        entries = event.args if isinstance(event.args, list) else []
        rule, name, size = (*(entries[0] if entries and isinstance(entries[0], list) else ()), "", "", 0)[:3]
        self._place.clear()
        with self._place:
            if rule == "max-file-size":
                detail = (
                    f"{str(name)[:200]} has {int(size or 0):,} bytes; the limit is {self._limit:,}. Train from the "
                    "command line (signalbox train text FILE), or raise SIGNALBOX_MAX_DOCUMENT_BYTES."
                )
            else:
                detail = f"{str(name)[:200]} is of another kind. Save it as one of {', '.join(SUFFIXES)}."
            error_state("This file can't be used", detail, kind="warn")

    async def _arrived(self, event: UploadEventArguments) -> None:
        self._forget()
        self._place.clear()
        with self._place:
            skeleton(3)
        try:
            with disk_errors_explained(Path(tempfile.gettempdir())):
                chosen = self._chosen = await asyncio.to_thread(Chosen, event.file.name)
                await event.file.save(chosen.path)
            seen = await asyncio.to_thread(look, chosen.path)
        except SignalboxError as error:
            self._place.clear()
            with self._place:
                failure("This file can't be used", error)
            return
        if self._chosen is not chosen:
            return  # another one was chosen meanwhile
        self._seen = seen
        self._place.clear()
        with self._place:
            self._draw_form(chosen, seen)

    def _draw_form(self, chosen: Chosen, seen: Seen) -> None:
        with el("form", "", "card stack loose train-form", aria_label="Training") as form:
            with div("stack"):
                with div("row wrap"):
                    text(chosen.name, "strong break")
                    el("span", f"{seen.rows:,} rows", "muted small")
                for note in seen.notes:
                    text(note, "muted small break", tag="p")
            with el("fieldset", "", "columns stack"):
                el("legend", "What the columns hold", "label")
                for place, column in enumerate(seen.columns):
                    _draw_column(place, column)
                if seen.left_out:
                    el("p", f"{seen.left_out:,} more columns are left out.", "muted small")
            with div("train-options"):
                self._draw_options(chosen)
            self._trouble = div("stack")
            with div("row wrap"):
                self._start_button = button("Start the training", "primary")
                attrs(self._start_button, type="submit")
                button("Cancel", "quiet").on("click", self._cancel, args=[])
        form.on("submit", self._start, js_handler="(e) => { e.preventDefault(); emit(signalbox.values(e.target)) }")

    def _draw_options(self, chosen: Chosen) -> None:
        _field("name", "Name", "small letters, digits, - and _", value=self._name or chosen.expert_name, maxlength=64,
               pattern="[a-z0-9][a-z0-9_\\-]{0,63}", required=True, spellcheck="false")  # fmt: skip
        with div("field"):
            el("label", "Learns from", for_="train-learner")
            with el("select", "", "input", id="train-learner", name="learner"):
                for name, words in LEARNERS.items():
                    el("option", words, value=name, selected=name == DEFAULT)
        _field("tune", "Trials of other options", "0 to 200; kept only where they are proven better", type="number",
               value="0", min=0, max=200, step=1)  # fmt: skip
        _field("out_of_scope", "Label of texts that belong to no label", "optional, as oos", maxlength=500)
        with div("field"):
            el("label", "When it is done", for_="train-promote")
            with el("select", "", "input", id="train-promote", name="promote"):
                el("option", "It answers if it is the first version", value="")
                el("option", "It answers at once", value="yes")
                el("option", "It waits as the challenger", value="no")

    async def _start(self, event: GenericEventArguments) -> None:
        values: Mapping[str, Any] = event.args if isinstance(event.args, dict) else {}
        chosen, seen = self._chosen, self._seen
        if chosen is None or seen is None or not context.visitor().may(ADMIN):
            return
        self._trouble.clear()
        attrs(self._start_button, disabled=True)
        self._start_button.update()
        try:
            training = wished(values, seen.columns)
            arguments = arguments_of(
                self._service.settings, training.name, chosen.name, training.request(), context.visitor().name
            )
            with disk_errors_explained(self._service.settings.data_dir):
                await self._service.jobs.start(KIND, arguments, context.visitor().name, fill=chosen.copy_to)
        except SignalboxError as error:
            attrs(self._start_button, disabled=None)
            self._start_button.update()
            with self._trouble:
                failure("The training can't be started", error)
            return
        self._cancel()
        await self._started()

    def _cancel(self) -> None:
        self._forget()
        self._place.clear()

    def _forget(self) -> None:
        if self._chosen is not None:
            self._chosen.remove()
        self._chosen = self._seen = None


def wished(values: Mapping[str, Any], columns: tuple[ColumnSeen, ...]) -> Training:
    """The training that the form's values ask for.

    Raises:
        Conflict: they don't fit together, saying what to do.
    """
    roles = {column.name: str(values.get(f"role-{place}", "none")) for place, column in enumerate(columns)}
    texts = [name for name, role in roles.items() if role == "text"]
    targets = [name for name, role in roles.items() if role == "target"]
    times = [name for name, role in roles.items() if role == "time"]
    if not texts or not targets:
        missing = "text to read" if not texts else "target to tell"
        raise Conflict(f"No column is the {missing}. Say above which one is.", field="columns")
    if len(times) > 1:
        raise Conflict(f"{len(times)} columns are times; only one can be: {', '.join(times)}.", field="columns")
    given = str(values.get("tune", "")).strip() or "0"
    try:
        return Training(
            name=str(values.get("name", "")).strip(),
            text=texts,
            target=targets,
            time=times[0] if times else None,
            learner=str(values.get("learner") or DEFAULT),
            tune=int(given) if given.isdecimal() and len(given) < 9 else -1,
            out_of_scope=str(values.get("out_of_scope", "")).strip() or None,
            promote={"yes": True, "no": False}.get(str(values.get("promote", ""))),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Conflict(_in_words(str(first["loc"][0]), str(first["msg"])), field=str(first["loc"][0])) from None


def _in_words(field: str, message: str) -> str:
    if field == "name":
        return "Name it with up to 64 small letters, digits, - and _; a letter or digit comes first."
    if field == "tune":
        return "Trials of other options: write a whole number from 0 to 200."
    return f"{field}: {message}."


def _draw_column(place: int, column: ColumnSeen) -> None:
    with div("column-row"):
        text(column.name, "strong break", tag="label", for_=f"role-{place}")
        with el("select", "", "input", id=f"role-{place}", name=f"role-{place}"):
            for role, words in _ROLES.items():
                el("option", words, value=role, selected=role == column.role)
        with div("stack tight column-seen"):
            text(column.sample or "empty", "break clip-2 small" + ("" if column.sample else " muted"))
            empty = f", {1 - column.filled:.0%} empty" if column.filled < 0.9995 else ""
            el("span", f"{column.different:,} different{empty}", "muted small")


def _field(name: str, label: str, hint: str, *, value: str = "", **attributes: Any) -> None:
    with div("field"):
        el("label", label, for_=f"train-{name}")
        given = {"type": "text", "title": hint, "placeholder": hint} | attributes
        field = el("input", "", "input", id=f"train-{name}", name=name, autocomplete="off", **given)
        # As an attribute: the property would be set again, over what was typed, whenever the page changes around it.
        field.props["^value"] = value
