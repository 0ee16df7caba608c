"""What tests of experts start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from intent_files import OUTSIDE, LetterEncoder, lines, records

from classifiers import IntentExpert, read_intents, train_intents


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
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: LetterEncoder) -> tuple[Path, IntentExpert]:
    """The folder of a trained expert, to be copied before it is changed, and the expert."""
    folder = tmp_path_factory.mktemp("experts")
    intents = lines(folder / "in.jsonl", records())
    outside = lines(folder / "out.jsonl", [{"text": text} for text in OUTSIDE])
    expert = train_intents(read_intents(intents, outside), encoder, name="intents", folder=folder / "experts")
    return folder / "experts", expert
