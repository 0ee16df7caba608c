"""What tests of experts start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from intent_files import OUTSIDE, LetterEncoder, lines, records

from api.service.workspace import intents_material
from classifiers import TextExpert, load_expert, read_intents, train


@pytest.fixture(scope="session")
def encoder() -> LetterEncoder:
    return LetterEncoder()


@pytest.fixture
def intents_file(tmp_path: Path) -> Path:
    return lines(tmp_path / "intents.jsonl", records())


@pytest.fixture
def outside_file(tmp_path: Path) -> Path:
    return lines(tmp_path / "out_of_scope.jsonl", [{"text": text} for text in OUTSIDE])


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: LetterEncoder) -> tuple[Path, TextExpert]:
    """The folder of a trained expert, to be copied before it is changed, and the expert."""
    folder = tmp_path_factory.mktemp("experts")
    intents = lines(folder / "in.jsonl", records())
    outside = lines(folder / "out.jsonl", [{"text": text} for text in OUTSIDE])
    train(
        intents_material(read_intents(intents, outside), "in.jsonl"), encoder, name="intents", folder=folder / "experts"
    )
    return folder / "experts", load_expert(folder / "experts", "intents", encoder)
