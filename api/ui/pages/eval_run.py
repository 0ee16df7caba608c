"""/ui/evals/{id}: one run: its metrics with intervals, slices, confidence, effort, and every case with its trace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from api.service.wiring import Service
from api.ui import assets
from api.ui.evals.figures import metric_figure, state_word
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.elements import Html, div, el, link, text
from api.ui.parts.keys import Key
from api.ui.parts.marks import relative_time
from api.ui.parts.states import empty_state, error_state, failure, skeleton
from signalbox.errors import NotFound, SignalboxError

if TYPE_CHECKING:
    from evaluators.harness import RunRecord
    from evaluators.statistics import Summary

KEYS = (Key(("/",), "Search the cases"), Key(("m",), "Show more cases"), Key(("c",), "Compare with the run before"))
_BACK = ("Evaluations", "/ui/evals")
_EVERY_S = 2.0


@ui.page("/evals/{run_id}", response_timeout=PATIENCE_S)
async def eval_run(run_id: str) -> None:
    assets.use("documents.css", "experts.css", "evals.css")
    with frame(run_id[:80], "evals", keys=KEYS, back=_BACK, wide=True) as actions:
        service = open_service()
        if service is None:
            return
        from api.ui.evals.reading import folder_of

        try:
            folder_of(service.settings, run_id)
        except NotFound as error:
            ui.context.client.status_code = 404
            with empty_state("No such run", error.detail):
                link("Show the runs", "/ui/evals", "button")
            return
        content = div("stack loose")
        with content:
            skeleton(6)
        client = ui.context.client

        # The rows of a large run take seconds to read: the frame is there before them.
        async def fill() -> None:
            if client.is_deleted:
                return
            await _fill(service, run_id, content, actions)

        background_tasks.create(fill(), name="eval run", context=content)


async def _fill(service: Service, run_id: str, content: Html, actions: Html) -> None:
    from api.ui.evals.reading import read_record, summary_of

    try:
        record = await read_record(service, run_id)
        summary = await summary_of(record)
    except SignalboxError as error:
        if not content.is_deleted:
            content.clear()
            with content:
                failure("This run can't be read", error)
        return
    if not content.is_deleted:
        content.clear()
        with content:
            await _draw(service, record, summary, actions)


async def _draw(service: Service, record: RunRecord, summary: Summary, actions: Html) -> None:
    from api.ui.evals.cases import Cases
    from evaluators.reports.page import run_sections

    await _compare_link(service, record, actions)
    _facts(record, summary)
    _state(service, record)
    for warning in summary.warnings:
        error_state("Beware", warning, kind="warn")
    if not record.rows:
        with empty_state("No case has been measured yet", "Cases appear here as they are done."):
            pass
        return
    with el("section", "", "eval-heads", aria_label="Key figures"):
        for one in [one for one in summary.metrics if one.value is not None][:6]:
            with div("card"):
                metric_figure(one)
                advisory = "" if one.metric.gates else " · advisory only"
                el("span", f"{one.measured:,} measured, {one.unmeasured:,} not{advisory}", "muted small")
    sections = await asyncio.to_thread(run_sections, record, summary)
    body = "".join(html for anchor, _, html in sections if anchor != "cases")
    Cases(record)
    ui.html(body, sanitize=True).classes("report")


async def _compare_link(service: Service, record: RunRecord, actions: Html) -> None:
    """The newest earlier run on the same set is what one mostly wants to compare with."""
    from api.ui.evals.reading import comparison_path, read_list

    found, _ = await read_list(service)
    own = next((one for one in found if one.id == record.id), None)
    if own is None or own.under_way:
        return
    earlier = [
        one
        for one in found
        if one.id < own.id and one.kind == own.kind and one.set_hash == own.set_hash and not one.under_way
    ]
    if earlier:
        with actions:
            link("Compare with the run before", comparison_path(earlier[0].id, own.id), "button", data_key="c")


def _facts(record: RunRecord, summary: Summary) -> None:
    from api.ui.evals.reading import moment_of
    from evaluators.comparing import shown
    from evaluators.comparing.words import dollars

    told = shown(record)
    with div("document-facts"):
        state_word(record.state)
        if told.kind == "attack":
            el("span", "attack run")
        text(told.target, "break")
        text(f"on {told.set_name}@{told.set_version}", "break")
        el("span", f"{summary.rows:,} cases")
        if summary.failed:
            el("span", f"{summary.failed:,} without an output")
        el("span", f"spent {dollars(summary.totals.spent.cost_usd)}")
        moment = moment_of(told.created_at)
        if moment is not None:
            with el("span"):
                el("span", "begun ")
                relative_time(moment)


def _state(service: Service, record: RunRecord) -> None:
    reason = record.manifest.get("reason")
    if record.state in ("failed", "stopped", "cancelled") and isinstance(reason, str):
        title = "This run failed" if record.state == "failed" else f"This run was {record.state}"
        error_state(title, reason, kind="warn")
    elif record.state == "interrupted":
        remedy = f"Its process ended before it was done. Go on with it: signalbox eval run --resume {record.id}"
        error_state("This run was interrupted", remedy, kind="warn")
    elif record.state in ("waiting", "running"):
        _follow(service, record)


def _follow(service: Service, record: RunRecord) -> None:
    """How far it is; the page loads again when it has ended."""
    job_id = record.manifest.get("job")
    with div("card stack", role="status"):
        with div("row"), el("span", "", "job-track grow", role="progressbar", aria_label="Progress"):
            fill = el("span", "", "job-fill", style="width: 0%")
        said = el("p", f"{len(record.rows):,} cases are done.", "muted small")

    async def look() -> None:
        from api.ui.evals.reading import folder_of
        from evaluators.harness.records import read_manifest, state_of

        try:
            folder = folder_of(service.settings, record.id)
            state = state_of(folder, read_manifest(folder))
            if state not in ("waiting", "running"):
                ui.navigate.reload()
                return
            if isinstance(job_id, str):
                job = await service.jobs.get(job_id)
                fill.style(f"width: {job.progress:.1%}")
                said.set_text(f"{job.progress:.0%} {job.stage}")
        except SignalboxError:
            return  # a run of the command line has its books elsewhere

    ui.timer(_EVERY_S, look, immediate=False)
