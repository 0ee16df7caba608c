"""Eval sets are read whole or refused: every broken line by file, line, field, rule and remedy; sets only grow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval_sets import Card, Case, append_cases, check_set, create_set, read_set, seal_set
from eval_sets.schema import SCHEMA_FILE, schema_text
from signalbox.errors import Conflict, CorruptArtefact, InvalidInput, NotFound, SignalboxError, TooLarge

CARD = Card(
    name="small", version=1, title="Small", description="For tests.", source="here", licence="none", size=1,
    flaws=("tiny",), scorers=("contains",),
)  # fmt: skip


def case(number: int, **expected: object) -> Case:
    return Case.model_validate({"id": f"c{number}", "query": f"Question {number}?", "expected": expected})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_set(tmp_path / "small", CARD, [case(n, contains=[f"answer {n}"]) for n in range(1, 4)])
    return tmp_path / "small"


def test_a_set_comes_back_as_it_was_written_and_hashes_the_same_as_its_bare_file(folder: Path, tmp_path: Path) -> None:
    read = read_set(folder)
    assert (read.name, read.version, read.card.size) == ("small", 1, 3)
    assert [one.id for one in read.cases] == ["c1", "c2", "c3"]
    bare = tmp_path / "copy.jsonl"
    bare.write_bytes((folder / "cases.jsonl").read_bytes().replace(b"\n", b"\r\n"))
    assert read_set(bare).hash == read.hash
    assert read_set(bare).cases == read.cases
    assert check_set(folder) == ()


def test_appending_counts_a_version_and_keeps_the_older_ones(folder: Path) -> None:
    first = read_set(folder)
    grown = append_cases(folder, [case(4, contains=["answer 4"])])
    assert (grown.version, grown.card.size, len(grown.cases)) == (2, 4, 4)
    assert [version.cases for version in grown.card.versions] == [3, 4]
    assert grown.card.versions[0].sha256 == first.hash
    assert grown.hash not in (first.hash, grown.card.versions[0].sha256)
    assert not list(folder.glob(".tmp-*"))


def test_nothing_is_written_where_an_id_is_taken_or_the_set_is_broken(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(InvalidInput, match="'c2' stands in line 2"):
        append_cases(folder, [case(9), case(2)])
    with pytest.raises(InvalidInput, match="no case"):
        append_cases(folder, [])
    with pytest.raises(Conflict, match="holds a set already"):
        create_set(folder, CARD, [case(1)])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda lines: [lines[0], lines[1].replace("answer 2", "answer 22"), lines[2]],
            r"line 2 \(case 'c2'\) was cha",
        ),
        (lambda lines: [lines[0], lines[2]], r"line 2 \(case 'c2'\) was removed"),
        (lambda lines: lines[:2], r"line 3 \(case 'c3'\) was removed"),
    ],
)
@pytest.mark.parametrize("digests", [True, False])
def test_an_old_line_that_was_changed_or_removed_is_named(folder: Path, change, said: str, digests: bool) -> None:  # type: ignore[no-untyped-def]
    path = folder / "cases.jsonl"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    if not digests:
        (folder / "lines.sha256").unlink()
    with pytest.raises(CorruptArtefact, match=said if digests else r"line \d"):
        read_set(folder)
    with pytest.raises(CorruptArtefact):
        append_cases(folder, [case(7)])
    with pytest.raises(CorruptArtefact):
        seal_set(folder)
    assert [finding.severity for finding in check_set(folder)] == ["error"]


def test_lines_added_by_hand_are_counted_when_asked_to(folder: Path) -> None:
    with (folder / "cases.jsonl").open("a") as file:
        file.write('{"id": "c4", "query": "By hand?", "expected": {"contains": ["yes"]}}\n')
    with pytest.raises(InvalidInput, match=r"line 4: 1 lines are counted by no version .* eval check --seal"):
        read_set(folder)
    assert seal_set(folder).version == 2
    assert seal_set(folder).version == 2
    assert len(read_set(folder).cases) == 4


GOOD = '{"id": "a", "query": "b"}'


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        ("{", "line", "not JSON at character 2"),
        ('{"id": "x", "query": ', "line", "not JSON"),
        ("[]", "line", "object"),
        ("null", "line", ""),
        ('{"id": "x"}', "query", "add it"),
        ('{"id": "x", "query": ""}', "query", "at least 1 character"),
        ('{"id": "x y", "query": "b"}', "id", "'x y'"),
        ('{"id": "a", "query": "b"}', "id", "'a' stands in line 1 already"),
        ('{"id": "x", "query": "b", "wants": 1}', "wants", "no such field"),
        ('{"id": "x", "query": "b", "expected": {"value": NaN}}', "line", "NaN is no JSON number"),
        ('{"id": "x", "query": "b", "expected": {"value": -Infinity}}', "line", "Infinity is no JSON number"),
        ('{"id": "x", "query": "b", "expected": {"value": 1e999}}', "line", "larger than any number"),
        ('{"id": "x", "query": "b", "expected": {"value": "4"}}', "expected.value", "'4'"),
        ('{"id": "x", "query": "b", "expected": {"tolerance": -1}}', "expected.tolerance", "-1"),
        ('{"id": "x", "query": "b", "expected": {"route": "gpu"}}', "expected.route", "'classifier', 'grounded'"),
        ('{"id": "x", "query": "b", "expected": {"answerable": "yes"}}', "expected.answerable", "boolean"),
        ('{"id": "x", "query": "b", "expected": {"pattern": "(a"}}', "expected.pattern", "not a regular expression"),
        ('{"id": "x", "query": "b", "expected": {"json_schema": {"type": 3}}}', "expected.json_schema", "/type"),
        ('{"id": "x", "query": "b", "expected": {"contains": ["?"]}}', "expected.contains.0", "pattern"),
        ('{"id": "x", "id": "y", "query": "b"}', "line", "'id' occurs twice"),
        ('{"id": "x", "query": "\\ud800"}', "", ""),
        ("[" * 100_000, "line", "nested too deeply"),
        ('{"id": ' + "9" * 5_000 + "}", "", ""),
        ("", "line", "the line is empty"),
    ],
)
def test_a_broken_line_is_refused_by_file_line_and_field(tmp_path: Path, line: str, field: str, said: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f'{GOOD}\n{line}\n{{"id": "z", "query": "b"}}\n')
    with pytest.raises(InvalidInput) as raised:
        read_set(path)
    assert f"{path}, line 2" in raised.value.detail
    assert said in raised.value.detail
    if field:
        assert raised.value.field == field


def test_all_broken_lines_are_counted_and_found(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f'{{\n{GOOD}\n{{"id": 1}}\n')
    with pytest.raises(InvalidInput, match=r"line 1: .* 1 more lines are wrong"):
        read_set(path)
    found = check_set(path)
    assert [(one.severity, one.line) for one in found] == [("error", 1), ("error", 3), ("warning", 2)]


def test_files_that_are_none_are_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match=r"card\.yaml and cases\.jsonl"):
        read_set(tmp_path / "none")
    with pytest.raises(NotFound, match=r"no file .*card\.yaml"):
        read_set(tmp_path)
    other = tmp_path / "cases.csv"
    other.write_text("id,query\n")
    with pytest.raises(InvalidInput, match="other formats are imported"):
        read_set(other)
    path = tmp_path / "cases.jsonl"
    path.write_bytes(f"{GOOD}\n".encode() + b'{"id": "\xff"}')
    with pytest.raises(InvalidInput, match="line 2: not UTF-8"):
        read_set(path)
    path.write_text("\n\n")
    with pytest.raises(InvalidInput, match="no case in it"):
        read_set(path)
    monkeypatch.setattr("eval_sets.sets.MAX_CASES", 1)
    path.write_text(f"{GOOD}\n{GOOD}\n")
    with pytest.raises(TooLarge, match="more than 1 cases"):
        read_set(path)
    monkeypatch.setattr("eval_sets.files.MAX_LINE", 10)
    with pytest.raises(TooLarge, match="line 1: more than 10 characters"):
        read_set(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "line 1: not plain YAML"),
        ("- a", "a card is a mapping"),
        ("name: a\nname: b\n", "'name' occurs twice"),
        ("a: &x [1]\nb: [*x, *x]\n", "a: there is no such field|add it"),
        ("a: &x [*x]\n", "an alias stands within what it names"),
        ("l0: &l0 [x]\n" + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9)), "unfold"),
        ("a: *nobody\n", "line 1: not plain YAML: found undefined alias"),
        ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("name: small\n", "version: .*: add it"),
        ("title: 2026-99-99\n", "not plain YAML|add it"),
        ("[" * 5_000, "not plain YAML"),
    ],
)
def test_a_broken_card_is_refused_and_never_run(folder: Path, text: str, said: str) -> None:
    (folder / "card.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read_set(folder)


def test_what_a_card_says_of_its_size_and_versions_has_to_hold(folder: Path) -> None:
    card = (folder / "card.yaml").read_text()
    for old, new, said in (
        ("size: 3", "size: 4", "the last of versions"),
        ("version: 1\ntitle", "version: 2\ntitle", "the last of versions"),
        ("cases: 3", "cases: 0", "versions.0.cases"),
    ):
        assert old in card
        (folder / "card.yaml").write_text(card.replace(old, new))
        with pytest.raises(SignalboxError, match=said):
            read_set(folder)


def test_cases_that_nothing_can_measure_or_that_ask_the_same_are_found(tmp_path: Path) -> None:
    same = Case(id="same", query="question  1?", expected=case(1, contains=["x"]).expected)
    create_set(tmp_path / "s", CARD, [case(1, contains=["x"]), case(2), case(3, value=2.0), same])
    found = check_set(tmp_path / "s")
    assert [(one.severity, one.line, one.field) for one in found] == [
        ("warning", 2, "expected"),
        ("warning", 3, "expected"),
        ("warning", 4, "query"),
    ]
    assert "no scorer of the card (contains)" in found[1].said


def test_the_schema_beside_the_module_is_current_and_accepts_what_is_written(folder: Path) -> None:
    from jsonschema import Draft202012Validator

    assert SCHEMA_FILE.read_text() == schema_text(), "run python -m eval_sets.schema"
    schema = json.loads(SCHEMA_FILE.read_text())
    for line in (folder / "cases.jsonl").read_text().splitlines():
        Draft202012Validator(schema).validate(json.loads(line))
    assert not Draft202012Validator(schema).is_valid({"id": "a"})
