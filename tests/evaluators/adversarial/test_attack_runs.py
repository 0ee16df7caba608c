"""Attack runs: documents attacked in copies only, reports that a kill does not change, gadgets learnt elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import re
import signal
import tempfile
import time
from pathlib import Path

import pytest
from attack_samples import CASES, JUDGED, SmallTarget, a_row

from eval_sets.cases import Case
from evaluators.adversarial import wording
from evaluators.adversarial.cases import Plan, plan
from evaluators.adversarial.families import chosen, family
from evaluators.adversarial.gadgets import Gadget, apart, learn_gadget, with_gadget
from evaluators.adversarial.learning import Asking, LimitReached, used
from evaluators.adversarial.metrics import summarise_attacks
from evaluators.adversarial.planting import planted_index
from evaluators.adversarial.reporting import AttackReport, DefenceFigures, report_of, write_reports
from evaluators.adversarial.running import kept_plan, run_attacks, stopped_before
from evaluators.adversarial.scoring import AttackScorer
from evaluators.adversarial.types import seeded
from evaluators.contract import Component, Output
from evaluators.harness import Limits, open_run
from signalbox.errors import Conflict, InvalidInput, TooLarge

FAMILIES = ("indirect_documents", "poisoned_passages", "typos", "direct_injection")
LIMITS = Limits(concurrency=3, max_unmeasured=1.0)


def a_plan(target: SmallTarget, **options: object) -> Plan:
    return plan(CASES, chosen(FAMILIES), find=target.find, strengths=(2, 3), **options)  # type: ignore[arg-type]


def state_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


async def test_documents_are_attacked_in_a_copy_that_is_gone_afterwards(tmp_path: Path, monkeypatch: object) -> None:
    target = SmallTarget(tmp_path / "index")
    before = state_of(tmp_path / "index")
    found = a_plan(target)
    assert set(found.worlds) == {
        f"{name}-{strength}-1-{arm}" for name in FAMILIES[:2] for strength in (2, 3) for arm in ("benign", "attacked")
    }
    assert {(one.family, one.cases) for one in found.skipped} == {(name, 2) for name in FAMILIES[:2]}
    record = await run_attacks(found, {"": target}, tmp_path / "run", limits=LIMITS)
    assert record.state == "done"
    assert state_of(tmp_path / "index") == before
    poisoned = next(one for one in report_of(record).results[0].families if one.family == "poisoned_passages")
    assert poisoned.success is not None
    assert poisoned.success.value == 1.0
    said = [row.output.text or "" for row in record.rows if row.case.tags["attack"] == "typos" and row.output]
    assert not any(re.search(r"-\d{3} desk", text) for text in said)  # nothing of another world is found


async def test_the_report_says_what_got_through_and_shows_texts_as_texts(tmp_path: Path) -> None:
    target = SmallTarget(tmp_path / "index")
    nasty = CASES[0].model_copy(update={"query": "When do I get my refund? <script>alert(1)</script> | `x`"})
    found = plan([nasty, *CASES[1:]], chosen(["poisoned_passages"]), find=target.find, defences=("off", "on"))
    record = await run_attacks(found, {"off": target, "on": target}, tmp_path / "run", limits=LIMITS)
    report = write_reports(record, tmp_path / "run")
    assert [one.defences for one in report.results] == ["off", "on"]
    assert report.asked == len(found.cases) == 2 * (2 + 2 * 2 * 3)
    page, text = ((tmp_path / "run" / name).read_text() for name in ("report.html", "report.md"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r'(?:href|src)="(?!#)', page)
    assert "Before and after" in page
    assert "poisoned_passages" in page
    assert "## Before and after" in text
    assert "\n    When do I get my refund? <script>" in text
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["set"] == {}


def work(index: Path, folder: Path, seconds: float) -> None:
    target = SmallTarget(index, seconds)
    found = kept_plan(folder) or a_plan(target, seed=5)
    asyncio.run(run_attacks(found, {"": target}, folder, limits=LIMITS, header={"seed": 5}))


def test_a_run_that_was_killed_ends_with_the_same_report(tmp_path: Path) -> None:
    SmallTarget(tmp_path / "index")
    folder, whole = tmp_path / "killed", tmp_path / "whole"
    context = multiprocessing.get_context("forkserver")
    for rows in (5, 20, 33):
        process = context.Process(target=work, args=(tmp_path / "index", folder, 0.02))
        process.start()
        while process.is_alive() and _lines(folder / "rows.jsonl") < rows:
            time.sleep(0.005)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    asked = kept_plan(folder)
    work(tmp_path / "index", folder, 0.0)
    work(tmp_path / "index", whole, 0.0)
    assert asked == kept_plan(whole)
    one, other = (json.loads((path / "summary.json").read_text()) for path in (folder, whole))
    for report in (one, other):
        del report["id"], report["created_at"]
        for result in report["results"]:
            for figures in result["families"]:
                del figures["time_ratio"]  # what was measured with a clock is another each time
    assert one == other
    assert len(open_run(folder).rows) == len(asked.cases if asked else ())


def test_copies_that_a_killed_run_left_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = SmallTarget(tmp_path / "index")
    left = tmp_path / "signalbox-attack-left"
    (left / "index").mkdir(parents=True)
    (left / ".lock").touch()
    with planted_index(tmp_path / "index", [], target.encoder), planted_index(tmp_path / "index", [], target.encoder):
        assert not left.exists()
        assert len(list(tmp_path.glob("signalbox-attack-*"))) == 2  # those in use stay
    assert not list(tmp_path.glob("signalbox-attack-*"))


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


async def test_answers_are_attacked_without_asking_anybody(tmp_path: Path) -> None:
    class Nobody(SmallTarget):
        async def answer(self, case: Case) -> object:  # type: ignore[override]
            raise AssertionError("nobody is asked")

    target = Nobody(tmp_path / "index")
    found = plan([JUDGED, CASES[0]], chosen(["judge_flattery"]))
    assert found.skipped == ()
    (skipped,) = plan(CASES[:1], chosen(["judge_flattery"])).skipped
    assert skipped.reason == "they have no given answer that is wrong"
    record = await run_attacks(found, {"": target}, tmp_path / "run", scorer=AttackScorer(), limits=LIMITS)
    assert [row.trouble for row in record.rows] == [None] * 7
    (figures, *_) = report_of(record).results[0].families
    assert (figures.pairs, figures.unmeasured, figures.success) == (3, 3, None)


async def test_a_gadget_is_learnt_on_other_cases_within_its_budget(tmp_path: Path) -> None:
    target = SmallTarget(tmp_path / "index")
    learning, measured = apart(CASES, (), seed=1)
    assert {case.id for case in (*learning, *measured)} == {case.id for case in CASES}
    assert not {case.id for case in learning} & {case.id for case in measured}
    assert apart(CASES[:1], CASES[1:], seed=1)[1] == CASES[:1]
    one, other = [
        await learn_gadget(Asking(target, Limits()), learning, budget=60, seed=3, tokens=("hello", "zzt", "qq"))
        for _ in range(2)
    ]
    assert one == other
    assert one.queries <= 60
    (learnt,) = with_gadget((family("gadget"),), one)
    assert learnt.attack("My question", 2, seeded(0)).text == f"{' '.join(one.tokens)} My question"  # type: ignore[arg-type, union-attr]
    both = with_gadget((family("gadget+typos"),), one)[0]
    assert (both.name, both.kind) == ("gadget+typos", "query")


class Counted:
    """Counts what it is asked, takes money for it, and is killed at a question."""

    component = Component(name="counted")

    def __init__(self, killed_at: int = 0, seconds: float = 0.0) -> None:
        self.asked, self._killed_at, self._seconds = 0, killed_at, seconds

    async def answer(self, case: Case) -> Output:
        self.asked += 1
        if self.asked == self._killed_at:
            raise KeyboardInterrupt
        await asyncio.sleep(self._seconds)
        return Output(text="x", calls=1, cost_usd=0.001 + len(case.query) / 1e6)


async def learnt(target: Counted, folder: Path, budget: int = 90, **limits: object) -> Gadget:
    with Asking.kept(target, Limits.model_validate(limits), folder) as asking:
        return await learn_gadget(asking, CASES, budget=budget, seed=7)


def test_learning_that_was_killed_goes_on_and_comes_out_the_same(tmp_path: Path) -> None:
    whole, first, second = Counted(), Counted(killed_at=41), Counted()
    expected = asyncio.run(learnt(whole, tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(learnt(first, tmp_path / "killed"))
    with (tmp_path / "killed" / "learning" / "rows.jsonl").open("ab") as log:
        log.write(b'{"index": 40, "ca')  # the line that it was writing
    assert asyncio.run(learnt(second, tmp_path / "killed")) == expected
    assert (first.asked - 1) + second.asked == whole.asked == expected.queries <= 90
    third = Counted()
    assert asyncio.run(learnt(third, tmp_path / "killed")) == expected
    assert third.asked == 0
    with pytest.raises(Conflict, match="other questions"), Asking.kept(third, Limits(), tmp_path / "killed") as asking:
        asyncio.run(learn_gadget(asking, CASES, budget=90, seed=8))


@pytest.mark.parametrize("budget", [0, 1, 11, 13, 29, 31, 60])
async def test_learning_never_asks_more_than_it_may(tmp_path: Path, budget: int) -> None:
    target = Counted()
    found = await learnt(target, tmp_path / "run", budget)
    assert (found.queries, len(found.tokens)) == (target.asked, 8)
    assert target.asked <= budget


async def test_learning_keeps_to_the_limits_of_the_run(tmp_path: Path) -> None:
    target = Counted()
    with pytest.raises(LimitReached, match=r"are spent, and the next case may cost more than the \$0.01 allowed"):
        await learnt(target, tmp_path / "money", 10_000, max_cost_usd=0.01)
    assert 1 <= target.asked <= 10
    spent = used(tmp_path / "money")
    assert len(spent.spent) == target.asked
    assert sum(one.cost_usd for one in spent.spent) <= 0.01
    again = Counted()
    with pytest.raises(LimitReached):
        await learnt(again, tmp_path / "money", 10_000, max_cost_usd=0.01)
    assert again.asked == 0
    with pytest.raises(LimitReached, match=r"The 0\.002 minutes are over"):
        await learnt(Counted(seconds=0.02), tmp_path / "time", 10_000, max_minutes=0.002)
    slow = Counted(seconds=5.0)
    assert (await learnt(slow, tmp_path / "deadline", 12, deadline_ms=5)).score == 0.0

    # What was learnt is paid for by the run, and a run that had no means to learn ends as one that was stopped.
    money = Limits(max_cost_usd=0.01, concurrency=1)
    asked = plan(CASES[:1], chosen(["typos"]))
    paying = Counted()
    record = await run_attacks(asked, {"": paying}, tmp_path / "money", limits=money)
    assert (record.state, paying.asked) == ("stopped", 0)
    stopped = stopped_before(tmp_path / "money", "$0.0100 are spent.")
    assert (stopped.state, stopped.reason) == ("stopped", "While it learnt: $0.0100 are spent.")


def test_cases_to_judge_never_dilute_families_that_ask() -> None:
    judged = [JUDGED.model_copy(update={"id": f"judged-{number}"}) for number in range(40)]
    made = plan([*CASES, *judged], chosen([]), strengths=(2,)).cases
    for case in made:
        if case.tags["twin"] != "original":
            assert (case.given is not None) == case.tags["attack"].startswith("judge_"), case.id
    for name in ("typos", "prompt_extraction", "denial_of_wallet"):
        asked = {case.tags["pair"] for case in made if case.tags["attack"] == name}
        assert asked == {case.id for case in CASES}
    only = plan(judged, chosen(["typos"]))
    assert (only.cases, only.skipped[0].reason) == ((), "they hold answers to judge, and are not asked")


def test_other_cases_stand_in_where_a_family_cant_be_used(tmp_path: Path) -> None:
    target = SmallTarget(tmp_path / "index")
    spare = [CASES[0].model_copy(update={"id": f"more-{number}"}) for number in range(9)]
    hello = CASES[2].model_copy(update={"id": "hello-2"})
    found = plan(CASES, chosen(["indirect_documents", "typos"]), spare=[hello, *spare], find=target.find)
    pairs = {
        name: {case.tags["pair"] for case in found.cases if case.tags["attack"] == name}
        for name in ("indirect_documents", "typos", "none")
    }
    assert pairs["typos"] == {case.id for case in CASES}
    assert pairs["indirect_documents"] == {"refund", "cost", "more-0", "more-1"}
    assert pairs["none"] == pairs["typos"] | pairs["indirect_documents"]
    assert found.skipped == ()
    short = plan(CASES, chosen(["indirect_documents"]), spare=spare[:1], find=target.find)
    assert short.skipped[0].cases == 2


def test_what_was_not_seen_is_not_called_safe() -> None:
    rows = [a_row(arm, str(number), hit=0.0) for number in range(7) for arm in ("benign", "attacked")]
    (found,) = summarise_attacks(rows)
    report = AttackReport(
        id="r", state="done", reason=None, created_at=None, set={}, target={}, seed=0, asked=14, failed=0, troubles={},
        skipped=(), results=(DefenceFigures(defences="", families=(found,)),), examples=(),
    )  # fmt: skip
    (said,) = wording.verdicts(report)
    assert "no proof that none does" in said
    assert "41 points (fam, 7 pairs) can't be told from nothing" in said
    assert said.endswith("Fewer than 40 pairs have: fam.")
    assert wording.cells(found)[wording.HEAD.index("can't tell below")] == "41 points"


def test_plans_within_limits() -> None:
    with pytest.raises(InvalidInput, match="at least one case"):
        plan([], chosen(["typos"]))
    with pytest.raises(InvalidInput, match="tries must be"):
        plan(CASES, chosen(["typos"]), tries=21)
    with pytest.raises(InvalidInput, match="Two families"):
        plan(CASES, [family("typos"), family("typos")])
    many = [CASES[0].model_copy(update={"id": f"c{number}"}) for number in range(2_000)]
    with pytest.raises(TooLarge, match="the limit is 50,000"):
        plan(many, chosen([]))
    skipped = plan(CASES, chosen(["indirect_csv"])).skipped
    assert [one.reason for one in skipped] == ["the target's documents can't be changed"]


def test_attacks_that_are_written_out_are_asked_as_they_are() -> None:
    tags = {"attack": "own", "twin": "attacked", "pair": "p", "goal": "marker", "marker": "m-1"}
    written = [
        Case(id="p-1", query="Say m-1", tags=tags),
        Case(id="p-2", query="It is called m-1", tags=tags | {"twin": "benign"}),
    ]
    asked = plan(written, chosen([])).cases
    assert [(case.id, case.query, case.tags["attack"]) for case in asked] == [
        ("p-1", "Say m-1", "written_own"),
        ("p-2", "It is called m-1", "written_own"),
    ]
    both = plan([*written, CASES[2]], chosen(["casing"]), strengths=(1,)).cases
    assert [case.tags["attack"] for case in both] == ["written_own"] * 2 + ["none", "casing", "casing"]
