"""The pool of experts: references, aliases that move, versions that can't be loaded, and the budget of memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from api.service.experts import ExpertPool
from api.service.experts.memory import Memory
from classifiers.registry import Registry
from signalbox.contracts import Opinion
from signalbox.errors import ConfigurationError, CorruptArtefact, NotFound, Overloaded
from signalbox.types import Answer

MB = 1_000_000


class Named:
    """Answers with its own name; `nbytes` is what its version's file says."""

    def __init__(self, name: str, nbytes: int) -> None:
        self.name, self.nbytes = name, nbytes
        self.titles = {"a": "A"}

    def predict(self, texts: Sequence[str], *, vectors: Any = None, explain: bool = False) -> tuple[Opinion, ...]:
        return tuple(Opinion(Answer(text=self.name), 0.9, {}) for _ in texts)


class Shelf:
    """A registry of experts that only have a size, and a loader that counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = Registry(folder)
        self.loads: list[str] = []
        self.gate: threading.Event | None = None

    def add(self, name: str, *, megabytes: float = 1, promote: bool | None = None) -> int:
        def fill(folder: Path, number: int) -> dict[str, Any]:
            (folder / "size").write_text(str(megabytes))
            return {}

        return self.registry.add(name, kind="sized", format=1, fill=fill, promote=promote).number

    def break_(self, name: str, number: int) -> None:
        (self.folder / name / str(number) / "size").write_text("changed")

    def load(self, name: str, number: int) -> Named:
        if self.gate is not None:
            assert self.gate.wait(10)
        self.loads.append(f"{name}@{number}")
        path, version = self.registry.open(f"{name}@{number}", kind="sized", format=1)
        return Named(version.reference, int(float((path / "size").read_text()) * MB))

    def pool(self, *, megabytes: float = 10) -> ExpertPool:
        pool = ExpertPool(self.folder, self.load, default="intents", budget=int(megabytes * MB))
        pool.refresh()
        return pool


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "experts")


def answer(pool: ExpertPool, reference: str) -> str | None:
    (opinion,) = pool[reference].predict(["hello"])
    return opinion.answer.text


def test_experts_are_loaded_when_they_are_asked_and_the_default_at_once(shelf: Shelf) -> None:
    shelf.add("intents")
    shelf.add("topics")
    pool = shelf.pool()
    assert shelf.loads == ["intents@1"]
    assert list(pool) == ["intents", "topics"]
    assert pool.default == "intents"
    handle = pool["topics"]
    assert (handle.name, handle.titles) == ("topics@1", {})
    assert answer(pool, "topics") == answer(pool, "topics") == "topics@1"
    assert handle.titles == {"a": "A"}
    assert shelf.loads == ["intents@1", "topics@1"]


def test_references_name_versions_and_aliases(shelf: Shelf) -> None:
    shelf.add("intents")
    shelf.add("intents", promote=False)
    pool = shelf.pool()
    assert answer(pool, "intents") == answer(pool, "intents@champion") == answer(pool, "intents@1") == "intents@1"
    assert answer(pool, "intents@challenger") == answer(pool, "intents@2") == "intents@2"
    for unknown in ("intents@3", "intents@", "intents@0", "intents@x", "intents@٣", "topics", "", "@", "../intents", 3):
        assert unknown not in pool
    with pytest.raises(KeyError):
        pool["intents@3"]


def test_no_experts_at_all(shelf: Shelf) -> None:
    pool = shelf.pool()
    assert (list(pool), pool.default, pool.troubles, pool.refresh()) == ([], None, {}, False)
    shelf.add("intents")
    assert pool.refresh()
    assert pool.default == "intents"


def test_promotions_and_rollbacks_are_taken_over(shelf: Shelf) -> None:
    shelf.add("intents")
    pool = shelf.pool()
    asked = pool["intents"]
    shelf.add("intents", promote=True)
    assert answer(pool, "intents") == "intents@1"
    assert pool.refresh()
    assert not pool.refresh()
    assert answer(pool, "intents") == "intents@2"
    assert asked.predict(["x"])[0].answer.text == "intents@2"
    assert asked.name == "intents@2"
    shelf.registry.rollback("intents")
    assert pool.refresh()
    assert answer(pool, "intents") == "intents@1"


def test_a_broken_champion_leaves_the_one_before_answering(shelf: Shelf) -> None:
    shelf.add("intents")
    pool = shelf.pool()
    number = shelf.add("intents", promote=True)
    shelf.break_("intents", number)
    assert pool.refresh()
    assert answer(pool, "intents") == "intents@1"
    assert pool["intents"].name == "intents@1"
    assert "intents@2 can't be used" in pool.troubles["intents"]
    assert "intents@1 goes on answering" in pool.troubles["intents"]
    with pytest.raises(CorruptArtefact, match="differs from the checksum"):
        answer(pool, "intents@2")
    shelf.registry.rollback("intents")
    pool.refresh()
    assert pool.troubles == {}
    # The same when the service starts: the version before is found by the history.
    shelf.registry.promote("intents", shelf.add("intents", promote=False))
    shelf.break_("intents", 3)
    pool = shelf.pool()
    assert answer(pool, "intents") == "intents@1"
    assert pool.default == "intents"


def test_where_no_version_works_the_error_says_why(shelf: Shelf) -> None:
    for name in ("intents", "topics"):
        shelf.add(name)
        shelf.break_(name, 1)
    pool = shelf.pool()
    for name in ("intents", "topics"):
        with pytest.raises(CorruptArtefact, match="checksum"):
            answer(pool, name)
    before = len(shelf.loads)
    with pytest.raises(CorruptArtefact):
        answer(pool, "intents")
    assert len(shelf.loads) == before, "it was tried again at once"
    assert set(pool.troubles) == {"intents", "topics"}


def test_aliases_that_cant_be_read(shelf: Shelf) -> None:
    shelf.add("intents")
    shelf.add("topics")
    pool = shelf.pool()
    shelf.registry.aliases_file("intents").write_text("{")
    shelf.registry.aliases_file("topics").write_text("{")
    pool.refresh()
    assert answer(pool, "intents") == "intents@1"
    assert "aliases" in pool.troubles["intents"]
    pool = shelf.pool()
    assert "intents" in pool
    with pytest.raises(CorruptArtefact, match="aliases"):
        answer(pool, "intents")
    assert pool.default is None


def test_an_expert_that_is_removed_goes(shelf: Shelf) -> None:
    shelf.add("intents")
    shelf.add("intents", promote=True)
    pool = shelf.pool()
    assert answer(pool, "intents@1") == "intents@1"
    shelf.registry.remove("intents", 1)
    pool.refresh()
    assert "intents@1" not in pool
    assert pool.memory.keys == (("intents", 2),)


def test_the_longest_unused_goes_first_and_the_default_never(shelf: Shelf) -> None:
    for name in ("intents", "one", "two", "three"):
        shelf.add(name, megabytes=3)
    pool = shelf.pool(megabytes=10)
    for name in ("one", "two", "one", "three"):
        answer(pool, name)
    assert {name for name, _ in pool.memory.keys} == {"intents", "one", "three"}
    assert pool.memory.used <= pool.memory.budget
    answer(pool, "two")
    assert {name for name, _ in pool.memory.keys} == {"intents", "three", "two"}


def test_one_in_use_is_never_unloaded(shelf: Shelf) -> None:
    shelf.add("intents", megabytes=2)
    shelf.add("large", megabytes=6)
    shelf.add("other", megabytes=6)
    shelf.add("huge", megabytes=60)
    pool = shelf.pool(megabytes=10)
    with pool.using("large"):
        with pytest.raises(Overloaded, match="no room for the expert other@1"):
            answer(pool, "other")
        assert ("large", 1) in pool.memory.keys
    assert answer(pool, "other") == "other@1"
    with pytest.raises(ConfigurationError, match="EXPERTS_MEMORY_MB"):
        answer(pool, "huge")
    assert answer(pool, "intents") == "intents@1"


def test_a_short_lack_of_memory_never_rolls_a_champion_back(shelf: Shelf) -> None:
    shelf.add("topics", megabytes=1)
    shelf.add("topics", megabytes=7, promote=True)
    shelf.add("other", megabytes=6)
    pool = shelf.pool(megabytes=10)
    with pool.using("other"):
        with pytest.raises(Overloaded, match="no room for the expert topics@2"):
            answer(pool, "topics")
        assert pool["topics"].name == "topics@2"
    assert answer(pool, "topics") == "topics@2"
    assert pool.troubles == {}


def test_a_new_champion_waits_for_room_while_the_old_one_answers(shelf: Shelf) -> None:
    shelf.add("topics", megabytes=1)
    shelf.add("other", megabytes=6)
    pool = shelf.pool(megabytes=10)
    assert answer(pool, "topics") == "topics@1"
    shelf.add("topics", megabytes=7, promote=True)
    with pool.using("other"):
        assert pool.refresh()
        assert answer(pool, "topics") == "topics@1"
        assert "topics@2 can't take over yet" in pool.troubles["topics"]
    assert pool.refresh()
    assert answer(pool, "topics") == "topics@2"
    assert pool.troubles == {}
    assert not pool.refresh()


def test_two_that_are_loaded_at_once_stay_within_the_budget() -> None:
    begun, gate = threading.Event(), threading.Event()

    def load(key: tuple[str, int]) -> Named:
        begun.set()
        assert gate.wait(10)
        return Named(key[0], 6)

    memory = Memory(10, load, lambda key: 6, lambda: ())
    with ThreadPoolExecutor(1) as threads:

        def use() -> str:
            with memory.using(("one", 1)) as expert:
                return expert.name

        first = threads.submit(use)
        assert begun.wait(10)
        with pytest.raises(Overloaded, match="no room for the expert two@1"), memory.using(("two", 1)):
            pass
        gate.set()
        assert first.result(10) == "one"
    with memory.using(("two", 1)):
        assert memory.used == 6


def test_a_new_champion_of_the_default_is_loaded_beside_the_old(shelf: Shelf) -> None:
    shelf.add("intents", megabytes=6)
    pool = shelf.pool(megabytes=10)
    shelf.add("intents", megabytes=6, promote=True)
    pool.refresh()
    assert answer(pool, "intents") == "intents@2"
    assert pool.memory.keys == (("intents", 2),)


def test_many_who_ask_at_once_load_once(shelf: Shelf) -> None:
    shelf.add("topics")
    pool = shelf.pool()
    shelf.gate = threading.Event()
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(answer, pool, "topics") for _ in range(8)]
        shelf.gate.set()
        assert {future.result(10) for future in asked} == {"topics@1"}
    assert shelf.loads == ["topics@1"]


def test_a_name_without_champion(shelf: Shelf) -> None:
    shelf.add("topics", promote=False)
    pool = shelf.pool()
    assert "topics" not in pool
    assert answer(pool, "topics@1") == "topics@1"
    assert "no champion" in pool.troubles["topics"]
    assert pool.default is None
    with pytest.raises(NotFound):
        pool.version_of("topics")
