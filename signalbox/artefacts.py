"""Folders of files that are written whole or not at all, and checked when they are read.

A folder is filled under a temporary name, gets a `manifest.json` with the SHA-256 of every file, is fsynced and
renamed. It knows nothing of what the files mean; each kind of artefact has a name and a format number of its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from signalbox.errors import Conflict, CorruptArtefact, Overloaded
from signalbox.files import TEMPORARY, disk_errors_explained, remove_leftovers, sync

MANIFEST = "manifest.json"


@contextmanager
def writer_lock(folder: Path, *, timeout_s: float) -> Iterator[None]:
    """Only one writer into `folder` at a time, over all processes; the lock goes with its process.

    Raises:
        Overloaded: another writer kept it for `timeout_s` seconds.
        ConfigurationError: the folder can't be written, or the disk was full while the lock was held.
    """
    with disk_errors_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / ".lock", timeout=timeout_s):
                yield
        except Timeout:
            raise Overloaded(
                f"Another process is writing into {folder}: wait until it is done, then try again.", retry_after_s=10
            ) from None


def write_artefact(target: Path, *, kind: str, format: int, fill: Callable[[Path], Mapping[str, Any]]) -> None:  # noqa: A002
    """Make the folder `target`, durable when this returns. Needs the writer lock of its parent.

    Args:
        target: must not exist yet.
        kind: what the folder holds, checked when it is read.
        format: version of how it is laid out.
        fill: writes the files into the folder it is given, in folders of it too, and returns what else the manifest
            says.

    Raises:
        Conflict: `target` exists.
        ConfigurationError: the folder can't be written or the disk is full.
    """
    if target.exists():
        raise Conflict(f"{target} exists already; artefacts are never changed once written.")
    with disk_errors_explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=target.parent))
        try:
            fields = fill(temporary)
            found = sorted(temporary.rglob("*"))
            files = [path for path in found if path.is_file()]
            digests = {path.relative_to(temporary).as_posix(): sha256(path) for path in files}
            manifest = {"kind": kind, "format": format, **fields, "files": digests}
            text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
            (temporary / MANIFEST).write_text(text + "\n", encoding="utf-8")
            for path in [*found, temporary / MANIFEST, temporary]:
                sync(path)
            temporary.chmod(0o755)
            temporary.rename(target)
            sync(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def read_manifest(folder: Path, *, kind: str, format: int, remedy: str) -> dict[str, Any]:  # noqa: A002
    """The manifest of an artefact whose files all match their checksums.

    Args:
        remedy: how to get the artefact back, as the end of a sentence, for the messages.

    Raises:
        CorruptArtefact: a file is missing or changed, or the folder is of another kind or a format not read here.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files = manifest["files"]
        digests = {str(name): str(digest) for name, digest in files.items()}
    except FileNotFoundError:
        raise CorruptArtefact(f"{path} is missing: {remedy}.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptArtefact(f"{path} can't be read as a manifest ({error}): {remedy}.") from None
    if manifest.get("kind") != kind:
        raise CorruptArtefact(f"{path} belongs to a {manifest.get('kind')}, not to a {kind}: {remedy}.")
    if manifest.get("format") != format:
        raise CorruptArtefact(
            f"{path} has format {manifest.get('format')} and this release reads format {format}: "
            f"use the release that wrote it, or {remedy}."
        )
    for name, digest in digests.items():
        # A name that leads out of the folder would let a manifest vouch for files elsewhere.
        if not stays_within(name) or not (folder / name).is_file():
            raise CorruptArtefact(f"{folder / name} is missing: {remedy}.")
        if sha256(folder / name) != digest:
            raise CorruptArtefact(f"{folder / name} differs from the checksum in its manifest: {remedy}.")
    return dict(manifest)


def stays_within(name: str) -> bool:
    """Whether a file's name in a manifest leads to nothing outside its folder."""
    path = PurePosixPath(name)
    return str(path) == name and not path.is_absolute() and ".." not in path.parts and "\\" not in name


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
