"""How fitted parts are written and read: small values as JSON, arrays as npz, never a pickle.

A part turns itself into a `State` and back; parts of several tasks are joined under names into one pair of files.
Checksums, versions and folders are the business of whoever stores the whole expert.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.errors import CorruptArtefact, InvalidInput

_SEPARATOR = "/"
_MOST_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class State:
    """What a fitted part is made of.

    Attributes:
        values: what `json.dumps` takes.
        arrays: numbers by name; no objects.
    """

    values: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def join(cls, parts: Mapping[str, State]) -> State:
        """One state that holds others, each under a name without a slash."""
        if bad := [name for name in parts if _SEPARATOR in name or not name]:
            raise InvalidInput(f"a part can't be called {bad[0]!r}: use a name without a slash", field="parts")
        arrays = {
            f"{name}{_SEPARATOR}{key}": array for name, part in parts.items() for key, array in part.arrays.items()
        }
        return cls({name: part.values for name, part in parts.items()}, arrays)

    def part(self, name: str) -> State:
        """The state that was joined under a name. Raises CorruptArtefact where there is none."""
        values = self.values.get(name)
        if not isinstance(values, dict):
            raise CorruptArtefact(f"the stored calibration lacks its part {name!r}: train the expert again.")
        start = f"{name}{_SEPARATOR}"
        return State(values, {key.removeprefix(start): a for key, a in self.arrays.items() if key.startswith(start)})

    def value(self, name: str, kind: type[Any]) -> Any:
        """A value of the type said (an int counts as a float). Raises CorruptArtefact where it isn't."""
        value = self.values.get(name)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise CorruptArtefact(f"the stored calibration has no {kind.__name__} {name!r}: train the expert again.")
        return value

    def array(self, name: str, *, ndim: int = 1, dtype: Any = np.float64) -> NDArray[Any]:
        """A finite array of so many dimensions. Raises CorruptArtefact where it isn't."""
        array = self.arrays.get(name)
        if array is None or array.ndim != ndim or array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise CorruptArtefact(f"the stored calibration has no usable array {name!r}: train the expert again.")
        return array.astype(dtype, copy=False)

    def write(self, folder: Path, name: str) -> None:
        """Write `name.json` and `name.npz` into an existing folder."""
        text = json.dumps(self.values, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        with (folder / f"{name}.npz").open("wb") as file:
            np.savez(file, allow_pickle=False, **self.arrays)

    @classmethod
    def read(cls, folder: Path, name: str) -> State:
        """Raises CorruptArtefact where the two files are missing or not what `write` wrote."""
        try:
            values = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            with zipfile.ZipFile(folder / f"{name}.npz") as archive:
                if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                    raise CorruptArtefact(f"{folder / name}.npz unpacks to more than {_MOST_BYTES:,} bytes.")
            with np.load(folder / f"{name}.npz", allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files}
        except (OSError, ValueError, KeyError, RecursionError, zipfile.BadZipFile) as error:
            raise CorruptArtefact(f"{folder / name} can't be read ({error}): train the expert again.") from None
        if not isinstance(values, dict):
            raise CorruptArtefact(f"{folder / name}.json holds no object: train the expert again.")
        return cls(values, arrays)
