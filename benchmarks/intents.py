"""Intents: a trained expert on texts it has not seen, beside TF-IDF alone and plain MiniLM under logistic regression.

`python -m benchmarks.intents --set clinc150|banking77 --train FILE ... [--test FILE ...] [--learner auto] [--json]`

Without `--test` a part of the training file is held out: CLINC150's own `val` and `oos_val`, of banking77 a fifth of
the rows, near duplicates kept together. CLINC150's accuracy in scope is with abstention: a text in scope of which the
expert abstains (an empty label set) counts as an error; its threshold is from its training data alone. banking77 is
also learnt from 10 examples a label, in `--draws` draws. Times are of single texts with the encoder's pass, explanation
off.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._common import finish, quantile, track
from benchmarks._intents import IntentRows, Pairs, Remembering, material, read_banking, read_clinc
from classifiers import TextExpert, TrainOptions, load_expert, train
from classifiers.contract import FitContext, Floats, TrainingSet
from classifiers.learners import make_learner
from classifiers.training.splits import folds, related
from signalbox.calibration import auroc
from signalbox.contracts import Encoder
from signalbox.encoder import load_encoder
from signalbox.settings import Settings
from signalbox.statistics import share

SHOTS = 10
TIMED = 300
_BATCH = 256


def clinc150(
    train_files: list[Path], test_files: list[Path], encoder: Encoder, options: TrainOptions
) -> dict[str, Any]:
    if test_files:
        seen = read_clinc(train_files, ("train", "val"), ("oos_train", "oos_val"))
        new = read_clinc(test_files, ("test",), ("oos_test",))
    else:
        seen = read_clinc(train_files, ("train",), ("oos_train",))
        new = read_clinc(train_files, ("val",), ("oos_val",))
    expert, seconds = trained(seen, encoder, options)
    right, scope, kept = _judged(expert, new, encoder)
    n = len(new.inside)
    return {
        "in_scope_accuracy": float((right & kept[:n]).mean()),
        "in_scope_interval": _interval(right & kept[:n]),
        "oos_recall": float((~kept[n:]).mean()),
        "oos_recall_interval": _interval(~kept[n:]),
        "oos_auroc": auroc(scope, np.repeat([1.0, 0.0], [n, len(new.outside)])),
        "accuracy_without_abstention": float(right.mean()),
        **_served(expert, new, encoder),
        "learner": expert.trained.model.learner,
        "train_s": seconds,
        "train_rows": len(seen.inside),
        "test_rows": n,
        "test_out_of_scope": len(new.outside),
        "anchors": anchors(seen, new, encoder),
    }


def banking77(
    train_files: list[Path], test_files: list[Path], encoder: Encoder, options: TrainOptions, draws: int
) -> dict[str, Any]:
    rows = read_banking(train_files)
    if test_files:
        seen, new = rows, read_banking(test_files)
    else:
        examples = material(rows, "rows").examples
        held = set(folds(examples, related(examples, seed=options.seed), seed=options.seed)[0].held.tolist())
        seen = IntentRows([pair for i, pair in enumerate(rows.inside) if i not in held], [])
        new = IntentRows([rows.inside[i] for i in sorted(held)], [])
    expert, seconds = trained(seen, encoder, options)
    right, _, _ = _judged(expert, new, encoder)
    few = [_ten_shot(seen, new, encoder, draw) for draw in track(range(draws), "10 examples a label")]
    found = anchors(seen, new, encoder)
    found["MiniLM + logistic"]["ten_shot_accuracy"] = float(np.mean([plain for _, plain in few]))
    return {
        "accuracy": float(right.mean()),
        "accuracy_interval": _interval(right),
        "ten_shot_accuracy": float(np.mean([ours for ours, _ in few])),
        "ten_shot_draws": [ours for ours, _ in few],
        **_served(expert, new, encoder),
        "learner": expert.trained.model.learner,
        "train_s": seconds,
        "train_rows": len(seen.inside),
        "test_rows": len(new.inside),
        "anchors": found,
    }


def trained(rows: IntentRows, encoder: Encoder, options: TrainOptions) -> tuple[TextExpert, float]:
    """The expert a user gets from `signalbox train text`, stored and loaded again, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        train(material(rows, "rows"), encoder, name="intents", folder=Path(folder), options=options)
        seconds = time.perf_counter() - start
        return load_expert(Path(folder), "intents", encoder), seconds


def anchors(seen: IntentRows, new: IntentRows, encoder: Encoder) -> dict[str, dict[str, float]]:
    """TF-IDF alone, and plain MiniLM vectors under logistic regression; out of scope by the energy of the logits."""
    from classifiers.learners.fitting import logistic

    prepared, other = material(seen, "seen"), material(new, "new")
    labels = prepared.examples.tasks[0].labels
    data = TrainingSet(
        prepared.examples, encoder.encode(prepared.examples.texts), encoder.encode(prepared.examples.outside)
    )
    texts = [*other.examples.texts, *other.examples.outside]
    vectors = encoder.encode(texts)
    truth = np.array([labels.index(label) if label in labels else -1 for _, label in new.inside])
    tfidf = make_learner("tfidf").fit(data, FitContext(encoder)).outputs(texts, vectors).scores[0]
    weights, bias = logistic(data.vectors, data.examples.positions(0, np.arange(len(seen.inside))), 10.0, 0)
    return {
        "TF-IDF": _anchor(tfidf, truth),
        "MiniLM + logistic": _anchor((vectors @ weights + bias).astype(np.float64), truth),
    }


def _anchor(logits: Floats, truth: np.ndarray) -> dict[str, float]:
    n = len(truth)
    found = {"accuracy": float((logits[:n].argmax(axis=1) == truth).mean())}
    if len(logits) > n:
        peak = logits.max(axis=1)
        energy = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
        found["oos_auroc"] = auroc(energy, np.repeat([1.0, 0.0], [n, len(logits) - n]))
    return found


def _ten_shot(seen: IntentRows, new: IntentRows, encoder: Encoder, draw: int) -> tuple[float, float]:
    random = np.random.default_rng(draw)
    by_label: dict[str, Pairs] = {}
    for index in random.permutation(len(seen.inside)).tolist():
        text, label = seen.inside[index]
        by_label.setdefault(label, []).append((text, label))
    few = IntentRows([pair for pairs in by_label.values() for pair in pairs[:SHOTS]], [])
    expert, _ = trained(few, encoder, TrainOptions(learner="few-shot", seed=draw, curve=False))
    right, _, _ = _judged(expert, new, encoder)
    return float(right.mean()), anchors(few, new, encoder)["MiniLM + logistic"]["accuracy"]


def _judged(expert: TextExpert, new: IntentRows, encoder: Encoder) -> tuple[np.ndarray, Floats, np.ndarray]:
    """Whether each text in scope got its label; of every text the probability of being in scope (else the confidence),
    and whether the expert answered, that is did not abstain."""
    texts = [*(text for text, _ in new.inside), *new.outside]
    opinions = [
        opinion
        for start in track(range(0, len(texts), _BATCH), "asking")
        for opinion in expert.predict(
            texts[start : start + _BATCH], vectors=encoder.encode(texts[start : start + _BATCH])
        )
    ]
    said = [opinion.answer.labels[0].label if opinion.answer.labels else "" for opinion in opinions]
    right = np.array([one == label for one, (_, label) in zip(said, new.inside, strict=False)])
    scope = [o.confidence if o.answer.in_scope is None else o.answer.in_scope for o in opinions]
    answered = [bool(opinion.answer.labels and opinion.answer.labels[0].set) for opinion in opinions]
    return right, np.array(scope), np.array(answered)


def _served(expert: TextExpert, new: IntentRows, encoder: Encoder) -> dict[str, float]:
    """Milliseconds a single text takes, and texts a second in batches, the encoder's pass included."""
    plain = encoder.plain if isinstance(encoder, Remembering) else encoder
    expert = TextExpert(expert.name, expert.trained, plain)
    texts = [text for text, _ in new.inside[:TIMED]]
    times = []
    for text in texts:
        start = time.perf_counter()
        expert.predict([text], vectors=plain.encode([text]))
        times.append((time.perf_counter() - start) * 1000)
    start = time.perf_counter()
    expert.predict(texts, vectors=plain.encode(texts))
    return {"single_p50_ms": quantile(times, 0.5), "batch_texts_per_s": len(texts) / (time.perf_counter() - start)}


def _interval(outcomes: np.ndarray) -> list[float]:
    figure = share(outcomes)
    return [figure["low"], figure["high"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("clinc150", "banking77"), required=True)
    parser.add_argument("--train", "--data", type=Path, nargs="+", required=True)
    parser.add_argument("--test", type=Path, nargs="+", default=[])
    parser.add_argument("--learner", default="fine-tuned")
    parser.add_argument("--draws", type=int, default=3, help="of 10 examples a label")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    options = TrainOptions(learner=arguments.learner, seed=arguments.seed, curve=False)
    with tempfile.TemporaryDirectory() as folder:
        encoder = Remembering(load_encoder(Settings.load(data_dir=Path(folder))))
        if arguments.set == "clinc150":
            result = clinc150(arguments.train, arguments.test, encoder, options)
        else:
            result = banking77(arguments.train, arguments.test, encoder, options, arguments.draws)
    finish(f"Intents, {arguments.set}", {"set": arguments.set, **result}, only_json=arguments.json)


if __name__ == "__main__":
    main()
