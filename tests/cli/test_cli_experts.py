"""`signalbox experts`: list, show, compare, promote, roll back and remove, for people and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from classifiers.registry import CARD, Registry

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process and gives what it printed; it must end with `code`."""
    from api.cli import main

    def run(*arguments: str, code: int = 0) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["signalbox", "experts", *arguments])
        monkeypatch.setenv("SIGNALBOX_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert stopped.value.code == code, said
        return said.err if code > 1 else said.out

    return run


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Two versions of `topics`, the second a challenger that is better by 4 points, and one of `mood`."""
    registry = Registry(tmp_path / "data" / "experts")

    def fill(accuracy: float, data: str) -> Callable[[Path, int], Mapping[str, Any]]:
        def write(folder: Path, number: int) -> Mapping[str, Any]:
            (folder / "weights.npz").write_bytes(bytes(1000))
            (folder / CARD).write_text(f"# topics@{number}\n\n[red]Reads topics.[/red]\x1b]0;owned\x07\n")
            figure = {"value": accuracy, "low": round(accuracy - 0.02, 2), "high": round(accuracy + 0.02, 2), "n": 1200}
            metrics = {"topic": {"accuracy": figure, "ece": 0.02}, "labels": ["a"]}
            return {"learner": "tfidf+[b]linear", "rows": 5678, "metrics": metrics, "data_sha256": data}

        return write

    registry.add("topics", kind="text expert", format=1, fill=fill(0.90, "x"), by="training")
    registry.add("topics", kind="text expert", format=1, fill=fill(0.94, "x"))
    registry.add("mood", kind="text expert", format=1, fill=fill(0.80, "y"))
    return registry


def test_without_experts_it_says_what_to_do(run: Run) -> None:
    assert "train one first" in run("list")
    assert json.loads(run("list", "--json")) == {"items": [], "next_cursor": None}


def test_the_list_shows_who_answers_and_how_well(run: Run, registry: Registry) -> None:
    rows = [line.split() for line in run("list").splitlines()]
    assert rows[1][:4] == ["mood", "1", "-", "1"]
    assert rows[2][:4] == ["topics", "1", "2", "2"]
    assert rows[2][-2:] == ["topic.accuracy", "0.900"]
    items = json.loads(run("list", "--json"))["items"]
    assert [item["name"] for item in items] == ["mood", "topics"]
    assert items[1]["challenger"]["metrics"]["topic.accuracy"] == {"value": 0.94, "low": 0.92, "high": 0.96, "n": 1200}


def test_the_versions_of_one(run: Run, registry: Registry) -> None:
    (registry.resolve("topics@2").path / "weights.npz").unlink()
    shown = run("list", "topics")
    assert "tfidf+[b]linear" in shown
    assert "5,678" in shown
    assert "weights.npz is missing" in shown
    versions = json.loads(run("list", "topics", "--json"))["items"]
    assert [version["reference"] for version in versions] == ["topics@2", "topics@1"]


def test_show_prints_card_figures_files_and_history(run: Run, registry: Registry) -> None:
    shown = run("show", "topics")
    for wanted in ("topics@1  champion", "[red]Reads topics.[/red]", "0.880 to 0.920", "1,200", "weights.npz", "1,000",
                   "added", "training"):  # fmt: skip
        assert wanted in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    card = json.loads(run("show", "topics@challenger", "--json"))
    assert card["reference"] == "topics@2"
    assert card["trouble"] is None
    assert card["manifest"]["data_sha256"] == "x"
    assert card["files"]["weights.npz"] == 1000


def test_show_ends_with_1_where_a_file_was_changed(run: Run, registry: Registry) -> None:
    (registry.resolve("topics").path / "weights.npz").write_bytes(bytes(999) + b"1")
    assert "differs from the checksum" in " ".join(run("show", "topics", code=1).split())
    assert "differs" in json.loads(run("show", "topics", "--json", code=1))["trouble"]


def test_compare_puts_figures_side_by_side(run: Run, registry: Registry) -> None:
    accuracy, ece = (line.split() for line in run("compare", "topics@1", "topics@2").splitlines()[1:3])
    assert accuracy == ["topic.accuracy", "0.900", "0.880", "to", "0.920", "0.940", "0.920", "to", "0.960",
                        "+0.0400"]  # fmt: skip
    assert ece == ["topic.ece", "0.020", "-", "0.020", "-", "+0.0000"]
    assert "different data" in run("compare", "topics", "mood")
    found = json.loads(run("compare", "topics", "topics@challenger", "--json"))
    assert found["same_data"]
    assert found["metrics"][0]["difference"] == pytest.approx(0.04)


def test_promote_and_roll_back(run: Run, registry: Registry) -> None:
    assert "topics@2 is the champion" in run("promote", "topics@challenger", "--by", "ada", "--reason", "better")
    assert registry.resolve("topics").number == 2
    assert registry.aliases("topics").history[-1].by == "ada"
    assert "better" in run("show", "topics")
    assert json.loads(run("rollback", "topics", "--json"))["reference"] == "topics@1"
    assert registry.resolve("topics").number == 1
    assert "first champion" in run("rollback", "topics", code=2)


def test_remove_spares_what_is_in_use(run: Run, registry: Registry) -> None:
    assert "topics@1 is the champion" in run("remove", "topics@1", code=2)
    run("promote", "topics@2")
    assert "topics@1 is removed" in run("remove", "topics@1")
    assert [version.number for version in registry.versions("topics")] == [2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "nobody"), "there are mood, topics"),
        (("show", "topics@9"), "it has 2 versions, the latest 1, 2"),
        (("show", "topics@best"), "NAME@NUMBER"),
        (("show", "../topics"), "can't name an expert"),
        (("promote", "topics"), "Say which version"),
        (("remove", "topics"), "Say which version"),
        (("compare", "topics", "topics@9"), "no version 9"),
        (("list", "nobody"), "there are mood, topics"),
        (("rollback", "nobody"), "there are mood, topics"),
        (("show",), "Missing argument"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    run: Run, registry: Registry, arguments: tuple[str, ...], said: str
) -> None:
    error = run(*arguments, code=2)
    assert said in error
    assert len(error.splitlines()) == 1
