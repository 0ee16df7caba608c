"""BEGIN files: what is read, and that broken ones are refused by file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval_sets import read_begin
from signalbox.errors import InvalidInput, NotFound

HEADER = "model_name\tdata_source\tknowledge\tmessage\tresponse\tbegin_label\r\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "dev.tsv"
    path.write_bytes(text.encode())
    return path


def test_rows_keep_quotes_and_say_whether_people_found_them_attributable(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEADER
        + 'gpt2\twow\tthe "Tarn" weighs 2 kg.\tHow heavy?\tIt weighs 2 kg.\tFully attributable\r\n'
        + "t5\twow\tthe Tarn.\tHi\tNice tent!\tGeneric\r\n"
        + "t5\tcmu\tthe Tarn.\tHi\tIt is red.\tNot fully attributable\r\n",
    )
    rows = read_begin([path])
    assert [row.attributable for row in rows] == [True, False, False]
    assert rows[0].knowledge == 'the "Tarn" weighs 2 kg.'
    assert [(row.source, row.model) for row in rows] == [("wow", "gpt2"), ("wow", "t5"), ("cmu", "t5")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("knowledge\tmessage\tresponse\n", "line 1: there is no column 'begin_label'"),
        (HEADER + "a\tb\tc\n", "line 2: 3 columns, not 6"),
        (HEADER + "a\tb\tc\td\te\tMaybe\n", "line 2: begin_label is 'Maybe'"),
        (HEADER + "a\tb\t \td\te\tGeneric\n", "line 2: knowledge is empty"),
        (HEADER, "there is no row"),
        ("", "no column 'knowledge'"),
    ],
)
def test_a_broken_file_is_refused_by_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_begin([write(tmp_path, text)])


def test_other_encodings_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_bytes(HEADER.encode() + "é".encode("latin-1"))
    with pytest.raises(InvalidInput, match="line 2: not UTF-8"):
        read_begin([path])
    with pytest.raises(NotFound, match=r"none\.tsv"):
        read_begin([tmp_path / "none.tsv"])
