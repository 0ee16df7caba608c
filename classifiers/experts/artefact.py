"""An expert's version on disk, written into and read from the registry.

    manifest.json  card.md  expert.json  reading.{json,npz}  memory.{json,npz}  seen.npz  model/…  report.{html,json}

Holds no path and no code, and is checked against its checksums when loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifiers.calibration import Confidence, LabelCalibrator, LabelSets, NumberIntervals, State
from classifiers.calibration.reference import Reference
from classifiers.calibration.scope import Scope
from classifiers.contract import Task
from classifiers.experts.expert import Reply, TextExpert, Trained
from classifiers.experts.memory import Memory
from classifiers.experts.reading import TaskReading
from classifiers.learners import make_learner
from classifiers.registry import Registry, Version
from classifiers.text import Pipeline
from signalbox.contracts import Encoder
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput

KIND = "text expert"
FORMAT = 1
MODEL = "model"
_DESCRIPTION = "expert.json"
_READING = "reading"


def encoder_name(encoder: Encoder) -> str:
    """What tells encoders apart whose vectors can't be compared."""
    return str(getattr(encoder, "name", type(encoder).__name__))


def write_expert(folder: Path, trained: Trained) -> None:
    """Write all that serving needs into an existing folder."""
    (folder / MODEL).mkdir()
    trained.model.save(folder / MODEL)
    trained.memory.save(folder)
    parts = {"reference": trained.reference.state()}
    if trained.confidence is not None:
        parts["confidence"] = trained.confidence.state()
    if trained.scope is not None:
        parts["scope"] = trained.scope.state()
    for number, reading in enumerate(trained.readings):
        for name in ("labels", "sets", "intervals"):
            part = getattr(reading, name)
            if part is not None:
                parts[f"{number}-{name}"] = part.state()
    State.join(parts).write(folder, _READING)
    described = {
        "pipeline": json.loads(trained.pipeline.to_json()),
        "learner": trained.model.learner,
        "tasks": [
            {"name": task.name, "kind": task.kind, "labels": task.labels, "unit": task.unit} for task in trained.tasks
        ],
        "replies": {label: {"title": reply.title, "text": reply.text} for label, reply in trained.replies.items()},
        "stems": [sorted(stems) for stems in trained.stems],
    }
    text = json.dumps(described, ensure_ascii=False, allow_nan=False, indent=1)
    (folder / _DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def load_expert(folder: Path, reference: str, encoder: Encoder) -> TextExpert:
    """Load a version from the registry in `folder`: `intents`, `intents@3` or `intents@challenger`.

    Raises:
        NotFound, InvalidInput: there is no such expert or version, or the reference names none.
        CorruptArtefact: naming the file that is missing, changed or of a newer format.
        ConfigurationError: it was trained with another encoder.
    """
    path, version = Registry(folder).open(reference, kind=KIND, format=FORMAT)
    if version.manifest.get("encoder") != encoder_name(encoder):
        raise ConfigurationError(
            f"The expert {version.reference} was trained with the encoder {version.manifest.get('encoder')}, not with "
            f"{encoder_name(encoder)}: set the encoder back, or train the expert again."
        )
    return TextExpert(version.reference, _read(path, version, encoder), encoder)


def _read(path: Path, version: Version, encoder: Encoder) -> Trained:
    """The files are what was written, by their checksums; what is checked here is that they fit each other."""
    try:
        described = json.loads((path / _DESCRIPTION).read_text(encoding="utf-8"))
        tasks = tuple(_task(item) for item in described["tasks"])
        pipeline = Pipeline.from_json(json.dumps(described["pipeline"]))
        replies = {str(k): Reply(str(v["title"]), str(v["text"])) for k, v in described["replies"].items()}
        stems = tuple(frozenset(map(str, own)) for own in described["stems"])
        learner = make_learner(str(described["learner"]))
        state = State.read(path, _READING)
        readings = tuple(_reading(state, number, task) for number, task in enumerate(tasks))
        reference = Reference.from_state(state.part("reference"))
        confidence = Confidence.from_state(state.part("confidence")) if "confidence" in state.values else None
        scope = Scope.from_state(state.part("scope")) if "scope" in state.values else None
    except (KeyError, ValueError, TypeError, OSError, InvalidInput) as error:
        raise CorruptArtefact(
            f"{version.reference} can't be read as an expert ({error}): promote another version, or train it again."
        ) from None
    return Trained(
        pipeline,
        learner.load(path / MODEL, tasks, encoder),
        readings,
        reference,
        confidence,
        scope,
        Memory.load(path, rows=len(reference.vectors), tasks=len(tasks)),
        replies,
        stems,
    )


def _task(item: Mapping[str, Any]) -> Task:
    return Task(str(item["name"]), item["kind"], tuple(map(str, item["labels"])), item["unit"])


def _reading(state: State, number: int, task: Task) -> TaskReading:
    if task.kind == "regression":
        return TaskReading(task, intervals=NumberIntervals.from_state(state.part(f"{number}-intervals")))
    return TaskReading(
        task,
        LabelCalibrator.from_state(state.part(f"{number}-labels")),
        LabelSets.from_state(state.part(f"{number}-sets")),
    )
