"""`signalbox eval compare`, `gate` and `report` on runs in the data directory, for people, programs and CI."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.append(str(Path(__file__).parents[1] / "evaluators"))
from run_samples import sample_run, write_run

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process and gives what it printed; it must end with `code`."""
    from api.cli import main

    for sample in (sample_run("evl_01A", 400), sample_run("evl_01B", 400, drop=0.06, seed=1)):
        write_run(tmp_path / "data" / "evals", sample)
    write_run(tmp_path / "data" / "attacks", sample_run("atk_01A", 60, kind="attack"))

    def run(*arguments: str, code: int = 0) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["signalbox", "eval", *arguments])
        monkeypatch.setenv("SIGNALBOX_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert stopped.value.code == code, said
        return said.err if code > 1 else said.out

    return run


def test_a_comparison_says_what_changed_and_which_cases(run: Run, tmp_path: Path) -> None:
    said = run("compare", "evl_01A", "evl_01B", "--margin", "0.02", "--html", "out.html")
    assert "evl_01B against evl_01A: worse" in said
    assert "more than chance" in said
    assert "case-00013" in said
    page = (tmp_path / "out.html").read_text()
    assert "right → wrong" in page
    assert "<script" not in page


def test_a_comparison_is_json_and_markdown(run: Run) -> None:
    told = json.loads(run("compare", "evl_01A", "evl_01B", "--margin", "2%", "--metric", "right", "--json"))
    assert told["verdict"] == "worse"
    assert [one["metric"]["name"] for one in told["metrics"]] == ["right"]
    assert told["metrics"][0]["flips"]
    wide = json.loads(run("compare", "evl_01A", "evl_01B", "--margin", "right=0.3", "--json"))
    assert next(one for one in wide["metrics"] if one["metric"]["name"] == "right")["decision"] == "equivalent"
    assert "| right | 85.1% |" in run("compare", "evl_01A", "evl_01B", "--margin", "0.02", "--markdown")


def test_a_gate_fails_with_exit_code_1_and_a_reason(run: Run, tmp_path: Path) -> None:
    rules = ["--rule", "right>=0.9", "--rule", "no-worse:right@0.02", "--rule", "cost_usd<=0.01"]
    said = run("gate", "evl_01B", *rules, "--baseline", "evl_01A", "--junit", "gate.xml", code=1)
    assert "not at least 90%" in said
    assert "not shown to be less than 2.0 points worse" in said
    suite = ElementTree.parse(tmp_path / "gate.xml").getroot().find("testsuite")
    assert suite is not None
    assert suite.attrib["failures"] == "2"
    assert json.loads(run("gate", "evl_01A", "--rule", "right>=0.8", "--json"))["passed"] is True


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("gate", "evl_01A", "--rule", "flagged<=1"), "advisory only and can't gate"),
        (("gate", "evl_01A", "--rule", "right>>1"), "is no rule"),
        (("gate", "evl_01A", "--rule", "no-worse:right@0.02"), "name a baseline"),
        (("gate", "nothing", "--rule", "right>=1"), "There is no run 'nothing'; the latest are evl_01B, evl_01A"),
        (("compare", "evl_01A", "evl_01B", "--margin", "much"), "is no margin"),
        (("compare", "evl_01A", "evl_01A", "--margin", "0.02"), "can't be compared with itself"),
        (("compare", "evl_01A", "atk_01A", "--margin", "0.02"), "compare runs of one kind"),
        (("report", "evl_01A", "--judged", "right"), "gave none of the answers that its cases hold a verdict of"),
        (("report", "evl_01A", "--people", "x.csv"), "--judged the metric"),
        (("report", "evl_01A", "--people", "x.csv", "--judged", "right"), "x.csv can't be read"),
        (("report", "../evals/evl_01A/../.."), "There is no run"),
        (("report", "evl_01A", "--output", "nowhere/x.html"), "can't be written"),
    ],
)
def test_bad_input_is_one_line_with_a_remedy(run: Run, arguments: tuple[str, ...], told: str) -> None:
    said = run(*arguments, code=2)
    assert told in said
    assert said.count("\n") == 1


def test_a_run_is_reported_in_every_form(run: Run, tmp_path: Path) -> None:
    said = run("report", "evl_01A")
    assert "85.1%" in said
    assert "right by slice" in said
    assert "flagged (advisory)" in said
    assert "\x1b]" not in said
    assert json.loads(run("report", "evl_01A", "--format", "json"))["rows"] == 400
    ElementTree.fromstring(run("report", "evl_01A", "--format", "junit").encode())
    run("report", "atk_01A", "--format", "html", "--output", "attack.html")
    assert "Attack run atk_01A" in (tmp_path / "attack.html").read_text()
    assert "evl_01A" in run("report", str(tmp_path / "data" / "evals" / "evl_01A"))
    assert "atk_01A" in run("report", "latest")


def test_what_people_said_of_some_cases_corrects_the_judge(run: Run, tmp_path: Path) -> None:
    lines = [f"case-{i:05d},{'right' if i % 9 else 'wrong'}" for i in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(["id,verdict", *lines, "case-00099,"]))
    said = run("report", "evl_01A", "--people", "people.csv", "--judged", "right")
    assert "What people would say" in said
    (tmp_path / "bad.jsonl").write_text('{"id": "case-00001", "verdict": 1}\n{"id": "b", "verdict": "maybe"}\n')
    said = run("report", "evl_01A", "--people", "bad.jsonl", "--judged", "right", code=2)
    assert "bad.jsonl, line 2" in said


def test_no_runs_yet_is_said(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind in ("evals", "attacks"):
        (tmp_path / "data" / kind).rename(tmp_path / f"away-{kind}")
    assert "There are no runs" in run("report", code=2)
