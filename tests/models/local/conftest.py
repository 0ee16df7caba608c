from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from signalbox.models.local import LocalModel
from signalbox.settings import Settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One data directory for all tests, so that the model is re-encoded once."""
    return Settings(data_dir=tmp_path_factory.mktemp("local"), local_context_tokens=1_024, local_queue=4)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(settings: Settings) -> AsyncIterator[LocalModel]:
    local = LocalModel(settings)
    yield local
    await local.close()


@pytest.fixture
def damaged(tmp_path: Path, settings: Settings) -> Path:
    """The bundled model with its last third missing."""
    from signalbox.models.local import resolve_model

    whole = resolve_model(settings).path.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    return path
