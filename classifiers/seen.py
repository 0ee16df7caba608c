"""Which texts a version has learnt from, as hashes beside its files: enough to leave them out, too little to read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from classifiers.text.canonical import canonical
from signalbox.errors import CorruptArtefact

SEEN = "seen.npz"

Hashes = NDArray[np.uint64]


def hashes_of(texts: Sequence[str]) -> Hashes:
    """Of prepared texts in the form in which two count as the same, shape (n,)."""
    found = [hashlib.sha256(canonical(text).encode("utf-8", "surrogatepass")).digest()[:8] for text in texts]
    return np.frombuffer(b"".join(found), dtype="<u8").astype(np.uint64)


def write_seen(folder: Path, texts: Sequence[str]) -> None:
    """Write the hashes of what a version learns from into its folder."""
    np.savez(folder / SEEN, hashes=np.unique(hashes_of(texts)))


def read_seen(folder: Path) -> Hashes | None:
    """The hashes of a version's training texts; None where it keeps none.

    Raises:
        CorruptArtefact: the file holds something else.
    """
    path = folder / SEEN
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            hashes = arrays["hashes"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CorruptArtefact(f"{path} can't be read ({error}): train the expert again.") from None
    if hashes.ndim != 1 or hashes.dtype != np.uint64:
        raise CorruptArtefact(f"{path} holds no hashes: train the expert again.")
    return np.asarray(hashes, dtype=np.uint64)
