"""`signalbox eval run`: one run, as a durable job with books of its own, so that it needs and disturbs no service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import emit, out, progress_bar, say
from signalbox.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.service.evaluating import EvalPlan
    from signalbox.jobs import Job
    from signalbox.settings import Settings

GATE_FAILED = 1


def run(
    eval_set: Annotated[
        str | None, typer.Argument(metavar="[SET]", help="A set's folder, a .jsonl file of cases, or a shipped set.")
    ] = None,
    target: Annotated[
        str, typer.Option(help="service (in process), given, the URL of a Signalbox, or model:NAME.")
    ] = "service",
    scorer: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME:key=value; by default what the set's card names.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many cases, drawn by the seed.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Cases under way at once; 4.")] = None,
    rate: Annotated[float | None, typer.Option(help="Most cases begun per second.")] = None,
    deadline_ms: Annotated[float | None, typer.Option(help="Time of an answer, and of each scorer; 60,000.")] = None,
    max_cost_usd: Annotated[
        float | None, typer.Option(help="Most that all models asked may cost; 1 where they cost anything.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens of all models asked.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Most time.")] = None,
    max_unmeasured: Annotated[
        float | None, typer.Option(help="Share of failed or unmeasured rows above which the run fails; 0.1.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray: many machines, the same results.")] = "local",
    resume: Annotated[str | None, typer.Option(metavar="RUN_ID", help="Go on with a run that was interrupted.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask anew for what earlier runs remember.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw, of models that sample, and of intervals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as one JSON object.")] = False,
) -> None:
    """Run a set through a target and measure what it says. Exit code 1: it was stopped, or too much is unmeasured."""
    import asyncio

    from pydantic import ValidationError

    from api.service.eval_spending import book_here, limited, settle_here
    from api.service.evaluating import forget
    from api.service.folders import evals_folder
    from evaluators.harness import Limits
    from signalbox.errors import SignalboxError
    from signalbox.settings import Settings

    given = {
        "concurrency": concurrency,
        "rate_per_s": rate,
        "deadline_ms": deadline_ms,
        "max_cost_usd": max_cost_usd,
        "max_tokens": max_tokens,
        "max_minutes": max_minutes,
        "max_unmeasured": max_unmeasured,
    }
    limits = {name: value for name, value in given.items() if value is not None}
    try:
        Limits.model_validate(limits)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(f"{first['msg']}, not {first['input']}.", field=str(first["loc"][0])) from None
    if engine not in ("local", "ray"):
        raise InvalidInput(f"It is local or ray, not {engine[:40]!r}.", field="engine")
    settings = Settings.load()
    if resume is not None:
        plan = _again(settings, resume, eval_set, limits)
    else:
        fields = {"target": target, "scorers": tuple(scorer or ()), "limits": limits, "seed": seed, "engine": engine}
        plan = _prepared(settings, eval_set, limit, {**fields, "cache": not no_cache})
    plan = limited(settings, plan)
    folder = evals_folder(settings) / plan.run
    try:
        booking = asyncio.run(book_here(settings, plan, folder))
    except SignalboxError:
        if resume is None:
            forget(settings, plan)
        raise
    try:
        with progress_bar("Evaluating") as progress:
            job = asyncio.run(_follow(settings, plan, progress, changed=bool(limits)))
    finally:
        asyncio.run(settle_here(settings, booking, plan, folder))
    _finish(settings, plan, job, as_json=as_json)


def _prepared(settings: Settings, name: str | None, limit: int | None, fields: dict[str, Any]) -> EvalPlan:
    from api.service.evaluating import chosen, new_plan, prepare, set_path
    from api.service.folders import make_data_dir
    from eval_sets import read_set

    if name is None:
        raise InvalidInput("Name a set to run, or the run to go on with as --resume RUN_ID.", field="set")
    path = Path(name)
    found = read_set(path if path.exists() else set_path(name))
    make_data_dir(settings)
    return prepare(settings, new_plan(**fields), found, chosen(found.cases, limit, fields["seed"]))


def _again(settings: Settings, run_id: str, name: str | None, limits: dict[str, Any]) -> EvalPlan:
    """The plan of a run as it was, with limits as they are now."""
    from api.service.evaluating import EvalPlan, folder_of
    from evaluators.harness.records import read_manifest

    if name is not None:
        raise InvalidInput("A run that goes on keeps its own cases: leave the set out.", field="set")
    manifest = read_manifest(folder_of(settings, run_id))
    if "request" not in manifest:
        raise InvalidInput(f"The run {run_id} was not started by this command.", field="resume")
    plan = EvalPlan.model_validate(manifest["request"])
    return plan.model_copy(update={"limits": plan.limits | limits})


async def _follow(settings: Settings, plan: EvalPlan, progress: Callable[[float, str], None], *, changed: bool) -> Job:
    from api.cli.following import follow_run
    from api.service.evaluating import EVAL, start
    from api.service.folders import evals_folder

    return await follow_run(
        settings,
        evals_folder(settings) / plan.run,
        EVAL,
        lambda jobs: start(jobs, settings, plan, None),
        progress,
        changed=changed,
        how_to_go_on=_how_to_go_on(plan),
    )


def _finish(settings: Settings, plan: EvalPlan, job: Job, *, as_json: bool) -> None:
    from api.service.folders import evals_folder
    from api.service.run_reading import read_run
    from signalbox.errors import Unavailable

    if job.state != "done":
        detail = job.error.detail if job.error is not None else f"The run was {job.state}."
        field = job.error.field if job.error is not None else None
        say(_how_to_go_on(plan))
        if job.error is not None and job.error.title in ("Unavailable", "Overloaded", "Missing dependency"):
            raise Unavailable(detail, field=field)
        raise InvalidInput(detail, field=field)
    shown = read_run(settings, plan.run)
    if as_json:
        import json

        emit(json.dumps(shown))
    else:
        _print(evals_folder(settings) / plan.run)
    if shown["state"] != "done":
        say(f"{plan.run} {shown['state']}: {shown['reason']}")
        raise typer.Exit(GATE_FAILED)


def _print(folder: Path) -> None:
    """What was measured, and where the rest is."""
    from api.cli.evals.show import show_run
    from evaluators.comparing import shown
    from evaluators.harness import open_run
    from evaluators.reports.ranking import main_metric
    from evaluators.statistics import summarise

    record = open_run(folder)
    summary = summarise(record.rows, record.metrics)
    show_run(out(), shown(record), summary, main_metric(record.metrics, record.rows))
    say(f"{record.id} is in {folder}; the whole report: {folder / 'report.html'}")


def _how_to_go_on(plan: EvalPlan) -> str:
    return f"The run is kept; go on with it: signalbox eval run --resume {plan.run}"
