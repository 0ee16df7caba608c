"""Every kind of vector index finds what an exhaustive comparison finds, with and without a filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hashing_encoder import HashingEncoder

from retriever import Document, Index, upsert, vectors
from retriever.vectors import VectorIndex, build, create, kind_for


def test_kinds_follow_the_size() -> None:
    kinds = [kind_for(count) for count in (0, 1, 20_000, 20_001, 1_000_000, 1_000_001)]
    assert kinds == ["empty", "flat", "flat", "pq4", "pq4", "ivf_pq4"]


@pytest.fixture(scope="module")
def clustered() -> np.ndarray:
    """3,000 unit vectors around 40 centres."""
    generator = np.random.default_rng(3)
    centres = generator.standard_normal((40, 32))
    found = centres[generator.integers(0, 40, 3_000)] + 0.4 * generator.standard_normal((3_000, 32))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(params=["flat", "pq4", "ivf_pq4"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def searcher(kind: str, clustered: np.ndarray, tmp_path: Path) -> VectorIndex:
    matrix = create(tmp_path, *clustered.shape)
    matrix[:] = clustered
    build(tmp_path, matrix, kind)
    return VectorIndex(tmp_path, kind)


def test_recall(searcher: VectorIndex, clustered: np.ndarray) -> None:
    hits = 0
    for query in clustered[::100]:
        exact = np.argsort(-clustered @ query, kind="stable")[:10]
        found = searcher.nearest(query, 10)
        assert len(found) == 10
        hits += len(set(exact.tolist()) & set(found.tolist()))
    assert hits / (30 * 10) >= 0.95


@pytest.mark.parametrize("few", [20_000, 10])
def test_filters(searcher: VectorIndex, clustered: np.ndarray, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(vectors, "_FEW", few)  # 10 sends the filter down the path for large indexes
    among = np.arange(5, 3_000, 7, dtype=np.int64)
    query = clustered[0]
    found = searcher.nearest(query, 20, among)
    exact = among[np.argsort(-clustered[among] @ query, kind="stable")[:20]]
    assert set(found.tolist()) <= set(among.tolist())
    assert len(found) == 20
    assert len(set(found.tolist()) & set(exact.tolist())) >= 18
    assert searcher.nearest(query, 5, np.empty(0, dtype=np.int64)).tolist() == []
    assert len(searcher.nearest(query, 50, among[:15])) == 15


def test_more_asked_for_than_there_is(searcher: VectorIndex, clustered: np.ndarray) -> None:
    assert len(searcher.nearest(clustered[0], 5_000)) > 1_500
    assert len(np.unique(searcher.nearest(clustered[0], 1_000))) == 1_000


def test_compressed_indexes_serve_searches(
    index_folder: Path, encoder: HashingEncoder, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("retriever.build.vectors.kind_for", lambda count: kind)
    documents = [Document.make(f"{n:04}", f"Word{n} about topic{n % 9}.") for n in range(1_200)]
    upsert(documents, index_folder=index_folder, encoder=encoder)
    index = Index.open(index_folder, encoder)
    assert index.stats.kind == kind
    assert index.search("word77", 3)[0].document_id == "0077"
    assert [passage.document_id for passage in index.search("topic4", 3, filters={"document_id": "0022"})] == ["0022"]
