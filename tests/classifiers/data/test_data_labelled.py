"""Picking texts and targets out of a table: kinds, labels made one, rows set aside, and what can't be learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from labelled_rows import Row, texts, write

from classifiers.data import LabelledData, guess_columns, labelled, read_table
from signalbox.errors import InvalidInput, UnknownName


def read(folder: Path, rows: list[Row], header: tuple[str, ...] = ("text", "label"), **given: object) -> LabelledData:
    table = read_table(write(folder / "rows.csv", header, rows), header=True)
    return labelled(table, **{"text": ["text"], "targets": ["label"], **given})  # type: ignore[arg-type]


def ids(data: LabelledData) -> set[str]:
    return {finding.id for finding in data.findings}


def test_texts_targets_and_lines_are_those_of_the_file(tmp_path: Path) -> None:
    data = read(tmp_path, [["Two\nlines", "b"], ["one", "a"], ["three", "b"], ["four", "a"]])
    assert data.texts == ("Two\nlines", "one", "three", "four")
    assert data.lines.tolist() == [2, 4, 5, 6]
    assert data.tasks[0].labels == ("a", "b")
    assert data.targets[:, 0].tolist() == [1, 0, 1, 0]
    examples = data.examples(str.upper)
    assert examples.texts[0] == "TWO\nLINES"
    assert examples.sha256 == data.examples(str.upper).sha256


def test_several_text_columns_are_joined_by_lines(tmp_path: Path) -> None:
    rows: list[Row] = [["Title", "Body", "a"], ["Only", " ", "b"], ["", "So", "a"], ["Last", "one", "b"]]
    data = read(tmp_path, rows, ("title", "body", "label"), text=["title", "body"])
    assert data.texts == ("Title\nBody", "Only", "So", "Last\none")


def test_spellings_of_a_label_become_the_most_frequent_one_and_that_is_said(tmp_path: Path) -> None:
    labels = ["Sports", "Sports", "sports ", "SPORTS", "politics", "Politics", "politics"]
    data = read(tmp_path, [[f"text number {i}", label] for i, label in enumerate(labels)])
    assert data.tasks[0].labels == ("Sports", "politics")
    finding = next(finding for finding in data.findings if finding.id == "reading/spelling")
    assert [example.line for example in finding.examples] == [4, 5, 7]
    assert finding.figures == {"spellings": 3, "rows": 3}


@pytest.mark.parametrize(
    ("values", "kind", "labels"),
    [
        ([f"{i}.5" for i in range(30)], "regression", ()),
        ([str(i * 7) for i in range(90)], "regression", ()),
        ([str(i % 5 + 1) for i in range(30)], "classification", ("1", "2", "3", "4", "5")),
        (["1.0", "0.0", "1", "00"] * 5, "classification", ("0", "1")),
        (["10", "9", "2"] * 5, "classification", ("2", "9", "10")),
        (["yes", "no"] * 5, "classification", ("no", "yes")),
        (["1,234", "5,678", "9,012"] * 8 + [f"{i},000" for i in range(1, 30)], "regression", ()),
    ],
)
def test_the_kind_of_a_target_is_inferred_and_said(
    tmp_path: Path, values: list[str], kind: str, labels: tuple[str, ...]
) -> None:
    data = read(tmp_path, [[f"text number {i}", value] for i, value in enumerate(values)])
    assert (data.tasks[0].kind, data.tasks[0].labels) == (kind, labels)
    assert "reading/kind" in ids(data)


def test_the_kind_can_be_said_and_orders_too(tmp_path: Path) -> None:
    stars: list[Row] = [[f"text number {i}", i % 5 + 1] for i in range(20)]
    assert read(tmp_path, stars, kinds={"label": "ordinal"}).tasks[0].kind == "ordinal"
    assert read(tmp_path, stars, kinds={"label": "regression"}).targets[:3, 0].tolist() == [1, 2, 3]
    sizes: list[Row] = [[f"text number {i}", ("low", "high", "middle")[i % 3]] for i in range(20)]
    data = read(tmp_path, sizes, orders={"label": ["LOW", "middle", "high"]})
    assert (data.tasks[0].kind, data.tasks[0].labels) == ("ordinal", ("low", "middle", "high"))
    with pytest.raises(InvalidInput, match="Name them from lowest to highest"):
        read(tmp_path, sizes, kinds={"label": "ordinal"})
    with pytest.raises(InvalidInput, match="lacks 'middle'"):
        read(tmp_path, sizes, orders={"label": ["low", "high"]})
    with pytest.raises(InvalidInput, match=r"is to be a number, but 20 cells are none, the first 'low' on line 2"):
        read(tmp_path, sizes, kinds={"label": "regression"})


def test_a_few_words_in_a_column_of_numbers_are_missing(tmp_path: Path) -> None:
    values = [f"{i}.25" for i in range(60)] + ["unknown"]
    data = read(tmp_path, [[f"text number {i}", value] for i, value in enumerate(values)])
    assert len(data) == 60
    assert {"reading/mixed-types", "reading/no-target"} <= ids(data)


def test_decimal_commas_are_read_where_the_column_has_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text;label\n" + "".join(f"text number {i};{i},{i:03d}\n" for i in range(30)))
    assert labelled(read_table(path), text=["text"], targets=["label"]).targets[7, 0] == 7.007


def test_rows_without_text_or_target_and_of_single_labels_are_set_aside(tmp_path: Path) -> None:
    rows: list[Row] = [["one", "a"], ["two", "b"], [" ", "a"], ["four", "N/A"], ["five", "a"], ["six", "b"], ["7", "c"]]
    data = read(tmp_path, rows)
    assert data.texts == ("one", "two", "five", "six")
    assert data.tasks[0].labels == ("a", "b")
    assert data.set_aside == {2: "no text", 3: "no target", 6: "no target"}
    assert {"reading/no-text", "reading/no-target", "reading/rare-labels"} <= ids(data)


def test_targets_may_be_missing_for_some_tasks(tmp_path: Path) -> None:
    rows: list[Row] = [[f"text {i}", "ab"[i % 2], "" if i < 4 else f"{i}.5"] for i in range(20)]
    data = read(tmp_path, rows, ("text", "label", "price"), targets=["label", "price"], units={"price": "USD"})
    assert np.isnan(data.targets[:4, 1]).all()
    assert not np.isnan(data.targets[:, 0]).any()
    assert data.tasks[1].unit == "USD"


def test_rows_out_of_scope_are_no_label(tmp_path: Path) -> None:
    rows: list[Row] = [["one", "a"], ["two", "b"], ["x y", "OOS "], ["four", "a"], ["six", "b"], ["z", "oos"]]
    data = read(tmp_path, rows, out_of_scope="oos")
    assert data.tasks[0].labels == ("a", "b")
    assert data.outside_texts == ("x y", "z")
    assert data.examples(str.strip).outside == ("x y", "z")
    with pytest.raises(InvalidInput, match="No row has the label 'other'"):
        read(tmp_path, rows, out_of_scope="other")


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-03-01", "2024-03-02 10:00", "2024-03-03T10:00:00Z", "", "2024-03-31"],
        ["01.03.2024", "02.03.2024", "13.03.2024 18:30", "", "31.03.2024"],
        ["3/1/2024", "3/2/2024", "3/13/2024", "", "3/31/2024"],
        ["1709251200", "1709337600", "1709424000000", "", "1711843200"],
    ],
)
def test_times_are_read_in_the_usual_ways(tmp_path: Path, cells: list[str]) -> None:
    rows: list[Row] = [[f"text {i}", "ab"[i % 2], cell] for i, cell in enumerate(cells * 2)]
    data = read(tmp_path, rows, ("text", "label", "when"), time="when")
    assert data.times is not None
    days = (data.times[:5] - data.times[0]) // 86_400
    assert days[[0, 1, 4]].tolist() == [0, 1, 30]
    assert np.isnan(days[3])
    assert "reading/times" in ids(data)


def test_columns_that_hold_no_times_or_too_many_splits_are_refused(tmp_path: Path) -> None:
    rows: list[Row] = [[f"text {i}", "ab"[i % 2], f"soon {i}"] for i in range(40)]
    with pytest.raises(InvalidInput, match="No cell of the time column 'x' reads as a time"):
        read(tmp_path, rows, ("text", "label", "x"), time="x")
    with pytest.raises(InvalidInput, match="The split column 'x' has 40 values"):
        read(tmp_path, rows, ("text", "label", "x"), split="x")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["one", "a"], ["two", "a"], ["three", "A "]], "has one label only, 'a'"),
        ([["one", ""], ["two", "nan"]], "is empty in every row"),
        ([["one", "a"], ["two", "b"], ["three", "b"]], "has 1 labels with at least 2 rows"),
        ([["same", "a"], ["Same ", "b"], ["same", "a"], ["same", "b"]], "All 4 texts of rows.csv are equal"),
        ([["", "a"], ["", "b"], ["", "a"], ["", "b"]], "has 0 rows with both"),
        ([[f"t {i}", f"Some long answer number {i}"] for i in range(50)], "these are texts or ids, not labels"),
        ([[f"t {i}", "5.5"] for i in range(5)], "has one number only"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(tmp_path: Path, rows: list[Row], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, rows)


def test_columns_that_are_not_there_or_both_text_and_target(tmp_path: Path) -> None:
    rows: list[Row] = [["one", "a"], ["two", "b"]] * 3
    with pytest.raises(UnknownName, match="Did you mean 'label'"):
        read(tmp_path, rows, targets=["labels"])
    with pytest.raises(InvalidInput, match="can't be both text and target"):
        read(tmp_path, rows, targets=["text"])
    with pytest.raises(InvalidInput, match="At least one text column"):
        read(tmp_path, rows, text=[])


def test_a_text_column_of_numbers_is_said_to_be_one(tmp_path: Path) -> None:
    data = read(tmp_path, [[i, "ab"[i % 2]] for i in range(20)])
    finding = next(finding for finding in data.findings if finding.id == "reading/text-of-numbers")
    assert finding.severity == "serious"


def test_columns_are_guessed_from_what_they_hold(tmp_path: Path) -> None:
    rows = [[i, text, f"https://x.example/{i}", topic, "train"] for i, (text, topic) in enumerate(texts(60))]
    path = write(tmp_path / "rows.csv", ("id", "words", "link", "topic", "split"), rows)
    text, target, finding = guess_columns(read_table(path))
    assert (text, target) == ("words", "topic")
    assert "'words'" in finding.title
    with pytest.raises(InvalidInput, match="looks like texts"):
        guess_columns(read_table(write(path, ("a", "b"), [[i, i % 2] for i in range(30)])))
