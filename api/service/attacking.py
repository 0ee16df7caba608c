"""Attacks as background jobs: what is asked for, the run's folder, and the function that runs it in a process.

What is to be asked is made once and kept with the run, learnt gadgets included; its rows are its memory, so a job that
is restarted, or another one for the same run, goes on where they end.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from api.service.eval_parts import handed_on, taken_over
from api.service.folders import attacks_folder
from signalbox.errors import CorruptArtefact, InvalidInput, NotFound
from signalbox.jobs import Context, Job, Jobs, Kind
from signalbox.settings import Settings
from signalbox.types import Frozen, new_id, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eval_sets import EvalSet
    from eval_sets.cases import Case
    from evaluators.harness import RunRecord

KIND = "attack"
_SETTINGS = "settings.json"
_ORIGINALS = "originals.jsonl"
_LEARNING = "learning.jsonl"
_GIVEN_CASES = 40
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class AttackRequest(Frozen):
    """What a run is to do.

    Attributes:
        families: names, several put together with `+`; all of them where none is named.
        target: `service`, the URL of a Signalbox, or `model:NAME`, which is shown the service's documents.
        defences: `on`, `off`, `both`, or the names of those that are on.
        tries: how often each attack is made, each time with another chance.
        gadget_queries: questions that learning a gadget may take.
        limits: as `evaluators.harness.Limits` has them.
    """

    run: str = Field(pattern=r"^atk_[0-9A-Z]{26}$")
    families: tuple[str, ...] = ()
    target: str = "service"
    defences: str = "on"
    strengths: tuple[int, ...] = (2,)
    tries: int = Field(1, ge=1, le=20)
    gadget_queries: int = Field(240, ge=0, le=10_000)
    limits: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(0, ge=0)


def new_request(**fields: Any) -> AttackRequest:
    """A request with an id of its own."""
    return AttackRequest(run=new_id("atk"), **fields)


def prepare(settings: Settings, request: AttackRequest, eval_set: EvalSet, limit: int | None) -> None:
    """Make the folder of a run that waits to be started.

    Args:
        limit: most cases of the set, drawn by the seed.

    Raises:
        UnknownName: there is no such family, defence or target.
        InvalidInput: a strength, limit or combination is none, or other defences are asked of what has none.
    """
    from api.service.attack_target import ALL, defences_named
    from api.service.eval_specs import check_target
    from evaluators.adversarial.cases import is_written
    from evaluators.adversarial.families import chosen
    from evaluators.harness import Limits

    families = chosen(request.families)
    if not set(request.strengths) <= {1, 2, 3} or not request.strengths:
        raise InvalidInput("strengths are 1, 2 and 3.", field="strength")
    if request.target == "given":
        raise InvalidInput("Answers that are given can't be attacked: name service, URL or model:NAME.", field="target")
    check_target(request.target)
    named = defences_named(request.defences)
    if request.target != "service" and tuple(named) != (ALL,):
        raise InvalidInput("Defences can be switched in the service in this process only.", field="defences")
    Limits.model_validate(request.limits)
    cases = _drawn(eval_set.cases, limit, request.seed)
    if any(one.kind == "answer" for one in families) and not all(map(is_written, cases)):
        cases = (*cases, *to_judge(cases))
    folder = attacks_folder(settings) / request.run
    folder.mkdir(mode=0o700, parents=True)
    asked = {case.id for case in cases}
    for name, kept in ((_ORIGINALS, cases), (_LEARNING, [one for one in eval_set.cases if one.id not in asked])):
        text = "".join(case.model_dump_json(exclude_defaults=True) + "\n" for case in kept)
        (folder / name).write_text(text, encoding="utf-8")
    about = {"name": eval_set.name, "version": eval_set.version, "hash": eval_set.hash, "cases": len(cases)}
    _write_waiting(folder, request, {"created_at": utc_now().isoformat(), "set": about})


def suite_set(path: Path, seed: int) -> EvalSet:
    """A file of AdvBench's or HarmBench's format as a set of attacks that are asked as they are.

    Raises:
        NotFound, InvalidInput, UnsupportedType: it can't be read; the message names line and field.
    """
    import hashlib

    from eval_sets import EvalSet
    from eval_sets.card import Card
    from evaluators.adversarial.suites import behaviour_cases, read_behaviours

    behaviours = read_behaviours(path)
    name = _UNSAFE.sub("-", path.stem).strip("-.")[:80] or "suite"
    cases = behaviour_cases(behaviours, name, seed=seed)
    card = Card(
        name=name,
        version=1,
        title=name,
        description="Requests that should be refused, beside harmless ones.",
        source=path.name[:2000],
        licence="As the file says.",
        size=len(cases),
    )
    digest = hashlib.sha256("".join(case.model_dump_json() for case in cases).encode("utf-8", "surrogatepass"))
    return EvalSet(name, 1, digest.hexdigest(), cases, card)


def _drawn(cases: Sequence[Case], limit: int | None, seed: int) -> tuple[Case, ...]:
    """Cases by chance; attacks that are written out with their twins, which count as one."""
    from api.service.evaluating import chosen as drawn
    from evaluators.adversarial.cases import is_written

    names = {case.id: case.tags["pair"] if is_written(case) else case.id for case in cases}
    first = {name: case for case in reversed(cases) if (name := names[case.id])}
    kept = {names[case.id] for case in drawn(list(reversed(first.values())), limit, seed)}
    return tuple(case for case in cases if names[case.id] in kept)


def to_judge(cases: Sequence[Case]) -> list[Case]:
    """Wrong answers for attacks on judges, from the sets for judging, where the set has none of its own."""
    from api.service.evaluating import SETS
    from eval_sets import read_set

    if any(case.given is not None and case.given.verdict == "wrong" for case in cases):
        return []
    known = {case.id for case in cases}
    found: list[Case] = []
    for card in sorted((SETS / "judging").rglob("card.yaml")):
        wrong = (one for one in read_set(card.parent).cases if one.given is not None and one.given.verdict == "wrong")
        found += [one for one in wrong if one.given is not None and one.given.contexts and one.id not in known]
    return found[:_GIVEN_CASES]


def _write_waiting(folder: Path, request: AttackRequest, header: dict[str, Any]) -> None:
    from evaluators.harness.records import write_manifest
    from evaluators.harness.runlog import FORMAT

    fixed = {"format": FORMAT, "id": request.run, "kind": KIND, "state": "waiting", "seed": request.seed}
    write_manifest(folder, {**fixed, **header, "request": request.model_dump(mode="json")})


async def start(jobs: Jobs, settings: Settings, request: AttackRequest, by: str | None) -> Job:
    """Start a run that was prepared, or go on with it. Raises as `Jobs.start` does."""
    from evaluators.harness.records import read_manifest, write_manifest

    run_folder = attacks_folder(settings) / request.run

    def fill(folder: Path) -> None:
        path = folder / _SETTINGS
        path.touch(mode=0o600)
        path.write_text(json.dumps(handed_on(settings)), encoding="utf-8")
        said = {"job": folder.name, "request": request.model_dump(mode="json")}
        write_manifest(run_folder, read_manifest(run_folder) | said)

    return await jobs.start(KIND, request.model_dump(mode="json"), by, fill=fill)


def forget(settings: Settings, request: AttackRequest) -> None:
    """Remove a run that could not be started."""
    shutil.rmtree(attacks_folder(settings) / request.run, ignore_errors=True)


def folder_of(settings: Settings, run_id: str) -> Path:
    """The folder of a run. Raises NotFound."""
    folder = attacks_folder(settings) / run_id
    if run_id != folder.name or not (folder / "run.json").is_file():
        raise NotFound(f"There is no attack run {run_id[:80]!r}.", field="id")
    return folder


def run(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """The job: make what is asked, ask it, write the reports."""
    import asyncio

    request = AttackRequest.model_validate(arguments)
    settings = taken_over(json.loads((context.folder / _SETTINGS).read_text(encoding="utf-8")))
    folder = attacks_folder(settings) / request.run

    def attack() -> dict[str, Any]:
        record = asyncio.run(_attack(request, settings, folder, context.id, context.part(0.02, 0.98)))
        return {"state": record.state, "reason": record.reason, "asked": len(record.rows)}

    ended = context.step("attacking", attack)
    return {"run": request.run, **ended, "url": f"/attacks/{request.run}"}


async def _attack(
    request: AttackRequest, settings: Settings, folder: Path, job: str, progress: Callable[[float, str], None]
) -> RunRecord:
    from api.service.attack_parts import opened, planned
    from evaluators.adversarial.learning import LimitReached
    from evaluators.adversarial.running import kept_plan, run_attacks, stopped_before
    from evaluators.harness import Limits

    progress(0.0, "opening what is attacked")
    async with opened(settings, request) as (targets, scorer):
        plan = kept_plan(folder)
        if plan is None:
            progress(0.0, "making the attacks")
            originals, learning = _read(folder, _ORIGINALS), _read(folder, _LEARNING)
            try:
                plan = await planned(request, originals, learning, targets, folder, progress)
            except LimitReached as error:
                return stopped_before(folder, str(error))
        return await run_attacks(
            plan,
            targets,
            folder,
            scorer=scorer,
            limits=Limits.model_validate(request.limits),
            progress=progress,
            header={"seed": request.seed, "job": job},
        )


def _read(folder: Path, name: str) -> tuple[Case, ...]:
    """Cases that were kept with the run. Raises CorruptArtefact."""
    from pydantic import ValidationError

    from eval_sets.cases import Case

    try:
        return tuple(Case.model_validate_json(line) for line in (folder / name).read_bytes().splitlines())
    except (OSError, ValidationError):
        raise CorruptArtefact(f"{folder / name} is damaged: start the run anew.") from None


ATTACK = Kind(KIND, run)
