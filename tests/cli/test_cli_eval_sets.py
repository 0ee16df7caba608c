"""`signalbox eval import` and `check`, as people run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Refused = Callable[..., str]

PROMPTFOO = """
tests:
- vars: {question: 'How long?'}
  assert:
  - {type: contains, value: 14 days}
  - {type: javascript, value: 'output.length < 5'}
- vars: {question: 'file://secret.txt'}
"""


def test_an_import_makes_a_set_and_the_next_one_adds_a_version(command: Any, tmp_path: Path) -> None:
    (tmp_path / "tests.yaml").write_text(PROMPTFOO)
    (tmp_path / "more.csv").write_text("id,query,contains\nm1,How wide?,3 m\n")
    first = command("eval", "import", "tests.yaml", "sets/mine", "--scorer", "contains", "--licence", "CC0")
    assert first.returncode == 0, first.stderr
    assert "error: tests[0].assert[1]: javascript: it would run code" in first.stdout
    assert "error: tests[1].vars.question: 'file://secret.txt' points to a file" in first.stdout
    assert "1 cases imported: sets/mine is mine@1 with 1 cases." in first.stdout
    second = command("eval", "import", "more.csv", "sets/mine", "--json")
    summary = json.loads(second.stdout)
    assert (summary["version"], summary["cases"], summary["imported"], summary["findings"]) == (2, 2, 1, [])
    again = command("eval", "import", "more.csv", "sets/mine")
    assert again.returncode == 2
    assert "'m1' stands in line 2 already" in again.stderr
    assert command("eval", "check", "sets/mine").stdout.startswith("mine@2: 2 cases, 0 warnings")


def test_check_lists_what_is_wrong_and_counts_what_was_added_by_hand(command: Any, tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_text('{"id": "a", "query": "b"}\n{"id": "a"}\n')
    found = command("eval", "check", "cases.jsonl", "--json")
    assert found.returncode == 1
    findings = json.loads(found.stdout)["findings"]
    assert [(one["severity"], one["line"], one["field"]) for one in findings] == [
        ("error", 2, "query"),
        ("warning", 1, "expected"),
    ]
    (tmp_path / "more.csv").write_text("query,contains\nHow wide?,3 m\n")
    assert command("eval", "import", "more.csv", "mine").returncode == 0
    with (tmp_path / "mine" / "cases.jsonl").open("a") as file:
        file.write('{"id": "by-hand", "query": "How?", "expected": {"contains": ["so"]}}\n')
    assert "count them with signalbox eval check --seal" in command("eval", "check", "mine").stdout
    assert command("eval", "check", "mine", "--seal").stdout.startswith("mine@2: 2 cases")


def test_bad_input_is_one_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("query\nb\n")
    assert "There is no file none.csv" in refused("eval", "import", "none.csv", "mine")
    assert "no format 'xlsx'" in refused("eval", "import", "a.csv", "mine", "--format", "xlsx")
    assert "no scorer 'exactly'" in refused("eval", "import", "a.csv", "mine", "--scorer", "exactly")
    assert "is no folder of an eval set" in refused("eval", "check", "a.csv", "--seal")
    assert not (tmp_path / "mine").exists()
