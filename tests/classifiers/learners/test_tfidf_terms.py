"""Our vectoriser gives what scikit-learn's gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from classifiers.learners.corpus import Analysed, Corpus, fit_block
from classifiers.learners.tfidf import Analyser, character_ngrams, word_ngrams

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
    block = fit_block(Analysed(ours), TEXTS + TEXTS[:4], fewest=min_count, most=10**6)
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
    block = fit_block(Analysed(word_ngrams), ["alpha beta", "beta gamma", "beta gamma"], fewest=1, most=2)
    assert list(block.vocabulary) == ["beta", "beta gamma"]


def test_a_corpus_gives_what_analysing_anew_gives() -> None:
    corpus = Corpus()
    corpus.vectoriser(["words of another part", *TEXTS])
    for texts in (TEXTS, TEXTS[:3], ["unknown only"], []):
        vectoriser = corpus.vectoriser(TEXTS)
        assert vectoriser.words.vocabulary == fit_block(Analysed(word_ngrams), TEXTS, fewest=1, most=20_000).vocabulary
        rows = corpus.matrix(vectoriser, texts).toarray()
        assert rows.shape == (len(texts), vectoriser.size)
        for text, row in zip(texts, rows, strict=True):
            columns, values, _ = vectoriser.transform(text)
            expected = np.zeros(vectoriser.size)
            expected[columns] = values
            np.testing.assert_allclose(row, expected, rtol=0, atol=1e-14)
