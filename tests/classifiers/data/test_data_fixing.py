"""The cleaned copy: what is changed and dropped, what is only listed, and what is never overwritten."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from intent_files import LetterEncoder
from labelled_rows import Row, texts, write

from classifiers.data import LabelledData, labelled, read_table
from classifiers.data.report import DataReport, Suspect, data_report, fix, write_fixed
from signalbox.errors import ConfigurationError, Conflict, InvalidInput


def prepared(path: Path, encoder: LetterEncoder, rows: list[Row]) -> tuple[LabelledData, DataReport]:
    table = read_table(write(path, ("text", "label", "note"), rows), header=True)
    data = labelled(table, text=["text"], targets=["label"])
    return data, data_report(data, encoder=encoder)


def test_the_copy_is_clean_and_every_change_is_logged(tmp_path: Path, encoder: LetterEncoder) -> None:
    rows: list[Row] = [
        ["I want a cafÃ© au lait", "drinks", "=1+1"],
        ["water please", "Drinks ", ""],
        ["Water, please!", "drinks", "copy"],
        ["a loaf of bread", "food", ""],
        ["soup", "food", "one of two"],
        ["SOUP", "drinks", "two of two"],
        ["", "food", "no text"],
        ["rolls", "", "no target"],
        ["tea with milk", "drinks", ""],
        ["once only", "rare", "stays"],
        ['quotes "and, commas"\nand lines', "food", ""],
    ]
    path = tmp_path / "rows.csv"
    data, report = prepared(path, encoder, rows)
    before = path.read_bytes()
    fixed = fix(data, report)
    copy, log = write_fixed(fixed, tmp_path / "clean.csv", source=path)
    assert path.read_bytes() == before
    with copy.open(newline="", encoding="utf-8") as file:
        kept = list(csv.reader(file))
    assert kept == [
        ["text", "label", "note"],
        ["I want a café au lait", "drinks", "=1+1"],
        ["water please", "drinks", ""],
        ["a loaf of bread", "food", ""],
        ["tea with milk", "drinks", ""],
        ["once only", "rare", "stays"],
        ['quotes "and, commas"\nand lines', "food", ""],
    ]
    assert log.name == "clean.csv.changes.jsonl"
    changes = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert changes == [
        {"line": 2, "action": "changed", "column": "text", "before": "I want a cafÃ© au lait",
         "after": "I want a café au lait", "reason": "encoding repaired"},
        {"line": 3, "action": "changed", "column": "label", "before": "Drinks ", "after": "drinks",
         "reason": "spelling of the label unified"},
        {"line": 4, "action": "dropped", "before": "Water, please!", "reason": "copy of line 3"},
        {"line": 6, "action": "dropped", "before": "soup", "reason": "same text as another row, but another target"},
        {"line": 7, "action": "dropped", "before": "SOUP", "reason": "same text as another row, but another target"},
        {"line": 8, "action": "dropped", "before": "", "reason": "no text"},
        {"line": 9, "action": "dropped", "before": "rolls", "reason": "no target"},
    ]  # fmt: skip
    again = labelled(read_table(copy), text=["text"], targets=["label"])
    assert not fix(again, data_report(again, encoder=encoder)).changes


def test_suspected_labels_change_on_demand_only(tmp_path: Path, encoder: LetterEncoder) -> None:
    path = tmp_path / "rows.csv"
    data, report = prepared(path, encoder, [[*row, ""] for row in texts(90)])
    other = "kitchen" if data.label(0, 3) == "garden" else "garden"
    sure = Suspect(line=5, task="label", given=str(data.label(0, 3)), suggested=other, confidence=0.01,
                   suggested_confidence=0.95, text="…")  # fmt: skip
    unsure = sure.model_copy(update={"line": 6, "confidence": 0.3, "suggested_confidence": 0.5})
    report = report.model_copy(update={"suspects": (sure, unsure)})
    assert not fix(data, report).changes
    changed = fix(data, report, labels=True).changes
    assert [(change.line, change.before, change.after) for change in changed] == [(5, data.label(0, 3), other)]


def test_nothing_is_overwritten_unasked_and_never_the_file_itself(tmp_path: Path, encoder: LetterEncoder) -> None:
    path = tmp_path / "rows.csv"
    data, report = prepared(path, encoder, [[*row, ""] for row in texts(60)])
    fixed = fix(data, report)
    with pytest.raises(InvalidInput, match="never overwritten"):
        write_fixed(fixed, path, source=path, force=True)
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(Conflict, match="say --force"):
        write_fixed(fixed, there, source=path)
    assert there.read_text() == "mine"
    (tmp_path / ".tmp-mine").mkdir()
    write_fixed(fixed, there, source=path, force=True)
    assert there.read_text().startswith("text,label,note\n")
    assert (tmp_path / ".tmp-mine").is_dir()
    with pytest.raises(ConfigurationError, match="can't be written"):
        write_fixed(fixed, tmp_path / "no" / "where.csv", source=path)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    with pytest.raises(InvalidInput, match="never overwritten"):
        write_fixed(fixed, link, source=path, force=True)


def test_a_report_of_other_data_is_refused(tmp_path: Path, encoder: LetterEncoder) -> None:
    data, report = prepared(tmp_path / "rows.csv", encoder, [[*row, ""] for row in texts(60)])
    other, _ = prepared(tmp_path / "rows.csv", encoder, [[*row, ""] for row in texts(60, seed=2)])
    with pytest.raises(InvalidInput, match="make it again"):
        fix(other, report)
    assert data.table.sha256 != other.table.sha256
