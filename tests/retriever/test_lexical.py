"""BM25: which words count, and that no query text can break it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.lexical import Lexical, Tokenizer, build


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("How long does a refund take?", ["long", "refund", "take"]),
        ("Don't you can't we'll it’s", []),
        ("Refunds refunded", ["refund", "refund"]),
        ("3,000 mm, 2.1 kg, LL-2", ["3000", "mm", "2.1", "kg", "ll", "2"]),
        ("Café naïve ÜBER", ["cafe", "naiv", "uber"]),
        ("ﬁsh Ｆｕｌｌ", ["fish", "full"]),
        ("snake_case two-factor", ["snake", "case", "two", "factor"]),
        ("返品は", ["返品", "品は"]),
        ("货", ["货"]),
        ("Wi-Fi 中文 ok", ["wi", "fi", "ok", "中文"]),
        ("возврат товара", ["возврат", "товара"]),
        ("🎉 ?! …", []),
        ("", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert Tokenizer()(text) == terms


@pytest.fixture(scope="module")
def lexical(tmp_path_factory: pytest.TempPathFactory) -> Lexical:
    folder = tmp_path_factory.mktemp("bm25")
    build(["refund refund days", "days of wool", "返品は三十日", "the of"], folder)
    assert not any(b"pickle" in path.read_bytes() for path in folder.iterdir())
    return Lexical(folder, 4)


def test_scores(lexical: Lexical) -> None:
    scores = lexical.scores("refund days")
    assert scores[0] > scores[1] > 0
    assert scores[2:].tolist() == [0, 0]
    assert lexical.scores("返品")[2] > 0


def test_a_word_twice_in_a_query_counts_twice(lexical: Lexical) -> None:
    assert np.allclose(lexical.scores("wool wool"), 2 * lexical.scores("wool"))


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=100))
def test_any_text_is_a_query(lexical: Lexical, query: str) -> None:
    scores = lexical.scores(query)
    assert scores.shape == (4,)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()


def test_indexing_takes_no_lock_that_a_forked_process_could_keep(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from retriever.lexical import Lexical, build; folder = pathlib.Path(sys.argv[1]);"
        "build(['refund days'], folder); Lexical(folder, 1).scores('refund');"
        "import tqdm.std; print(hasattr(tqdm.std.TqdmDefaultWriteLock, 'mp_lock'))"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
