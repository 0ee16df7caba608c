"""What the report says of files with one thing wrong each, and that it says nothing of a file without fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from intent_files import LetterEncoder
from labelled_rows import COMMON, WORDS, Row, texts, write

from classifiers.data import Finding, LabelledData, labelled, read_table
from classifiers.data.report import DataReport, data_report

Report = Callable[..., DataReport]


def data_of(
    folder: Path, rows: list[Row], header: tuple[str, ...], name: str = "rows.csv", **given: object
) -> LabelledData:
    table = read_table(write(folder / name, header, rows), header=True)
    return labelled(table, **{"text": ["text"], "targets": ["label"], **given})  # type: ignore[arg-type]


@pytest.fixture
def report(tmp_path: Path, encoder: LetterEncoder) -> Report:
    """The report on rows with these columns."""

    def make(
        rows: list[Row], header: tuple[str, ...] = ("text", "label"), test: list[Row] | None = None, **given: object
    ) -> DataReport:
        other = data_of(tmp_path, test, header, "test.csv", **given) if test is not None else None
        return data_report(data_of(tmp_path, rows, header, **given), encoder=encoder, test=other)

    return make


def found(report: DataReport, name: str) -> Finding:
    matching = [finding for finding in report.findings if finding.id == name]
    assert len(matching) == 1, [(finding.id, finding.title) for finding in report.findings]
    return matching[0]


def urgent(report: DataReport) -> set[str]:
    return {finding.id for finding in report.findings if finding.severity != "note"}


def test_nothing_is_said_of_a_file_without_fault(report: Report) -> None:
    one = report(texts(300))
    assert urgent(one) == set()
    assert [section.id for section in one.sections] == [
        "reading", "balance", "missing", "duplicates", "overlap", "leaks", "giveaways", "scrapes", "templates",
        "lengths", "languages", "drift", "label-errors",
    ]  # fmt: skip
    assert DataReport.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize("count", [4, 12, 40])
def test_tiny_files_raise_no_alarm(report: Report, count: int) -> None:
    rows = [[*row, i, i % 3] for i, row in enumerate(texts(count, topics=["garden", "kitchen"]))]
    assert urgent(report(rows, ("text", "label", "id", "group"))) <= {"balance/few-rows"}


def test_the_same_file_and_seed_give_the_same_report(report: Report) -> None:
    rows = texts(150)
    one, other = report(rows), report(rows)
    assert one.findings == other.findings
    assert one.suspects == other.suspects


def test_labels_that_are_rare_or_uneven(report: Report) -> None:
    rows = [*texts(600, topics=["garden", "kitchen"]), *texts(4, topics=["travel"])]
    one = report(rows)
    assert found(one, "balance/few-rows").figures["labels"] == 1
    assert found(one, "balance/uneven").severity == "warning"


def test_wrong_labels_are_found_and_named_with_the_right_one(report: Report) -> None:
    rows = [list(row) for row in texts(300)]
    wrong = {30: "garden", 77: "kitchen", 130: "travel", 222: "garden"}
    right = {}
    for index, label in wrong.items():
        right[index + 2] = rows[index][1]
        rows[index][1] = label if rows[index][1] != label else "travel" if label != "travel" else "garden"
    one = report(rows)
    assert len({suspect.line for suspect in one.suspects[:4]} & set(right)) >= 3
    assert all(suspect.suggested == right.get(suspect.line, suspect.suggested) for suspect in one.suspects[:4])
    assert found(one, "label-errors/suspected").figures["suspected"] == len(one.suspects)


def test_duplicates_and_conflicting_ones(report: Report) -> None:
    rows = texts(200)
    again: list[Row] = [[str(rows[i][0]).upper() + " !", rows[i][1]] for i in range(10)]
    conflicts: list[Row] = [[rows[20][0], "travel" if rows[20][1] != "travel" else "garden"]]
    one = report([*rows, *again, *conflicts])
    assert found(one, "duplicates/equal").figures["rows"] == 11
    conflict = found(one, "duplicates/conflicting")
    assert (conflict.examples[0].line, conflict.examples[0].other_line) == (22, 212)
    near = [[f"{row[0]} {row[0]} so", row[1]] for row in rows[:40]]
    assert found(report([*rows, *near, *[[f"{text}x", label] for text, label in near]]), "duplicates/near")


def test_rows_of_the_test_that_were_learned_from(report: Report) -> None:
    rows = texts(200)
    one = report(rows, test=[*texts(100, seed=5), *rows[:10]])
    overlap = found(one, "overlap/test")
    assert overlap.severity == "serious"
    assert overlap.figures["equal"] == 10
    assert one.test_rows == 110
    split = [[*row, "test" if i % 3 == 0 else "train"] for i, row in enumerate([*rows, *rows[:8]])]
    assert found(report(split, ("text", "label", "part"), split="part"), "overlap/test")


def test_columns_that_give_the_target_away(report: Report) -> None:
    draw = np.random.default_rng(3)
    rows = [
        [text, label, f"team {label}" if draw.random() < 0.97 else "team x", draw.integers(9), i, draw.random()]
        for i, (text, label) in enumerate(texts(300))
    ]
    one = report(rows, ("text", "label", "assigned", "noise", "id", "x"))
    leak = found(one, "leaks/column")
    assert (leak.column, leak.severity) == ("assigned", "serious")


def test_whether_a_cell_is_empty_can_give_the_target_away(report: Report) -> None:
    rows = [[text, label, "closed" if label == "garden" else ""] for text, label in texts(200)]
    columns = [finding.column for finding in report(rows, ("text", "label", "note")).findings if "leaks" in finding.id]
    assert columns == ["note is empty"]


def scores(count: int) -> list[float]:
    return sorted(np.random.default_rng(1).lognormal(4, 2, count).round(2).tolist(), reverse=True)


def test_numbers_are_given_away_by_rank_by_an_index_and_by_the_order(report: Report) -> None:
    draw = np.random.default_rng(2)
    rows = [
        [text, score, i + 25, round(np.log(score) + draw.normal(), 3), draw.random(), f"author {draw.integers(90)}"]
        for i, ((text, _), score) in enumerate(zip(texts(300), scores(300), strict=True))
    ]
    one = report(rows, ("text", "label", "Unnamed: 0", "ratio", "noise", "author"))
    assert found(one, "leaks/index").column == "Unnamed: 0"
    assert found(one, "leaks/column").column == "ratio"
    assert found(one, "leaks/column").figures["strength"] > 0.7  # type: ignore[operator]
    assert found(one, "leaks/order")


def test_stacked_scrapes_and_keys_that_come_again_with_other_targets(report: Report) -> None:
    rows = [[text, f"https://x.example/{i}"] for i, (text, _) in enumerate(texts(200))]
    first = [[*row, score, i] for i, (row, score) in enumerate(zip(rows, scores(200), strict=True))]
    second = [[*row, score * 1.3, i] for i, (row, score) in enumerate(zip(rows[50:120], scores(70), strict=True))]
    one = report([*first, *second], ("text", "url", "label", "n"))
    key = found(one, "scrapes/repeated-key")
    assert (key.column, key.figures["with_different_targets"], key.severity) == ("url", 70, "serious")
    stacked = found(one, "scrapes/stacked")
    assert [example.line for example in stacked.examples] == [2, 202]
    assert stacked.figures["repeated_across_parts"] == 70


def test_no_columns_of_chance_are_called_leaks(report: Report) -> None:
    draw = np.random.default_rng(4)
    header = ("text", "label", *(f"x{i}" for i in range(40)))
    alarms = 0
    for seed in range(3):
        rows = [[*row, *draw.integers(0, 6, 20), *draw.normal(size=20).round(4)] for row in texts(120, seed=seed)]
        alarms += any("leaks" in finding.id for finding in report(rows, header).findings)
    assert alarms == 0


def test_a_word_or_the_label_itself_in_the_text(report: Report) -> None:
    marked = [[f"{text} ticket#{'zq7' if label == 'garden' else ''}", label] for text, label in texts(200)]
    assert "'zq7' → 'garden'" in found(report(marked), "giveaways/word").title
    named = [[f"{text} [category: {label}]", label] for text, label in texts(200)]
    assert found(report(named), "giveaways/label-in-text").severity == "serious"


def test_texts_that_were_filled_into_templates(report: Report) -> None:
    draw = np.random.default_rng(5)
    frames = ["please tell me about the {} in your town", "what would a {} cost for two people", "never buy a {} again"]
    rows = []
    for i in range(120):
        topic = list(WORDS)[i % 3]
        rows.append(
            [frames[i % 3 if i % 2 else draw.integers(3)].format(" ".join(draw.choice(COMMON.split(), 2))), topic]
        )
    one = found(report(rows), "templates/filled")
    assert one.severity == "serious"
    assert "___" in one.examples[0].note


def test_parts_that_differ_in_texts_or_labels(report: Report) -> None:
    early, late = texts(150, topics=["garden", "kitchen"]), texts(150, seed=1, topics=["kitchen", "travel", "travel"])
    rows = [[*row, f"2024-0{1 + i // 50}-{1 + i % 28:02d}"] for i, row in enumerate([*early, *late])]
    one = report(rows, ("text", "label", "day"), time="day")
    assert found(one, "drift/texts").figures["auc"] > 0.7  # type: ignore[operator]
    assert found(one, "drift/targets").severity == "serious"
    assert "Earlier rows were compared" in next(section.said for section in one.sections if section.id == "drift")


def test_parts_of_one_source_do_not_differ(report: Report) -> None:
    alarms = [
        finding.title
        for seed in range(4)
        for finding in report(texts(300, seed=seed), test=texts(120, seed=100 + seed)).findings
        if "drift" in finding.id
    ]
    assert alarms == []


def test_a_file_sorted_by_label_is_said_to_be_and_not_called_drift(report: Report) -> None:
    one = report(sorted(texts(300), key=lambda row: str(row[1])))
    assert found(one, "leaks/order")
    assert "drift/texts" not in urgent(one)


def test_texts_in_other_languages_and_texts_that_are_next_to_empty(report: Report) -> None:
    german = [
        ["Ich habe gestern die bestellte Lampe nicht bekommen und möchte mein Geld zurück", "garden"],
        ["Können Sie mir bitte sagen, wann der nächste Zug nach Hamburg heute Abend fährt", "travel"],
    ]
    english = [
        [f"I would like to know when number {i} of my orders will be sent to me, please", "travel"] for i in range(40)
    ]
    one = report(
        [*texts(100), *english, *[[f"{text} {i}", label] for i in range(10) for text, label in german], ["?", "garden"]]
    )
    assert "de" in found(one, "languages/several").figures
    assert found(one, "lengths/empty").examples[0].text == "?"


def test_one_number_that_stands_for_a_missing_one(report: Report) -> None:
    rows = [[text, -1 if i % 2 else i + 0.5] for i, (text, _) in enumerate(texts(100))]
    assert found(report(rows), "balance/one-value").figures["value"] == -1


def test_progress_rises_to_one(tmp_path: Path, encoder: LetterEncoder) -> None:
    told: list[float] = []
    data = data_of(tmp_path, texts(120), ("text", "label"))
    data_report(data, encoder=encoder, progress=lambda share, _: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_labels_of_the_test_that_nothing_teaches(report: Report) -> None:
    one = report(texts(120, topics=["garden", "kitchen"]), test=texts(60, seed=3))
    unknown = found(one, "overlap/unknown-labels")
    assert (unknown.severity, unknown.figures["rows"]) == ("serious", 20)
