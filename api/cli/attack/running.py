"""`signalbox attack run`: one run, as a durable job with books of its own, so that it needs and disturbs no service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import emit, out, progress_bar, say
from signalbox.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.service.attacking import AttackRequest
    from signalbox.jobs import Job
    from signalbox.settings import Settings

UNFINISHED = 1


def run(
    family: Annotated[
        list[str] | None, typer.Option(help="A family, or several put together as a+b; all of them by default.")
    ] = None,
    eval_set: Annotated[
        str, typer.Option("--set", help="A set's folder, a .jsonl file of cases, or a shipped set.")
    ] = "helpdesk",
    suite: Annotated[
        Path | None, typer.Option(help="Instead of a set: requests of AdvBench or HarmBench, CSV or JSON.")
    ] = None,
    target: Annotated[
        str, typer.Option(help="service (in process), the URL of a Signalbox, or model:NAME over its documents.")
    ] = "service",
    defences: Annotated[str, typer.Option(help="on, off, both, or NAME,... of those that are on.")] = "on",
    strength: Annotated[list[int] | None, typer.Option(min=1, max=3, help="1, 2 or 3; 2 by default.")] = None,
    tries: Annotated[int, typer.Option(min=1, max=20, help="How often each attack is made.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Most cases of the set, drawn by the seed.")] = 40,
    gadget_queries: Annotated[
        int, typer.Option(min=0, max=10_000, help="Questions that learning a gadget may take; 0 draws one.")
    ] = 240,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Questions under way at once; 4.")] = None,
    max_cost_usd: Annotated[float | None, typer.Option(help="Most that all models asked may cost.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Most time.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same attacks.")] = 0,
    resume: Annotated[str | None, typer.Option(metavar="RUN_ID", help="Go on with a run that was interrupted.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as one JSON object.")] = False,
) -> None:
    """Attack a target and count what gets through net of benign twins. Exit code 1: it came to no proper end."""
    import asyncio

    from pydantic import ValidationError

    from evaluators.harness import Limits
    from signalbox.settings import Settings

    given = {"concurrency": concurrency, "max_cost_usd": max_cost_usd, "max_minutes": max_minutes}
    limits = {name: value for name, value in given.items() if value is not None}
    try:
        Limits.model_validate(limits)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(f"{first['msg']}, not {first['input']}.", field=str(first["loc"][0])) from None
    settings = Settings.load()
    if resume is not None:
        request = _again(settings, resume, limits)
    else:
        fields = {
            "families": tuple(family or ()),
            "target": target,
            "defences": defences,
            "strengths": tuple(dict.fromkeys(strength or (2,))),
            "tries": tries,
            "gadget_queries": gadget_queries,
            "limits": limits,
            "seed": seed,
        }
        request = _prepared(settings, eval_set, suite, limit, fields)
    with progress_bar("Attacking") as progress:
        job = asyncio.run(_follow(settings, request, progress, changed=bool(limits)))
    _finish(settings, request, job, as_json=as_json)


def _prepared(settings: Settings, name: str, suite: Path | None, limit: int, fields: dict[str, Any]) -> AttackRequest:
    from api.service.attacking import new_request, prepare, suite_set
    from api.service.evaluating import set_path
    from api.service.folders import make_data_dir
    from eval_sets import read_set

    path = Path(name)
    request = new_request(**fields)
    found = suite_set(suite, request.seed) if suite is not None else read_set(path if path.exists() else set_path(name))
    make_data_dir(settings)
    prepare(settings, request, found, limit)
    return request


def _again(settings: Settings, run_id: str, limits: dict[str, Any]) -> AttackRequest:
    """The request of a run as it was, with limits as they are now."""
    from api.service.attacking import AttackRequest, folder_of
    from evaluators.harness.records import read_manifest

    manifest = read_manifest(folder_of(settings, run_id))
    request = AttackRequest.model_validate(manifest["request"])
    return request.model_copy(update={"limits": request.limits | limits})


async def _follow(
    settings: Settings, request: AttackRequest, progress: Callable[[float, str], None], *, changed: bool
) -> Job:
    from api.cli.following import follow_run
    from api.service.attacking import ATTACK, start
    from api.service.folders import attacks_folder

    return await follow_run(
        settings,
        attacks_folder(settings) / request.run,
        ATTACK,
        lambda jobs: start(jobs, settings, request, None),
        progress,
        changed=changed,
        how_to_go_on=_how_to_go_on(request),
    )


def _finish(settings: Settings, request: AttackRequest, job: Job, *, as_json: bool) -> None:
    from api.cli.attack.reporting import show
    from api.service.attack_reading import read_run
    from api.service.folders import attacks_folder
    from evaluators.adversarial.reporting import report_of
    from evaluators.harness import open_run
    from signalbox.errors import Unavailable

    if job.state != "done":
        detail = job.error.detail if job.error is not None else f"The run was {job.state}."
        field = job.error.field if job.error is not None else None
        say(_how_to_go_on(request))
        if job.error is not None and job.error.title in ("Unavailable", "Overloaded", "Missing dependency"):
            raise Unavailable(detail, field=field)
        raise InvalidInput(detail, field=field)
    shown = read_run(settings, request.run)
    folder = attacks_folder(settings) / request.run
    if as_json:
        import json

        emit(json.dumps(shown))
    else:
        show(out(), report_of(open_run(folder)))
        say(f"The report is {folder / 'report.html'}")
    if shown["state"] != "done":
        say(f"{request.run} {shown['state']}: {shown['reason']}")
        raise typer.Exit(UNFINISHED)


def _how_to_go_on(request: AttackRequest) -> str:
    return f"The run is kept; go on with it: signalbox attack run --resume {request.run}"
