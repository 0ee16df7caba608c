"""The registry: versions are there whole or not at all, checked when opened, and every promotion can be taken back."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from classifiers.registry import CARD, Registry, Version
from signalbox.errors import Conflict, CorruptArtefact, InvalidInput, NotFound, SignalboxError, TooLarge

ROOT = Path(__file__).resolve().parents[2]
KIND = "text expert"
ACCURACY = {"value": 0.9, "low": 0.85, "high": 0.94, "n": 200}
FILES = ("manifest.json", "weights.npz", "labels.json", "encoder/model.onnx", CARD)


def fill(folder: Path, number: int) -> Mapping[str, Any]:
    """What a training leaves: arrays, JSON, a model in a folder of its own, a card."""
    (folder / "weights.npz").write_bytes(bytes(range(256)) * number)
    (folder / "labels.json").write_text(f'{{"labels": ["a", "b"], "number": {number}}}')
    (folder / "encoder").mkdir()
    (folder / "encoder" / "model.onnx").write_bytes(b"onnx" * 100)
    (folder / CARD).write_text(f"# intents@{number}\n")
    return {"learner": "linear", "metrics": {"topic": {"accuracy": ACCURACY}}, "seed": 7, "trained_on": "mails.csv"}


def add(registry: Registry, name: str = "intents", *, promote: bool | None = None, **given: Any) -> Version:
    return registry.add(name, kind=KIND, format=1, fill=fill, promote=promote, **given)


def opened(registry: Registry, reference: str) -> Version:
    path, version = registry.open(reference, kind=KIND, format=1)
    assert path == version.path
    return version


def run(code: str, folder: Path) -> subprocess.Popen[str]:
    """Another process, with a registry of `folder` and `add` at hand."""
    start = f"""
import sys, time
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(ROOT)!r}]
from pathlib import Path
from test_registry import KIND, Registry, add, fill
registry = Registry(Path({str(folder)!r}))
"""
    return subprocess.Popen([sys.executable, "-c", start + code], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def killed(code: str, folder: Path) -> None:
    """Run until it prints a line, then kill it as the kernel would."""
    process = run(code, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    process.kill()
    process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "experts"


@pytest.fixture
def registry(folder: Path) -> Registry:
    return Registry(folder)


def test_the_first_version_is_champion_and_later_ones_are_challengers(registry: Registry) -> None:
    assert registry.names() == ()
    assert [add(registry).aliases for _ in range(3)] == [("champion",), ("challenger",), ("challenger",)]
    assert [version.aliases for version in registry.versions("intents")] == [("challenger",), (), ("champion",)]
    assert add(registry, promote=True).aliases == ("champion",)
    assert registry.names() == ("intents",)
    for reference, number in {"intents": 4, "intents@champion": 4, "intents@challenger": 3, "intents@2": 2}.items():
        assert opened(registry, reference).number == number


def test_a_version_says_how_it_came_about(registry: Registry) -> None:
    version = add(registry)
    manifest = version.manifest
    assert version.reference == "intents@1"
    assert manifest["metrics"]["topic"]["accuracy"] == ACCURACY
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}", manifest["code"])
    assert manifest["created_at"].endswith("+00:00")
    assert set(manifest["files"]) == {*FILES} - {"manifest.json"}
    assert opened(registry, "intents@1").manifest == manifest


def test_a_challenger_that_is_promoted_is_challenger_no_more(registry: Registry) -> None:
    add(registry)
    add(registry)
    assert registry.promote("intents", 2).aliases == ("champion",)
    with pytest.raises(NotFound, match="has no challenger; it has 2 versions, the latest 1, 2"):
        registry.resolve("intents@challenger")
    assert registry.promote("intents", 2).aliases == ("champion",)
    assert len(registry.aliases("intents").history) == 2, "promoting the champion changes nothing"


def test_rolling_back_goes_through_the_champions_before(registry: Registry) -> None:
    for _ in range(4):
        add(registry, promote=True)
    assert registry.rollback("intents").number == 3
    assert registry.rollback("intents").number == 2
    registry.promote("intents", 4)
    assert registry.rollback("intents").number == 2
    assert registry.rollback("intents").number == 1
    with pytest.raises(Conflict, match="intents@1 is the first champion"):
        registry.rollback("intents")
    assert registry.resolve("intents").number == 1


def test_the_history_says_who_did_what_when_and_why(folder: Path) -> None:
    moment = datetime(2027, 1, 31, 9, tzinfo=UTC)
    registry = Registry(folder, now=lambda: moment)
    add(registry, by="training", reason="the first")
    add(registry)
    registry.promote("intents", 2, by="ada", reason="better on\nreal traffic\x1b[31m")
    registry.rollback("intents", by="bob", reason="complaints")
    history = registry.aliases("intents").history
    assert [(change.action, change.before, change.champion, change.by) for change in history] == [
        ("added", None, 1, "training"),
        ("promoted", 1, 2, "ada"),
        ("rolled back", 2, 1, "bob"),
    ]
    assert history[1].reason == "better on real traffic[31m", "nothing that a terminal would obey"
    assert {change.at for change in history} == {moment}


def test_the_history_has_an_end_but_rolling_back_works_on(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.registry.aliases.MOST_CHANGES", 8)
    add(registry)
    add(registry)
    for turn in range(12):
        registry.promote("intents", turn % 2 + 1)
    aliases = registry.aliases("intents")
    assert len(aliases.history) == len(aliases.earlier) == 8
    assert registry.rollback("intents").number == 1


def test_a_broken_champion_before_is_not_rolled_back_to(registry: Registry) -> None:
    add(registry)
    add(registry, promote=True)
    (registry.resolve("intents@1").path / "weights.npz").write_bytes(b"changed")
    for change in (registry.rollback, lambda name: registry.promote(name, 1)):
        with pytest.raises(CorruptArtefact, match=r"1/weights\.npz differs from the checksum"):
            change("intents")
    assert registry.resolve("intents").number == 2


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("how", ["one byte changed", "cut short", "gone"])
def test_a_damaged_file_is_named_with_the_remedy(registry: Registry, file: str, how: str) -> None:
    path = add(registry).path / file
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "cut short":
        path.write_bytes(content[:-4])
    else:
        # In the manifest, a figure: nothing but its own digest would tell.
        path.write_bytes(content.replace(b"0.94", b"0.99") if b"0.94" in content else content[:-1] + b"?")
    with pytest.raises(CorruptArtefact, match=rf"1/{re.escape(file)} .*: restore the folder from a backup") as caught:
        opened(registry, "intents")
    assert str(path) in caught.value.detail


def test_broken_versions_are_listed_with_the_reason(registry: Registry) -> None:
    for _ in range(3):
        add(registry)
    path = registry.resolve("intents@2").path
    (path / "manifest.json").write_text("{")
    (registry.resolve("intents@3").path / CARD).unlink()
    troubles = [version.trouble for version in registry.versions("intents")]
    assert troubles[2] is None
    assert "3/card.md is missing" in (troubles[0] or "")
    assert "2/manifest.json can't be read as a manifest" in (troubles[1] or "")


@pytest.mark.parametrize("text", ["[]", "null", '{"files": []}', '{"files": {}, "kind": 1}', "{" * 100_000, "\udcff"])
def test_anything_may_be_in_a_manifest(registry: Registry, text: str) -> None:
    version = add(registry)
    (version.path / "manifest.json").write_text(text, errors="surrogateescape")
    assert registry.versions("intents")[0].trouble
    with pytest.raises(CorruptArtefact, match=r"manifest\.json"):
        opened(registry, "intents")


def rewritten(version: Version, change: Callable[[dict[str, Any]], None]) -> None:
    """The manifest changed as somebody would who knows that a digest can be left out."""
    path = version.path / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["fields_sha256"]
    change(manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["../1/../outside", "/etc/hostname", "..\\outside", "encoder/../../outside", "./x"])
def test_a_manifest_can_not_vouch_for_files_elsewhere(registry: Registry, name: str) -> None:
    version = add(registry)
    (version.path.parent / "outside").write_bytes(b"")
    rewritten(version, lambda manifest: manifest["files"].update({name: "0" * 64}))
    with pytest.raises(CorruptArtefact, match="is missing"):
        opened(registry, "intents")


def test_a_file_that_nobody_vouches_for_is_refused(registry: Registry) -> None:
    version = add(registry)
    (version.path / ".DS_Store").write_bytes(b"left by a file manager")
    opened(registry, "intents")
    rewritten(version, lambda manifest: manifest["files"].pop("weights.npz"))
    with pytest.raises(CorruptArtefact, match=r"weights\.npz is not listed in the manifest"):
        opened(registry, "intents")


def test_another_kind_or_a_newer_format_is_refused_by_name(registry: Registry) -> None:
    add(registry)
    with pytest.raises(CorruptArtefact, match=r"intents@1 in .* is of the kind 'text expert', not 'table expert'"):
        registry.open("intents", kind="table expert", format=1)
    registry.add("intents", kind=KIND, format=2, fill=fill, promote=True)
    with pytest.raises(CorruptArtefact, match=r"intents@2 in .* has format 2 and this release reads up to 1"):
        opened(registry, "intents")
    assert registry.open("intents@1", kind=KIND, format=2)[1].format == 1
    assert registry.rollback("intents").number == 1


def test_a_folder_copied_under_another_number_is_not_that_version(registry: Registry) -> None:
    path = add(registry).path
    shutil.copytree(path, path.parent / "2")
    with pytest.raises(CorruptArtefact, match=r"2/manifest\.json belongs to version 1, not 2"):
        opened(registry, "intents@2")


def test_the_whole_folder_may_be_moved(registry: Registry, folder: Path, tmp_path: Path) -> None:
    add(registry)
    add(registry)
    registry.promote("intents", 2)
    moved = folder.rename(tmp_path / "elsewhere")
    assert str(tmp_path) not in "".join(path.read_text() for path in moved.rglob("*.json"))
    assert opened(Registry(moved), "intents").number == 2
    assert Registry(moved).rollback("intents").number == 1


def test_reading_writes_nothing(registry: Registry, folder: Path) -> None:
    add(registry)
    add(registry)
    (folder / "intents" / ".lock").unlink(missing_ok=True)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}
    try:
        assert registry.names() == ("intents",)
        assert len(registry.versions("intents")) == 2
        assert opened(registry, "intents@challenger").number == 2
        assert registry.aliases("intents").champion == 1
        assert {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))} == before
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


def test_a_training_that_is_killed_leaves_no_half_version(registry: Registry, folder: Path) -> None:
    add(registry)
    code = """
def half(folder, number):
    fill(folder, number)
    print("now", flush=True)
    time.sleep(60)

registry.add("intents", kind=KIND, format=1, fill=half)
"""
    killed(code, folder)
    assert list((folder / "intents").glob(".tmp-*")), "what it had written is still there"
    assert [version.number for version in registry.versions("intents")] == [1]
    assert add(registry).number == 2
    assert not list((folder / "intents").glob(".tmp-*"))


def test_killed_before_the_alias_is_written(registry: Registry, folder: Path) -> None:
    code = """
import classifiers.registry.registry as module

def never(folder, aliases):
    print("now", flush=True)
    time.sleep(60)

module.write_aliases = never
add(registry, promote=True)
"""
    killed(code, folder)
    with pytest.raises(NotFound, match="has no champion; it has version 1"):
        registry.resolve("intents")
    assert opened(registry, "intents@1").aliases == ()
    assert add(registry).reference == "intents@2"
    assert opened(registry, "intents").number == 2


def test_processes_that_add_at_once_get_different_numbers(registry: Registry, folder: Path) -> None:
    code = """
for _ in range(4):
    print(add(registry).number)
"""
    processes = [run(code, folder) for _ in range(3)]
    numbers = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert sorted(numbers) == list(range(1, 13))
    assert registry.resolve("intents").number == 1
    assert all(opened(registry, f"intents@{number}") for number in numbers)


def test_what_goes_wrong_while_filling_leaves_nothing(registry: Registry, folder: Path) -> None:
    def fails(folder: Path, number: int) -> Mapping[str, Any]:
        fill(folder, number)
        raise KeyboardInterrupt

    add(registry)
    with pytest.raises(KeyboardInterrupt):
        registry.add("intents", kind=KIND, format=1, fill=fails)
    for wrong, message in (
        ({"metrics": {"accuracy": float("nan")}}, "can't be JSON"),
        ({"options": object()}, "can't be JSON"),
        ({"trained_on": "/home/ada/mails.csv"}, "not its path"),
        ({"trained_on": "C:\\mails.csv"}, "not its path"),
    ):
        with pytest.raises(InvalidInput, match=message):
            registry.add("intents", kind=KIND, format=1, fill=lambda folder, _, wrong=wrong: wrong)
    assert {path.name for path in (folder / "intents").iterdir()} == {"1", "aliases.json", ".lock"}


def test_versions_in_use_are_not_removed_and_numbers_never_return(registry: Registry, folder: Path) -> None:
    for _ in range(3):
        add(registry)
    for number, alias in ((1, "champion"), (3, "challenger")):
        with pytest.raises(Conflict, match=f"intents@{number} is the {alias}"):
            registry.remove("intents", number)
    registry.promote("intents", 3)
    registry.promote("intents", 2)
    registry.remove("intents", 3)
    assert [version.number for version in registry.versions("intents")] == [2, 1]
    assert add(registry).number == 4, "predictions name versions: 3 stays what it was"
    assert registry.rollback("intents").number == 1, "3 can't be gone back to"
    with pytest.raises(NotFound, match="no version 3"):
        registry.remove("intents", 3)
    assert not list((folder / "intents").glob(".tmp-*"))


def test_there_is_an_end_to_versions(folder: Path) -> None:
    registry = Registry(folder, most_versions=2)
    add(registry)
    add(registry)
    with pytest.raises(TooLarge, match="has 2 versions, the most there may be: remove some"):
        add(registry)
    add(registry, "topics")


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("intents@", InvalidInput),
        ("intents@0", InvalidInput),
        ("intents@-1", InvalidInput),
        ("intents@latest", InvalidInput),
        ("intents@1@2", InvalidInput),
        ("", InvalidInput),
        ("../intents", InvalidInput),
        ("Intents", InvalidInput),
        ("a" * 65, InvalidInput),
        ("intents@99999999999999999999", InvalidInput),
        ("intents@7", NotFound),
        ("other", NotFound),
    ],
)
def test_bad_references_are_explained(registry: Registry, reference: str, error: type[SignalboxError]) -> None:
    add(registry)
    with pytest.raises(error) as caught:
        registry.resolve(reference)
    assert caught.value.field in ("expert", "name")


def test_unknown_names_say_which_there_are(registry: Registry) -> None:
    with pytest.raises(NotFound, match=r"no expert 'intents' in .*: train one first"):
        registry.versions("intents")
    add(registry, "topics")
    for ask in (registry.versions, registry.rollback, registry.aliases):
        with pytest.raises(NotFound, match="there are topics"):
            ask("intents")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"champion": "one"}', '{"champion": 0}', '{"history": [{}]}', "\udcff"]
)
def test_aliases_that_can_not_be_read_are_explained(registry: Registry, text: str) -> None:
    add(registry)
    path = registry.aliases_file("intents")
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(CorruptArtefact, match=r'aliases\.json can\'t be read .* write {"champion": N} into it'):
        registry.resolve("intents")
    with pytest.raises(CorruptArtefact):
        add(registry)
    path.write_text('{"champion": 1}')
    assert opened(registry, "intents").number == 1


def test_aliases_of_a_newer_release_or_of_a_missing_version_are_refused(registry: Registry) -> None:
    add(registry)
    path = registry.aliases_file("intents")
    path.write_text('{"format": 2, "stages": []}')
    with pytest.raises(CorruptArtefact, match="has format 2 and this release reads format 1"):
        registry.resolve("intents")
    path.write_text('{"champion": 5}')
    with pytest.raises(CorruptArtefact, match="names version 5 as champion, which is missing"):
        registry.resolve("intents")
    assert registry.promote("intents", 1).aliases == ("champion",)


def test_experts_of_release_0_1_are_read_and_rolled_back_to(registry: Registry, folder: Path) -> None:
    add(registry)
    registry.aliases_file("intents").unlink()
    (folder / "intents" / "champion").write_text("1\n")
    assert opened(registry, "intents").aliases == ("champion",)
    add(registry, promote=True)
    assert opened(registry, "intents").number == 2
    assert registry.rollback("intents").number == 1
