"""`signalbox data report`: what it prints, what it writes, and what it refuses before any work."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]
Command = Callable[..., subprocess.CompletedProcess[str]]


def rows(path: Path, count: int = 60) -> Path:
    things = ("lamp", "sofa", "table", "shelf", "chair", "mirror", "carpet")
    lines = ["text,topic,agent"]
    for i in range(count):
        thing, other = things[i % 7], things[(i // 7) % 7]
        asked = i % 2
        text = f"when will my {thing} and the {other} come {i}" if asked else f"I return the {other} or a {thing} {i}"
        lines.append(f"{text},{'delivery' if asked else 'returns'},desk {'one' if asked else 'two'}")
    path.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    return path


def test_a_report_is_printed_and_a_page_and_a_clean_copy_are_written(
    command: Command, tmp_path: Path, encoder_cache: Path
) -> None:
    path = rows(tmp_path / "rows.csv")
    outputs = ("--html", "report.html", "--fix", "clean.csv")
    done = command("data", "report", "rows.csv", *outputs, SIGNALBOX_DATA_DIR=str(encoder_cache))
    assert done.returncode == 0, done.stderr
    assert "serious 'agent' alone gives 'topic' away" in done.stdout
    assert "note 1 row repeats the text of an earlier row" in done.stdout or "warning 1 row repeats" in done.stdout
    assert "the target from 'topic'" in done.stderr
    assert "1 × copy of an earlier row" in done.stderr
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len((tmp_path / "clean.csv").read_text(encoding="utf-8").splitlines()) == 61
    assert len(path.read_text(encoding="utf-8").splitlines()) == 62


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "can't be read"),
        (["rows.csv", "--target", "topics"], "Did you mean 'topic'"),
        (["rows.csv", "--kind", "topic=number"], "is no kind; say classification"),
        (["rows.csv", "--kind", "topic"], "write COLUMN=VALUE"),
        (["rows.csv", "--fix", "rows.csv"], "never overwritten"),
        (["rows.csv", "--html", "there.html"], "say --force"),
        (["rows.csv", "--html", "no/where.html"], "does not exist; make it first"),
        (["rows.csv", "--fix-labels"], "name the file with --fix"),
        (["rows.csv", "--test", "empty.csv"], "empty.csv is empty"),
        (["ragged.csv"], "leave such rows out with --skip-ragged"),
        (["rows.csv", "--out-of-scope", "oos"], "No row has the label 'oos'"),
    ],
)
def test_bad_input_is_named_in_one_line(refused: Refused, tmp_path: Path, arguments: list[str], said: str) -> None:
    rows(tmp_path / "rows.csv")
    (tmp_path / "there.html").write_text("mine")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "ragged.csv").write_text("text,topic\none two,a\nthree,four,b\nfive six,a\n")
    if "--target" not in arguments:
        arguments = [*arguments, "--text", "text", "--target", "topic"]
    assert said in refused("data", "report", *arguments)
