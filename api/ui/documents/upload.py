"""Draws where files are dropped, how far each has come, and what is wrong with those that can't be read.

The browser's part is Quasar's uploader, which sends several files and counts their bytes; here it only looks ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from nicegui import ui
from nicegui.events import GenericEventArguments, UploadEventArguments

from api.service.wiring import Service
from api.ui.documents.found import document_path
from api.ui.documents.intake import Entry, Intake
from api.ui.parts.elements import Html, attrs, button, div, el, link, text
from retriever.readers import suffixes

_FILES_AT_ONCE = 200
_WORDS = {
    "waiting": "waiting",
    "added": "added",
    "replaced": "replaced the one before",
    "unchanged": "was there already",
    "failed": "failed",
}

_HEADER = """
<div class="drop" @click="props.pickFiles">
  <q-uploader-add-trigger />
  <button type="button" class="button" @click.stop="props.pickFiles">Choose files</button>
  <span class="muted">or drop them here</span>
  <span class="muted small drop-kinds">Markdown, text, HTML, PDF, Word, CSV; each up to MOST</span>
</div>
"""
_SENDING = """
<ul class="files" v-if="props.files.some((file) => file.__status !== 'uploaded')">
  <template v-for="file in props.files" :key="file.__key">
    <li class="file" v-if="file.__status !== 'uploaded'"
        :data-stage="file.__status === 'failed' ? 'failed' : 'sending'">
      <span class="file-name break">{{ file.name }}</span>
      <span class="file-size muted small">{{ file.size < 1000 ? file.size + ' B' : file.size < 1000000 ?
        Math.round(file.size / 1000) + ' kB' : (file.size / 1000000).toFixed(1) + ' MB' }}</span>
      <span class="file-doing small" v-if="file.__status === 'failed'">failed</span>
      <span class="file-doing muted small" v-else-if="file.__progress > 0">sending, {{
        Math.round(file.__progress * 100) }}%</span>
      <span class="file-doing muted small" v-else>waiting to be sent</span>
      <span class="file-trouble break small" v-if="file.__status === 'failed'" role="alert">Not sent: the connection
        broke, or the file changed or is too large. Drop it again.</span>
      <span class="file-track" aria-hidden="true">
        <span class="file-fill" :style="{ width: (file.__progress * 100) + '%' }"></span>
      </span>
    </li>
  </template>
</ul>
"""
_REJECTED = "(entries) => emit(entries.map((entry) => [entry.failedPropValidation, entry.file.name, entry.file.size]))"


class Upload:
    """Draws where files are dropped and the list of those under way.

    Args:
        changed: called when documents have come in.
    """

    def __init__(self, service: Service, changed: Callable[[], None]) -> None:
        self._limit = service.settings.max_document_bytes
        self._intake = Intake(service, self._update)
        self._changed = changed
        self._finished = 0
        with el("section", "", "upload", aria_label="Upload"):
            self._sender = self._draw_sender()
            self._foot = div("upload-sum")
            self._list = el("ul", "", "files", aria_label="Files")
            self._said = el("p", "", "visually-hidden", role="status")
        self._foot.set_visibility(False)
        with self._foot:
            self._sum = el("p", "", "muted")
            self._clear = button("Clear the list", "quiet")
            self._clear.on("click", self._intake.clear, args=[])
            self._bar = el("div", "", "upload-bar", role="progressbar", aria_label="Ingesting", aria_valuemin=0,
                           aria_valuemax=100)  # fmt: skip
            with self._bar:
                self._fill = el("span", "", "file-fill")

    def _draw_sender(self) -> ui.upload:
        sender = ui.upload(multiple=True, auto_upload=True, max_file_size=self._limit, max_files=_FILES_AT_ONCE,
                           on_upload=self._arrived)  # fmt: skip
        sender.classes("sender")
        sender.props.update({"flat": True, "accept": ",".join(suffixes()), "field-name": "file"})
        attrs(sender, aria_label="Upload documents")
        sender.add_slot("header", _HEADER.replace("MOST", _size(self._limit)))
        sender.add_slot("list", _SENDING)
        sender.on("uploaded", lambda: sender.run_method("removeUploadedFiles"), args=[])
        sender.on("rejected", self._rejected, js_handler=_REJECTED)
        return sender

    async def _arrived(self, event: UploadEventArguments) -> None:
        self._intake.add(event.file.name, event.file.size(), event.file.read)

    def _rejected(self, event: GenericEventArguments) -> None:
        for entry in event.args if isinstance(event.args, list) else ():
            rule, name, size = (*entry, None, None, None)[:3]
            self._intake.refuse(str(name), int(size or 0), self._why(str(rule), str(name), int(size or 0)))

    def _why(self, rule: str, name: str, size: int) -> str:
        """File, rule and remedy, as the service itself would say it."""
        if rule == "accept":
            return f"{name} can't be read: its type is not supported. Convert it to one of {', '.join(suffixes())}."
        if rule == "max-file-size":
            return (
                f"{name} has {size:,} bytes; the limit is {self._limit:,}. "
                "Split it, or raise SIGNALBOX_MAX_DOCUMENT_BYTES."
            )
        if rule == "max-files":
            return f"{name} was left out: {_FILES_AT_ONCE} files can be sent at once. Drop it again."
        return f"{name} was left out because it is in the list already."

    def _update(self) -> None:
        if self._list.is_deleted:
            return  # the page was left; the files come in all the same
        entries = self._intake.entries
        self._list.clear()
        with self._list:
            # What needs a person first, then the newest.
            for failed in (True, False):
                for entry in reversed(entries):
                    if failed == (entry.stage == "failed"):
                        _draw_entry(entry)
        finished = sum(entry.stage in ("added", "replaced") for entry in entries)
        self._show_sum()
        if finished > self._finished:
            self._changed()
        self._finished = finished

    def _show_sum(self) -> None:
        """How many are in and what is left to do, in one line."""
        entries, busy = self._intake.entries, self._intake.busy
        failed = sum(entry.stage == "failed" for entry in entries)
        done = sum(entry.stage in ("added", "replaced", "unchanged") for entry in entries)
        parts = [f"{done:,} of {len(entries):,} {'files are' if len(entries) > 1 else 'file is'} in"]
        if failed:
            parts.append(f"{failed:,} failed")
        left = self._intake.seconds_left(time.monotonic())
        if left is not None:
            parts.append(_left(left))
        self._sum.set_text(", ".join(parts) + ".")
        self._foot.set_visibility(bool(entries))
        self._clear.set_visibility(not busy)
        self._bar.set_visibility(busy)
        self._fill.style(f"width: {self._intake.fraction:.0%}")
        attrs(self._bar, aria_valuenow=round(100 * self._intake.fraction))
        self._bar.update()
        if entries and not busy:
            self._said.set_text(self._sum.text)


def _left(seconds: float) -> str:
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"


def _draw_entry(entry: Entry) -> None:
    with el("li", "", "file", data_stage=entry.stage):
        if entry.document_id is not None:
            link(entry.name, document_path(entry.document_id), "link file-name break", dir="auto")
        else:
            text(entry.name, "file-name break")
        el("span", _size(entry.size), "file-size muted small")
        if entry.stage == "working":
            el("span", f"{entry.doing}, {entry.fraction:.0%}", "file-doing muted small")
            _bar(entry.fraction)
        else:
            el("span", _WORDS[entry.stage], "file-doing small")
        if entry.trouble:
            text(entry.trouble, "file-trouble break small", tag="p")


def _bar(fraction: float) -> Html:
    track = el("span", "", "file-track", aria_hidden="true")
    with track:
        el("span", "", "file-fill", style=f"width: {fraction:.0%}")
    return track


def _size(size: int) -> str:
    if size < 1_000:
        return f"{size} B"
    return f"{size / 1_000:,.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB".replace(".0 MB", " MB")
