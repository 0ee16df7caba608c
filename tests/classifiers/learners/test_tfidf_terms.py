"""Our vectoriser gives what scikit-learn's gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from classifiers.learners.tfidf import Analyser, Block, TextVectoriser, character_ngrams, word_ngrams

TEXTS = [
    "Where is my parcel? It's LATE…",
    "a b c i",
    "  tabs\tand\nlines\u00a0and   spaces ",
    "straße İstanbul ﬁne ÉCOLE naïve",
    "refund refund REFUND re-fund",
    "日本語 のテキスト 🎉🎉 emoji",
    "x",
    "snake_case 12 3 45.6",
    "don't can't",
    "\u200b\ufeff zero-width",
]
KINDS = [("word", (1, 2), word_ngrams), ("char_wb", (3, 5), character_ngrams)]


@pytest.mark.parametrize(("analyzer", "sizes", "ours"), KINDS)
@pytest.mark.parametrize("min_count", [1, 2])
def test_values_are_scikit_learns(analyzer: str, sizes: tuple[int, int], ours: Analyser, min_count: int) -> None:
    theirs = TfidfVectorizer(analyzer=analyzer, ngram_range=sizes, sublinear_tf=True, min_df=min_count)
    expected = theirs.fit_transform(TEXTS + TEXTS[:4])
    block = Block.fit(ours, TEXTS + TEXTS[:4], min_count=min_count, most_terms=10**6)
    assert list(block.vocabulary) == list(theirs.get_feature_names_out())
    for text, row in zip(
        [*TEXTS, "parcel unseen words", ""], theirs.transform([*TEXTS, "parcel unseen words", ""]), strict=True
    ):
        dense = np.zeros(len(block.idf))
        columns, values, _ = block.transform(text)
        dense[columns] = values
        np.testing.assert_allclose(dense, row.toarray().ravel(), rtol=0, atol=1e-14)
    assert expected.shape[1] == len(block.idf)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_analysers_are_scikit_learns_on_any_text(text: str) -> None:
    for analyzer, sizes, ours in KINDS:
        theirs = TfidfVectorizer(analyzer=analyzer, ngram_range=sizes).build_analyzer()
        assert sorted(ours(text)) == sorted(theirs(text))


def test_large_vocabularies_keep_the_most_frequent_terms() -> None:
    block = Block.fit(word_ngrams, ["alpha beta", "beta gamma", "beta gamma"], min_count=1, most_terms=2)
    assert list(block.vocabulary) == ["beta", "beta gamma"]


def test_share_of_known_words() -> None:
    vectoriser = TextVectoriser.fit(["where is my parcel"])
    assert vectoriser.known_share("my parcel xyzzy plugh") == 0.5
    assert vectoriser.known_share("?!") == 0.0
