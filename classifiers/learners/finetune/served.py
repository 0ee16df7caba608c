"""A fine-tuned encoder with its heads as it is served: an ONNX file, numbers and strings. No torch, no scikit-learn.

Beside its own scores it can mix in those of a linear model over words and the shared encoder's vectors, whose mistakes
are others; the mixture is of logits (a product of experts, Hinton 2002, section 1), or of numbers.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.contract import Floats, Outputs, Task, Term
from classifiers.learners.linear import Head, LinearModel, head_scores, load_linear
from signalbox.contracts import Vectors
from signalbox.encoder import OnnxEncoder
from signalbox.encoder.tuned import FILES, open_tuned
from signalbox.errors import CorruptArtefact

HEADS, DESCRIPTION = "heads.npz", "tuned.json"


@dataclass(frozen=True)
class TunedModel:
    """Made by the learners `fine-tuned` and `few-shot`.

    Attributes:
        files: where the encoder's files are; a temporary folder of the model's own until it is saved.
        heads: in the order of the tasks, over the tuned vectors.
        partner: the linear model that is mixed in with the share `blend`; None: none.
        report: what training found, for the manifest and the card.
    """

    learner: str
    tasks: tuple[Task, ...]
    files: Path
    encoder: OnnxEncoder
    heads: tuple[Head, ...]
    partner: LinearModel | None
    blend: float
    report: dict[str, Any]
    _temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def nbytes(self) -> int:
        own = sum((self.files / name).stat().st_size for name in FILES)
        own += sum(head.vectors.nbytes for head in self.heads if head.vectors is not None)
        return own + (self.partner.nbytes if self.partner else 0)

    def outputs(self, texts: Sequence[str], vectors: Vectors) -> Outputs:
        tuned = self.encoder.encode(texts)
        scores = [
            head_scores(task, head, (tuned @ head.vectors).astype(np.float64) + head.bias)
            for task, head in zip(self.tasks, self.heads, strict=True)
            if head.vectors is not None
        ]
        if self.partner is not None:
            others = self.partner.outputs(texts, vectors).scores
            scores = [mixed(own, other, self.blend) for own, other in zip(scores, others, strict=True)]
        return Outputs(tuple(scores), tuned)

    def represent(self, texts: Sequence[str], vectors: Vectors) -> Vectors:  # noqa: ARG002
        return self.encoder.encode(texts)

    def terms(self, text: str, task: int, column: int) -> tuple[Term, ...]:  # noqa: ARG002
        """None: what a word moves in an encoder depends on the words around it."""
        return ()

    def save(self, folder: Path) -> None:
        for name in FILES:
            shutil.copyfile(self.files / name, folder / name)
        arrays: dict[str, Any] = {}
        for number, head in enumerate(self.heads):
            arrays[f"{number}.vectors"], arrays[f"{number}.bias"] = head.vectors, head.bias
            arrays[f"{number}.limits"] = np.array([head.low, head.high])
        np.savez(folder / HEADS, **arrays)
        if self.partner is not None:
            self.partner.save(folder)
        described = {
            "scales": [head.scale for head in self.heads],
            "blend": self.blend,
            "partner": self.partner is not None,
            "report": self.report,
        }
        (folder / DESCRIPTION).write_text(json.dumps(described, allow_nan=False) + "\n", encoding="utf-8")


def load_model(folder: Path, learner: str, tasks: tuple[Task, ...]) -> TunedModel:
    """Raises CorruptArtefact where files and tasks don't fit each other; checksums are the registry's business."""
    encoder = open_tuned(folder, threads=threads())
    try:
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        with np.load(folder / HEADS, allow_pickle=False) as arrays:
            heads = tuple(
                Head(None, arrays[f"{number}.vectors"], arrays[f"{number}.bias"], scale, *arrays[f"{number}.limits"])
                for number, scale in enumerate(described["scales"])
            )
        blend = float(described["blend"])
        partner = load_linear(folder, learner, tasks) if described["partner"] else None
        fits = len(heads) == len(tasks) and all(
            head.vectors is not None
            and head.vectors.shape == (encoder.dimension, task.width - (task.kind == "ordinal"))
            and head.vectors.shape[1] == len(head.bias)
            for head, task in zip(heads, tasks, strict=True)
        )
        report = dict(described["report"])
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise CorruptArtefact(f"{folder} can't be read as a fine-tuned model ({error}): train it again.") from None
    if not fits:
        raise CorruptArtefact(f"{folder / HEADS} does not fit the tasks and the encoder beside it: train it again.")
    return TunedModel(learner, tasks, folder, encoder, heads, partner, blend, report)


def mixed(own: Floats, other: Floats, share: float) -> Floats:
    """Logits or estimates of two models of one task, `share` of the second."""
    # Logits as they are, not normalised: how large they are is what texts out of scope are told by (Liu et al. 2020).
    return (1 - share) * own + share * other


def threads() -> int:
    """Texts that are encoded side by side; one text uses one."""
    return min(4, os.cpu_count() or 1)
