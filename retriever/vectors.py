"""Chunk vectors on disk and the FAISS index over them: exact while that is fast, approximate beyond.

`vectors.npy` is what counts; the FAISS file can be made from it again and only finds candidates, whose cosines are
then computed exactly. FAISS runs single-threaded here: with two threads a single query takes 7 to 75 times longer.
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
FLAT_UP_TO = 50_000
HNSW_UP_TO = 1_000_000
_SEED = 7
_FEW = 20_000  # rows a filter leaves that are faster compared one by one


def _faiss() -> Any:
    """FAISS, loaded with the first index: its wrappers have no usable types."""
    return import_module("faiss")


def kind_for(count: int) -> str:
    if count == 0:
        return "empty"
    if count <= FLAT_UP_TO:
        return "flat"
    return "hnsw" if count <= HNSW_UP_TO else "ivf_pq"


def create(folder: Path, count: int, dimension: int) -> np.memmap[Any, np.dtype[np.float32]]:
    """A file of `count` rows to fill in place."""
    return np.lib.format.open_memmap(folder / FILE, mode="w+", dtype=np.float32, shape=(count, dimension))


def load(folder: Path) -> Vectors:
    """All vectors, mapped from the file."""
    vectors: Vectors = np.load(folder / FILE, mmap_mode="r", allow_pickle=False)
    return vectors


def build(folder: Path, vectors: Vectors, kind: str, *, threads: int) -> None:
    """Write the FAISS file of kinds that have one. Training samples and graph do not depend on chance."""
    if kind in ("empty", "flat"):
        return
    faiss = _faiss()
    faiss.omp_set_num_threads(threads)
    try:
        if kind == "hnsw":
            index = faiss.IndexHNSWSQ(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, 24, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = 100
        else:
            lists = int(4 * np.sqrt(len(vectors)))
            index = faiss.index_factory(vectors.shape[1], f"OPQ64_256,IVF{lists},PQ64x8", faiss.METRIC_INNER_PRODUCT)
        sample = np.random.default_rng(_SEED).choice(len(vectors), min(len(vectors), 200_000), replace=False)
        index.train(np.ascontiguousarray(vectors[np.sort(sample)]))
        for start in range(0, len(vectors), 50_000):
            index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
        faiss.write_index(index, str(folder / _FAISS_FILE))
    finally:
        faiss.omp_set_num_threads(1)


class VectorIndex:
    """Finds rows by cosine. Reads a version whose checksums were verified. Safe to use from several threads."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._kind = kind
        if kind == "empty":
            return
        faiss = _faiss()
        faiss.omp_set_num_threads(1)
        self._vectors = load(folder)
        if kind == "flat":
            self._index: Any = faiss.IndexFlatIP(self._vectors.shape[1])
            self._index.add(np.ascontiguousarray(self._vectors))
        else:
            self._index = faiss.read_index(str(folder / _FAISS_FILE))

    def nearest(self, vector: Vectors, k: int, among: Positions | None = None) -> Positions:
        """Rows with the highest cosine, best first: at most k, only of `among` where given."""
        if self._kind == "empty" or (among is not None and not len(among)):
            return np.empty(0, dtype=np.int64)
        k = min(k, len(self._vectors))
        if among is not None and len(among) <= _FEW:
            cosines = self.cosines(vector, among)
            return among[np.argsort(-cosines, kind="stable")[:k]]
        _, rows = self._index.search(vector[None, :], k, params=self._parameters(k, among))
        found: Positions = rows[0][rows[0] >= 0]
        return found

    def _parameters(self, k: int, among: Positions | None) -> Any:
        faiss = _faiss()
        selector = None if among is None else faiss.IDSelectorBatch(among)
        if self._kind == "flat":
            return faiss.SearchParameters(sel=selector) if selector else None
        if self._kind == "hnsw":
            return faiss.SearchParametersHNSW(efSearch=max(96, 2 * k), sel=selector)
        inner = faiss.SearchParametersIVF(nprobe=64, sel=selector)
        return faiss.SearchParametersPreTransform(index_params=inner)

    def cosines(self, vector: Vectors, rows: Positions) -> Vectors:
        """Exact cosines of some rows, shape (len(rows),)."""
        if not len(rows):
            return np.empty(0, dtype=np.float32)
        result: Vectors = self._vectors[rows] @ vector
        return result
