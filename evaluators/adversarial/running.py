"""An attack run: a run of the harness over cases as they are, attacked, and as their twins.

What is asked is kept with the run before the first answer, documents included, so that a run that was killed goes on
with the very same texts, whatever has changed meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evaluators.adversarial.cases import Plan, Skipped
from evaluators.adversarial.learning import used
from evaluators.adversarial.reporting import write_reports
from evaluators.adversarial.scoring import AttackScorer
from evaluators.adversarial.targets import AttackTarget
from evaluators.contract import Scorer, Target
from evaluators.harness import Limits, RunRecord, execute, open_run
from evaluators.harness.records import read_cases, read_manifest, write_cases, write_manifest
from retriever import Document
from retriever.documents import Section
from signalbox.errors import CorruptArtefact
from signalbox.files import write_atomically
from signalbox.types import utc_now

KIND = "attack"
WORLDS = "worlds.json"


async def run_attacks(
    plan: Plan,
    targets: Mapping[str, Target],
    folder: Path,
    *,
    scorer: Scorer | None = None,
    limits: Limits = Limits(),
    progress: Callable[[float, str], None] | None = None,
    header: Mapping[str, object] = {},
) -> RunRecord:
    """Ask what has no answer in `folder` yet, and write the reports.

    Args:
        plan: of this run; where the folder holds one already, `kept_plan(folder)`.
        targets: by the `defences` that the cases name.
        header: what else the manifest says: set, seed, options.

    Raises:
        As `evaluators.harness.execute`.
    """
    if not (folder / WORLDS).exists():
        keep_plan(folder, plan)
    said = {"kind": KIND, "skipped": [asdict(one) for one in plan.skipped], **header}
    async with AttackTarget(targets, plan.worlds, plan.cases) as target:
        record = await execute(
            plan.cases,
            target,
            [scorer or AttackScorer()],
            folder,
            limits=limits,
            progress=progress,
            header=said,
            used=used(folder),
        )
    write_reports(record, folder)
    return record


def stopped_before(folder: Path, reason: str) -> RunRecord:
    """End a run that a limit has stopped before its first case, while it learnt what to ask; it can go on later."""
    ended = {"state": "stopped", "reason": f"While it learnt: {reason}", "ended_at": utc_now().isoformat()}
    write_manifest(folder, read_manifest(folder) | ended)
    record = open_run(folder)
    write_reports(record, folder)
    return record


def keep_plan(folder: Path, plan: Plan) -> None:
    """Write what is to be asked; the documents last, since they say that it is complete."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_cases(folder, plan.cases)
    content = {
        "worlds": {name: [asdict(one) for one in documents] for name, documents in plan.worlds.items()},
        "skipped": [asdict(one) for one in plan.skipped],
    }
    write_atomically(folder / WORLDS, json.dumps(content, ensure_ascii=False).encode())


def kept_plan(folder: Path) -> Plan | None:
    """What `keep_plan` has written; None where it was not finished.

    Raises:
        CorruptArtefact: it is damaged.
    """
    try:
        content = json.loads((folder / WORLDS).read_bytes())
        worlds = {name: tuple(map(_document, documents)) for name, documents in content["worlds"].items()}
        skipped = tuple(Skipped(**one) for one in content["skipped"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise CorruptArtefact(f"{folder / WORLDS} is damaged: start the run anew.") from None
    return Plan(read_cases(folder), worlds, skipped)


def _document(fields: dict[str, Any]) -> Document:
    return Document(**{**fields, "sections": tuple(Section(**one) for one in fields["sections"])})
