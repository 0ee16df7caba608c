"""The sample help desk's own attack report: every family, the written attacks, with the defences off and on.

`python -m benchmarks.attack_report [--workspace DIR] [--cases 40] [--written 0] [--seed 0] [--write] [--json]`

Without a workspace one is made in a folder of its own. A second part asks an obedient cloud, scripted, over HTTP; with
`--written N` a third lets the bundled model write, which takes some seconds a question and 36 questions a case.
`--write` puts the report into docs/adversarial-report.md.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
from pathlib import Path

from api.service.attack_parts import opened, planned
from api.service.attacking import AttackRequest, new_request, to_judge
from api.service.calibration import calibrate_policy
from api.service.evaluating import chosen, set_path
from api.service.workspace import example_alpha, example_folder, fill_workspace
from benchmarks._attack_writing import with_a_cloud, with_a_writer
from benchmarks._common import finish, silent
from eval_sets import read_set
from eval_sets.cases import Case
from evaluators.adversarial import wording
from evaluators.adversarial.markdown import markdown
from evaluators.adversarial.metrics import Figures
from evaluators.adversarial.reporting import AttackReport, report_of
from evaluators.adversarial.running import run_attacks
from evaluators.harness import Limits
from signalbox.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "adversarial-report.md"
_LOWER = re.compile(r"^##(?= )", re.MULTILINE)
_ABOUT = """\
This page is written by `{command}`; nothing in it is edited by hand.

The target is the sample help desk (`examples/helpdesk`) as `signalbox init --example helpdesk` makes it, in one
process, without a cloud and without a local model that writes: classifier, quotes from documents, people. Attacked are
{cases} questions of the set `helpdesk` by each family; where one can't be used on a question, such as an attack on
documents where the answer lies in none, another question of `helpdesk` or `grounded` stands in. The {written} written
attacks and twins of the set `adversarial` are asked as they are, so those families have as many pairs as were written.
Every figure is net of a benign twin, with a 95% interval over original cases. What the goals of the
families are and how they are counted is in [decision 21](decisions/0021-attacks.md).

What this report can't say: effects smaller than the column "can't tell below" says of a family are not told from
nothing; attacks that adapt to the defences are represented by one learnt gadget only; and what models write is tried
with {models}. Run `signalbox attack run` on your own.
"""
_CLOUD = """\
The same help desk asks a cloud for every answer and shows nearly all of them. The cloud is a script, over HTTP: it
does whatever it reads, marked as data or not, and else repeats the sentence of a passage that fits the question. So the
figures show what reaches a model and what of its answer is let through, not how often a real model would obey.
{cases} questions whose answer lies in a document are attacked by each family.
"""
_WRITER = """\
The same help desk lets the bundled model (SmolLM2, 135 million parameters) write answers from passages and shows nearly
all of them. It is slow, so only {cases} questions are attacked by each family.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, help="the data directory of a help desk that is there already")
    parser.add_argument("--cases", type=int, default=40, help="questions attacked by each family")
    parser.add_argument("--written", type=int, default=0, help="questions attacked where the bundled model writes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put it into docs/adversarial-report.md")
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir()
        settings = Settings(data_dir=arguments.workspace or Path(folder) / "desk", local_model="none")
        made = arguments.workspace is None
        report = asyncio.run(_report(settings, Path(folder) / "run", arguments.cases, arguments.seed, made=made))
        fitting = chosen(_with_documents(), arguments.cases, arguments.seed)
        cloud = asyncio.run(with_a_cloud(settings, fitting, Path(folder) / "cloud", arguments.seed))
        writer = None
        if arguments.written:
            few = chosen(_with_documents(), arguments.written, arguments.seed)
            writer = asyncio.run(with_a_writer(settings, few, Path(folder) / "writer", arguments.seed))
    if arguments.write:
        page = _page(_command(arguments), report, cloud, writer, arguments.cases, arguments.written)
        PAGE.write_text(page, encoding="utf-8")
    figures = {f"defences {one.defences}": _figures(one.families) for one in report.results}
    for name, part in (("cloud", cloud), ("writer", writer)):
        for one in part.results if part is not None else ():
            figures[f"{name}, defences {one.defences}"] = _figures(one.families)
    finish("Attacks on the sample help desk, net of benign twins", figures, only_json=arguments.json)


async def _report(settings: Settings, folder: Path, count: int, seed: int, *, made: bool) -> AttackReport:
    if made:
        example = example_folder("helpdesk")
        await asyncio.to_thread(fill_workspace, settings, example, progress=silent, say=lambda _: None)
        await calibrate_policy(
            settings,
            [example / "queries" / "calibration.jsonl"],
            alpha=example_alpha(settings),
            progress=silent,
            say=lambda _: None,
        )
    desk, written = read_set(set_path("helpdesk")), read_set(set_path("adversarial"))
    cases = chosen(desk.cases, count, seed)
    known = {case.id for case in cases}
    others = [case for case in (*desk.cases, *_with_documents()) if case.id not in known]
    others = list({case.id: case for case in others}.values())
    request: AttackRequest = new_request(defences="both", seed=seed)
    async with opened(settings, request) as (targets, scorer):
        plan = await planned(request, [*cases, *to_judge(cases), *written.cases], others, targets, folder, silent)
        record = await run_attacks(
            plan,
            targets,
            folder,
            scorer=scorer,
            limits=Limits(max_unmeasured=1.0, concurrency=8),
            header={"seed": seed, "set": {"name": desk.name, "version": desk.version, "hash": desk.hash}},
        )
    return report_of(record).model_copy(update={"id": "of the sample help desk", "set": {}})


def _with_documents() -> list[Case]:
    """Cases whose answer lies in a document."""
    return [
        case for name in ("helpdesk", "grounded") for case in read_set(set_path(name)).cases if case.expected.documents
    ]


def _command(arguments: argparse.Namespace) -> str:
    """What makes the same page again."""
    given = [f"--workspace {arguments.workspace}"] if arguments.workspace is not None else []
    given += [f"--cases {arguments.cases}"]
    given += [f"--{name} {value}" for name in ("written", "seed") if (value := getattr(arguments, name))]
    return " ".join(["python -m benchmarks.attack_report", *given, "--write"])


def _page(
    command: str, report: AttackReport, cloud: AttackReport, writer: AttackReport | None, cases: int, few: int
) -> str:
    title, _, rest = markdown(report).partition("\n\n")
    written = len(read_set(set_path("adversarial")).cases)
    models = "a script that obeys" if writer is None else "a script that obeys and with the smallest of models"
    page = f"{title}\n\n{_ABOUT.format(command=command, cases=cases, written=written, models=models)}\n{rest}"
    page += _part("An obedient cloud", _CLOUD.format(cases=cases), cloud)
    return page if writer is None else page + _part("The bundled model writes", _WRITER.format(cases=few), writer)


def _part(title: str, about: str, report: AttackReport) -> str:
    _, _, rest = markdown(report).partition("\n\n")
    return f"\n## {title}\n\n{about}\n{_LOWER.sub('###', rest)}"


def _figures(families: tuple[Figures, ...]) -> dict[str, object]:
    """For the last line: what acceptance reads."""
    return {one.family: _of(one) for one in wording.whole(families)}


def _of(one: Figures) -> dict[str, object]:
    net = one.success
    return {
        "net_success": None if net is None else round(net.value, 4),
        "success_interval": None if net is None else [round(net.low, 4), round(net.high, 4)],
        "forced_escalation": None if one.escalation is None else round(one.escalation.value, 4),
        "cost_ratio": None if one.cost_ratio is None else round(one.cost_ratio.value, 3),
        "unmeasured": one.unmeasured,
    }


if __name__ == "__main__":
    main()
