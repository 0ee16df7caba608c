"""Reading examples: what is wrong is said with file, line and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from intent_files import lines, records

from classifiers import read_intents
from classifiers.data import intents as data
from signalbox.errors import InvalidInput, TooLarge


def test_reads_intents_and_drops_repetitions(tmp_path: Path) -> None:
    path = lines(tmp_path / "i.jsonl", records({"a": ["one", "ONE ", "two"], "b": ["three", "four"]}))
    outside = lines(tmp_path / "o.jsonl", [{"text": "five"}, {"text": "Five"}])
    examples = read_intents(path, outside)
    assert examples.labels == ("a", "b")
    assert examples.texts == ("one", "two", "three", "four")
    assert examples.targets == (0, 0, 1, 1)
    assert examples.out_of_scope == ("five",)


def test_reads_a_byte_order_mark_windows_lines_and_unicode_separators(tmp_path: Path) -> None:
    path = lines(tmp_path / "i.jsonl", records({"a": ["one\u2028more", "two"], "b": ["three", "four"]}))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert read_intents(path).texts[0] == "one\u2028more"


def test_the_checksum_follows_the_data_not_the_file(tmp_path: Path) -> None:
    one = read_intents(lines(tmp_path / "1.jsonl", records()))
    two = read_intents(lines(tmp_path / "2.jsonl", records()))
    other = read_intents(lines(tmp_path / "3.jsonl", records({"a": ["one", "two"], "b": ["three", "four"]})))
    hashes = [examples.examples(str).sha256 for examples in (one, two, other)]
    assert hashes[0] == hashes[1] != hashes[2]


GOOD = records({"a": ["one", "two"], "b": ["three", "four"]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"intent": None}, "line 2: 'intent' must be a text"),
        ({"intent": " "}, "line 2: 'intent' is empty"),
        ({"title": 3}, "line 2: 'title' must be a text"),
        ({"reply": ""}, "line 2: 'reply' is empty"),
        ({"utterances": "one"}, "line 2: 'utterances' must be a list"),
        ({"utterances": ["x", ""]}, r"line 2: 'utterances\[1\]' is empty"),
        ({"utterances": ["x", 5]}, r"line 2: 'utterances\[1\]' must be a text"),
        ({"utterances": ["x", "X "]}, "line 2: the intent 'b' needs at least 2 distinct"),
        ({"utterances": []}, "line 2: the intent 'b' needs at least 2 distinct"),
        ({"utterances": ["x", "Two"]}, "line 2: the utterance 'Two' of 'b' belongs to 'a' too"),
        ({"utterances": ["x", "\ud800"]}, "line 2: .*surrogate"),
        ({"intent": "a"}, "line 2: the intent 'a' is in .* already"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = lines(tmp_path / "i.jsonl", [GOOD[0], GOOD[1] | change])
    with pytest.raises(InvalidInput, match=said) as caught:
        read_intents(path)
    assert str(path) in caught.value.detail


@pytest.mark.parametrize("field", ["intent", "title", "reply", "utterances"])
def test_missing_fields_are_named(tmp_path: Path, field: str) -> None:
    broken = {key: value for key, value in GOOD[1].items() if key != field}
    with pytest.raises(InvalidInput, match=f"line 2: the field '{field}' is missing") as caught:
        read_intents(lines(tmp_path / "i.jsonl", [GOOD[0], broken]))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 intents"),
        (b"\xff\xfe{", "line 1: not UTF-8"),
        (b"{}\n", "line 1: the field 'intent' is missing"),
        (b"[]\n", "line 1: not a JSON object but a list"),
        (b"null\n", "line 1: not a JSON object"),
        (b'{"intent":\n', "line 1: not JSON"),
        (b"[" * 100_000, "line 1: not JSON"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "i.jsonl"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        read_intents(path)


def test_a_missing_file_and_a_single_intent_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.jsonl can't be read"):
        read_intents(tmp_path / "nowhere.jsonl")
    with pytest.raises(InvalidInput, match="1 intents; at least 2"):
        read_intents(lines(tmp_path / "i.jsonl", GOOD[:1]))


def test_out_of_scope_texts_are_checked_too(tmp_path: Path) -> None:
    path = lines(tmp_path / "i.jsonl", GOOD)
    with pytest.raises(InvalidInput, match="line 2: the field 'text' is missing"):
        read_intents(path, lines(tmp_path / "o.jsonl", [{"text": "x"}, {"texts": "y"}]))
    with pytest.raises(InvalidInput, match="'ONE' is an utterance of 'a'"):
        read_intents(path, lines(tmp_path / "o.jsonl", [{"text": "ONE"}]))


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MOST_UTTERANCES", 3)
    with pytest.raises(TooLarge, match="more than 3 utterances"):
        read_intents(lines(tmp_path / "i.jsonl", GOOD))
    with pytest.raises(TooLarge, match="more than 10,000 characters"):
        read_intents(lines(tmp_path / "i.jsonl", records({"a": ["x" * 10_001, "y"], "b": ["three", "four"]})))
