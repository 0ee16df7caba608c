"""What is written is there whole, what a killed writer left goes, and a disk that can't be written is explained."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signalbox.artefacts import write_artefact, writer_lock
from signalbox.errors import ConfigurationError, Overloaded
from signalbox.files import write_atomically


def write(folder: Path) -> None:
    with writer_lock(folder, timeout_s=1):
        write_artefact(folder / "1", kind="test", format=1, fill=lambda _: {})


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "encoder").write_text("not a folder")
    with pytest.raises(ConfigurationError, match=r"encoder can't be written: File exists\. Move the file away"):
        write(tmp_path / "encoder")
    with pytest.raises(ConfigurationError, match=r"inside can't be written: Not a directory\. Move the file away"):
        write(tmp_path / "encoder" / "inside")


def test_a_full_disk_is_explained_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    write_atomically(tmp_path / "champion", b"1")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match=r"No space left on device\. Make room"):
        write(tmp_path)
    with pytest.raises(ConfigurationError, match=r"champion can't be written: No space left on device\. Make room"):
        write_atomically(tmp_path / "champion", b"2")
    assert (tmp_path / "champion").read_bytes() == b"1"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "champion"]


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    def replace(folder: Path) -> None:
        write_atomically(folder / "champion", b"1")

    for writing in (write, replace):
        (tmp_path / ".tmp-folder").mkdir()
        (tmp_path / ".tmp-folder" / "half").write_text("h")
        (tmp_path / ".tmp-file").write_text("h")
        writing(tmp_path)
        assert not list(tmp_path.glob(".tmp-*"))


def test_only_one_writer(tmp_path: Path) -> None:
    with (
        writer_lock(tmp_path, timeout_s=1),
        pytest.raises(Overloaded, match="Another process is writing"),
        writer_lock(tmp_path, timeout_s=0.01),
    ):
        pass
