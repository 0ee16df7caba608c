"""Readers turn a file's bytes into a document: one module per format, found by the file name's suffix.

A reader gives a `Draft` of blocks; this door checks limits, normalises, and turns whatever goes wrong into one
error that names the file. Another format registers a reader with `register`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import PurePosixPath

from retriever.documents import Document, Limits, normalise
from retriever.readers.blocks import Block, Draft, assemble
from signalbox.errors import InvalidInput, SignalboxError, TooLarge, UnsupportedType

__all__ = ["Block", "Draft", "Reader", "read_bytes", "register", "suffixes", "supported"]

# What a reader is: (the file's bytes, its name for messages, the limits) -> what it found.
Reader = Callable[[bytes, str, Limits], Draft]

# Raise it when a reader gives another text for the same bytes: files are then read again.
FORMAT = 1

_BUILT_IN = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "plain",
    ".text": "plain",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".csv": "table",
    ".tsv": "table",
}
_registry: dict[str, Reader] = {}


def register(suffix: str, reader: Reader) -> None:
    """Read files whose name ends in `suffix` (with its dot, any case) with `reader`."""
    _registry[suffix.lower()] = reader


def _built_in(module: str) -> Reader:
    def read(data: bytes, name: str, limits: Limits) -> Draft:
        # The parser libraries load with the first file that needs them.
        reader: Reader = import_module(f"retriever.readers.{module}").read
        return reader(data, name, limits)

    return read


for _suffix, _module in _BUILT_IN.items():
    register(_suffix, _built_in(_module))


def suffixes() -> tuple[str, ...]:
    """The file name endings that can be read, sorted."""
    return tuple(sorted(_registry))


def supported(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _registry


def file_hash(name: str, data: bytes) -> str:
    """Changes when the bytes do, or how files of that kind are read."""
    suffix = PurePosixPath(name).suffix.lower()
    return hashlib.sha256(f"{FORMAT} {suffix} ".encode() + data).hexdigest()


def read_bytes(name: str, data: bytes, *, limits: Limits, document_id: str | None = None) -> Document:
    """Read one file's bytes.

    Args:
        name: the file's name; its suffix picks the reader, messages show it.
        data: the whole file.
        limits: `document_bytes` is checked here and by readers that unpack.
        document_id: the id to give; the name when None.

    Raises:
        UnsupportedType: no reader for this suffix, or the content is of another type.
        TooLarge: packed or unpacked it is over the limit.
        InvalidInput: it is empty, encrypted or damaged.
    """
    path = PurePosixPath(name)
    reader = _registry.get(path.suffix.lower())
    if reader is None:
        raise UnsupportedType(
            f"{name} can't be read: files ending in {path.suffix or 'nothing'!r} are not supported. "
            f"Convert it to one of {', '.join(suffixes())}."
        )
    if len(data) > limits.document_bytes:
        raise too_large(name, len(data), limits)
    if not data.strip():
        raise InvalidInput(f"{name} is empty: put text into it, or remove it.")
    try:
        draft = reader(data, name, limits)
    except (SignalboxError, MemoryError):
        raise
    except Exception as error:  # a parser met bytes made by others: whatever it trips over, the file is at fault
        raise InvalidInput(
            f"{name} can't be read as {path.suffix.lower()[1:].upper()}: {type(error).__name__}: {error}. "
            "It may be damaged or of another type; save it again from the program that made it."
        ) from error
    text, sections = assemble(draft)
    if not text:
        raise InvalidInput(f"{name} has no text. A scan must go through text recognition (OCR) before it can be used.")
    if len(text) > limits.document_bytes:
        raise too_large(name, len(text), limits)
    document = Document(
        id=document_id or name,
        title=" ".join(normalise(draft.title or "").split()) or _title_of(path),
        text=text,
        metadata={key: normalise(value) for key, value in draft.metadata.items()},
        source=name,
        sections=sections,
    )
    return replace(document, hash=file_hash(name, data))


def too_large(name: str, size: int, limits: Limits) -> TooLarge:
    return TooLarge(
        f"{name} has {size:,} bytes; the limit is {limits.document_bytes:,}. "
        "Split it, or raise SIGNALBOX_MAX_DOCUMENT_BYTES."
    )


def _title_of(path: PurePosixPath) -> str:
    return normalise(path.stem.replace("_", " ").replace("-", " ")) or path.name
