"""Tuning an encoder to read claim and evidence together, from pairs made of documents. Needs torch.

All the pieces are those that experts are fine-tuned with: claim and evidence are one text to them, with a separator in
between. BERT's second segment is left unused, so that the same graph serves both.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from classifiers.contract import Task
from classifiers.cross_encoder.pairs import Pair, make_pairs
from classifiers.cross_encoder.served import FORMAT, HEAD, KIND, CrossEncoder, open_cross_encoder
from classifiers.learners.finetune import batches, model
from classifiers.learners.finetune.batches import Hidden
from classifiers.learners.finetune.loop import Job, probe, tune
from classifiers.learners.finetune.losses import TorchHead
from classifiers.learners.finetune.model import Bert
from classifiers.learners.finetune.recipe import Recipe
from classifiers.learners.finetune.schedule import Schedule
from signalbox.artefacts import write_artefact, writer_lock
from signalbox.calibration import Floats
from signalbox.contracts import Vectors
from signalbox.encoder.source import Source
from signalbox.encoder.tuned import export_tuned
from signalbox.errors import InvalidInput

MAX_TOKENS = 128
PAIRS = 4_000
_LOCK_S = 10.0
# Export and checks come after the tuning and can't be cut short.
_TUNING_SHARE = 0.85
RECIPE = Recipe(
    pooling="mean",
    frozen_layers=1,
    probe_epochs=10,
    epochs=1,
    batch_size=32,
    learning_rate=2e-4,
    layer_decay=0.9,
    dropout=0.0,
    held_share=0.0,
    max_tokens=MAX_TOKENS,
)
TASK = Task("supported", "classification", ("no", "yes"))

Progress = Callable[[float, str], None]


def train_cross_encoder(
    passages: Sequence[Sequence[str]],
    folder: Path,
    source: Source,
    *,
    budget_s: float = 360.0,
    seed: int = 0,
    progress: Progress,
    recipe: Recipe = RECIPE,
    pairs: int = PAIRS,
) -> CrossEncoder:
    """Train on pairs made of passages and write the files into `folder`, which must not exist yet.

    Args:
        passages: the sentences of each document, in order.
        budget_s: about how long it may take; with less time fewer pairs are read.
        progress: is told the share done; what it raises ends the training.

    Raises:
        InvalidInput: too few sentences, or no time.
        ConfigurationError: the encoder can't be fine-tuned.
        Conflict: the folder exists.
    """
    if budget_s <= 0:
        raise InvalidInput("budget_s must be greater than 0", field="budget_s")
    made = make_pairs(passages, pairs, seed=seed)
    began = time.monotonic()
    bert, head = tune_on_pairs(
        made, source, budget_s=_TUNING_SHARE * budget_s, seed=seed, progress=progress, recipe=recipe
    )
    report = {"pairs": len(made), "trained_s": round(time.monotonic() - began, 1), "base": source.name}
    progress(0.95, "Exporting the cross-encoder")
    with writer_lock(folder.parent, timeout_s=_LOCK_S):
        write_artefact(
            folder, kind=KIND, format=FORMAT, fill=lambda scratch: _written(bert, head, source, scratch, report)
        )
    return open_cross_encoder(folder)


def tune_on_pairs(
    pairs: Sequence[Pair], source: Source, *, budget_s: float, seed: int, progress: Progress, recipe: Recipe = RECIPE
) -> tuple[Bert, TorchHead]:
    """The tuned encoder and the head over its pooled vector; ends within about `budget_s` seconds."""
    began = time.monotonic()
    bert = model.load(source, recipe.pooling, recipe.projection)
    progress(0.0, "Encoding pairs with the frozen layers")
    hidden = batches.advance(bert, tokens(reader(source), pairs), recipe.frozen_layers, lambda _: None)
    targets = np.array([[float(pair.supported)] for pair in pairs])
    job = Job(hidden, (TASK,), targets, batches.from_ids([]), np.arange(len(pairs)), np.zeros(0, dtype=np.int64))
    heads = job.heads(bert.dimension)
    if recipe.probe_epochs:
        probe(job, heads, batches.vectors(bert, hidden), recipe, seed)
    steps = min(recipe.most_steps, recipe.epochs * -(-len(pairs) // recipe.batch_size))
    schedule = Schedule(steps, recipe.warmup, max(1.0, budget_s - (time.monotonic() - began)))
    tune(bert, job, heads, recipe, schedule, seed, lambda share, stage: progress(0.95 * min(1.0, share), stage))
    return bert, heads[0]


def reader(source: Source) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(source.folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(min(MAX_TOKENS, source.max_tokens))
    return tokenizer


def tokens(tokenizer: Tokenizer, pairs: Sequence[Pair]) -> Hidden:
    whole = [tuple(text.encode("utf-8", "replace").decode("utf-8") for text in (p.claim, p.evidence)) for p in pairs]
    return batches.from_ids([item.ids for item in tokenizer.encode_batch(whole)])


def log_odds_row(head: TorchHead) -> tuple[Floats, float]:
    """Weights and bias of "yes" less those of "no"."""
    frozen = head.frozen()
    assert frozen.vectors is not None
    weights = frozen.vectors.astype(np.float64)
    return weights[:, 1] - weights[:, 0], float(frozen.bias[1] - frozen.bias[0])


def _written(bert: Bert, head: TorchHead, source: Source, folder: Path, report: dict[str, Any]) -> dict[str, Any]:
    tokenizer = reader(source)

    def reference(texts: Sequence[str]) -> Vectors:
        ids = batches.from_ids([item.ids for item in tokenizer.encode_batch(list(texts))])
        vectors: Vectors = batches.vectors(bert, ids)
        return vectors

    weights = {name: value.detach().numpy() for name, value in bert.weights.items()}
    described = export_tuned(source, weights, bert.pooling, reference, folder)
    row, bias = log_odds_row(head)
    content = json.dumps({"weights": row.tolist(), "bias": bias}, allow_nan=False)
    (folder / HEAD).write_text(content + "\n", encoding="utf-8")
    version = hashlib.sha256(content.encode()).hexdigest()[:8]
    return {"report": report | {"precision": described["precision"], "version": version}}
