"""Evaluations as background jobs: what is asked for, the run's folder, and the function that runs it in a process.

The rows of a run are its memory: a job that is restarted, or another one for the same run, goes on where they end.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from api.service.eval_parts import handed_on, taken_over
from api.service.eval_specs import check_scorers, check_target
from api.service.folders import evals_folder
from signalbox.errors import InvalidInput, NotFound, UnknownName
from signalbox.jobs import Context, Job, Jobs, Kind
from signalbox.settings import Settings
from signalbox.types import Frozen, new_id, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eval_sets import EvalSet
    from eval_sets.cases import Case
    from evaluators.harness import RunRecord

KIND = "eval"
SETS = Path(__file__).resolve().parents[2] / "eval_sets"
_SETTINGS = "settings.json"


class EvalPlan(Frozen):
    """What a run is to do.

    Attributes:
        target: `service`, `given`, the URL of a Signalbox, or `model:NAME`.
        scorers: specs, as `evaluators.scorers.build_scorers` reads them.
        limits: as `evaluators.harness.Limits` has them.
        cache: whether answers are remembered from run to run.
    """

    run: str = Field(pattern=r"^[a-z]{3}_[0-9A-Z]{26}$")
    target: str = "service"
    scorers: tuple[str, ...] = ()
    limits: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    engine: Literal["local", "ray"] = "local"
    cache: bool = True


def set_path(name: str) -> Path:
    """The folder of a set that comes with the release.

    Raises:
        UnknownName: there is none of that name.
    """
    known = sorted(path.parent.relative_to(SETS).as_posix() for path in SETS.rglob("card.yaml"))
    if name not in known:
        raise UnknownName(f"There is no eval set {name[:80]!r}; known are: {', '.join(known) or 'none'}.", field="set")
    return SETS / name


def uploaded_set(cases: Sequence[dict[str, Any]]) -> EvalSet:
    """Cases that came with a request, as a set of their own.

    Raises:
        InvalidInput: naming the case and the field that is wrong.
    """
    import tempfile

    from eval_sets import read_set

    with tempfile.TemporaryDirectory(prefix="signalbox-cases-") as folder:
        path = Path(folder) / "uploaded.jsonl"
        path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
        try:
            return read_set(path)
        except InvalidInput as error:
            raise InvalidInput(error.detail.replace(str(path), "cases"), field="cases") from None


def chosen(cases: Sequence[Case], limit: int | None, seed: int) -> tuple[Case, ...]:
    """All cases, or `limit` of them drawn by `seed`, in the set's order."""
    import random

    if limit is None or limit >= len(cases):
        return tuple(cases)
    places = sorted(random.Random(seed).sample(range(len(cases)), limit))
    return tuple(cases[place] for place in places)


def prepare(settings: Settings, plan: EvalPlan, eval_set: EvalSet, cases: Sequence[Case]) -> EvalPlan:
    """Make the folder of a run that waits to be started, and say which scorers it will use.

    Raises:
        InvalidInput: it names no scorers, nor does the set; a limit is none; or a URL holds a secret.
        UnknownName: there is no such target or scorer.
    """
    from evaluators.harness import Limits
    from evaluators.harness.records import write_cases

    check_target(plan.target)

    plan = plan.model_copy(update={"scorers": plan.scorers or tuple(eval_set.card.scorers)})
    if not plan.scorers:
        raise InvalidInput(f"Say what to measure: the set {eval_set.name} names no scorers.", field="scorers")
    _check_names(plan.scorers)
    check_scorers(plan.scorers)
    Limits.model_validate(plan.limits)
    folder = evals_folder(settings) / plan.run
    folder.mkdir(mode=0o700, parents=True)
    write_cases(folder, tuple(cases))
    about = {"name": eval_set.name, "version": eval_set.version, "hash": eval_set.hash, "cases": len(cases)}
    _write_waiting(folder, plan, {"created_at": utc_now().isoformat(), "set": about})
    return plan


def _check_names(specs: Sequence[str]) -> None:
    """Who asks learns at once of a name that is none; what a scorer needs is found out where it is opened."""
    from evaluators.scorers import known_scorers, parse_spec

    for spec in specs:
        name = parse_spec(spec).name
        if name not in known_scorers():
            raise UnknownName(f"There is no scorer {name!r}; there are {', '.join(known_scorers())}.", field="scorers")


def _write_waiting(folder: Path, plan: EvalPlan, header: dict[str, Any]) -> None:
    from evaluators.harness.records import write_manifest
    from evaluators.harness.runlog import FORMAT

    manifest = {
        "format": FORMAT,
        "id": plan.run,
        "kind": KIND,
        **header,
        "seed": plan.seed,
        "engine": plan.engine,
        "request": plan.model_dump(mode="json"),
        "state": "waiting",
    }
    write_manifest(folder, manifest)


async def start(jobs: Jobs, settings: Settings, plan: EvalPlan, by: str | None) -> Job:
    """Start a run that was prepared, or go on with it. Raises as `Jobs.start` does."""
    from evaluators.harness.records import read_manifest, write_manifest

    run_folder = evals_folder(settings) / plan.run

    def fill(folder: Path) -> None:
        path = folder / _SETTINGS
        path.touch(mode=0o600)
        path.write_text(json.dumps(handed_on(settings)), encoding="utf-8")
        request = plan.model_dump(mode="json")
        write_manifest(run_folder, read_manifest(run_folder) | {"job": folder.name, "request": request})

    return await jobs.start(KIND, plan.model_dump(mode="json"), by, fill=fill)


def forget(settings: Settings, plan: EvalPlan) -> None:
    """Remove a run that could not be started."""
    shutil.rmtree(evals_folder(settings) / plan.run, ignore_errors=True)


def run(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """The job: read the cases, measure them, write the reports."""
    import asyncio

    from evaluators.harness import open_run
    from evaluators.harness.records import held, read_cases

    plan = EvalPlan.model_validate(arguments)
    settings = taken_over(json.loads((context.folder / _SETTINGS).read_text(encoding="utf-8")))
    folder = evals_folder(settings) / plan.run

    def measure() -> dict[str, Any]:
        record = asyncio.run(_measure(plan, settings, folder, context.id, context.part(0.02, 0.97)))
        return {"state": record.state, "reason": record.reason, "measured": len(record.rows)}

    def report() -> None:
        from evaluators.reports import write_reports

        with held(folder):
            write_reports(open_run(folder), folder)

    about = context.step("reading the cases", lambda: {"run": plan.run, "cases": len(read_cases(folder))})
    ended = context.step("measuring", measure)
    context.step("writing the reports", report)
    return {**about, **ended, "url": f"/evals/{plan.run}"}


async def _measure(
    plan: EvalPlan, settings: Settings, folder: Path, job: str, progress: Callable[[float, str], None]
) -> RunRecord:
    from api.service.eval_parts import opened
    from evaluators.harness import Limits, execute
    from evaluators.harness.execute import conduct
    from evaluators.harness.records import read_cases

    limits = Limits.model_validate(plan.limits)
    header = {"kind": KIND, "seed": plan.seed, "engine": plan.engine, "job": job}
    arguments = {
        "settings": handed_on(settings),
        "target": plan.target,
        "scorers": list(plan.scorers),
        "cache": plan.cache,
        "concurrency": limits.concurrency,
        "seed": plan.seed,
    }
    cases = read_cases(folder)
    progress(0.0, "opening what takes part")
    if plan.engine == "ray":
        from evaluators.harness.ray_engine import on_ray

        cluster = on_ray(
            "api.service.eval_parts:opened",
            arguments,
            address=settings.ray_address,
            concurrency=limits.concurrency,
            deadline_s=limits.deadline_ms / 1000,
        )
        async with cluster as engine:
            return await conduct(cases, engine, folder, limits=limits, progress=progress, header=header)
    async with opened(arguments) as (target, scorers, kept):
        return await execute(
            cases, target, scorers, folder, limits=limits, cache=kept, progress=progress, header=header
        )


def folder_of(settings: Settings, run_id: str) -> Path:
    """The folder of a run. Raises NotFound."""
    folder = evals_folder(settings) / run_id
    if run_id != folder.name or not (folder / "run.json").is_file():
        raise NotFound(f"There is no run {run_id[:80]!r}.", field="id")
    return folder


def new_plan(**fields: Any) -> EvalPlan:
    """A plan with an id of its own."""
    return EvalPlan(run=new_id("evl"), **fields)


EVAL = Kind(KIND, run)
