"""The retrieval benchmark on a small index: other programs can read what it prints."""

from __future__ import annotations

import json

import pytest

from benchmarks import retrieval


def test_json_is_all_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    retrieval.main(["--chunks", "60", "--queries", "3", "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert 30 <= result["chunks"] <= 120
    assert result["vector_recall_at_10"] == 1
    assert set(result["anchors"]) == {"flat FAISS alone", "bm25s alone"}
