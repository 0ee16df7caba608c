"""The dialog that asks before another version answers: what changes, how sure that is, and why it is done."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from api.auth.access import ADMIN
from api.service.wiring import Service
from api.ui import context
from api.ui.experts import figures
from api.ui.experts.reading import ExpertShown, VersionShown, reading
from api.ui.parts.elements import attrs, button, div, el, text
from classifiers.registry import Registry
from classifiers.registry.wire import Figure
from signalbox.errors import SignalboxError

_MOST_REASON = 1_000


class ChangeDialog:
    """Draws the dialog, closed; `promote` and `roll_back` open it."""

    def __init__(self, service: Service, expert: ExpertShown) -> None:
        self._service = service
        self._expert = expert
        self._to: VersionShown | None = None
        self._back = False
        with el("dialog", "", "dialog", id="change-champion", aria_labelledby="change-title"):
            with div("dialog-head"):
                self._title = el("h2", "", id="change-title")
                button("", "quiet square", icon_name="cross", data_closes=True, aria_label="Close")
            with el("form", "", "dialog-body stack loose") as form:
                self._told = div("stack")
                with div("field"):
                    el("label", "Why (for the history)", for_="change-reason")
                    el("input", "", "input", id="change-reason", name="reason", maxlength=_MOST_REASON,
                       autocomplete="off", dir="auto")  # fmt: skip
                self._trouble = el("p", "", "trouble small break", role="alert")
                with div("row end"):
                    button("Leave it", "", data_closes=True)
                    self._confirm = button("", "primary")
                    attrs(self._confirm, type="submit")
                    with self._confirm:
                        self._verb = el("span")
        form.on("submit", self._do, js_handler="(e) => { e.preventDefault(); emit(signalbox.values(e.target)) }")

    def promote(self, to: VersionShown) -> None:
        self._ask(to, back=False)

    def roll_back(self) -> None:
        to = self._expert.number(self._expert.before) if self._expert.before is not None else None
        if to is not None:
            self._ask(to, back=True)

    def _ask(self, to: VersionShown, *, back: bool) -> None:
        self._to, self._back = to, back
        verb = "Roll back" if back else "Promote"
        self._title.set_text(f"{verb} to {to.version.reference}?" if back else f"{verb} {to.version.reference}?")
        self._verb.set_text(f"{verb} to version {to.version.version}" if back else f"{verb} it")
        self._trouble.set_text("")
        self._busy(False)
        self._told.clear()
        with self._told:
            for line in what_changes(self._expert.champion, to):
                text(line, "break", tag="p")
        ui.run_javascript("document.getElementById('change-champion').showModal()")

    async def _do(self, event: Any) -> None:
        to = self._to
        if to is None or not context.visitor().may(ADMIN):
            return
        reason = str(event.args.get("reason", ""))[:_MOST_REASON] if isinstance(event.args, dict) else ""
        name, by, number, back = self._expert.name, context.visitor().name, to.version.version, self._back

        def work(registry: Registry) -> None:
            if back:
                registry.rollback(name, by=by, reason=reason)
            else:
                registry.promote(name, number, by=by, reason=reason)

        self._busy(True)
        try:
            await reading(self._service, work)
            await self._service.follow_experts()
        except SignalboxError as error:
            self._trouble.set_text(error.detail)
            self._busy(False)
            return
        ui.run_javascript("document.getElementById('change-champion').close()")
        ui.navigate.reload()

    def _busy(self, busy: bool) -> None:
        attrs(self._confirm, disabled=busy)
        self._confirm.update()


def what_changes(now: VersionShown | None, to: VersionShown) -> list[str]:
    """Sentences: who answers then, what its figure is beside that of now, and what that proves."""
    if now is None:
        lines = [f"{to.version.reference} answers from the next query on. None answers now."]
    else:
        lines = [
            f"{to.version.reference} answers from the next query on, instead of {now.version.reference}. "
            "You can roll back at any time."
        ]
    if to.main is None or now is None or now.main is None:
        return lines
    if (to.main.key, to.main.task) != (now.main.key, now.main.task):
        return [*lines, "Their main figures are of different things: compare the two first."]
    key, new, old = to.main.key, to.main.figure, now.main.figure
    lines.append(f"{figures.title(key)}: {_told(key, new)}, instead of {_told(key, old)}.")
    lines.append(_proof(key, new, old))
    return lines


def _told(key: str, figure: Figure) -> str:
    between = figures.interval(key, figure)
    return figures.shown(key, figure.value) + (f" ({between})" if between else "")


def _proof(key: str, new: Figure, old: Figure) -> str:
    if new.low is None or new.high is None or old.low is None or old.high is None:
        return "Without intervals nobody can tell whether the difference is chance."
    if new.low > old.high or new.high < old.low:
        better = (new.value > old.value) != figures.smaller_is_better(key)
        return f"The intervals lie apart: the new one is surely {'better' if better else 'worse'} on its own rows."
    return "The intervals overlap: the difference may be chance."
