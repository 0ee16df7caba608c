"""Finds the files to ingest and opens them safely: nothing outside the folder, no loops, no pipes or devices."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retriever.documents import MAX_ID, Limits
from retriever.readers import suffixes, supported, too_large
from signalbox.errors import InvalidInput, NotFound, UnsupportedType


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read: where it really lies, the id its document gets and the folder it was found in."""

    path: Path
    document_id: str
    root: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was left out, and the sentence that says why."""

    path: Path
    reason: str


def find(paths: Sequence[Path]) -> tuple[list[Found], list[Skipped]]:
    """All readable files at or under `paths`, each folder's in a fixed order.

    Hidden files are left out silently; unknown types, links that lead out of their folder and loops are reported.

    Raises:
        NotFound: a named path does not exist.
        UnsupportedType: a named file is of an unknown type.
    """
    found: list[Found] = []
    skipped: list[Skipped] = []
    for path in paths:
        if path.is_dir():
            for entry in _walk(path.resolve()):
                if isinstance(entry, Found):
                    found.append(entry)
                else:
                    skipped.append(entry)
        elif not path.exists():
            raise NotFound(f"{path} does not exist: check the path.")
        elif not supported(path.name):
            raise UnsupportedType(
                f"{path} can't be read: files ending in {path.suffix or 'nothing'!r} are not supported. "
                f"Convert it to one of {', '.join(suffixes())}."
            )
        else:
            found.append(Found(path.resolve(), document_id(path.name), ""))
    return found, skipped


def _walk(root: Path) -> Iterator[Found | Skipped]:
    seen = {_identity(root)}
    folders = [(root, root)]
    while folders:
        folder, shown = folders.pop()
        try:
            # Links come last: a folder and a link to it give the folder's own ids.
            entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            yield Skipped(shown, f"{shown} can't be listed ({error.strerror}): allow reading it, then ingest again.")
            continue
        deeper = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = shown / entry.name
            real = Path(os.path.realpath(entry.path))
            if entry.is_symlink() and not real.is_relative_to(root):
                yield Skipped(path, f"{path} is a link out of the folder and was not followed: copy the file instead.")
            elif not os.path.lexists(real):
                yield Skipped(path, f"{path} is a link to nothing: remove it or correct it.")
            elif real.is_dir():
                identity = _identity(real)
                if identity in seen:
                    yield Skipped(path, f"{path} links back to a folder already read and was not followed again.")
                else:
                    seen.add(identity)
                    deeper.append((real, path))
            elif not supported(entry.name):
                yield Skipped(path, f"{path} was left out: its type is not one of {', '.join(suffixes())}.")
            else:
                yield Found(real, document_id(path.relative_to(root).as_posix()), str(root))
        folders += reversed(deeper)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def document_id(name: str) -> str:
    """A file name as an id: NFC, no control characters, and storable whatever bytes the name has."""
    text = unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", errors="replace"))
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "_", text)[-MAX_ID:]


def read_file(path: Path, limits: Limits) -> bytes:
    """The bytes of a regular file.

    Raises:
        TooLarge: over the limit.
        InvalidInput: it can't be opened, or is a pipe or device.
    """
    try:
        # Without O_NONBLOCK opening a pipe waits for a writer; O_NOFOLLOW because the link was resolved before.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InvalidInput(f"{path} is not a regular file: only files are read, no pipes or devices.")
            if status.st_size > limits.document_bytes:
                raise too_large(str(path), status.st_size, limits)
            data = file.read(limits.document_bytes + 1)  # it may have grown since
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be opened ({error.strerror}): allow reading it, then ingest again."
        ) from error
    if len(data) > limits.document_bytes:
        raise too_large(str(path), len(data), limits)
    return data
