"""Chunk vectors on disk and the FAISS index over them: exact while that is fast, compressed beyond.

`vectors.npy` is what counts. The FAISS file holds codes of 4 bits per two dimensions, can be made from it again and
only finds candidates, whose cosines are then computed exactly. FAISS runs single-threaded here: its threads wait for
each other by spinning, which on a busy machine makes a query or a build many times slower.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from retriever.records import Positions
from signalbox.contracts import Vectors

FILE = "vectors.npy"
_FAISS_FILE = "vectors.faiss"
FLAT_UP_TO = 20_000
SCAN_UP_TO = 1_000_000
_SEED = 7
_TRAINING = 60_000  # vectors; more make no better codes
_CANDIDATES = 200  # compared exactly; at 100,000 chunks none of the true ten best was missed
_FEW = 20_000  # rows a filter leaves that are all compared exactly


def kind_for(count: int) -> str:
    """`flat` compares all vectors, `pq4` scans all codes, `ivf_pq4` the codes of the nearest cells."""
    if count == 0:
        return "empty"
    if count <= FLAT_UP_TO:
        return "flat"
    return "pq4" if count <= SCAN_UP_TO else "ivf_pq4"


def _faiss() -> Any:
    """FAISS on one thread, loaded with the first index: its wrappers have no usable types."""
    faiss = import_module("faiss")
    faiss.omp_set_num_threads(1)
    return faiss


def create(folder: Path, count: int, dimension: int) -> np.memmap[Any, np.dtype[np.float32]]:
    """A file of `count` rows to fill in place."""
    return np.lib.format.open_memmap(folder / FILE, mode="w+", dtype=np.float32, shape=(count, dimension))


def load(folder: Path) -> Vectors:
    """All vectors, mapped from the file."""
    vectors: Vectors = np.load(folder / FILE, mmap_mode="r", allow_pickle=False)
    return vectors


def build(folder: Path, vectors: Vectors, kind: str) -> None:
    """Write the FAISS file of kinds that have one. The training sample does not depend on chance."""
    if kind in ("empty", "flat"):
        return
    faiss = _faiss()
    count, dimension = vectors.shape
    codes = f"PQ{dimension // 2 if dimension % 2 == 0 else dimension}x4fs"
    cells = int(4 * np.sqrt(count)) if kind == "ivf_pq4" else 0
    index = faiss.index_factory(dimension, f"IVF{cells},{codes}" if cells else codes, faiss.METRIC_INNER_PRODUCT)
    training = min(count, max(_TRAINING, 40 * cells))
    sample = np.random.default_rng(_SEED).choice(count, training, replace=False)
    index.train(np.ascontiguousarray(vectors[np.sort(sample)]))
    for start in range(0, count, 50_000):
        index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
    faiss.write_index(index, str(folder / _FAISS_FILE))


class VectorIndex:
    """Finds rows by cosine. Reads a version whose checksums were verified. Safe to use from several threads."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._kind = kind
        if kind == "empty":
            return
        faiss = _faiss()
        self._vectors: Vectors = np.asarray(load(folder))  # a plain view: indexing a memory map is slower
        if kind == "flat":
            self._index: Any = faiss.IndexFlatIP(self._vectors.shape[1])
            self._index.add(np.ascontiguousarray(self._vectors))
        else:
            self._index = faiss.read_index(str(folder / _FAISS_FILE))

    def nearest(self, vector: Vectors, k: int, among: Positions | None = None) -> Positions:
        """Rows with the highest cosine, best first: at most k, only of `among` (ascending) where given."""
        if self._kind == "empty" or (among is not None and not len(among)):
            return np.empty(0, dtype=np.int64)
        if among is not None and len(among) <= _FEW:
            candidates = among
        else:
            k = min(k, len(self._vectors) if among is None else len(among))
            wanted = k if self._kind == "flat" else max(2 * k, _CANDIDATES)
            candidates = self._candidates(vector, min(wanted, len(self._vectors)), among)
        order = np.argsort(-self.cosines(vector, candidates), kind="stable")
        return candidates[order[:k]]

    def _candidates(self, vector: Vectors, count: int, among: Positions | None) -> Positions:
        """At least `count` rows that pass the filter, as far as there are. Compressed indexes can't filter."""
        total = len(self._vectors)
        wanted = count if among is None else round(1.5 * count * total / len(among))
        widen = 1
        while True:
            found = self._scan(vector, min(wanted * widen, total), widen)
            if among is not None:
                found = found[_contains(among, found)]
            if len(found) >= count or widen >= total:
                return found
            widen *= 4

    def _scan(self, vector: Vectors, count: int, widen: int) -> Positions:
        parameters = None
        if self._kind == "ivf_pq4":
            cells = min(self._index.nlist, widen * max(32, self._index.nlist // 32))
            parameters = _faiss().SearchParametersIVF(nprobe=cells)
        _, rows = self._index.search(vector[None, :], count, params=parameters)
        found: Positions = rows[0][rows[0] >= 0]
        return found

    def cosines(self, vector: Vectors, rows: Positions) -> Vectors:
        """Exact cosines of some rows, shape (len(rows),)."""
        if not len(rows):
            return np.empty(0, dtype=np.float32)
        result: Vectors = self._vectors[rows] @ vector
        return result


def _contains(ascending: Positions, rows: Positions) -> np.ndarray[Any, np.dtype[np.bool_]]:
    places = np.searchsorted(ascending, rows)
    found: np.ndarray[Any, np.dtype[np.bool_]] = ascending[np.minimum(places, len(ascending) - 1)] == rows
    return found
