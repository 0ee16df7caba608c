"""Immutable versions of an index on disk and the pointer to the current one.

    index/
      CURRENT      the name of the version in use, replaced atomically
      v000007/     manifest.json and the files it lists with their checksums, never changed once named so
      .tmp-…/      a version being written; whatever a killed writer left is removed by the next

A reader opens either the old version or the new one, complete, whenever a writer dies. Knows nothing of what the
files hold.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from signalbox.artefacts import read_manifest, write_artefact
from signalbox.errors import CorruptArtefact
from signalbox.files import write_atomically

KIND = "index"
FORMAT = 1
_CURRENT = "CURRENT"
_NAME = re.compile(r"v\d{6,}")
_REMEDY = "restore the folder from a backup, or remove the index and ingest again"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version says of itself.

    Attributes:
        encoder: identity of the encoder that made the vectors.
        vectors: how they are searched: `empty`, `flat`, `pq4` or `ivf_pq4`.
        chunking: format number of the chunker.
        chunks: chunks that are searched; `duplicates` more repeat the text of one of them.
    """

    version: str
    created_at: str
    encoder: str
    dimension: int
    vectors: str
    chunking: int
    documents: int
    chunks: int
    duplicates: int


def current_version(folder: Path) -> str | None:
    """The name of the version in use, None where nothing was ever written.

    Raises:
        CorruptArtefact: the pointer holds something else.
    """
    try:
        name = (folder / _CURRENT).read_bytes().decode("utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    if not _NAME.fullmatch(name):
        raise CorruptArtefact(
            f"{folder / _CURRENT} does not name a version: write the name of the newest v… folder beside it into it, "
            "or remove the index and ingest again."
        )
    return name


def open_version(folder: Path, name: str) -> Manifest:
    """The manifest of a version, all of its files checked against it.

    Raises:
        CorruptArtefact: a file is missing or changed, or the format is not one this release reads.
    """
    values = read_manifest(folder / name, kind=KIND, format=FORMAT, remedy=_REMEDY)
    try:
        return Manifest(**{field.name: values[field.name] for field in fields(Manifest)})
    except KeyError as error:
        raise CorruptArtefact(f"{folder / name / 'manifest.json'} has no {error}: {_REMEDY}.") from None


def next_version(folder: Path) -> str:
    """A name that no version has or had lately. Needs the writer lock."""
    numbers = [int(entry.name[1:]) for entry in folder.iterdir() if _NAME.fullmatch(entry.name)]
    return f"v{max(numbers, default=0) + 1:06d}"


def publish(folder: Path, name: str, fill: Callable[[Path], Manifest]) -> Manifest:
    """Write a version and make it the current one: all or nothing, durable when this returns. Needs the writer lock.

    The version before stays for readers that are just opening it; older ones are removed.

    Args:
        fill: writes the files into the folder it is given and returns the manifest.
    """
    previous = current_version(folder)
    made: list[Manifest] = []

    def fill_and_keep(temporary: Path) -> dict[str, object]:
        made.append(fill(temporary))
        return asdict(made[0])

    write_artefact(folder / name, kind=KIND, format=FORMAT, fill=fill_and_keep)
    write_atomically(folder / _CURRENT, f"{name}\n".encode("ascii"))
    _tidy(folder, {name, previous})
    return made[0]


def _tidy(folder: Path, kept: set[str | None]) -> None:
    """Remove older versions, whose readers keep the files they opened."""
    for entry in folder.iterdir():
        if _NAME.fullmatch(entry.name) and entry.name not in kept:
            shutil.rmtree(entry, ignore_errors=True)  # what can't be removed now goes the next time
