"""A small shop served by real processes, for OpenAI's own clients to talk to: a service, and the cloud behind it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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
def _started(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(HERE / program), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HERE.parents[1]
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _said_after(output: IO[str] | None, mark: str) -> str:
    assert output is not None
    said = []
    for line in output:
        said.append(line)
        if mark in line:
            return line.partition(mark)[2].split()[0]
    raise AssertionError(f"it never said {mark!r} but {''.join(said)}")


@contextmanager
def serving(data_dir: Path, *, token_interval_s: float = 0.0) -> Iterator[str]:
    """The base URL of a service for `data_dir`."""
    with _started("v1_cloud.py", str(token_interval_s)) as cloud:
        url = "http://" + _said_after(cloud.stdout, "http://")
        with _started("v1_serving.py", str(data_dir), url) as service:
            yield _said_after(service.stdout, "ready at ")


@pytest.fixture(scope="session")
def shop_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an encoder and documents. Copy it to serve it."""
    data_dir = tmp_path_factory.mktemp("shop") / "data"
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
