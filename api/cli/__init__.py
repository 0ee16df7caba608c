"""The `signalbox` command. Each command is a file that imports what it needs when it runs: `--help` stays instant."""

from __future__ import annotations

from api.cli.app import app, main

__all__ = ["app", "main"]
