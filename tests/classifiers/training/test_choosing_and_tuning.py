"""`auto` keeps a dearer learner only when it is surely better; a tuning only when its gain is proven on unseen rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from intent_files import LetterEncoder

from classifiers.contract import Examples, FitContext, Learner, Task, TrainingSet
from classifiers.learners import make_learner
from classifiers.training.choosing import candidates, choose
from classifiers.training.scratch import Scratch
from classifiers.training.splits import folds
from classifiers.training.tuning import tune
from signalbox.errors import InvalidInput, MissingDependency

ROOT = Path(__file__).resolve().parents[3]
TASK = Task("topic", "classification", ("a", "b"))


def data(n: int, *, words_tell: bool, seed: int = 0) -> TrainingSet:
    """Labels that words tell, or that only the vectors do."""
    random = np.random.default_rng(seed)
    truth = random.integers(2, size=n)
    texts = [f"{'late' if t and words_tell else 'fine'} {random.integers(10_000)} parcel" for t in truth]
    vectors = random.normal(0, 1, (n, 16)) + (0 if words_tell else 3) * np.where(truth[:, None], 1, -1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    examples = Examples(tuple(texts), (TASK,), truth[:, None].astype(np.float64))
    return TrainingSet(examples, vectors.astype(np.float32), np.zeros((0, 16), dtype=np.float32))


@pytest.mark.parametrize(("words_tell", "kept"), [(True, "tfidf"), (False, "embeddings")])
def test_a_dearer_learner_is_kept_where_it_is_surely_better(words_tell: bool, kept: str) -> None:
    rows = data(150, words_tell=words_tell)
    splits = folds(rows.examples, (), seed=0)
    choice = choose(rows, splits, ("tfidf", "embeddings"), FitContext(LetterEncoder()), Scratch())
    assert choice.learner.name == kept
    gain = choice.tried[1].gain
    assert gain is not None
    assert (gain["low"] > 0) is (kept == "embeddings")
    assert len(choice.held.rows) == 150


def test_a_learner_that_cannot_be_had_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_torch(name: str) -> Learner:
        if name == "few-shot":
            raise MissingDependency("The learner 'few-shot' needs torch.")
        return make_learner(name)

    monkeypatch.setattr("classifiers.training.choosing.make_learner", without_torch)
    rows = data(60, words_tell=True)
    said: list[str] = []
    choice = choose(
        rows,
        folds(rows.examples, (), seed=0),
        ("tfidf", "few-shot"),
        FitContext(LetterEncoder()),
        Scratch(),
        say=said.append,
    )
    assert choice.learner.name == "tfidf"
    assert "few-shot was left out" in said[0]


def test_dear_learners_are_tried_where_there_are_few_or_many_rows() -> None:
    assert candidates(data(40, words_tell=True)) == ("tfidf", "embeddings", "few-shot")
    assert candidates(data(500, words_tell=True)) == ("tfidf", "embeddings")
    assert candidates(data(1_000, words_tell=True)) == ("tfidf", "embeddings", "fine-tuned")


def test_tuning_is_proven_on_rows_the_search_has_not_seen() -> None:
    rows = data(120, words_tell=False)
    split = folds(rows.examples, (), seed=0)[0]
    told: list[str] = []
    found = tune(rows, split, "embeddings", FitContext(LetterEncoder(), progress=lambda _, s: told.append(s)), trials=3)
    assert found.trials == 3
    assert found.gain["n"] == len(split.held)
    assert found.kept is (found.gain["low"] > 0)
    wanted = found.options if found.kept else make_learner("embeddings").options
    assert {name: found.learner.options[name] for name in wanted} == wanted
    assert told[-1] == "Proving the gain on unseen rows"


@pytest.mark.parametrize(("learner", "trials"), [("fine-tuned", 3), ("tfidf", 0), ("tfidf", 1_000)])
def test_what_cannot_be_tuned_is_said(learner: str, trials: int) -> None:
    rows = data(30, words_tell=True)
    with pytest.raises(InvalidInput):
        tune(rows, folds(rows.examples, (), seed=0)[0], learner, FitContext(LetterEncoder()), trials=trials)


def test_what_needs_torch_says_so_without_it() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from classifiers.learners import make_learner\n"
        "from signalbox.errors import MissingDependency\n"
        "try:\n    make_learner('fine-tuned').fit(None, None)\n"
        "except MissingDependency as error:\n    assert 'signalbox[training]' in error.detail\n"
        "else:\n    raise SystemExit('nothing was said')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
