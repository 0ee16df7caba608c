"""`signalbox attack`, as people run it: without a network, killed, over HTTP, and with bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]
Command = Callable[..., subprocess.CompletedProcess[str]]

_NO_NETWORK = """
import socket
made = socket.socket.__init__
def refuse(self, family=-1, *rest, **more):
    if family in (-1, socket.AF_INET, socket.AF_INET6) and more.get("fileno") is None and not rest[2:]:
        raise RuntimeError("there is no network")
    made(self, family, *rest, **more)
socket.socket.__init__ = refuse
"""
_TEXTS = {
    "refunds.md": "# Refunds\n\nWe refund you within 14 days of your return.\n",
    "delivery.md": "# Delivery\n\nStandard delivery costs EUR 4.90 in Belgium.\n",
}
_CASES = [
    ("refund", "When do I get my refund?", "within 14 days", "refunds.md"),
    ("cost", "What does standard delivery cost in Belgium?", "EUR 4.90", "delivery.md"),
    ("again", "How long does a refund take after my return?", "within 14 days", "refunds.md"),
]


@pytest.fixture
def workspace(command: Command, encoder_cache: Path, tmp_path: Path) -> dict[str, str]:
    """Settings of a workspace with two documents and a file of cases about them."""
    documents = tmp_path / "documents"
    documents.mkdir()
    for name, text in _TEXTS.items():
        (documents / name).write_text(text, encoding="utf-8")
    cases = (
        {"id": name, "query": query, "expected": {"contains": [wanted], "documents": [document]}}
        for name, query, wanted, document in _CASES
    )
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    settings = {"SIGNALBOX_DATA_DIR": str(encoder_cache)}
    assert command("ingest", "documents", **settings).returncode == 0
    return settings


def test_the_families_are_listed(command: Command) -> None:
    listed = command("attack", "list", "--json")
    items = json.loads(listed.stdout)["items"]
    assert len(items) == 26
    assert {"name", "kind", "goal", "about"} == set(items[0])
    assert "poisoned_passages" in command("attack", "list").stdout
    assert "no attack runs yet" in command("attack", "list", "--runs").stdout


def test_a_run_needs_no_network_and_a_killed_one_is_finished_later(
    command: Command, workspace: dict[str, str], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_NO_NETWORK, encoding="utf-8")
    blocked = workspace | {"PYTHONPATH": os.pathsep.join([str(site), str(Path(__file__).parents[2])])}
    what = ["--set", "cases.jsonl", "--family", "typos", "--family", "indirect_documents", "--defences", "both"]
    runs = Path(workspace["SIGNALBOX_DATA_DIR"]) / "attacks"
    given = {**os.environ, "SIGNALBOX_LOCAL_MODEL": "none", **blocked}
    asked = [sys.executable, "-c", "from api.cli import main; main()", "attack", "run", *what, "--tries", "2"]
    process = subprocess.Popen(asked, cwd=tmp_path, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (found := _under_way(runs)):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert found, "it was killed before its end"
    done = command("attack", "run", "--resume", found, "--json", **blocked)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["state"], shown["set"]["name"], shown["report"]["asked"]) == ("done", "cases", 2 * (3 + 2 * 12))
    assert [one["defences"] for one in shown["report"]["results"]] == ["off", "on"]
    rows = (runs / found / "rows.jsonl").read_text().splitlines()[1:]
    identities = [json.loads(line)["case"]["id"] for line in rows]
    assert len(set(identities)) == len(identities) == 2 * (3 + 2 * 12)

    printed = command("attack", "report", found, "--format", "markdown", **workspace)
    assert printed.stdout.startswith(f"# Attack report {found}: cases")
    assert command("attack", "report", found, "--format", "html", "--to", "page.html", **workspace).returncode == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    listed = json.loads(command("attack", "list", "--runs", "--json", **workspace).stdout)["items"]
    assert {(item["id"], item["state"]) for item in listed} == {(found, "done")}


def test_learning_stops_at_a_limit_and_goes_on_with_another(command: Command, workspace: dict[str, str]) -> None:
    what = ["--set", "cases.jsonl", "--family", "gadget", "--gadget-queries", "12"]
    stopped = command("attack", "run", *what, "--max-minutes", "0.00001", "--json", **workspace)
    assert stopped.returncode == 1, stopped.stderr
    shown = json.loads(stopped.stdout)
    assert (shown["state"], shown["report"]["asked"]) == ("stopped", 0)
    assert shown["reason"] == "While it learnt: The 1e-05 minutes are over."
    done = command("attack", "run", "--resume", shown["id"], "--max-minutes", "5", "--json", **workspace)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["report"]["asked"] == 2 * 3
    learnt = json.loads((Path(workspace["SIGNALBOX_DATA_DIR"]) / "attacks" / shown["id"] / "gadget.json").read_text())
    assert learnt["queries"] <= 12


def _under_way(runs: Path) -> str:
    for path in runs.glob("*/rows.jsonl"):
        if path.read_bytes().count(b"\n") > 6:
            return path.parent.name
    return ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--set", "nowhere"], "There is no eval set 'nowhere'"),
        (["run", "--set", "adversarial", "--family", "best"], "There is no attack family 'best'"),
        (["run", "--set", "adversarial", "--defences", "walls"], "There is no defence 'walls'"),
        (["run", "--set", "adversarial", "--target", "it"], "There is no target 'it'"),
        (["run", "--set", "adversarial", "--target", "given"], "Answers that are given can't be attacked"),
        (
            ["run", "--set", "adversarial", "--target", "http://127.0.0.1:1", "--defences", "off"],
            "Defences can be switched in the service in this process only",
        ),
        (["run", "--set", "adversarial", "--strength", "4"], "Input should be less than or equal to 3"),
        (["run", "--max-minutes", "-1"], "max_minutes: Input should be greater than 0, not -1.0."),
        (["run", "--max-cost-usd", "nan"], "max_cost_usd: Input should be"),
        (["run", "--resume", "atk_1", "--max-minutes", "inf"], "max_minutes: Input should be a finite number"),
        (["run", "--resume", "atk_1"], "There is no attack run 'atk_1'"),
        (["report", "atk_1"], "There is no attack run 'atk_1'"),
        (["report", "atk_1", "--format", "pdf"], "format: It is one of terminal"),
    ],
)
def test_bad_input_is_said_in_one_line(refused: Refused, arguments: list[str], message: str) -> None:
    assert message in refused("attack", *arguments)
