"""The trainings under way and the latest that ended: how far each is, cancelling and resuming it, where it led."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui

from api.auth.access import ADMIN
from api.service.training import KIND
from api.service.wiring import Service
from api.ui import context
from api.ui.experts.reading import expert_path
from api.ui.parts import formats
from api.ui.parts.elements import Html, attrs, button, div, el, icon, link, text
from api.ui.parts.marks import relative_time
from api.ui.parts.states import failure
from signalbox.errors import SignalboxError
from signalbox.jobs import Job

_MOST = 20
_ENDED_SHOWN = 3
_EVERY_S = 1.0
_QUIET_EVERY = 5  # looks, while nothing is under way

_WORDS = {"queued": "waiting", "running": "training", "done": "done", "failed": "failed", "cancelled": "cancelled"}


@dataclass
class _Drawn:
    job: Job
    box: Html
    fill: Html | None = None
    percent: Html | None = None
    stage: Html | None = None


class Trainings:
    """Draws the trainings, and follows them while the page is open.

    Args:
        finished: called when one is done.
    """

    def __init__(self, service: Service, finished: Callable[[], Awaitable[None]]) -> None:
        self._service = service
        self._finished = finished
        self._may = context.visitor().may(ADMIN)
        self._drawn: dict[str, _Drawn] = {}
        self._running: set[str] = set()
        self._looks = 0
        self._looking = False
        self._failed = False
        with el("section", "", "trainings stack", aria_label="Trainings") as self._section:
            self._trouble = div("stack")
            self._list = el("ul", "", "stack")
        self._section.set_visibility(False)
        self._said = el("p", "", "visually-hidden", role="status")
        ui.context.client.on_connect(self.look)
        ui.timer(_EVERY_S, self._tick, immediate=False)

    async def _tick(self) -> None:
        self._looks += 1
        if not self._looking and (self._running or self._looks % _QUIET_EVERY == 0):
            await self.look()

    async def look(self) -> None:
        """Show the trainings as they are now."""
        self._looking = True
        try:
            page = await self._service.jobs.list(kind=KIND, limit=_MOST)
        except SignalboxError as error:
            self._show_trouble(error)
            return
        finally:
            self._looking = False
        if self._list.is_deleted:
            return
        if self._failed:
            self._failed = False
            self._trouble.clear()
        ended = [job for job in page.items if job.ended][:_ENDED_SHOWN]
        shown = [job for job in page.items if not job.ended or job in ended]
        done = [job for job in page.items if job.id in self._running and job.state == "done"]
        self._running = {job.id for job in page.items if not job.ended}
        self._draw(shown)
        if done:
            self._said.set_text(f"The training of {done[0].arguments.get('name')} is done.")
            await self._service.follow_experts()
            if not self._list.is_deleted:
                await self._finished()

    def _draw(self, jobs: list[Job]) -> None:
        """In place where only the progress has changed, so that a button keeps the focus."""
        before = [(one.job.id, one.job.state) for one in self._drawn.values()]
        if before == [(job.id, job.state) for job in jobs]:
            for job in jobs:
                self._update(self._drawn[job.id], job)
            return
        self._section.set_visibility(bool(jobs))
        self._list.clear()
        self._drawn = {}
        with self._list:
            for job in jobs:
                self._drawn[job.id] = self._draw_one(job)

    def _update(self, drawn: _Drawn, job: Job) -> None:
        drawn.job = job
        if drawn.fill is None or drawn.percent is None or drawn.stage is None:
            return
        drawn.fill.style(f"width: {job.progress:.1%}")
        drawn.percent.set_text(f"{job.progress:.0%}")
        drawn.stage.set_text(_stage(job))
        bar = drawn.fill.parent_slot.parent if drawn.fill.parent_slot else None
        if isinstance(bar, Html):
            attrs(bar, aria_valuenow=round(100 * job.progress))
            bar.update()

    def _draw_one(self, job: Job) -> _Drawn:
        with el("li", "", "job", data_state=job.state) as box:
            drawn = _Drawn(job, box)
            with div("row wrap job-head"):
                name = str(job.arguments.get("name", ""))
                text(name, "strong break")
                el("span", _WORDS[job.state], "job-state")
                text(str(job.arguments.get("file", "")), "muted small break")
                if job.by:
                    text(f"by {job.by}", "muted small break")
                relative_time(job.ended_at or job.created_at)
            if not job.ended:
                with div("row"):
                    with el("span", "", "job-track grow", role="progressbar", aria_valuemin=0, aria_valuemax=100,
                            aria_valuenow=round(100 * job.progress), aria_label=f"Training of {name}"):  # fmt: skip
                        drawn.fill = el("span", "", "job-fill", style=f"width: {job.progress:.1%}")
                    drawn.percent = el("span", f"{job.progress:.0%}", "number small job-percent")
                drawn.stage = text(_stage(job), "muted small break", tag="p")
            if job.error is not None:
                with div("row trouble"):
                    icon("warning")
                    text(job.error.detail, "break")
            self._actions(job)
        return drawn

    def _actions(self, job: Job) -> None:
        with div("row wrap"):
            result = job.result or {}
            name, version = result.get("name"), result.get("version")
            if isinstance(name, str) and isinstance(version, int):
                link(f"Open {name}@{version}", expert_path(name, version), "link")
                aliases = result.get("aliases") or []
                el("span", "it answers now" if "champion" in aliases else "it waits as the challenger", "muted small")
            if self._may and not job.ended:
                button("Cancel the training", "quiet", icon_name="stop").on("click", lambda: self._do(job, "cancel"),
                                                                            args=[])  # fmt: skip
            if self._may and job.state in ("failed", "cancelled"):
                button("Resume", "").on("click", lambda: self._do(job, "resume"), args=[])
                el("span", "It goes on after the last step that it finished.", "muted small")

    async def _do(self, job: Job, what: str) -> None:
        self._trouble.clear()
        try:
            await (self._service.jobs.cancel(job.id) if what == "cancel" else self._service.jobs.resume(job.id))
        except SignalboxError as error:
            with self._trouble:
                failure(f"The training can't be {what}ed" if what == "cancel" else "The training can't be resumed",
                        error)  # fmt: skip
        await self.look()

    def _show_trouble(self, error: SignalboxError) -> None:
        if not self._failed and not self._list.is_deleted:
            self._failed = True
            self._section.set_visibility(True)
            with self._trouble:
                failure("The trainings can't be shown", error)


def _stage(job: Job) -> str:
    left = f", about {formats.duration(job.eta_ms)} left" if job.eta_ms is not None else ""
    return f"{job.stage}{left}"
