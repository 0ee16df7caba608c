"""The learner for a few texts a label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_fine_tuned import KIND, sentences
from tiny_encoder import NoEncoder, context, tiny_encoder, training_set

from classifiers.learners import make_learner

pytest.importorskip("torch")


def test_a_few_texts_teach_labels_and_survive_saving(tmp_path: Path) -> None:
    texts, targets = sentences()
    rows = np.arange(0, len(texts), 2)
    data = training_set([texts[row] for row in rows], [KIND], targets[rows, :1])
    options = {"base": tiny_encoder(tmp_path / "tiny"), "frozen_layers": 1, "epochs": 6, "batch_size": 8}
    learner = make_learner("few-shot", {**options, "learning_rate": 2e-3, "contrastive": 0.5})
    fitted = learner.fit(data, context())
    said = fitted.outputs(data.examples.texts, data.vectors)
    assert (said.scores[0].argmax(axis=1) == targets[rows, 0]).mean() > 0.9
    # The linear model over words and the shared encoder's vectors has its say.
    alone = replace(fitted, partner=None).outputs(data.examples.texts, data.vectors)
    assert not np.allclose(said.scores[0], alone.scores[0])
    (tmp_path / "version").mkdir()
    fitted.save(tmp_path / "version")
    (tmp_path / "version").rename(tmp_path / "moved")
    again = learner.load(tmp_path / "moved", (KIND,), NoEncoder()).outputs(data.examples.texts, data.vectors)
    assert np.array_equal(said.scores[0], again.scores[0])
    assert make_learner("few-shot", learner.options).options == learner.options
