"""Sets are written whole: by writers side by side, by one that is killed, and where there is no room."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_sets import Card, Case, Expected, Given, append_cases, create_set, read_set, seal_set
from eval_sets.lines import case_line, parse_case
from signalbox.errors import ConfigurationError, InvalidInput

CARD = Card(name="s", version=1, title="t", description="d", source="s", licence="l", size=1)


def case(name: str) -> Case:
    return Case(id=name, query="Why?", expected=Expected(contains=(name,)))


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    create_set(tmp_path, CARD, [case("first")])
    threads = [threading.Thread(target=append_cases, args=(tmp_path, [case(f"c{n}")])) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_set(tmp_path)
    assert {one.id for one in found.cases} == {"first", *(f"c{n}" for n in range(8))}
    assert [version.cases for version in found.card.versions] == list(range(1, 10))


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_writer_that_dies_in_between_leaves_what_can_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    import eval_sets.writing as writing

    create_set(tmp_path, CARD, [case("first")])
    whole, done = writing.write_atomically, 0

    def killed(path: Path, content: bytes) -> None:
        nonlocal done
        if done == written:
            raise KeyboardInterrupt
        done += 1
        whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            append_cases(tmp_path, [case("second")])
    if written:
        with pytest.raises(InvalidInput, match="line 2: 1 lines are counted by no version"):
            read_set(tmp_path)
        assert seal_set(tmp_path).version == 2
    else:
        assert read_set(tmp_path).version == 1
        append_cases(tmp_path, [case("second")])
    assert [one.id for one in read_set(tmp_path).cases] == ["first", "second"]


def test_without_room_the_set_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_set(tmp_path, CARD, [case("first")])

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ConfigurationError, match="No space left on device"):
            append_cases(tmp_path, [case("second")])
    assert [one.id for one in read_set(tmp_path).cases] == ["first"]
    assert not list(tmp_path.glob(".tmp-*"))


words = st.text(min_size=1, max_size=30)


@given(words, st.lists(words, max_size=3), words, st.floats(allow_nan=False, allow_infinity=False))
def test_any_case_comes_back_from_its_line(query: str, answers: list[str], context: str, value: float) -> None:
    one = Case(
        id="a",
        query=query,
        expected=Expected(answers=tuple(answers), value=value),
        given=Given(answer=query, contexts=(context,)),
        tags={"language": "en"},
    )
    line = case_line(one)
    assert "\n" not in line
    assert parse_case(line) == one
