"""From labelled examples to a stored version: split, choose, calibrate, fit on everything, measure, write.

Every figure and every threshold comes from rows that the judged model has not seen. Serving knows nothing of this
module; what goes into the report is `figures`' business.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.calibration.reference import fit_reference
from classifiers.contract import Examples, FitContext, Floats, Learner, Progress, TextModel, TrainingSet
from classifiers.experts.artefact import FORMAT, KIND, encoder_name, write_expert
from classifiers.experts.expert import Reply, Trained
from classifiers.experts.memory import Memory, kept_rows, label_groups
from classifiers.experts.wording import stems_of
from classifiers.learners import DEFAULT, make_learner
from classifiers.registry import Registry, Version, checked_name
from classifiers.registry.version import code_version
from classifiers.seen import write_seen
from classifiers.text import Pipeline
from classifiers.training.calibrating import Calibrated, calibrate
from classifiers.training.choosing import AUTO, Tried, candidates, choose, splits_for
from classifiers.training.crossfit import Held, cross_fit
from classifiers.training.figures import Figures, figures
from classifiers.training.scratch import Scratch
from classifiers.training.splits import Split, folds, later, one_part, related
from classifiers.training.tidying import tidy
from classifiers.training.tuning import Tuning, tune
from signalbox.contracts import Encoder, Vectors
from signalbox.errors import InvalidInput

_BATCH = 256


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    Attributes:
        learner: a name of `classifiers.learners.LEARNERS`, or `auto`: cheap ones first, a dearer one only where it is
            better beyond doubt.
        learner_options: of that learner.
        tune: trials of a search for better options; 0 for none.
        level: of label sets and intervals.
        budget_s: seconds after which fitting should have come to an end, where it can be cut short.
        curve: learn from fewer rows too, to show what more labels would bring.
        promote: make the version the champion; None: only where there is none yet.
    """

    learner: str = DEFAULT
    learner_options: Mapping[str, Any] = field(default_factory=dict)
    tune: int = 0
    level: float = 0.9
    seed: int = 0
    budget_s: float | None = None
    curve: bool = True
    promote: bool | None = None


@dataclass(frozen=True)
class Material:
    """What an expert is made of, as its owner has it.

    Attributes:
        examples: prepared by `pipeline`.
        trained_on: the name of the file, no path.
        times: seconds, NaN where unknown; later rows are then held out.
        replies: by label of the first task that has labels.
        notes: what was assumed or changed while reading, for the card.
    """

    examples: Examples
    pipeline: Pipeline
    trained_on: str
    times: Floats | None = None
    replies: Mapping[str, Reply] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Plan:
    learner: Learner
    held: Held
    splits: tuple[Split, ...]
    tried: tuple[Tried, ...]
    tuning: Tuning | None


def train(
    material: Material,
    encoder: Encoder,
    *,
    name: str,
    folder: Path,
    options: TrainOptions | None = None,
    progress: Progress = lambda _, __: None,
    scratch: Path | None = None,
    by: str = "",
    job: str | None = None,
) -> Version:
    """Train and write the next version of the expert `name` into the registry in `folder`.

    The same examples, options, encoder and code give the same numbers.

    Args:
        progress: is told the share done and the stage; what it raises cancels, and nothing is written.
        scratch: a folder to keep what took long, so that a training that was killed goes on where it was.
        by: who trained, for the registry's history.
        job: the id of the job that trains, for the manifest: by it a job that was ended finds what it has written.

    Raises:
        InvalidInput: the name can't be an expert's, or there is nothing to learn.
        UnknownName: there is no such learner.
        ConfigurationError: a learner needs what is not installed, or the folder can't be written.
        Overloaded: another process is writing a version of the same expert.
    """
    options = options or TrainOptions()
    checked_name(name)
    if options.learner != AUTO:
        make_learner(options.learner, options.learner_options)
    tidied = tidy(material.examples, material.times)
    examples, times = tidied.examples, tidied.times
    kept = Scratch(scratch, _key(examples, encoder, options.seed))
    progress(0.01, "Looking for near duplicates")
    groups = related(examples, seed=options.seed)
    splits = (
        folds(examples, groups, seed=options.seed)
        if times is None
        else later(examples, times, groups, seed=options.seed)
    )
    data = _encoded(examples, encoder, _share(progress, 0.02, 0.25), kept)
    plan = _plan(data, splits, groups, options, encoder, _share(progress, 0.25, 0.75), kept)
    progress(0.75, "Calibrating")
    calibrating = FitContext(encoder, options.seed, _share(progress, 0.75, 0.78), options.budget_s)
    calibrated = calibrate(data, plan.held, plan.learner, calibrating, level=options.level, groups=groups)
    context = FitContext(encoder, options.seed, _share(progress, 0.78, 0.9), options.budget_s)
    model = plan.learner.fit(data, context)
    trained = _trained(material, data, model, calibrated, options.seed)
    found = figures(data, plan.held, calibrated, plan.splits, options, encoder, _share(progress, 0.9, 0.97), kept)
    progress(0.97, "Writing the expert")
    manifest = _manifest(material, tidied.notes, data, plan, options, encoder, found, later_held=times is not None)
    if job is not None:
        manifest["job"] = job

    def fill(temporary: Path, number: int) -> Mapping[str, Any]:
        from classifiers.training.card import card
        from classifiers.training.report import write_report

        write_expert(temporary, trained)
        write_seen(temporary, [*examples.texts, *examples.outside])
        described = {**manifest, "name": name, "version": number}
        (temporary / "card.md").write_text(card(described), encoding="utf-8")
        write_report(temporary, described, found)
        return manifest

    version = Registry(folder).add(name, kind=KIND, format=FORMAT, fill=fill, promote=options.promote, by=by)
    progress(1.0, "Done")
    return version


def _key(examples: Examples, encoder: Encoder, seed: int) -> str:
    """Of all that vectors and out-of-fold outputs depend on, beside the learner and the split."""
    parts = [examples.sha256, encoder_name(encoder), seed, code_version()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _share(progress: Progress, low: float, high: float) -> Progress:
    return lambda share, stage: progress(low + (high - low) * min(max(share, 0.0), 1.0), stage)


def _encoded(examples: Examples, encoder: Encoder, progress: Progress, scratch: Scratch) -> TrainingSet:
    texts = [*examples.texts, *examples.outside]

    def encode() -> dict[str, Vectors]:
        parts = []
        for start in range(0, len(texts), _BATCH):
            progress(start / len(texts), f"Encoding the texts, {start:,} of {len(texts):,}")
            parts.append(encoder.encode(texts[start : start + _BATCH]))
        return {"vectors": np.concatenate(parts).astype(np.float32)}

    vectors = np.asarray(scratch.keep("vectors", encode)["vectors"], dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise InvalidInput("the encoder gave vectors that are not finite; check the encoder's files", field="encoder")
    return TrainingSet(examples, vectors[: len(examples)], vectors[len(examples) :])


def _plan(
    data: TrainingSet,
    splits: tuple[Split, ...],
    groups: Sequence[Sequence[int]],
    options: TrainOptions,
    encoder: Encoder,
    progress: Progress,
    scratch: Scratch,
) -> _Plan:
    context = FitContext(encoder, options.seed, _share(progress, 0.05, 1.0), options.budget_s)
    if options.learner == AUTO:
        choice = choose(data, splits, candidates(data), context, scratch)
        return _Plan(choice.learner, choice.held, choice.splits, choice.tried, None)
    learner, tuning = make_learner(options.learner, options.learner_options), None
    if options.tune:
        searching = FitContext(encoder, options.seed, _share(progress, 0.05, 0.6), options.budget_s)
        tuning = tune(data, splits[0], options.learner, searching, trials=options.tune, groups=groups)
        learner = tuning.learner
        # The search has seen all rows but the first part's held ones: figures come from those alone.
        splits = one_part(splits)
        context = FitContext(encoder, options.seed, _share(progress, 0.6, 1.0), options.budget_s)
    own = splits_for(learner, splits)
    return _Plan(learner, cross_fit(learner, data, own, context, scratch), own, (), tuning)


def _trained(material: Material, data: TrainingSet, model: TextModel, calibrated: Calibrated, seed: int) -> Trained:
    groups, labels = label_groups(data.examples)
    kept = kept_rows(groups, seed)
    examples = data.examples.take(kept, np.arange(0))
    texts = [*examples.texts, *data.examples.outside]
    own = model.represent(texts, np.concatenate([data.vectors[kept], data.outside]))
    reference = fit_reference(own[: len(kept)], groups[kept], labels, own[len(kept) :], seed=seed)
    return Trained(
        material.pipeline,
        model,
        calibrated.readings,
        reference,
        calibrated.confidence,
        calibrated.scope,
        Memory(examples.texts, examples.targets),
        material.replies,
        _stems(data.examples, material.replies),
    )


def _stems(examples: Examples, replies: Mapping[str, Reply]) -> tuple[frozenset[str], ...]:
    """Of the first task with labels, where labels have replies: whether a text stays within what a reply is about."""
    task = next((task for task in examples.tasks if task.kind != "regression"), None)
    if task is None or not replies:
        return ()
    index = examples.tasks.index(task)
    own: list[list[str]] = [[replies[label].text] if label in replies else [] for label in task.labels]
    rows = examples.known(index)
    for row, position in zip(rows.tolist(), examples.positions(index, rows).tolist(), strict=True):
        own[position].append(examples.texts[row])
    return tuple(frozenset(stems_of(texts)) for texts in own)


def _manifest(
    material: Material,
    notes: Sequence[str],
    data: TrainingSet,
    plan: _Plan,
    options: TrainOptions,
    encoder: Encoder,
    found: Figures,
    *,
    later_held: bool,
) -> dict[str, Any]:
    examples = data.examples
    return {
        "data_sha256": examples.sha256,
        "trained_on": re.split(r"[/\\]", material.trained_on)[-1],
        "rows": len(examples),
        "out_of_scope": len(examples.outside),
        "tasks": [
            {"name": task.name, "kind": task.kind, "labels": list(task.labels), "rows": len(examples.known(index))}
            for index, task in enumerate(examples.tasks)
        ],
        "learner": plan.learner.name,
        "learner_options": plan.learner.options,
        "tried": [asdict(tried) for tried in plan.tried],
        "tuning": _tuning(plan.tuning),
        "held_out": _held_out(plan, data, later_held=later_held),
        "level": options.level,
        "seed": options.seed,
        "encoder": encoder_name(encoder),
        "pipeline": json.loads(material.pipeline.to_json()),
        "notes": [*material.notes, *notes],
        "metrics": found.metrics,
        "anchors": found.anchors,
    }


def _held_out(plan: _Plan, data: TrainingSet, *, later_held: bool) -> str:
    share = len(plan.held.rows) / len(data.examples)
    if later_held:
        return f"the last {share:.0%} by time"
    return f"{len(plan.splits)} of 5 parts, near duplicates together"


def _tuning(tuning: Tuning | None) -> dict[str, Any] | None:
    if tuning is None:
        return None
    shown = asdict(tuning)
    del shown["learner"]
    return shown
