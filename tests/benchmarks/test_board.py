"""The board is made of what benchmarks printed, in one sitting or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import all as board
from benchmarks._board import Entry

ENTRIES = tuple(Entry(name, lambda figures: f"{figures['x']} | -") for name in ("one", "two"))


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def run(entry: Entry, *, quick: bool) -> board.Run:
        names.append(entry.title)
        return board.Run(f"python -m benchmarks.{entry.name}{' --quick' if quick else ''}", 1.0, {"x": len(names)})

    monkeypatch.setattr(board, "ENTRIES", ENTRIES)
    monkeypatch.setattr(board, "run", run)
    return names


def test_what_is_kept_is_not_run_again(ran: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board.main(["--kept", str(tmp_path), "--only", "one", "--quick"])
    board.main(["--kept", str(tmp_path)])
    assert ran == ["one", "two"]
    out = capsys.readouterr().out
    assert "| 1 | - | `python -m benchmarks.one --quick` |\n| 2 | - | `python -m benchmarks.two` |" in out


def test_the_readme_is_left_alone_while_a_benchmark_is_missing(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(board, "write_readme_section", lambda _name, text: written.append(text))
    with pytest.raises(SystemExit, match="needs every benchmark"):
        board.main(["--only", "one", "--write"])
    assert not written
    board.main(["--write"])
    assert len(written) == 1
    assert ran == ["one", "one", "two"]
