"""`signalbox ingest`: documents from files and folders into the index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import emit, out, progress_bar, say


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders: Markdown, text, HTML, PDF, DOCX, CSV.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Read documents into the index; those that have not changed are left as they are."""
    import json

    from api.service.folders import index_folder, make_data_dir
    from retriever import Limits
    from retriever import ingest as ingest_paths
    from signalbox.encoder import load_encoder
    from signalbox.settings import Settings

    settings = Settings.load()
    make_data_dir(settings)
    encoder = load_encoder(settings, progress=say)
    with progress_bar("Ingesting") as progress:
        report = ingest_paths(
            paths,
            index_folder=index_folder(settings),
            encoder=encoder,
            limits=Limits.of(settings),
            progress=progress,
        )
    counts = {name: getattr(report, name) for name in ("added", "updated", "unchanged", "deleted", "duplicates")}
    for path, error in report.failed:
        say(f"signalbox: {path}: {error.detail}")
    if as_json:
        failed = [{"path": str(path), "detail": error.detail} for path, error in report.failed]
        emit(json.dumps({**counts, "documents": report.documents, "chunks": report.chunks, "failed": failed}))
    else:
        counted = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        out().print(f"{report.documents} documents in {report.chunks} chunks: {counted or 'nothing to do'}.")
    if report.failed:
        raise typer.Exit(1)
