"""The registry: versions are there whole or not at all, checked when opened, and every promotion can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from classifiers.registry import CARD, Registry, Version

ROOT = Path(__file__).resolve().parents[2]
KIND = "text expert"
ACCURACY = {"value": 0.9, "low": 0.85, "high": 0.94, "n": 200}


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


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "experts")


def test_the_first_version_is_champion_and_later_ones_are_challengers(registry: Registry) -> None:
    assert registry.names() == ()
    assert [add(registry).aliases, add(registry).aliases, add(registry).aliases] == [
        ("champion",),
        ("challenger",),
        ("challenger",),
    ]
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
    assert manifest["code"].startswith("0.")
    assert manifest["created_at"].endswith("+00:00")
    assert set(manifest["files"]) == {"weights.npz", "labels.json", "encoder/model.onnx", CARD}
    assert opened(registry, "intents@1").manifest == manifest
