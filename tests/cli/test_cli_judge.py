"""`signalbox judge`: calibrate, agreement and list, with a scripted model behind real HTTP and the local judge."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_sets import Case, read_set
from evaluators.contract import Measure, Output, Row
from evaluators.harness.records import write_manifest
from evaluators.harness.runlog import RunLog
from evaluators.review import ReviewDecision, ReviewQueue
from signalbox.contracts import ChatRequest
from signalbox.models.scripted import ScriptedServer
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, VerdictStore, open_database
from signalbox.types import Answer, Prediction, ReviewRef, new_id, utc_now

Run = Callable[..., str]
CASES = read_set(Path(__file__).parents[2] / "eval_sets" / "judging").cases
SOME = CASES[::2]
JUDGE = ("--judge", "judge:rubric=groundedness")


class Model:
    """Judges the answers of the judging set as people did, but for those in `mistaken`."""

    def __init__(self) -> None:
        self.mistaken: set[str] = {CASES[n].id for n in range(0, len(CASES), 13)}
        self.prose: set[str] = set()
        self.base_url = ""
        self._known = {(case.query, case.given.answer): case for case in CASES if case.given}

    def reply(self, request: ChatRequest) -> str:
        question, answer = (self._part(request, name) for name in ("question", "answer"))
        case = self._known.get((question, answer))
        if case is None or case.id in self.prose:
            return "I would say that this is quite right."
        right = (case.given is not None and case.given.verdict == "right") != (case.id in self.mistaken)
        return json.dumps({"reason": "[red]it says so[/red]", "score": 5 if right else 1})

    def _part(self, request: ChatRequest, name: str) -> str:
        block = request.messages[1].content.partition(f" {name}>>\n")[2].partition("\n<<end")[0]
        return "\n".join(line.removeprefix("| ") for line in block.split("\n"))


@pytest.fixture
def model() -> Iterator[Model]:
    """A scripted server in a thread of its own, since a command has an event loop of its own."""
    made, ready, loop = Model(), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with ScriptedServer(made.reply) as server:
            made.base_url = server.base_url
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield made
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process and gives what it printed; it must end with `code`."""
    from api.cli import main

    def run(*arguments: str, code: int = 0, **environment: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["signalbox", "judge", *arguments])
        given = {"SIGNALBOX_DATA_DIR": str(tmp_path / "data"), "SIGNALBOX_LOCAL_MODEL": "none", "COLUMNS": "200"}
        for name, value in (given | environment).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert stopped.value.code == code, said
        return said.err if code > 1 else said.out

    return run


@pytest.fixture
def cloud(model: Model) -> dict[str, str]:
    return {"SIGNALBOX_CLOUD_BASE_URL": model.base_url, "SIGNALBOX_CLOUD_MODEL": "gpt-judge"}


@pytest.fixture
def some(tmp_path: Path) -> str:
    """A file with half of the cases."""
    path = tmp_path / "some.jsonl"
    path.write_text("".join(case.model_dump_json() + "\n" for case in SOME))
    return str(path)


def test_rubrics_are_listed(run: Run) -> None:
    shown = run("list")
    assert "correctness@1" in shown
    assert "No judge is calibrated" in shown
    listed = json.loads(run("list", "--json"))
    assert {one["name"] for one in listed["rubrics"]} >= {"correctness", "groundedness", "preference"}
    assert listed["calibrations"] == []


def test_a_judge_is_calibrated_listed_and_then_gates(
    run: Run, cloud: dict[str, str], some: str, tmp_path: Path
) -> None:
    made = json.loads(run("calibrate", *JUDGE, "--labels", "judging", "--json", **cloud))
    assert (made["name"], made["version"], made["shortfalls"]) == ("judge-groundedness-1-gpt-judge", 1, [])
    assert made["agreement"]["rows"] == made["agreement"]["measured"] == len(CASES)
    assert 0.7 < made["agreement"]["calibrated"]["kappa"] < 0.95
    assert made["agreement"]["calibrated"]["ece"] < 0.1
    assert made["agreement"]["spent"]["calls"] == len(CASES)
    assert (tmp_path / "data" / "judges" / made["name"] / "1.json").is_file()
    again = run("calibrate", *JUDGE, "--labels", some, **cloud)
    assert "judge-groundedness-1-gpt-judge@2 may gate" in again
    assert "Judge better than length alone" in again
    listed = run("list")
    assert "judge-groundedness-1-gpt-judge@2" in listed
    assert " yes" in listed


def test_agreement_shows_slices_and_where_people_see_it_otherwise(
    run: Run, cloud: dict[str, str], model: Model, some: str
) -> None:
    model.prose = {SOME[1].id, SOME[2].id}
    shown = run("agreement", *JUDGE, "--labels", some, "--show", "3", **cloud)
    for wanted in ("people: right", "judge: wrong", "kind: paraphrase", "language: de", "2 unmeasured", "length alone",
                   "Where people see it otherwise (3 of 8)", "[red]it says so[/red]", "never calibrated"):  # fmt: skip
        assert wanted in shown, wanted
    found = json.loads(run("agreement", *JUDGE, "--labels", some, "--json", **cloud))
    assert found["agreement"]["measured"] == len(SOME) - 2
    assert {one["id"] for one in found["agreement"]["disagreements"]} == model.mistaken & {case.id for case in SOME}
    assert found["drift"] is None
    assert "never calibrated" in found["advisory"][0]


def test_a_model_that_changes_behind_its_name_is_noticed(
    run: Run, cloud: dict[str, str], model: Model, some: str
) -> None:
    run("calibrate", *JUDGE, "--labels", some, "--json", **cloud)
    same = json.loads(run("agreement", *JUDGE, "--labels", some, "--json", **cloud))
    assert (same["calibration"], same["advisory"]) == ("judge-groundedness-1-gpt-judge@1", [])
    assert (same["drift"]["flips"], same["drift"]["alarms"]) == ([], [])
    model.mistaken = {case.id for number, case in enumerate(CASES) if number % 3 == 0}
    shown = run("agreement", *JUDGE, "--labels", some, "--show", "0", code=1, **cloud)
    assert "Drift: its kappa with people fell" in " ".join(shown.split())


def test_another_model_needs_a_calibration_of_its_own(run: Run, cloud: dict[str, str], some: str) -> None:
    run("calibrate", *JUDGE, "--labels", some, "--json", **cloud)
    other = cloud | {"SIGNALBOX_CLOUD_MODEL": "gpt-other"}
    found = json.loads(run("agreement", *JUDGE, "--labels", some, "--json", **other))
    assert found["calibration"] is None


def test_a_judge_that_only_talks_is_said_to_be_no_judge(
    run: Run, cloud: dict[str, str], model: Model, some: str
) -> None:
    model.prose = {case.id for case in CASES}
    said = run("calibrate", *JUDGE, "--labels", some, code=2, **cloud)
    assert "0 of 92 rows have a verdict" in said
    assert "no JSON" in said


def test_a_panel_shows_how_its_judges_agree(run: Run, cloud: dict[str, str], some: str) -> None:
    url = cloud["SIGNALBOX_CLOUD_BASE_URL"]
    shown = run("agreement", "--judge", f"panel:rubric=groundedness,models=cloud+gpt-two@{url}", "--labels",
                some, **cloud)  # fmt: skip
    assert "gpt-judge and gpt-two" in shown
    assert "Krippendorff's alpha" in shown


def test_the_local_judge_needs_no_model(run: Run, encoder_cache: Path) -> None:
    made = json.loads(run("calibrate", "--judge", "groundedness", "--labels", "judging", "--json",
                          SIGNALBOX_DATA_DIR=str(encoder_cache)))  # fmt: skip
    assert made["name"] == "groundedness"
    assert made["metric"] == "groundedness"
    assert made["agreement"]["spent"]["calls"] == 0
    assert made["agreement"]["measured"] >= 170
    found = json.loads(run("agreement", "--judge", "groundedness", "--labels", "judging", "--json",
                           SIGNALBOX_DATA_DIR=str(encoder_cache)))  # fmt: skip
    assert found["calibration"] == "groundedness@1"
    assert found["drift"]["flips"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*JUDGE,), "--labels, or --from-reviews"),
        ((*JUDGE, "--labels", "judging", "--from-reviews"), "--labels, or --from-reviews"),
        ((*JUDGE, "--labels", "nonsense"), "judging"),
        ((*JUDGE, "--labels", "none.jsonl"), "none.jsonl"),
        ((*JUDGE, "--labels", "judging", "--max-cost-usd", "-1"), "0 or more"),
        ((*JUDGE, "--labels", "judging", "--max-cost-usd", "nan"), "0 or more"),
        ((*JUDGE, "--labels", "judging", "--concurrent", "0"), "concurrent"),
        (("--judge", "nonsense", "--labels", "judging"), "no scorer 'nonsense'"),
        (("--judge", "latency", "--labels", "judging"), "no judge"),
        (("--judge", "judge:rubric=nonsense", "--labels", "judging"), "correctness@1"),
        ((*JUDGE, "--labels", "judging"), "needs a judge's model"),
    ],
)
def test_what_can_not_be_is_refused_in_one_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    for command in ("calibrate", "agreement"):
        shown = run(command, *arguments, code=2)
        assert said in shown, shown
        assert len([line for line in shown.splitlines() if line.startswith("signalbox: ")]) == 1


def made_run(folder: Path, rows: list[Row]) -> Path:
    """What a run leaves behind."""
    folder.mkdir()
    write_manifest(folder, {"format": 1, "id": folder.name, "kind": "eval", "state": "done", "metrics": []})
    log = RunLog.open(folder, folder.name)
    for row in rows:
        log.append(row)
    log.close()
    return folder


def test_pairs_of_a_run_show_position_and_length(run: Run, tmp_path: Path) -> None:
    rows = []
    for number, case in enumerate(CASES[:20]):
        winner = "output" if number % 4 else "other"
        details = {"winner": winner, "consistent": True, "shown_first_won": [True, False],
                   "lengths": [50, 100 if number % 2 else 20]}  # fmt: skip
        measures = (Measure(metric="judge.preference", value=float(winner == "output"), details=details),)
        rows.append(Row(index=number, case=case, output=Output(text="so"), measures=measures))
    folder = made_run(tmp_path / "run", rows)
    found = json.loads(run("pairs", str(folder), "--json"))["judge.preference"]
    assert (found["pairs"], found["second_wins"], found["shown_first"], found["consistent"]) == (20, 0.75, 0.5, 1.0)
    assert "the one shown first wins" in run("pairs", str(folder))
    bare = made_run(tmp_path / "bare", [row.model_copy(update={"measures": ()}) for row in rows])
    assert "judge:rubric=preference" in run("pairs", str(bare), code=2)


def prediction(case: Case, outcome: str) -> Prediction:
    assert case.given is not None
    review = ReviewRef(id=new_id("rev"), state="waiting", url="/reviews") if outcome == "in_review" else None
    fields: dict[str, Any] = {
        "id": new_id("prd"), "created_at": utc_now(), "query": case.query, "outcome": outcome, "route": None,
        "reason": "unsure", "answer": Answer(text=case.given.answer), "confidence": 0.4, "attempts": (),
        "policy": "pol_0", "cost_usd": 0.0, "saved_usd": 0.0, "duration_ms": 1.0, "overhead_ms": 1.0, "review": review,
        "evidence": ({"kind": "quote", "document_id": "d", "title": "t", "start": 0,
                      "end": len(case.given.contexts[0]), "text": case.given.contexts[0], "score": 0.5},),
    }  # fmt: skip
    return Prediction.model_validate(fields)


def test_what_people_decided_in_the_review_queue_calibrates_judges(
    run: Run, cloud: dict[str, str], tmp_path: Path
) -> None:
    async def fill() -> None:
        async with await open_database(Settings(data_dir=tmp_path / "data")) as database:
            store, queue, verdicts = PredictionStore(database), ReviewQueue(database), VerdictStore(database)
            for case in CASES[:40]:
                assert case.given is not None
                assert case.given.verdict is not None
                reviewed = case.id.endswith(("1", "2"))
                made = prediction(case, "in_review" if reviewed else "answered")
                await store.add(made)
                if not reviewed:
                    await verdicts.add(made.id, case.given.verdict, "ada")
                    continue
                assert made.review is not None
                item = (await queue.claim("ada", id=made.review.id))[0]
                more = {"correction": case.expected.answers[0]} if case.given.verdict == "wrong" else {}
                said = {"item_version": item.version, "verdict": case.given.verdict, **more}
                await queue.decide(item.id, "ada", ReviewDecision.model_validate(said))

    assert "no database" in run("agreement", *JUDGE, "--from-reviews", code=2, **cloud)
    asyncio.run(fill())
    found = json.loads(run("agreement", *JUDGE, "--from-reviews", "--json", **cloud))["agreement"]
    assert (found["rows"], found["measured"]) == (40, 40)
    assert found["own"]["kappa"] > 0.7
    assert {one["value"]: one["figures"]["n"] for one in found["slices"] if one["tag"] == "source"} == {
        "review": 20, "verdict": 20}  # fmt: skip
    made = json.loads(run("calibrate", *JUDGE, "--from-reviews", "--json", **cloud))
    assert "40 judged rows, 50 are needed" in made["shortfalls"]
