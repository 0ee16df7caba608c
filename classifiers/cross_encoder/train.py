"""Tuning an encoder to read claim and evidence together, from pairs made of documents. Needs torch.

All the pieces are those that experts are fine-tuned with: claim and evidence are one text to them, with a separator in
between. BERT's second segment is left unused, so that the same graph serves both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from tokenizers import Tokenizer

from classifiers.contract import Task
from classifiers.cross_encoder.pairs import Pair
from classifiers.learners.finetune import batches, model
from classifiers.learners.finetune.batches import Hidden
from classifiers.learners.finetune.loop import Job, probe, tune
from classifiers.learners.finetune.losses import TorchHead
from classifiers.learners.finetune.model import Bert
from classifiers.learners.finetune.recipe import Recipe
from classifiers.learners.finetune.schedule import Schedule
from signalbox.encoder.source import Source

MAX_TOKENS = 128
RECIPE = Recipe(
    pooling="mean",
    frozen_layers=1,
    probe_epochs=10,
    epochs=1,
    most_steps=4_000,
    batch_size=32,
    learning_rate=2e-4,
    layer_decay=0.9,
    dropout=0.0,
    held_share=0.0,
    max_tokens=MAX_TOKENS,
)
TASK = Task("supported", "classification", ("no", "yes"))

Progress = Callable[[float, str], None]


def tune_on_pairs(
    pairs: Sequence[Pair], source: Source, *, budget_s: float, seed: int, progress: Progress, recipe: Recipe = RECIPE
) -> tuple[Bert, TorchHead]:
    """The tuned encoder and the head over its pooled vector; ends within about `budget_s` seconds."""
    began = time.monotonic()
    bert = model.load(source, recipe.pooling, recipe.projection)
    progress(0.0, "Encoding pairs with the frozen layers")
    hidden = batches.advance(bert, tokens(reader(source), pairs), recipe.frozen_layers, _silent)
    targets = np.array([[float(pair.supported)] for pair in pairs])
    job = Job(hidden, (TASK,), targets, batches.from_ids([]), np.arange(len(pairs)), np.zeros(0, dtype=np.int64))
    heads = job.heads(bert.dimension)
    if recipe.probe_epochs:
        probe(job, heads, batches.vectors(bert, hidden), recipe, seed)
    steps = min(recipe.most_steps, recipe.epochs * -(-len(pairs) // recipe.batch_size))
    schedule = Schedule(steps, recipe.warmup, max(1.0, budget_s - (time.monotonic() - began)))
    tune(bert, job, heads, recipe, schedule, seed, progress)
    return bert, heads[0]


def reader(source: Source) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(source.folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def tokens(tokenizer: Tokenizer, pairs: Sequence[Pair]) -> Hidden:
    whole = [tuple(text.encode("utf-8", "replace").decode("utf-8") for text in (p.claim, p.evidence)) for p in pairs]
    return batches.from_ids([item.ids for item in tokenizer.encode_batch(whole)])


def _silent(_: float) -> None:
    pass
