"""Intent data in the formats their publishers gave them, and an encoder that remembers what it has encoded."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers import Material, Pipeline
from classifiers.contract import Examples, Task
from signalbox.contracts import Encoder, Vectors

TASK = "intent"
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class IntentRows:
    """Texts with labels, and texts that belong to none."""

    inside: Pairs
    outside: list[str]


def read_clinc(paths: Sequence[Path], inside: Sequence[str], outside: Sequence[str]) -> IntentRows:
    """CLINC150's JSON: lists of `[text, intent]` under the names given, those that are there."""
    rows = IntentRows([], [])
    for path in paths:
        parts = json.loads(path.read_text(encoding="utf-8"))
        for name in inside:
            rows.inside.extend((text, label) for text, label in parts.get(name, []))
        for name in outside:
            rows.outside.extend(text for text, _ in parts.get(name, []))
    return rows


def read_banking(paths: Sequence[Path]) -> IntentRows:
    """banking77's CSV: `text,category`."""
    rows = IntentRows([], [])
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            rows.inside.extend((row["text"], row["category"]) for row in csv.DictReader(file))
    return rows


def material(rows: IntentRows, name: str) -> Material:
    """As `train` takes it."""
    pipeline = Pipeline()
    labels = tuple(sorted({label for _, label in rows.inside}))
    place = {label: float(index) for index, label in enumerate(labels)}
    targets = np.array([[place[label]] for _, label in rows.inside])
    texts = tuple(pipeline.prepare(text) for text, _ in rows.inside)
    outside = tuple(pipeline.prepare(text) for text in rows.outside)
    return Material(Examples(texts, (Task(TASK, "classification", labels),), targets, outside), pipeline, name)


class Remembering:
    """The encoder, each text encoded once: several learners are measured on the same texts."""

    def __init__(self, encoder: Encoder) -> None:
        self.plain = encoder
        self._known: dict[str, Vectors] = {}
        self.name = str(getattr(encoder, "name", "encoder"))

    @property
    def dimension(self) -> int:
        return self.plain.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.plain.encode(new), strict=True))
        if not len(texts):
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])
