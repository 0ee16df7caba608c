"""What sets, cases, answers and reasons hold is shown and never obeyed by the terminal it is shown on."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table
from rich.text import Text

from api.cli.output import safe, say
from api.cli.terminal import Terminal
from eval_sets.cases import Case
from evaluators.adversarial.scoring import HIT, AttackScorer
from evaluators.contract import Component, Measure, Metric, Output, Row, Trouble

Command = Callable[..., subprocess.CompletedProcess[str]]

EVIL = "\x1b[2J\x1b]0;pwned\x07[link=http://x]y[/link] \u202e\u2066e\u200f [/nope]\x9b31m"
OBEYED = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200f")
EVAL, ATTACK = "evl_01M7X0000000000000000FRMT1", "atk_01M7X0000000000000000FRMT1"


def obeyed(text: str) -> list[str]:
    return [char for char in OBEYED if char in text]


def write_run(folder: Path, kind: str, rows: list[Row], metrics: tuple[Metric, ...]) -> None:
    folder.mkdir(parents=True)
    manifest: dict[str, Any] = {
        "format": 1,
        "id": folder.name,
        "kind": kind,
        "created_at": "2026-11-20T10:00:00+00:00",
        "set": {"name": EVIL, "version": 1, "hash": "a" * 64, "cases": len(rows)},
        "target": Component(name=EVIL).model_dump(),
        "scorers": [],
        "metrics": [metric.model_dump(mode="json") for metric in metrics],
        "request": {"target": "service", "defences": EVIL},
        "skipped": [{"family": EVIL, "cases": 1, "reason": EVIL}],
        "state": "failed",
        "reason": f"2 of 3 failed. The first: {EVIL}",
    }
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    head = json.dumps({"format": 1, "kind": "signalbox run", "id": folder.name})
    (folder / "rows.jsonl").write_text("\n".join([head, *(row.model_dump_json() for row in rows)]) + "\n", "utf-8")


@pytest.fixture
def runs(tmp_path: Path) -> None:
    trouble = Trouble(kind=f"UpstreamError{EVIL}", detail=EVIL)
    output = Output(text=EVIL)
    right = Metric(name=f"right{EVIL}")
    cases = [
        Case(id=f"c{number}{EVIL.replace(chr(32), chr(95))}", query=EVIL, tags={"slice": EVIL}) for number in range(3)
    ]
    rows = [
        Row(index=0, case=cases[0], output=output, measures=(Measure(metric=right.name, value=0, reason=EVIL),)),
        Row(index=1, case=cases[1], output=output, measures=(Measure(metric=right.name, value=None, reason=EVIL),)),
        Row(index=2, case=cases[2], trouble=trouble),
    ]
    write_run(tmp_path / "data" / "evals" / EVAL, "eval", rows, (right,))
    attacked = [
        Row(
            index=index,
            case=Case(
                id=f"c~{index}",
                query=f"q{EVIL}",
                tags={"attack": name, "twin": twin, "pair": f"c{EVIL}", "goal": "wrong_answer", "strength": "2",
                      "try": "1", "defences": EVIL},
            ),
            output=output,
            measures=(Measure(metric=HIT, value=hit),),
        )
        for index, (name, twin, hit) in enumerate(
            (("none", "original", 0.0), (f"typos{EVIL}", "benign", 0.0), (f"typos{EVIL}", "attacked", 1.0))
        )
    ]  # fmt: skip
    tags = {"attack": "typos", "twin": "attacked", "pair": "d", "goal": "wrong_answer"}
    attacked.append(Row(index=3, case=Case(id="x", query="q", tags=tags), trouble=trouble))
    write_run(tmp_path / "data" / "attacks" / ATTACK, "attack", attacked, tuple(AttackScorer().metrics))


@pytest.mark.usefixtures("runs")
def test_no_command_hands_a_run_s_texts_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from api.cli import main

    monkeypatch.setenv("SIGNALBOX_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SIGNALBOX_LOCAL_MODEL", "none")
    monkeypatch.chdir(tmp_path)
    for words in (
        "eval list",
        f"eval report {EVAL}",
        f"eval report {EVAL} --format md",
        f"eval compare {EVAL} {EVAL} --margin 0.02",
        f"eval compare {EVAL} {EVAL} --margin 0.02 --markdown",
        f"eval gate {EVAL} --rule right{EVIL.replace(' ', '')}>=0.5",
        "attack list --runs",
        f"attack report {ATTACK}",
        f"attack report {ATTACK} --format markdown",
        f"judge pairs {EVAL}",
        "judge list",
    ):
        monkeypatch.setattr(sys, "argv", ["signalbox", *words.split(" ")])
        with pytest.raises(SystemExit):
            main()
        said = capsys.readouterr()
        assert said.out + said.err, words
        assert not obeyed(said.out + said.err), (words, said)
        assert "Traceback" not in said.err


def test_what_commands_print_with_is_safe_whatever_they_print(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=Text(EVIL), title_style="", header_style="")
    table.add_column(Text(EVIL))
    table.add_row(Text(EVIL))
    file = io.StringIO()
    terminal = Terminal(file=file, force_terminal=True, width=200, color_system="truecolor", highlight=False)
    terminal.print(table)
    terminal.print(EVIL, markup=False)
    terminal.print("[bold]ours[/bold]")
    shown = file.getvalue()
    assert "\x1b[1mours\x1b[0m" in shown
    assert not obeyed(shown.replace("\x1b[1mours\x1b[0m", ""))
    say(f"two\nlines {EVIL}")
    said = capsys.readouterr().err
    assert not obeyed(said)
    assert said.startswith("two\nlines [2J]0;pwned")
    assert safe("an\ne\u0301 \u65e5\tb") == "an e\u0301 \u65e5 b"
