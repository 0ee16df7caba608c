"""What tests of ingest and search start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hashing_encoder import HashingEncoder


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture
def index_folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to put documents into."""
    path = tmp_path / "documents"
    path.mkdir()
    return path
