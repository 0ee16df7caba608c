"""Where a training keeps what took long, so that one that was killed goes on where it was.

Arrays in plain npz files below a folder that the caller removes at the end; without a folder nothing is kept. A file
is there whole or not at all, and one that can't be read is made again.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from signalbox.files import write_atomically

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Scratch:
    """`key` names all that what is kept depends on beside its own name: what was kept for others is not taken."""

    folder: Path | None = None
    key: str = ""

    def keep(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays kept under `name`, made now if they are not there."""
        if self.folder is None:
            return make()
        path = self.folder / f"{self.key[:32]}-{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as file:
                return {part: file[part] for part in file.files}
        except (OSError, ValueError, BadZipFile):
            made = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        np.savez(buffer, **made)  # type: ignore[arg-type]  # the stubs take keywords for `allow_pickle`
        write_atomically(path, buffer.getvalue())
        return made
