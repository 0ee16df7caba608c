"""From a training set to a served model: tokens, frozen layers, heads, tuning, export. The only steps, in order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.contract import Examples, FitContext, Rows, TrainingSet
from classifiers.learners.finetune import batches, model
from classifiers.learners.finetune.batches import Hidden
from classifiers.learners.finetune.loop import Job, interpolate, probe, souped, tune
from classifiers.learners.finetune.losses import TorchHead
from classifiers.learners.finetune.model import Bert
from classifiers.learners.finetune.recipe import Recipe
from classifiers.learners.finetune.schedule import Schedule
from classifiers.learners.finetune.served import TunedModel, threads
from classifiers.learners.fitting import LinearOptions, fit_linear
from signalbox.contracts import Vectors
from signalbox.encoder.source import Source
from signalbox.encoder.tuned import export_tuned, open_tuned
from signalbox.errors import InvalidInput

# What a fit does, and the share of its progress at which each part begins.
_PROBE, _TUNE, _PARTNER, _EXPORT = 0.15, 0.2, 0.85, 0.95
# Export and partner come after the tuning and can't be cut short.
_TUNING_SHARE = 0.7
_FEWEST_HELD = 40


def fit_tuned(
    learner: str, data: TrainingSet, context: FitContext, source: Source, recipe: Recipe, blend: float
) -> TunedModel:
    """See `FineTuned.fit`."""
    bert, heads, report = _tuned(data, context, source, recipe)
    partner = None
    if blend:
        context.progress(_PARTNER, "Training the linear model beside it")
        partner = fit_linear(learner, data, LinearOptions(), seed=context.seed)
    context.progress(_EXPORT, "Exporting the encoder")
    files, report = _exported(bert, source, report)
    encoder = open_tuned(Path(files.name), threads=threads())
    served = tuple(head.frozen() for head in heads)
    return TunedModel(learner, data.examples.tasks, Path(files.name), encoder, served, partner, blend, report, files)


def _tuned(
    data: TrainingSet, context: FitContext, source: Source, recipe: Recipe
) -> tuple[Bert, list[TorchHead], dict[str, Any]]:
    """The encoder and its heads after training, and what to report of it."""
    began = time.monotonic()
    examples = data.examples
    check(examples, recipe)
    bert = model.load(source, recipe.pooling, recipe.projection)
    if recipe.frozen_layers > bert.layers:
        raise InvalidInput(
            f"frozen_layers must be from 0 to {bert.layers}, the encoder's layers", field="frozen_layers"
        )
    before = {name: weight.clone() for name, weight in bert.weights.items()}
    tokenizer = reader(source, recipe.max_tokens)

    def encoding(share: float) -> None:
        context.progress(_PROBE * share, "Encoding with the frozen layers")

    hidden = batches.advance(bert, tokens(tokenizer, examples.texts), recipe.frozen_layers, encoding)
    outside = batches.advance(bert, tokens(tokenizer, examples.outside), recipe.frozen_layers, encoding)
    held = held_rows(examples, recipe.held_share, context.seed)
    rows = np.setdiff1d(np.arange(len(examples)), held)
    job = Job(hidden, examples.tasks, examples.targets, outside, rows, held)
    heads = job.heads(bert.dimension)
    if recipe.probe_epochs:
        context.progress(_PROBE, "Training the heads on the frozen encoder")
        probe(job, heads, batches.vectors(bert, hidden), recipe, context.seed)
    steps = min(recipe.most_steps, recipe.epochs * -(-len(rows) // recipe.batch_size))
    left = None if context.budget_s is None else _TUNING_SHARE * context.budget_s - (time.monotonic() - began)

    history: list[list[float]] = []

    def told(share: float, stage: str) -> None:
        done = (len(history) + min(1.0, share)) / recipe.souped
        context.progress(_TUNE + (_PARTNER - _TUNE) * done, stage)

    def member(number: int) -> None:
        schedule = Schedule(steps, recipe.warmup, None if left is None else left / recipe.souped)
        history.append(tune(bert, job, heads, recipe, schedule, context.seed + number, told))

    souped(bert, heads, recipe.souped, member)
    interpolate(bert, before, recipe.interpolation)
    return bert, heads, {"held_loss": history[0], "trained_s": round(time.monotonic() - began, 1)}


def check(examples: Examples, recipe: Recipe) -> None:
    """Raises InvalidInput where a task has fewer than two different targets, or a weight belongs to no task."""
    strange = sorted(set(recipe.task_weights) - {task.name for task in examples.tasks})
    if strange:
        raise InvalidInput(f"task_weights names {', '.join(strange)}, which is no task here", field="task_weights")
    for place, task in enumerate(examples.tasks):
        if len(np.unique(examples.targets[examples.known(place), place])) < 2:
            raise InvalidInput(
                f"{task.name!r} has fewer than two different targets among the rows to learn from: add rows, or leave "
                "the column out.",
                field="target",
            )


def reader(source: Source, max_tokens: int) -> Any:
    """The source's tokenizer, cutting off."""
    tokenizer = Tokenizer.from_file(str(source.folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(min(max_tokens, source.max_tokens))
    return tokenizer


def tokens(tokenizer: Any, texts: Sequence[str]) -> Hidden:
    """Token ids of texts; half a surrogate pair, which can't be tokenised, becomes one character."""
    whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    return batches.from_ids([item.ids for item in tokenizer.encode_batch(whole)])


def held_rows(examples: Examples, share: float, seed: int) -> Rows:
    """Rows to stop early by; none where so few would say nothing."""
    count = int(share * len(examples))
    if count < _FEWEST_HELD:
        return np.zeros(0, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).permutation(len(examples))[:count])


def _exported(
    bert: Bert, source: Source, report: dict[str, Any]
) -> tuple[tempfile.TemporaryDirectory[str], dict[str, Any]]:
    """The encoder's files in a temporary folder, and the report with how well they agree with the original."""
    tokenizer = reader(source, source.max_tokens)

    def reference(texts: Sequence[str]) -> Vectors:
        vectors: Vectors = batches.vectors(bert, tokens(tokenizer, texts))
        return vectors

    folder = tempfile.TemporaryDirectory(prefix="signalbox-tuned-")
    weights: dict[str, NDArray[np.float32]] = {name: value.detach().numpy() for name, value in bert.weights.items()}
    described = export_tuned(source, weights, bert.pooling, reference, Path(folder.name))
    return folder, report | {"precision": described["precision"], "cosine": described["cosine"]}
