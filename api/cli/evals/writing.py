"""Writing what a command made to a file that the caller named."""

from __future__ import annotations

from pathlib import Path

from signalbox.errors import InvalidInput


def write_text(path: Path, text: str) -> None:
    """Raises InvalidInput where it can't be written."""
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}.", field="output") from None
