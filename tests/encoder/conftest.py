"""The encoder that is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.settings import Settings


@pytest.fixture(scope="session")
def encoder(encoder_data: Path) -> OnnxEncoder:
    return load_encoder(Settings(data_dir=encoder_data), threads=2)
