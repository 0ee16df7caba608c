"""`signalbox serve`: the HTTP service."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on; 0 picks a free one.")] = None,
) -> None:
    """Serve queries over HTTP until interrupted."""
    from api.server import serve as run_server
    from signalbox.settings import Settings

    raise typer.Exit(run_server(Settings.load(host=host, port=port)))
