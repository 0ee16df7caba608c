"""What callers rely on: unit vectors that mean something, whatever the text, the batch and the thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from signalbox.encoder import OnnxEncoder, parity
from signalbox.encoder.source import find_source
from signalbox.errors import InvalidInput

TEXTS = ["Where is my parcel?", "", "Der Reißverschluss ist kaputt.", "a " * 400, "refund", "🙂 ok", "x\x00y"]


def test_vectors_are_unit_float32_rows(encoder: OnnxEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_like_meanings_are_closer_than_like_words(encoder: OnnxEncoder) -> None:
    asked, meant, worded = encoder.encode(["How do I get my money back?", "refund policy", "How do I get my tent up?"])
    assert asked @ meant > asked @ worded


def test_vectors_are_those_of_the_original_model(encoder: OnnxEncoder) -> None:
    original = parity.reference(find_source("all-MiniLM-L6-v2"))
    cosine = np.sum(encoder.encode(parity.SENTENCES) * original, axis=1)
    assert cosine.min() > 0.99
    assert cosine.mean() > 0.998


def test_no_texts_give_no_rows(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.encode_tokens([]) == []
    assert encoder.count_tokens([]) == []


def test_a_vector_does_not_depend_on_the_other_texts(encoder: OnnxEncoder) -> None:
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.array_equal(together, alone)
    assert np.array_equal(encoder.encode(TEXTS[::-1]), together[::-1])


def test_threads_share_an_encoder(encoder: OnnxEncoder) -> None:
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for vectors in pool.map(encoder.encode, [TEXTS] * 16):
            assert np.array_equal(vectors, expected)


def test_what_exceeds_the_limit_is_cut_off(encoder: OnnxEncoder) -> None:
    assert encoder.max_tokens == 256
    long = "parcel " * 254
    assert encoder.count_tokens([long]) == [256]
    assert encoder.count_tokens([long + "lost in Ghent " * 10]) == [286]
    assert np.array_equal(encoder.encode([long]), encoder.encode([long + "lost in Ghent " * 10]))


def test_half_a_surrogate_pair_is_a_character_like_another(encoder: OnnxEncoder) -> None:
    (tokens,) = encoder.encode_tokens(["ok \ud83d parcel"])
    assert tokens.offsets[-1].tolist() == [5, 11]


@pytest.mark.parametrize("texts", ["parcel", ["parcel", 7], [None]])
def test_anything_but_a_list_of_strings_is_refused(encoder: OnnxEncoder, texts: object) -> None:
    for call in (encoder.encode, encoder.encode_tokens, encoder.count_tokens, encoder.token_ids):
        with pytest.raises(InvalidInput, match="string"):
            call(texts)  # type: ignore[arg-type]


def test_tokens_know_their_place_in_the_original_text(encoder: OnnxEncoder) -> None:
    text = "  Où est mon CAFÉ?\n(№ 7, ﬁn)  中文"
    (tokens,) = encoder.encode_tokens([text])
    pieces = [text[start:end] for start, end in tokens.offsets.tolist()]
    assert pieces[:4] == ["Où", "est", "mon", "CAFÉ"]
    assert pieces[-2:] == ["中", "文"]
    assert len(tokens.ids) == len(tokens.vectors) == len(pieces) == encoder.count_tokens([text])[0] - 2
    assert np.linalg.norm(tokens.vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_tokens_come_with_the_vector_of_their_text(encoder: OnnxEncoder) -> None:
    tokens = encoder.encode_tokens(TEXTS)
    assert np.array_equal(np.stack([item.pooled for item in tokens]), encoder.encode(TEXTS))
    assert tokens[1].vectors.shape == (0, 384)
    assert tokens[1].offsets.shape == (0, 2)
