"""Rubrics: shipped and one's own, and what is said of those that break a rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluators.judges.llm import load_rubric, rubric_names
from signalbox.errors import InvalidInput, NotFound, SignalboxError, TooLarge, UnknownName

OWN = {
    "name": "tone",
    "version": 3,
    "title": "Is it friendly?",
    "scale": {"low": 0, "high": 2, "right_from": 1},
    "instructions": "Judge the tone.",
    "criteria": ["It greets."],
}


def test_the_shipped_ones_load_by_name_and_version() -> None:
    assert {name.partition("@")[0] for name in rubric_names()} == {
        "correctness", "groundedness", "helpfulness", "preference", "safety"}  # fmt: skip
    for name in rubric_names():
        rubric = load_rubric(name)
        assert rubric.reference == name
        assert set(rubric.anchors) == set(range(rubric.scale.low, rubric.scale.high + 1))
        assert load_rubric(rubric.name).version >= rubric.version
        assert list(rubric.verdict_schema["properties"]) == ["reason", "score"]


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_file_of_ones_own(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone{suffix}"
    path.write_text(json.dumps(OWN))
    rubric = load_rubric(str(path))
    assert (rubric.reference, rubric.floor.labels) == ("tone@3", 50)
    path.write_text(json.dumps(OWN | {"criteria": ["It greets.", "It thanks."]}))
    assert load_rubric(str(path)).hash != rubric.hash


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": {"low": 1, "high": 5, "right_from": 6}}, r"scale: a scale needs low < right_from <= high"),
        ({"scale": {"low": 0, "high": 100, "right_from": 50}}, r"at most 21 steps"),
        ({"criteria": []}, r"criteria"),
        ({"criteria": ["  "]}, r"criteria\.0"),
        ({"name": "Big Name"}, r"name"),
        ({"version": "new"}, r"version"),
        ({"anchors": {"7": "Perfect."}}, r"anchors name 7"),
        ({"floor": {"kappa": float("nan")}}, r"floor\.kappa"),
        ({"format": 2}, r"format"),
        ({"kind": "pair", "scale": {"low": 1, "high": 4, "right_from": 3}}, r"needs a middle"),
        ({"criterias": ["x"]}, r"criterias"),
    ],
)
def test_what_breaks_a_rule_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "tone.json"
    path.write_text(json.dumps(OWN | change))
    with pytest.raises(InvalidInput, match=said) as raised:
        load_rubric(str(path))
    assert "tone.json" in raised.value.detail


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.json", b'{"name": ', InvalidInput),
        ("a.json", b"[1]", InvalidInput),
        ("a.json", b"[" * 50_000, InvalidInput),
        ("a.yaml", b"a: &x [1]\nb: *x\n", InvalidInput),
        ("a.yaml", b"a: [", InvalidInput),
        ("a.yaml", b"\xff\xfe", InvalidInput),
        ("a.yaml", b"- " * 40_000, TooLarge),
        ("a.yaml", b"a: !!python/object/apply:os.system ['true']", InvalidInput),
    ],
)
def test_files_that_are_no_rubric(tmp_path: Path, name: str, content: bytes, kind: type[SignalboxError]) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(kind, match=name):
        load_rubric(str(tmp_path / name))


@pytest.mark.parametrize("reference", ["nonsense", "correctness@99", "correctness@", "../correctness", ""])
def test_unknown_names_list_those_there_are(reference: str) -> None:
    if reference == "correctness@":
        assert load_rubric(reference).name == "correctness"
        return
    with pytest.raises(UnknownName, match="correctness@1, groundedness@1"):
        load_rubric(reference)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(NotFound, match=r"mine\.yaml"):
        load_rubric("mine.yaml")
