"""The local judge with the encoder that is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.judges.groundedness import GroundednessJudge, open_judge
from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.settings import Settings


@pytest.fixture(scope="session")
def encoder(encoder_data: Path) -> OnnxEncoder:
    return load_encoder(Settings(data_dir=encoder_data), threads=2)


@pytest.fixture(scope="session")
def judge(encoder: OnnxEncoder) -> GroundednessJudge:
    return open_judge(encoder)
