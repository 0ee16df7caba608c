"""A small shop served by real processes, for OpenAI's own clients to talk to: a service, and the cloud behind it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retriever import Document, upsert
from signalbox.encoder import load_encoder
from signalbox.settings import Settings

HERE = Path(__file__).parent
DOCUMENTS = {
    "refunds.md": "We refund you within 14 days of your return reaching our warehouse. "
    "The money goes back to the payment method you used.",
    "delivery.md": "Standard delivery costs EUR 4.90 and is free from EUR 75. Bulky items are delivered by two people.",
}


@contextmanager
def _started(log: Path, mark: str, program: str, *arguments: str) -> Iterator[str]:
    """Runs one of the programs beside this file; gives the word that follows `mark` in what it says."""
    with log.open("w") as said:
        command = [sys.executable, str(HERE / program), *arguments]
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=HERE.parents[1])
    try:
        while not (found := re.search(rf"{mark}(\S+)\s", log.read_text())):
            assert process.poll() is None, f"{program} has ended:\n{log.read_text()}"
            time.sleep(0.05)
        yield found[1]
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving(data_dir: Path, *, token_interval_s: float = 0.0) -> Iterator[str]:
    """The base URL of a service for `data_dir`."""
    logs = data_dir.parent
    with (
        _started(logs / "cloud.log", "serves at ", "v1_cloud.py", str(token_interval_s)) as cloud,
        _started(logs / "service.log", "ready at ", "v1_serving.py", str(data_dir), cloud) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def shop_data(encoder_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an encoder and documents. Copy it to serve it."""
    data_dir = Path(shutil.copytree(encoder_data, tmp_path_factory.mktemp("shop") / "data"))
    encoder = load_encoder(Settings(data_dir=data_dir))
    documents = [Document.make(name, text) for name, text in DOCUMENTS.items()]
    upsert(documents, index_folder=data_dir / "index", encoder=encoder)
    return data_dir


@pytest.fixture(scope="session")
def shop(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service's base URL, with `/v1`. A cloud's stream lasts long enough to be watched and left."""
    data_dir = shutil.copytree(shop_data, tmp_path_factory.mktemp("served") / "data")
    with serving(data_dir, token_interval_s=0.02) as url:
        yield f"{url}/v1"
