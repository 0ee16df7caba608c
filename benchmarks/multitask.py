"""Several tasks in one pass of the encoder: each head beside an expert trained on its task alone.

`python -m benchmarks.multitask --topic news.csv --sentiment tweets.csv --fetch synthetic_data.csv [--json]`

News have a topic and no sentiment, tweets a sentiment and no topic: one expert learns both, missing labels masked.
Twins learn from the rows of one task. Both are asked about the same rows, every fifth of each file held out, near
duplicates together. The small set (120 sentences with a topic and a sentiment each) is cross-validated in five parts.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._common import finish
from classifiers import Pipeline
from classifiers.contract import Examples, FitContext, Floats, Rows, Task, TrainingSet
from classifiers.learners import LEARNERS, make_learner
from classifiers.metrics import macro_f1
from classifiers.training.crossfit import cross_fit
from classifiers.training.scratch import Scratch
from classifiers.training.splits import Split, folds, related
from signalbox.contracts import Encoder
from signalbox.encoder import load_encoder
from signalbox.settings import Settings
from signalbox.statistics import bootstrapped, paired_difference, share

Labelled = list[tuple[str, tuple[str | None, ...]]]


def read(paths: Sequence[Path], text: Sequence[str], targets: Sequence[str]) -> Labelled:
    """Rows of CSV files: the text columns joined, and the labels of the target columns."""
    rows: Labelled = []
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                said = "\n".join(row[name] for name in text if row.get(name))
                rows.append((said, tuple(row[name].strip() or None for name in targets)))
    return rows


def training_set(rows: Labelled, names: Sequence[str], encoder: Encoder) -> TrainingSet:
    pipeline = Pipeline()
    texts = tuple(pipeline.prepare(text) for text, _ in rows)
    tasks = tuple(
        Task(name, "classification", tuple(sorted({label for _, labels in rows if (label := labels[i]) is not None})))
        for i, name in enumerate(names)
    )
    targets = np.array(
        [
            [np.nan if label is None else task.labels.index(label) for task, label in zip(tasks, labels, strict=True)]
            for _, labels in rows
        ],
        dtype=np.float64,
    )
    vectors = encoder.encode(texts)
    return TrainingSet(Examples(texts, tasks, targets), vectors, vectors[:0])


def only(data: TrainingSet, task: int, rows: Rows) -> TrainingSet:
    """The rows with one task alone."""
    taken = data.take(rows)
    examples = taken.examples
    alone = Examples(examples.texts, (examples.tasks[task],), examples.targets[:, [task]])
    return TrainingSet(alone, taken.vectors, taken.outside)


def beside_twins(data: TrainingSet, learner: str, context: FitContext) -> dict[str, dict[str, Any]]:
    split = folds(data.examples, related(data.examples, seed=context.seed), seed=context.seed)[0]
    model = make_learner(learner).fit(data.take(split.fit), context)
    found = {}
    for index, task in enumerate(data.examples.tasks):
        known = data.examples.known(index)
        fit, held = np.intersect1d(split.fit, known), np.intersect1d(split.held, known)
        truth, texts = data.examples.positions(index, held), [data.examples.texts[row] for row in held]
        said = _said(model.outputs(texts, data.vectors[held]).scores[index])
        twin = make_learner(learner).fit(only(data, index, fit), context)
        twin_said = _said(twin.outputs(texts, data.vectors[held]).scores[0])
        found[task.name] = {**_figures(said, truth, context.seed), **_twin(said, twin_said, truth, context.seed)}
    return found


def small(data: TrainingSet, learner: str, context: FitContext) -> dict[str, dict[str, Any]]:
    splits: tuple[Split, ...] = folds(data.examples, related(data.examples, seed=context.seed), seed=context.seed)
    held = cross_fit(make_learner(learner), data, splits, context, Scratch())
    return {
        task.name: _figures(_said(held.scores[index]), data.examples.positions(index, held.rows), context.seed)
        for index, task in enumerate(data.examples.tasks)
    }


def _said(scores: Floats) -> Rows:
    said: Rows = scores.argmax(axis=1)
    return said


def _figures(said: Rows, truth: Rows, seed: int) -> dict[str, Any]:
    right, n = share(said == truth), len(truth)
    f1 = bootstrapped(lambda rows: macro_f1(said[rows], truth[rows]), n, seed=seed, rounds=300)
    return {
        "accuracy": right["value"],
        "accuracy_interval": [right["low"], right["high"]],
        "macro_f1": None if f1 is None else f1["value"],
        "rows": n,
    }


def _twin(said: Rows, twin: Rows, truth: Rows, seed: int) -> dict[str, Any]:
    difference = paired_difference((said == truth).astype(np.float64), (twin == truth).astype(np.float64), seed=seed)
    return {
        "single_task_accuracy": float((twin == truth).mean()),
        "difference": difference["value"],
        "difference_interval": [difference["low"], difference["high"]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", type=Path, nargs="+", required=True, help="CSV with topic, title, description")
    parser.add_argument("--sentiment", type=Path, nargs="+", required=True, help="CSV with text, sentiment")
    parser.add_argument("--fetch", type=Path, nargs="+", required=True, help="CSV with sentence, labelA, labelB")
    parser.add_argument("--learner", choices=LEARNERS, default="embeddings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    news = read(arguments.topic, ("title", "description"), ("topic",))
    tweets = read(arguments.sentiment, ("text",), ("sentiment",))
    both: Labelled = [(text, (label[0], None)) for text, label in news]
    both += [(text, (None, label[0])) for text, label in tweets]
    fetch = read(arguments.fetch, ("sentence",), ("labelA", "labelB"))
    with tempfile.TemporaryDirectory() as folder:
        encoder = load_encoder(Settings.load(data_dir=Path(folder)))
        context = FitContext(encoder, arguments.seed)
        heads = beside_twins(training_set(both, ("topic", "sentiment"), encoder), arguments.learner, context)
        few = small(training_set(fetch, ("topic", "sentiment"), encoder), arguments.learner, context)
    result = {
        **heads,
        "fetch": {name: figures["accuracy"] for name, figures in few.items()}
        | {f"{name}_interval": figures["accuracy_interval"] for name, figures in few.items()}
        | {f"{name}_macro_f1": figures["macro_f1"] for name, figures in few.items()},
        "learner": arguments.learner,
        "anchors": {
            "one expert a task": {name: figures["single_task_accuracy"] for name, figures in heads.items()},
            "published, fetch": {"topic": 0.80, "sentiment": 0.633},
        },
    }
    finish("Several tasks, one pass", result, only_json=arguments.json)


if __name__ == "__main__":
    main()
