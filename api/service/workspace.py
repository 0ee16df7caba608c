"""Filling a data directory from an example folder: its documents, its expert."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from api.service.folders import experts_folder, index_folder
from api.service.models import DEFAULT_EXPERT
from classifiers import IntentExamples, Material, Pipeline, Reply, TrainOptions, read_intents, train
from retriever import Limits, ingest
from signalbox.encoder import load_encoder
from signalbox.errors import UnknownName
from signalbox.settings import Settings

EXAMPLE_ALPHA = 0.20
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example_folder(name: str) -> Path:
    """Raises UnknownName, listing the examples there are."""
    known = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    if name not in known:
        raise UnknownName(f"There is no example {name!r}; known are: {', '.join(known)}.", field="example")
    return EXAMPLES / name


def example_alpha(settings: Settings) -> float:
    """The error rate the example is calibrated for: the operator's, else one that its 379 labels can prove.

    A third of its queries are built to be missed; below about 0.18 nothing is proven and all would go to review.
    """
    return EXAMPLE_ALPHA if settings.source("alpha") == "default" else settings.alpha


def fill_workspace(
    settings: Settings, folder: Path, *, progress: Callable[[float, str], None], say: Callable[[str], None]
) -> None:
    """Ingest `folder / "documents"` and train the intents expert on `intents.jsonl` and `out_of_scope.jsonl`."""
    encoder = load_encoder(settings, progress=say)
    report = ingest(
        [folder / "documents"],
        index_folder=index_folder(settings),
        encoder=encoder,
        limits=Limits.of(settings),
        progress=lambda share, stage: progress(share / 2, stage),
    )
    say(f"Ingested {report.documents} documents in {report.chunks} chunks.")
    version = train(
        intents_material(read_intents(folder / "intents.jsonl", folder / "out_of_scope.jsonl"), "intents.jsonl"),
        encoder,
        name=DEFAULT_EXPERT,
        folder=experts_folder(settings),
        options=TrainOptions(promote=True),
        progress=lambda share, stage: progress(0.5 + share / 2, stage),
        by="example",
    )
    say(f"Trained the expert {version.reference}.")


def intents_material(examples: IntentExamples, trained_on: str) -> Material:
    """Intents with their replies, as training takes them."""
    pipeline = Pipeline()
    replies = {
        label: Reply(title, reply)
        for label, title, reply in zip(examples.labels, examples.titles, examples.replies, strict=True)
    }
    return Material(examples.examples(pipeline.prepare), pipeline, trained_on, replies=replies)
