"""The cheap learners: labels, ordered labels and numbers from words and vectors, stored and loaded again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from classifiers.contract import Examples, FitContext, Task, TrainingSet
from classifiers.learners import LEARNERS, make_learner
from classifiers.learners.linear import ARRAYS, LinearModel
from signalbox.errors import CorruptArtefact, InvalidInput, UnknownName

TOPIC = Task("topic", "classification", ("delivery", "refund", "size"))
MOOD = Task("mood", "ordinal", ("bad", "fine", "good"))
SCORE = Task("score", "regression")
WORDS = {0: "parcel courier late van", 1: "money back refund paid", 2: "too small large fit"}
MOODS = {0: "awful angry", 1: "okay normal", 2: "lovely great"}


class Hashed:
    """An encoder of words by their hash: enough to learn from, with nothing to load."""

    name = "hashed"
    dimension = 32

    def encode(self, texts: list[str] | tuple[str, ...]) -> np.ndarray:
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            for word in text.split():
                row[sum(map(ord, word)) % self.dimension] += 1.0
            row /= max(float(np.linalg.norm(row)), 1e-9)
        return out


def shop(n: int = 240, seed: int = 0, *, missing: float = 0.0) -> TrainingSet:
    random = np.random.default_rng(seed)
    topics, moods = random.integers(3, size=n), random.integers(3, size=n)
    texts = []
    for topic, mood in zip(topics, moods, strict=True):
        words = [*random.choice(WORDS[topic].split(), 2), *random.choice(MOODS[mood].split(), 1), "the", "my"]
        texts.append(" ".join(random.permutation(words)))
    score = np.exp(2.0 * moods + random.normal(0, 0.2, n)) * 3
    targets = np.column_stack([topics, moods, score]).astype(np.float64)
    targets[random.random(targets.shape) < missing] = np.nan
    return TrainingSet(
        Examples(tuple(texts), (TOPIC, MOOD, SCORE), targets), Hashed().encode(texts), np.zeros((0, 32), np.float32)
    )


@pytest.fixture(params=["tfidf", "embeddings"])
def model(request: pytest.FixtureRequest) -> LinearModel:
    fitted = make_learner(request.param).fit(shop(missing=0.3), FitContext(Hashed()))
    assert isinstance(fitted, LinearModel)
    return fitted


def test_every_task_is_learnt_from_the_rows_that_have_it(model: LinearModel) -> None:
    new = shop(seed=1)
    said = model.outputs(new.examples.texts, new.vectors)
    assert [scores.shape for scores in said.scores] == [(240, 3), (240, 3), (240, 1)]
    for task in (0, 1):
        assert (said.scores[task].argmax(axis=1) == new.examples.targets[:, task]).mean() > 0.9
    estimates, truth = said.scores[2][:, 0], new.examples.targets[:, 2]
    assert np.corrcoef(np.log(estimates + 1), np.log(truth))[0, 1] > 0.9
    assert estimates.min() >= 0


def test_a_stored_model_says_the_same_elsewhere(model: LinearModel, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    model.save(tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    loaded = make_learner(model.learner).load(tmp_path / "there", model.tasks, Hashed())
    new = shop(seed=1)
    for before, after in zip(
        model.outputs(new.examples.texts, new.vectors).scores,
        loaded.outputs(new.examples.texts, new.vectors).scores,
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)


def test_files_that_do_not_fit_the_tasks_are_refused(model: LinearModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    with pytest.raises(CorruptArtefact, match="does not fit"):
        make_learner(model.learner).load(tmp_path, (TOPIC,), Hashed())
    (tmp_path / ARRAYS).write_bytes(b"PK")
    with pytest.raises(CorruptArtefact, match="can't be read"):
        make_learner(model.learner).load(tmp_path, model.tasks, Hashed())


def test_effects_of_words_sum_to_the_score_and_name_the_words_that_carry_it() -> None:
    data = shop()
    model = make_learner("tfidf").fit(data, FitContext(Hashed()))
    assert isinstance(model, LinearModel)
    text = "my refund is so late the money"
    terms = model.terms(text, 0, 1)
    weights = model.heads[0].terms
    assert weights is not None
    columns, values, _ = model.vectoriser.transform(text)
    assert sum(term.effect for term in terms) == pytest.approx(
        float(values @ (weights[columns, 1] - weights[columns].mean(axis=1))), rel=1e-4
    )
    assert {term.text for term in terms[:2]} <= {"refund", "money", "late"}
    assert all(text[term.start : term.end] == term.text for term in terms)


def test_ordered_labels_get_probabilities_that_sum_to_one() -> None:
    data = shop()
    model = make_learner("embeddings").fit(data, FitContext(Hashed()))
    scores = model.outputs(data.examples.texts[:20], data.vectors[:20]).scores[1]
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1.0, rtol=1e-6)


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = (make_learner("embeddings").fit(shop(), FitContext(Hashed(), seed=3)) for _ in range(2))
    new = shop(seed=1)
    one, two = (model.outputs(new.examples.texts, new.vectors).scores[0] for model in (first, second))
    np.testing.assert_array_equal(one, two)


def test_a_label_that_no_row_has_is_never_said() -> None:
    data = shop()
    rows = np.flatnonzero(data.examples.targets[:, 0] != 1)
    model = make_learner("embeddings").fit(data.take(rows), FitContext(Hashed()))
    said = model.outputs(data.examples.texts, data.vectors).scores[0].argmax(axis=1)
    assert set(said) == {0, 2}


@pytest.mark.parametrize(("column", "value", "words"), [(0, 1.0, "has 1 labels"), (2, 7.0, "one value only")])
def test_nothing_to_learn_is_said(column: int, value: float, words: str) -> None:
    data = shop(60)
    data.examples.targets[:, column] = value
    with pytest.raises(InvalidInput, match=words):
        make_learner("tfidf").fit(data, FitContext(Hashed()))


def test_learners_are_known_by_name() -> None:
    assert LEARNERS[:2] == ("tfidf", "embeddings")
    with pytest.raises(UnknownName, match="known are: tfidf"):
        make_learner("forest")
    with pytest.raises(InvalidInput, match="does not take these options"):
        make_learner("tfidf", {"depth": 3})
