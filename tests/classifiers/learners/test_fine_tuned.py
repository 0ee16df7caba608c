"""The learner that tunes the encoder: what it learns, what it stores, and how it ends early."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_encoder import NoEncoder, context, tiny_encoder, training_set

from classifiers.contract import Task
from classifiers.learners import make_learner
from classifiers.learners.fine_tuned import FineTuned
from signalbox.errors import CorruptArtefact, InvalidInput, TooLarge

torch = pytest.importorskip("torch")

from classifiers.learners.finetune import batches, loop, model  # noqa: E402
from classifiers.learners.finetune.losses import TorchHead, contrastive  # noqa: E402
from classifiers.learners.finetune.schedule import Schedule  # noqa: E402
from signalbox.encoder.source import find_source  # noqa: E402

ANIMALS = ["cat", "dog", "horse", "sheep", "goose", "duck"]
TOOLS = ["hammer", "saw", "drill", "chisel", "wrench", "plane"]
MANY = ["one", "two", "three", "four", "five"]
FRAMES = ["the {} is here", "I saw a {} today", "where is my {} now", "a {} of my own"]
KIND = Task("kind", "classification", ("animal", "tool"))
SIZE = Task("size", "ordinal", ("small", "middle", "large"))
PRICE = Task("price", "regression", unit="EUR")


def sentences() -> tuple[list[str], np.ndarray]:
    """Texts with a kind, a size and a price that one word of them tells, the price with a heavy tail."""
    texts, rows = [], []
    for kind, words in enumerate((ANIMALS, TOOLS)):
        for place, word in enumerate(words):
            for size, adjective in enumerate(("tiny", "usual", "huge")):
                frame = FRAMES[(place + size) % len(FRAMES)]
                texts.append(frame.format(f"{adjective} {word}"))
                rows.append([kind, size, 10.0 ** (1 + size)])
    return texts, np.array(rows)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)  # of so small a model more threads only wait for each other
    return tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


QUICK = {"frozen_layers": 0, "epochs": 6, "batch_size": 8, "learning_rate": 2e-3, "held_share": 0.0, "dropout": 0.0}


def test_one_pass_serves_labels_ordered_labels_and_numbers(base: str, tmp_path: Path) -> None:
    texts, targets = sentences()
    data = training_set(texts, [KIND, SIZE, PRICE], targets)
    learner = make_learner("fine-tuned", {"base": base, **QUICK, "epochs": 12, "blend": 0.3})
    fitted = learner.fit(data, context())
    said = fitted.outputs(texts, data.vectors)
    assert (said.scores[0].argmax(axis=1) == targets[:, 0]).mean() > 0.9
    assert (said.scores[1].argmax(axis=1) == targets[:, 1]).mean() > 0.9
    assert np.abs(np.log10(said.scores[2][:, 0]) - np.log10(targets[:, 2])).mean() < 0.3
    assert said.scores[2].min() >= 10
    assert said.scores[2].max() <= 1000
    assert np.allclose(np.linalg.norm(said.vectors, axis=1), 1, atol=1e-5)
    assert fitted.report["cosine"]["fp32"]["lowest"] >= 0.9999

    (tmp_path / "version").mkdir()
    fitted.save(tmp_path / "version")
    shutil.move(tmp_path / "version", tmp_path / "moved")
    del fitted
    loaded = learner.load(tmp_path / "moved", (KIND, SIZE, PRICE), NoEncoder())
    again = loaded.outputs(texts, data.vectors)
    assert all(np.array_equal(one, two) for one, two in zip(said.scores, again.scores, strict=True))
    assert np.array_equal(said.vectors, again.vectors)
    assert loaded.nbytes > 1_000_000
    json.dumps(learner.options)

    code = f"""
import sys
from pathlib import Path
from classifiers.contract import Task
from classifiers.learners import make_learner
import numpy as np
tasks = (Task("kind", "classification", ("animal", "tool")), Task("size", "ordinal", ("small", "middle", "large")),
         Task("price", "regression"))
model = make_learner("fine-tuned").load(Path({str(tmp_path / "moved")!r}), tasks, None)
model.outputs(["the tiny cat is here"], np.zeros((1, 8), np.float32))
assert not {{"torch", "sklearn", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])

    with pytest.raises(CorruptArtefact, match="does not fit"):
        learner.load(tmp_path / "moved", (KIND,), NoEncoder())


def test_rows_without_a_label_teach_the_other_tasks_only(base: str) -> None:
    """The same model comes out, whatever the missing targets would have been."""
    texts, targets = sentences()
    masked = targets[:, :2].copy()
    masked[::2, 0], masked[1::2, 1] = np.nan, np.nan
    data = training_set(texts, [KIND, SIZE], masked)
    learner = FineTuned(base=base, blend=0.0, **{**QUICK, "epochs": 12})
    said = learner.fit(data, context()).outputs(texts, data.vectors)
    assert np.isfinite(said.scores[0]).all()
    assert (said.scores[0].argmax(axis=1) == targets[:, 0])[1::2].mean() > 0.9
    assert (said.scores[1].argmax(axis=1) == targets[:, 1])[::2].mean() > 0.9


def test_nothing_to_learn_and_bad_options_are_refused(base: str) -> None:
    texts, targets = sentences()
    one = np.zeros((len(texts), 1))
    with pytest.raises(InvalidInput, match="fewer than two"):
        FineTuned(base=base).fit(training_set(texts, [KIND], one), context())
    with pytest.raises(InvalidInput, match="frozen_layers"):
        FineTuned(base=base, frozen_layers=3).fit(training_set(texts, [KIND], targets[:, :1]), context())
    with pytest.raises(InvalidInput, match="no task"):
        FineTuned(base=base, task_weights={"colour": 2.0}).fit(training_set(texts, [KIND], targets[:, :1]), context())
    with pytest.raises(InvalidInput, match="dropout"):
        make_learner("fine-tuned", {"dropout": 2.0})
    with pytest.raises(InvalidInput, match="does not take"):
        make_learner("fine-tuned", {"depth": 2})


class Stopped(Exception):
    pass


def test_what_progress_raises_cancels(base: str) -> None:
    texts, targets = sentences()
    stages: list[tuple[float, str]] = []

    def progress(share: float, stage: str) -> None:
        stages.append((share, stage))
        if "epoch 2" in stage:
            raise Stopped

    with pytest.raises(Stopped):
        FineTuned(base=base, **QUICK).fit(training_set(texts, [KIND], targets[:, :1]), context(progress=progress))
    shares = [share for share, _ in stages]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] < 1


def job(base: str, held: int) -> tuple[model.Bert, loop.Job]:
    texts, targets = sentences()
    source = find_source(base)
    from classifiers.learners.finetune.fitting import reader, tokens

    bert = model.load(source)
    hidden = tokens(reader(source, 32), texts)
    rows = np.random.default_rng(0).permutation(len(texts))
    empty = batches.from_ids([])
    return bert, loop.Job(hidden, (KIND,), targets[:, :1], empty, np.sort(rows[held:]), np.sort(rows[:held]))


def tuned(
    base: str, *, held: int = 0, clock: object = None, told: object = None, **options: object
) -> tuple[object, ...]:
    bert, work = job(base, held)
    recipe = FineTuned(**{**QUICK, **options}).recipe  # type: ignore[arg-type]
    heads = work.heads(bert.dimension)
    steps = recipe.epochs * -(-len(work.rows) // recipe.batch_size)
    schedule = Schedule(steps, recipe.warmup, 10.0, clock) if clock else Schedule(steps, recipe.warmup)
    history = loop.tune(bert, work, heads, recipe, schedule, 0, told or (lambda *_: None))
    return bert, heads, history


def test_training_stops_when_the_held_rows_get_worse_and_keeps_the_best_weights(base: str) -> None:
    bert, heads, history = tuned(base, held=12, epochs=40, learning_rate=0.02, head_rate=0.5, patience=2)
    assert 3 <= len(history) < 40
    assert min(history) == history[-3]
    _, work = job(base, 12)
    costs = loop._Costs(bert, work, heads, FineTuned(**QUICK).recipe)
    assert costs.held() == pytest.approx(min(history), rel=1e-4)


def test_a_budget_of_time_ends_training_with_a_rate_of_nearly_zero(base: str) -> None:
    now = [0.0]
    steps = []

    def told(share: float, _: str) -> None:
        steps.append(share)
        now[0] += 1.0

    tuned(base, epochs=50, clock=lambda: now[0], told=told)
    assert len(steps) == 10
    slow = Schedule(1000, 0.1, 10.0, lambda: now[0])
    now[0] += 9.9
    assert slow.factor(500) < 0.02


def test_short_memory_means_smaller_parts_of_a_batch_and_the_same_weights(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _, _ = tuned(base, epochs=2)
    run, sizes = batches.run, []

    def narrow(bert: model.Bert, hidden: batches.Hidden, rows: np.ndarray) -> object:
        sizes.append(len(rows))
        if len(rows) > 3:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            )
        return run(bert, hidden, rows)

    monkeypatch.setattr(batches, "run", narrow)
    parted, _, _ = tuned(base, epochs=2)
    assert sizes[:3] == [8, 4, 2]
    assert max(sizes[3:]) == 2
    name = "encoder.layer.1.output.dense.weight"
    assert torch.allclose(whole.weights[name], parted.weights[name], atol=2e-3)

    def none(*_: object) -> object:
        raise MemoryError

    monkeypatch.setattr(batches, "run", none)
    with pytest.raises(TooLarge, match="embeddings"):
        tuned(base, epochs=1)


def test_the_same_seed_gives_the_same_weights(base: str) -> None:
    one, two = tuned(base, epochs=1, dropout=0.1)[0], tuned(base, epochs=1, dropout=0.1)[0]
    assert all(torch.equal(one.weights[name], two.weights[name]) for name in one.weights)


def test_frozen_layers_stay_and_upper_ones_move(base: str) -> None:
    bert, _, _ = tuned(base, epochs=1, frozen_layers=1)
    before = model.load(find_source(base)).weights
    moved = {name for name, weight in bert.weights.items() if not torch.equal(weight, before[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)
    loop.interpolate(bert, before, 0.0)
    assert all(torch.equal(weight, before[name]) for name, weight in bert.weights.items())


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_frozen_layers_run_once_give_what_they_give_each_time(base: str, pooling: str) -> None:
    bert, work = job(base, 0)
    bert = model.load(find_source(base), pooling, projection=16)
    cached = batches.advance(bert, work.hidden, 1, lambda _: None)
    assert cached.layer == 1
    direct, later = batches.vectors(bert, work.hidden), batches.vectors(bert, cached)
    assert direct.shape == (36, 16)
    assert np.sum(direct * later, axis=1).min() > 0.9999
    alone = batches.vectors(bert, work.hidden, size=1)
    assert np.allclose(alone, direct, atol=1e-5)


def test_a_served_encoder_says_what_torch_says(base: str, tmp_path: Path) -> None:
    from classifiers.learners.finetune.fitting import reader, tokens
    from signalbox.encoder.tuned import export_tuned, open_tuned

    source = find_source(base)
    bert = model.load(source, "cls", projection=24)
    bert.weights["projection.weight"] += 0.1 * torch.randn(24, 48, generator=torch.Generator().manual_seed(0))
    weights = {name: value.numpy() for name, value in bert.weights.items()}

    def theirs(texts: list[str]) -> np.ndarray:
        return batches.vectors(bert, tokens(reader(source, source.max_tokens), texts))

    described = export_tuned(source, weights, "cls", theirs, tmp_path, precision="fp32")
    assert described["cosine"]["fp32"]["lowest"] >= 0.9999
    texts, _ = sentences()
    encoder = open_tuned(tmp_path)
    assert encoder.dimension == 24
    assert np.sum(encoder.encode(texts) * theirs(texts), axis=1).min() >= 0.9999


def test_ordered_labels_cost_more_the_further_away_they_are() -> None:
    head = TorchHead(Task("size", "ordinal", tuple("abcde")), 2, np.array([0.0, 1, 2, 3, 4]))
    with torch.no_grad():
        head.weight += torch.tensor([[8.0], [0.0]])
    high = torch.tensor([[1.0, 0.0]])
    costs = [head.loss(high, torch.tensor([float(label)])).item() for label in range(5)]
    assert costs == sorted(costs, reverse=True)


def test_the_contrastive_loss_falls_as_labels_come_together() -> None:
    labels = torch.tensor([0.0, 0, 1, 1])
    apart = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]]), dim=1)
    mixed = apart[[0, 2, 1, 3]]
    assert contrastive(apart, labels, 0.1) < 0.01 < contrastive(mixed, labels, 0.1)
    assert float(contrastive(apart, torch.arange(4.0), 0.1)) == 0


def test_batches_hold_texts_of_like_length_and_every_row_once() -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(4, 60, 500)
    dealt = batches.shuffled(lengths, 16, random)
    assert sorted(np.concatenate(dealt)) == list(range(500))
    padded = sum(len(part) * lengths[part].max() for part in dealt)
    assert padded < 1.25 * lengths.sum()


def test_balanced_batches_hold_pairs_of_labels_and_no_row_without_one() -> None:
    labels = np.array([0.0] * 20 + [1.0] * 6 + [2.0] * 1 + [np.nan] * 5)
    for part in batches.balanced(labels, 6, 3, np.random.default_rng(0)):
        assert not np.isnan(labels[part]).any()
        assert len(np.unique(labels[part])) == 2
        assert len(part) >= 4
