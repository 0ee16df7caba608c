"""Serving an exported encoder: tokenising, one text a run, unit vectors out. No torch.

Texts are not padded into batches: a quantised model scales its activations over the whole batch, so a text's
vector would depend on its neighbours, and on two cores batching gains little. Several texts run side by side instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from signalbox.contracts import Vectors
from signalbox.errors import ConfigurationError, InvalidInput

_PARALLEL_FROM = 4


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of one text, special tokens left out; t is 0 for an empty text.

    Attributes:
        ids: vocabulary numbers, shape (t,).
        offsets: start and end of each token in the text, in characters, shape (t, 2).
        vectors: one unit vector a token, shape (t, dimension).
        pooled: the unit vector of the text, as `encode` gives it, shape (dimension,).
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    vectors: Vectors
    pooled: Vectors


class OnnxEncoder:
    """An encoder that may be shared by threads. Made by `load_encoder`."""

    def __init__(
        self, model: Path, tokenizer: Path, *, name: str, dimension: int, max_tokens: int, threads: int = 1
    ) -> None:
        """Open the files; `threads` is how many texts, or parts of one text, are worked on at once."""
        self._name = name
        self._dimension = dimension
        self._max_tokens = max_tokens
        self._threads = threads
        self._session = _session(model, threads=1)
        self._tokenizer = _tokenizer(tokenizer)
        self._tokenizer.enable_truncation(max_tokens)
        self._counter = _tokenizer(tokenizer)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encoder") if threads > 1 else None

    @property
    def name(self) -> str:
        """Identifies model, weights and precision: vectors of encoders with the same name are comparable."""
        return self._name

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, special tokens included; the rest is cut off."""
        return self._max_tokens

    @property
    def common_words(self) -> dict[str, int]:
        """Whole words that are tokens of their own, with their ids: the smaller, the commoner, roughly."""
        return {token: place for token, place in self._counter.get_vocab().items() if token.isalpha()}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension), float32; a text's vector does not depend on the other texts.

        Raises:
            InvalidInput: `texts` is one string, or holds something that is not a string.
        """
        out = np.empty((len(texts), self._dimension), dtype=np.float32)

        def one(index: int) -> None:
            ids = self._tokenizer.encode(clean[index]).ids
            out[index] = self._run(["pooled"], ids)[0][0]

        clean = _texts(texts)
        self._each(one, len(clean))
        return out

    def encode_pairs(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """Unit vectors of two texts read together with a separator between, for models tuned on such pairs.

        Raises:
            InvalidInput: something in `pairs` is not a string.
        """
        out = np.empty((len(pairs), self._dimension), dtype=np.float32)

        def one(index: int) -> None:
            out[index] = self._run(["pooled"], self._tokenizer.encode(left[index], right[index]).ids)[0][0]

        left, right = _texts([pair[0] for pair in pairs]), _texts([pair[1] for pair in pairs])
        self._each(one, len(pairs))
        return out

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Vectors of every token with its place in the text, for comparing parts of texts.

        Raises:
            InvalidInput: `texts` is one string, or holds something that is not a string.
        """
        clean = _texts(texts)
        out: list[TokenVectors | None] = [None] * len(clean)

        def one(index: int) -> None:
            encoding = self._tokenizer.encode(clean[index])
            pooled, hidden = self._run(["pooled", "tokens"], encoding.ids)
            kept = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
            vectors = hidden[0, kept]
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
            offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)[kept]
            out[index] = TokenVectors(np.array(encoding.ids, dtype=np.int64)[kept], offsets, vectors, pooled[0])

        self._each(one, len(clean))
        return [item for item in out if item is not None]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included and nothing cut off: it is read whole up to `max_tokens`."""
        return [len(item.ids) for item in self._counter.encode_batch(_texts(texts))]

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Vocabulary numbers of each text as the model reads it: cut off, special tokens included."""
        return [item.ids for item in self._tokenizer.encode_batch(_texts(texts))]

    def _run(self, outputs: list[str], ids: list[int]) -> list[Any]:
        row = np.array([ids], dtype=np.int64)
        result: list[Any] = self._session.run(outputs, {"input_ids": row, "attention_mask": np.ones_like(row)})
        return result

    def _each(self, work: Any, count: int) -> None:
        if self._pool is None or count < _PARALLEL_FROM:
            for index in range(count):
                work(index)
        else:
            for _ in self._pool.map(work, range(count)):
                pass


def _texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise InvalidInput("texts must be a list of strings, not one string: put it into a list", field="texts")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidInput(f"texts[{index}] is a {type(text).__name__}, not a string", field="texts")
    # Half a surrogate pair can't be tokenised; one character in its place keeps the offsets right.
    return [text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def _session(model: Path, *, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(model),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # the fused operator is the slower one
        )
    except Exception as error:  # onnxruntime's errors share no base class but this
        raise ConfigurationError(
            f"onnxruntime can't open {model}: {error}. Remove its folder to export again."
        ) from error


def _tokenizer(path: Path) -> Any:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
