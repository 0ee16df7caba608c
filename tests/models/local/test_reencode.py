"""Copies in a faster encoding: whole or made again, one a model, and what went wrong is in the log."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from signalbox.errors import ConfigurationError
from signalbox.models.local import reencode
from signalbox.models.local.files import ModelFile, resolve_model
from signalbox.settings import Settings


@pytest.fixture(scope="module")
def source(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    path = tmp_path_factory.mktemp("source") / "small.gguf"
    shutil.copyfile(resolve_model(settings).path, path)
    return resolve_model(settings.model_copy(update={"local_model": str(path)}))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if ".gguf" in path.name}


async def test_a_flipped_byte_makes_the_copy_again_and_a_changed_source_replaces_it(
    source: ModelFile, tmp_path: Path
) -> None:
    other = tmp_path / "small-large-1-2.q4_0.gguf"
    other.touch()
    copy = (await reencode.prepared(source, tmp_path, "q4_0")).reads
    whole = copy.read_bytes()
    with copy.open("rb+") as file:
        file.seek(len(whole) // 2)
        file.write(bytes([whole[len(whole) // 2] ^ 1]))
    assert (await reencode.prepared(source, tmp_path, "q4_0")).reads.read_bytes() == whole

    os.utime(source.path, ns=(1, 1))
    newer = (await reencode.prepared(source, tmp_path, "q4_0")).reads
    assert newer != copy
    assert names(tmp_path) == {newer.name, other.name, f"{newer.name}.sha256"}


async def test_why_a_re_encoding_failed_is_in_the_log(
    source: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such quantizer >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(ConfigurationError, match=r"exit code 3.*log"):
        await reencode.prepared(source, tmp_path / "models", "q8_0")
    assert "no such quantizer" in caplog.text
