"""Immutable versions of an index on disk and the pointer to the current one.

    index/
      CURRENT      the name of the version in use, replaced atomically
      v000007/     manifest.json and the files it lists with their checksums, never changed once named so
      .tmp-…/      a version being written; whatever a killed writer left is removed by the next

A reader opens either the old version or the new one, complete, whenever a writer dies. Knows nothing of what the
files hold.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from signalbox.errors import CorruptArtefact, Overloaded

FORMAT = 1
MANIFEST = "manifest.json"
_CURRENT = "CURRENT"
_NAME = re.compile(r"v\d{6,}")
_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version says of itself.

    Attributes:
        encoder: identity of the encoder that made the vectors.
        kind: how vectors are searched: `empty`, `flat`, `hnsw` or `ivf_pq`.
        chunking: format number of the chunker.
        chunks: chunks that are searched; `duplicates` more repeat the text of one of them.
        files: SHA-256 by path within the version.
    """

    version: str
    created_at: str
    encoder: str
    dimension: int
    kind: str
    chunking: int
    documents: int
    chunks: int
    duplicates: int
    files: dict[str, str]
    previous: str | None = None
    format: int = FORMAT


def current_version(folder: Path) -> str | None:
    """The name of the version in use, None where nothing was ever written.

    Raises:
        CorruptArtefact: the pointer holds something else.
    """
    try:
        name = (folder / _CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        name = ""
    if not _NAME.fullmatch(name):
        raise CorruptArtefact(
            f"{folder / _CURRENT} does not name a version: write the name of the newest v… folder beside it into it, "
            "or remove the folder and ingest again."
        )
    return name


def open_version(folder: Path, name: str, *, verify: bool = True) -> Manifest:
    """The manifest of a version, its files checked against it.

    Raises:
        CorruptArtefact: a file is missing or changed, or the format is not one this release reads.
        FileNotFoundError: the version is gone; a newer one may be current.
    """
    path = folder / name
    manifest = _read_manifest(path)
    if verify:
        for file, digest in manifest.files.items():
            try:
                actual = sha256(path / file)
            except FileNotFoundError:
                if not path.exists():
                    raise
                actual = "missing"
            if actual != digest:
                raise CorruptArtefact(
                    f"{path / file} is missing or differs from its checksum: restore the folder from a backup, "
                    "or remove the index and ingest again."
                )
    return manifest


def _read_manifest(path: Path) -> Manifest:
    text = (path / MANIFEST).read_text(encoding="utf-8")
    try:
        values: dict[str, Any] = json.loads(text)
        if values.get("format") != FORMAT:
            raise CorruptArtefact(
                f"{path} has index format {values.get('format')}; this release reads {FORMAT}. "
                "Use the release that wrote it, or remove the index and ingest again."
            )
        return Manifest(**values)
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptArtefact(
            f"{path / MANIFEST} can't be read ({error}): restore it from a backup, "
            "or remove the index and ingest again."
        ) from error


@contextmanager
def writer_lock(folder: Path, *, timeout_s: float) -> Iterator[None]:
    """Only one writer at a time, over all processes; the lock goes with its process.

    Raises:
        Overloaded: another writer kept it for `timeout_s` seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=timeout_s):
            yield
    except Timeout as error:
        raise Overloaded(
            f"Another ingest into {folder} is running: wait until it is done, then try again.", retry_after_s=10
        ) from error


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A folder to write the next version into, gone afterwards unless published. Needs the writer lock."""
    for stale in folder.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(stale, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def publish(folder: Path, temporary: Path, manifest: Manifest) -> Manifest:
    """Make `temporary` the current version: all or nothing, durable when this returns. Needs the writer lock.

    `version`, `previous` and `files` of the manifest are filled in here.
    """
    previous = current_version(folder)
    numbers = [int(entry.name[1:]) for entry in folder.iterdir() if _NAME.fullmatch(entry.name)]
    name = f"v{max(numbers, default=0) + 1:06d}"
    files = sorted(path for path in temporary.rglob("*") if path.is_file())
    digests = {path.relative_to(temporary).as_posix(): sha256(path) for path in files}
    manifest = replace(manifest, version=name, previous=previous, files=digests)
    (temporary / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    for path in [*files, temporary / MANIFEST, *(path for path in temporary.rglob("*") if path.is_dir()), temporary]:
        _fsync(path)
    temporary.chmod(0o755)
    temporary.rename(folder / name)
    _fsync(folder)
    pointer = folder / f"{_TEMPORARY}{_CURRENT}"
    pointer.write_text(f"{name}\n", encoding="ascii")
    _fsync(pointer)
    pointer.replace(folder / _CURRENT)
    _fsync(folder)
    _remove_all_but(folder, {name, previous})
    return manifest


def _remove_all_but(folder: Path, kept: set[str | None]) -> None:
    """Readers that still hold an older version keep their open files; a failure only leaves it for the next time."""
    for entry in folder.iterdir():
        if _NAME.fullmatch(entry.name) and entry.name not in kept:
            shutil.rmtree(entry, ignore_errors=True)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
