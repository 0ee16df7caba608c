"""The encoder that is served, exported once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.settings import Settings


@pytest.fixture(scope="session")
def encoder_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the exported encoder; copy it before changing anything in it."""
    folder = tmp_path_factory.mktemp("encoder-data")
    load_encoder(Settings(data_dir=folder))
    return folder


@pytest.fixture(scope="session")
def encoder(encoder_data: Path) -> OnnxEncoder:
    return load_encoder(Settings(data_dir=encoder_data), threads=2)
