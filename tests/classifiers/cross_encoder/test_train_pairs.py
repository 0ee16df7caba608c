"""A cross-encoder from documents to files and back, on a tiny encoder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from classifiers.cross_encoder.pairs import make_pairs
from classifiers.cross_encoder.served import HEAD, open_cross_encoder
from classifiers.cross_encoder.train import log_odds_row, reader, tokens, train_cross_encoder, tune_on_pairs
from classifiers.learners.finetune import batches
from signalbox.encoder.source import Source, find_source
from signalbox.errors import Conflict, CorruptArtefact, InvalidInput

sys.path.append(str(Path(__file__).parents[1] / "learners"))
from tiny_encoder import tiny_encoder

PASSAGES = [[f"Room {n} of the {name} house is {n} metres wide and was built in {1900 + n}."] for n in range(30)
            for name in ("red", "blue")]  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return find_source(tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


def silent(share: float, stage: str) -> None:
    assert 0 <= share <= 1
    assert stage


def test_what_was_trained_is_served_from_its_folder(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "judge"
    trained = train_cross_encoder(PASSAGES, folder, source, budget_s=30, progress=silent, pairs=64)
    again = open_cross_encoder(folder)
    pairs = [("Room 3 is red.", "Room 3 of the red house."), ("", ""), ("\ud800", "x" * 5_000)]
    assert np.array_equal(trained.log_odds(pairs), again.log_odds(pairs))
    assert again.about["pairs"] == 64
    assert trained.log_odds([pairs[0]])[0] == trained.log_odds(pairs)[0]
    with pytest.raises(Conflict):
        train_cross_encoder(PASSAGES, folder, source, budget_s=30, progress=silent, pairs=64)
    (folder / HEAD).write_text("{}")
    with pytest.raises(CorruptArtefact, match="train it again"):
        open_cross_encoder(folder)


def test_tuning_learns_its_pairs(source: Source) -> None:
    pairs = make_pairs(PASSAGES, 200, seed=1)
    bert, head = tune_on_pairs(pairs, source, budget_s=20, seed=0, progress=silent)
    row, bias = log_odds_row(head)
    scores = batches.vectors(bert, tokens(reader(source), pairs)) @ row + bias
    supported = np.array([pair.supported for pair in pairs])
    assert scores[supported].mean() > scores[~supported].mean()


def test_a_training_may_be_stopped_and_leaves_nothing(source: Source, tmp_path: Path) -> None:
    def stop(share: float, stage: str) -> None:
        if share > 0:
            raise InterruptedError(stage)

    with pytest.raises(InterruptedError):
        train_cross_encoder(PASSAGES, tmp_path / "judge", source, budget_s=30, progress=stop, pairs=128)
    assert not (tmp_path / "judge").exists()
    with pytest.raises(InvalidInput, match="budget_s"):
        train_cross_encoder(PASSAGES, tmp_path / "judge", source, budget_s=0, progress=silent)
