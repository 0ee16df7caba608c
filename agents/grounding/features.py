"""The signals by which a sentence is preferred as the answer to a question. Pure functions over read text.

Rarity of a word is taken among the candidate sentences themselves: a word that all of them share tells none apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from agents.grounding.questions import could_answer, kind_of, words
from agents.grounding.reading import Question, Sentence
from signalbox.calibration import Floats

KINDS = ("number", "time", "person", "place")
FEATURES = (
    "similarity",  # cosine of the question with the sentence in context
    "passage_similarity",  # cosine of the question with the passage
    "bm25",  # of the sentence among the candidates
    "overlap",  # share of the question's words, weighted by rarity, that the sentence has
    "passage_overlap",  # ... that the passage has
    "rank_fusion",  # reciprocal ranks by similarity and by BM25
    "passage_rank",  # reciprocal rank of the passage as retrieved
    "late_interaction",  # mean over the question's tokens of the best cosine in the sentence, weighted by rarity
    "best_tokens",  # mean of the two best of those cosines
    "log_length",  # log of its number of words
    "log_new",  # log of its number of words that the question does not have
    *(f"{kind}_{has}" for kind in KINDS for has in ("found", "missing")),  # a word of the kind asked for
)

_K1, _B = 1.2, 0.75


def sentence_features(question: Question, sentences: Sequence[Sentence]) -> Floats:
    """Shape (len(sentences), len(FEATURES)), in the order given."""
    if not sentences:
        return np.zeros((0, len(FEATURES)))
    rarity = _rarity(sentences)
    similarity = np.array([float(question.vector @ sentence.vector) for sentence in sentences])
    bm25 = _bm25(question, sentences, rarity)
    fusion = 1 / (4 + _ranks(similarity)) + 1 / (4 + _ranks(bm25))
    passages = {id(s.passage): s.passage for s in sentences}
    rank = {key: place for place, key in enumerate(passages)}
    passage_stems = {key: {stem for s in sentences if id(s.passage) == key for stem in s.stems} for key in passages}
    asked = frozenset(word.lower() for word in words(question.text))
    asked_stems = frozenset(question.stems)
    kind = kind_of(question.text)
    token_rarity = _token_rarity(question)

    rows = []
    for place, sentence in enumerate(sentences):
        key = id(sentence.passage)
        best = (question.tokens @ sentence.tokens.T).max(axis=1)
        own_words = words(sentence.text)
        fits = could_answer(kind, own_words, asked)
        rows.append(
            [
                similarity[place],
                sentence.passage.similarity,
                bm25[place],
                _share(question.stems, frozenset(sentence.stems), rarity),
                _share(question.stems, frozenset(passage_stems[key]), rarity),
                fusion[place],
                1 / (1 + rank[key]),
                float((best * token_rarity).sum()),
                float(np.sort(best)[-2:].mean()),
                math.log1p(len(own_words)),
                math.log1p(len([stem for stem in sentence.stems if stem not in asked_stems])),
                *(float(kind == asked_kind and fits == has) for asked_kind in KINDS for has in (True, False)),
            ]
        )
    return np.array(rows, dtype=np.float64)


def _rarity(sentences: Sequence[Sentence]) -> Callable[[str], float]:
    """How rare a stem is among them; one that none has is as rare as the rarest."""
    count = Counter(stem for sentence in sentences for stem in set(sentence.stems))
    known = {stem: math.log((len(sentences) + 1) / (n + 0.5)) for stem, n in count.items()}
    unknown = max(known.values(), default=1.0)
    return lambda stem: known.get(stem, unknown)


def _share(asked: Sequence[str], stems: frozenset[str], rarity: Callable[[str], float]) -> float:
    total = sum(rarity(stem) for stem in asked)
    return sum(rarity(stem) for stem in asked if stem in stems) / total if total > 0 else 0.0


def _bm25(question: Question, sentences: Sequence[Sentence], rarity: Callable[[str], float]) -> Floats:
    mean_length = sum(len(s.stems) for s in sentences) / len(sentences) or 1.0
    scores = []
    for sentence in sentences:
        count = Counter(sentence.stems)
        norm = _K1 * (1 - _B + _B * len(sentence.stems) / mean_length)
        scores.append(
            sum(rarity(w) * count[w] * (_K1 + 1) / (count[w] + norm) for w in set(question.stems) if w in count)
        )
    return np.array(scores, dtype=np.float64)


def _ranks(scores: Floats) -> Floats:
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return ranks


def _token_rarity(question: Question) -> Floats:
    """Weights that sum to 1: word pieces count equally, those of the question's commonest words hardly.

    A vocabulary like BERT's lists word pieces roughly by frequency, so the logarithm of the id is a rarity.
    """
    weights = np.log(np.maximum(np.array(question.ids, dtype=np.float64), 1_000) / 900)
    total = float(weights.sum())
    return weights / total if total > 0 else np.full(len(weights), 1 / max(1, len(weights)))
