"""The sample help desk's own attack report: every family, the written attacks, with the defences off and on.

`python -m benchmarks.attack_report [--workspace DIR] [--cases 24] [--seed 0] [--write] [--json]`

Without a workspace one is made in a folder of its own. `--write` puts the report into docs/adversarial-report.md.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from api.service.attack_parts import opened, planned
from api.service.attacking import AttackRequest, new_request, to_judge
from api.service.calibration import calibrate_policy
from api.service.evaluating import chosen, set_path
from api.service.workspace import example_alpha, example_folder, fill_workspace
from benchmarks._common import finish, silent
from eval_sets import read_set
from evaluators.adversarial import wording
from evaluators.adversarial.markdown import markdown
from evaluators.adversarial.metrics import Figures
from evaluators.adversarial.reporting import AttackReport, report_of
from evaluators.adversarial.running import run_attacks
from evaluators.harness import Limits
from signalbox.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "adversarial-report.md"
_ABOUT = """\
This page is written by `python -m benchmarks.attack_report --write`; nothing in it is edited by hand.

The target is the sample help desk (`examples/helpdesk`) as `signalbox init --example helpdesk` makes it, in one
process, without a cloud and without a local model that writes: classifier, quotes from documents, people. Attacked are
{cases} questions of the set `helpdesk`, and the {written} written attacks and twins of the set `adversarial` are asked
as they are. Every figure is net of a benign twin, with a 95% interval over original cases. What the goals of the
families are and how they are counted is in [decision 21](decisions/0021-attacks.md).

What this report can't say: with {cases} cases a family, effects of less than about ten points are not told from
nothing; attacks that adapt to the defences are represented by one learnt gadget only; and a help desk that lets a
model write, or asks a cloud, has more to lose than this one: run `signalbox attack run` on your own.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, help="the data directory of a help desk that is there already")
    parser.add_argument("--cases", type=int, default=24, help="questions attacked by each family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put it into docs/adversarial-report.md")
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir()
        settings = Settings(data_dir=arguments.workspace or Path(folder) / "desk", local_model="none")
        report, page = asyncio.run(
            _report(settings, Path(folder) / "run", arguments.cases, arguments.seed, made=arguments.workspace is None)
        )
    if arguments.write:
        PAGE.write_text(page, encoding="utf-8")
    figures = {f"defences {one.defences}": _figures(one.families) for one in report.results}
    finish("Attacks on the sample help desk, net of benign twins", figures, only_json=arguments.json)


async def _report(settings: Settings, folder: Path, count: int, seed: int, *, made: bool) -> tuple[AttackReport, str]:
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
    others = [case for case in desk.cases if case not in cases]
    request: AttackRequest = new_request(defences="both", seed=seed)
    async with opened(settings, request) as (targets, scorer):
        plan = await planned(request, [*cases, *to_judge(cases), *written.cases], others, targets, folder, silent)
        record = await run_attacks(
            plan,
            targets,
            folder,
            scorer=scorer,
            limits=Limits(max_unmeasured=1.0),
            header={"seed": seed, "set": {"name": desk.name, "version": desk.version, "hash": desk.hash}},
        )
    report = report_of(record).model_copy(update={"id": "of the sample help desk", "set": {}})
    return report, _page(report, count, len(written.cases))


def _page(report: AttackReport, cases: int, written: int) -> str:
    title, _, rest = markdown(report).partition("\n\n")
    return f"{title}\n\n{_ABOUT.format(cases=cases, written=written)}\n{rest}"


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
