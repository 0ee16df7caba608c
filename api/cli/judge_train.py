"""`signalbox judge train`: a second reader for the local judge, from documents of one's own and without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import emit, out, progress_bar, say


def train_judge_reader(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders: Markdown, text, HTML, PDF, DOCX, CSV.")],
    folder: Annotated[Path, typer.Option(help="Where the reader is written, for groundedness:folder=FOLDER.")],
    minutes: Annotated[float, typer.Option(min=0.1, max=240, help="About how long the tuning may take.")] = 6.0,
    seed: Annotated[int, typer.Option(help="Which pairs are made of the documents.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a small model to object to claims your documents don't support; it is kept only where it helps there."""
    import dataclasses
    import json

    from evaluators.judges.groundedness.training import train_judge
    from retriever import Limits, read_bytes
    from retriever.files import find, read_file
    from signalbox.encoder import load_encoder
    from signalbox.settings import Settings

    settings = Settings.load()
    limits = Limits.of(settings)
    found, skipped = find(paths)
    for one in skipped:
        say(f"signalbox: {one.path}: {one.reason}")
    documents = [read_bytes(one.path.name, read_file(one.path, limits), limits=limits).text for one in found]
    encoder = load_encoder(settings, progress=say)
    with progress_bar("Training") as progress:
        made = train_judge(
            documents,
            folder,
            encoder=encoder,
            source=settings.encoder,
            progress=progress,
            budget_s=60 * minutes,
            seed=seed,
        )
    if as_json:
        emit(json.dumps(dataclasses.asdict(made)))
        return
    low, high = made.gain
    told = f"AUROC on changed facts {made.without:.3f} without it, {made.with_reader:.3f} with it"
    kept = f"Kept: use groundedness:folder={folder}." if made.kept else "It does not help, so it is not kept."
    out().print(f"{told} ({low:+.3f} to {high:+.3f}). {kept}", markup=False)
