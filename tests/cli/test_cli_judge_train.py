"""`signalbox judge train`: what it refuses, in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Refused = Callable[..., str]


def test_documents_that_are_not_there_or_too_few(refused: Refused, encoder_cache: Path, tmp_path: Path) -> None:
    def run(path: Path) -> str:
        data = str(encoder_cache)
        return refused("judge", "train", str(path), "--folder", str(tmp_path / "judge"), SIGNALBOX_DATA_DIR=data)

    assert "does not exist" in run(tmp_path / "nothing.md")
    (tmp_path / "one.md").write_text("The shop opens at nine on Mondays and closes at noon.")
    assert "at least 20 are needed" in run(tmp_path / "one.md")
    assert not (tmp_path / "judge").exists()
