"""Reading labelled files: dialects, encodings, limits, and what is said of files that break a rule."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifiers.data import read_table, table
from signalbox.errors import InvalidInput, TooLarge, UnknownName, UnsupportedType


def write(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


ROWS = 'text,label\n"Hello, world",greeting\n"two\nlines ""quoted""",other\nplain,greeting\n'


def test_reads_quoted_cells_and_knows_the_line_each_row_begins_on(tmp_path: Path) -> None:
    read = read_table(write(tmp_path, ROWS))
    assert read.columns == ("text", "label")
    assert read.column("text") == ("Hello, world", 'two\nlines "quoted"', "plain")
    assert read.lines.tolist() == [2, 3, 5]
    assert not read.findings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_finds_out_the_encoding_and_says_what_was_assumed(tmp_path: Path, encoding: str) -> None:
    content = "text,label\ncafé au lait “now”,drink\nKäse,food\n".encode(encoding)
    read = read_table(write(tmp_path, content))
    assert read.column("text") == ("café au lait “now”", "Käse")
    assumed = [finding for finding in read.findings if finding.id == "reading/encoding"]
    assert bool(assumed) is (encoding in ("utf-16-le", "utf-16-be", "cp1252"))
    if encoding == "cp1252":
        assert assumed[0].severity == "warning"
        assert assumed[0].examples[0].line == 2


def test_another_alphabet_is_recognised_and_an_encoding_can_be_named(tmp_path: Path) -> None:
    text = "текст,метка\n" + "Привет мир как дела сегодня,приветствие\nСпасибо большое за помощь,благодарность\n" * 5
    assert read_table(write(tmp_path, text.encode("cp1251"))).column("метка")[0] == "приветствие"
    assert read_table(write(tmp_path, "text,label\nж,a\n".encode("cp1251")), encoding="cp1251").column("text") == ("ж",)
    with pytest.raises(InvalidInput, match="no encoding that is known"):
        read_table(write(tmp_path, ROWS), encoding="nonsense")
    with pytest.raises(InvalidInput, match=r"line 2: the byte 0xe9 does not fit utf-8"):
        read_table(write(tmp_path, "text,label\ncafé,a\n".encode("cp1252")), encoding="utf-8")


@pytest.mark.parametrize(("delimiter", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.tsv"), ("|", "a.txt")])
def test_finds_out_the_separator(tmp_path: Path, delimiter: str, name: str) -> None:
    rows = [["text", "label"], ["One, two; three", "a"], ["Four", "b"], ["Five, six", "a"]]
    lines = "\n".join(delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)
    read = read_table(write(tmp_path, lines, name))
    assert read.delimiter == delimiter
    assert read.column("label") == ("a", "b", "a")


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    content = "".join(f"{'spam' if i % 3 else 'ham'}\tmessage number {i} for you\n" for i in range(30))
    read = read_table(write(tmp_path, content, "sms.tsv"))
    assert read.columns == ("column 1", "column 2")
    assert len(read) == 30
    assert [finding.id for finding in read.findings] == ["reading/no-header"]
    assert len(read_table(write(tmp_path, content, "sms.tsv"), header=True)) == 29


def test_quotes_that_never_close_are_plain_in_tab_separated_files_and_an_error_in_others(tmp_path: Path) -> None:
    read = read_table(write(tmp_path, 'text\tlabel\n"so he said\ta\nfine\tb\n', "a.tsv"))
    assert read.column("text") == ('"so he said', "fine")
    assert "reading/plain-quotes" in {finding.id for finding in read.findings}
    with pytest.raises(InvalidInput, match="line 3: a quote is opened here and never closed"):
        read_table(write(tmp_path, 'text,label\nfine,b\n"so he said,a\nfine,b\n'))


def test_ragged_rows_are_named_by_line_or_left_out_on_demand(tmp_path: Path) -> None:
    path = write(tmp_path, "text,label\nfine,a\nnot, so, fine,a\nfine,b\nshort\nfine,b,,\n")
    with pytest.raises(InvalidInput, match=r"line 3: 4 cells, but the header has 2 \(as in 2 rows: lines 3, 5\)"):
        read_table(path)
    read = read_table(path, skip_ragged=True)
    assert read.lines.tolist() == [2, 4, 6]
    assert [example.line for example in read.findings[0].examples] == [3, 5]


def test_columns_without_a_name_of_their_own_get_one(tmp_path: Path) -> None:
    read = read_table(write(tmp_path, "text,,text\na b c,1x,z\nd e f,2y,w\n"))
    assert read.columns == ("text", "column 2", "text (2)")
    assert read.findings[0].id == "reading/names"


def test_reads_json_lines_json_lists_and_lists_by_split(tmp_path: Path) -> None:
    records = [{"text": "one\u2028more", "n": 1}, {"text": "two", "ok": True, "n": None}]
    lines = "\r\n\r\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    read = read_table(write(tmp_path, b"\xef\xbb\xbf" + lines.encode(), "a.jsonl"))
    assert read.columns == ("text", "n", "ok")
    assert read.column("text")[0] == "one\u2028more"
    assert read.column("n") == ("1", "")
    assert read.column("ok") == ("", "true")
    assert read.lines.tolist() == [1, 3]
    assert read_table(write(tmp_path, json.dumps(records, indent=1), "a.json")).column("n") == ("1", "")
    split = read_table(write(tmp_path, json.dumps({"train": [["one", "a"]], "test": [["two", "b"]]}), "b.json"))
    assert split.columns == ("column 1", "column 2", "split")
    assert split.column("split") == ("train", "test")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": "a"}\n{"text": \n', "line 2: not JSON"),
        ('{"text": "a"}\n"b"\n', "line 2: not a JSON object but str"),
        ('{"text": "\\ud800"}\n', "'text' holds half a surrogate pair"),
        ('{"text": "a"', "not JSON"),
        ("[1, 2]", "record 1: not a JSON object but int"),
        ("[]", "has no rows"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_bad_json_is_named(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_table(write(tmp_path, content, "a.jsonl"))


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", InvalidInput, "is empty"),
        (b" \n\n", InvalidInput, "is empty"),
        (b"text,label\n", InvalidInput, "a header but no rows"),
        (b"PK\x03\x04rest", UnsupportedType, "Excel"),
        (b"\x1f\x8brest", UnsupportedType, "Unpack it"),
        (b"a,b\n\x00\x01\x02\x00\x00,c\n" * 3, UnsupportedType, "zero bytes"),
    ],
)
def test_files_that_hold_no_rows_are_refused(
    tmp_path: Path, content: bytes, error: type[InvalidInput], said: str
) -> None:
    with pytest.raises(error, match=said):
        read_table(write(tmp_path, content))


def test_a_missing_file_and_a_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere.csv can't be read"):
        read_table(tmp_path / "nowhere.csv")
    read = read_table(write(tmp_path, ROWS))
    assert read.find(" LABEL ") == "label"
    with pytest.raises(UnknownName, match=r"no target column 'lable'. Did you mean 'label'\? It has 'text', 'label'"):
        read.find("lable", "target column")


def test_limits_name_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "text,label\n" + "a b c,x\n" * 200_001)
    with pytest.raises(TooLarge, match=r"more than 200,000 rows \(line 200002\). Keep a sample"):
        read_table(path)
    path = write(tmp_path, "text,label\n" + "a b c,x\n" * 200_000)
    assert len(read_table(path)) == 200_000
    with pytest.raises(TooLarge, match="line 3, column 'text': a cell of 100,001 characters"):
        read_table(write(tmp_path, f"text,label\na,x\n{'b' * 100_001},x\n"))
    wide = ",".join(f"c{i}" for i in range(1_001))
    with pytest.raises(TooLarge, match="1,001 columns"):
        read_table(write(tmp_path, f"{wide}\n{wide}\n"))
    monkeypatch.setattr(table, "MAX_BYTES", 10)
    with pytest.raises(TooLarge, match="the limit is"):
        read_table(write(tmp_path, ROWS))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=30), min_size=1
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_was_written_as_csv_is_read_as_it_was(
    tmp_path: Path, cells: list[str], delimiter: str, encoding: str
) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([["text", "label"], *([cell, "x"] for cell in cells)])
    assert read_table(path, delimiter=delimiter, header=True).column("text") == tuple(cells)
