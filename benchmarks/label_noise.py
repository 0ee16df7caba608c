"""Wrong labels found: a tenth of the labels are flipped, and rows ranked by how little models believe their label.

`python -m benchmarks.label_noise --data train.csv ... [--share 0.1] [--limit N] [--json]`

Data: `text,category`, as banking77 has them. Ours is what `signalbox data report` ranks by; beside it, on the same
flips: self-confidence of plain MiniLM under logistic regression, of TF-IDF under it, and chance. Precision is of the
first k rows, k the number of flips; recall of the first 2k.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import finish
from benchmarks._intents import material, read_banking
from classifiers.contract import FitContext, Floats, TrainingSet
from classifiers.data.report.label_errors import find_label_errors
from classifiers.learners import make_learner
from classifiers.training.splits import folds, related
from signalbox.contracts import Encoder
from signalbox.encoder import load_encoder
from signalbox.settings import Settings
from signalbox.statistics import share

Rows = NDArray[np.int64]


def flipped(labels: Rows, count: int, portion: float, seed: int) -> tuple[Rows, NDArray[np.bool_]]:
    """Labels of which `portion` are another one, any of the others alike, and which those are."""
    random = np.random.default_rng(seed)
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[random.permutation(len(labels))[: round(portion * len(labels))]] = True
    moved = (labels + random.integers(1, count, size=len(labels))) % count
    return np.where(wrong, moved, labels), wrong


def figures(ranked: Rows, wrong: NDArray[np.bool_]) -> dict[str, Any]:
    k = int(wrong.sum())
    found = share(wrong[ranked[:k]])
    return {
        "precision_at_k": found["value"],
        "precision_interval": [found["low"], found["high"]],
        "recall_at_2k": float(wrong[ranked[: 2 * k]].sum() / k),
    }


def self_confidence(data: TrainingSet, learner: str, encoder: Encoder, seed: int) -> Floats:
    """Out-of-fold probability of each row's own label, by a learner alone."""
    from classifiers.calibration.labels import softmax

    labels = data.examples.positions(0, np.arange(len(data.examples)))
    own = np.zeros(len(labels))
    for split in folds(data.examples, related(data.examples, seed=seed), seed=seed):
        seen, held = data.take(split.fit), data.take(split.held)
        if learner == "MiniLM + logistic":
            logits = _plain(seen, held, seed)
        else:
            model = make_learner(learner).fit(seen, FitContext(encoder, seed))
            logits = model.outputs(held.examples.texts, held.vectors).scores[0]
        own[split.held] = softmax(logits)[np.arange(len(split.held)), labels[split.held]]
    return own


def _plain(seen: TrainingSet, held: TrainingSet, seed: int) -> Floats:
    from classifiers.learners.fitting import logistic

    weights, bias = logistic(seen.vectors, seen.examples.positions(0, np.arange(len(seen.examples))), 10.0, seed)
    return (held.vectors @ weights + bias).astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--share", type=float, default=0.1, help="of labels that are flipped")
    parser.add_argument("--limit", type=int, default=None, help="rows, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    rows = read_banking(arguments.data)
    if arguments.limit is not None:
        picked = np.random.default_rng(arguments.seed).permutation(len(rows.inside))[: arguments.limit]
        rows.inside[:] = [rows.inside[i] for i in sorted(picked.tolist())]
    examples = material(rows, "rows").examples
    with tempfile.TemporaryDirectory() as folder:
        encoder = load_encoder(Settings.load(data_dir=Path(folder)))
        vectors = encoder.encode(examples.texts)
    truth, count = examples.positions(0, np.arange(len(examples))), examples.tasks[0].width
    noisy, wrong = flipped(truth, count, arguments.share, arguments.seed)
    examples.targets[:, 0] = noisy
    data = TrainingSet(examples, vectors, vectors[:0])
    ours = find_label_errors(examples.texts, vectors, noisy, seed=arguments.seed)
    anchors = {
        learner: figures(np.argsort(self_confidence(data, learner, encoder, arguments.seed), kind="stable"), wrong)
        for learner in ("MiniLM + logistic", "tfidf")
    }
    anchors["chance"] = figures(np.random.default_rng(arguments.seed + 1).permutation(len(noisy)), wrong)
    result = {
        **figures(ours.ranked, wrong),
        "suspected": len(ours.suspected),
        "rows": len(noisy),
        "flipped": int(wrong.sum()),
        "anchors": anchors,
    }
    finish("Label noise", result, only_json=arguments.json)


if __name__ == "__main__":
    main()
