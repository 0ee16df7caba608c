"""llama.cpp's low-level interface in the few calls that reading, writing and scoring need. Runs in the worker only.

`Weights` is a loaded file and its vocabulary; `Context` a key-value cache on it with one batch that is filled and run.
Neither knows what the tokens are for.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from signalbox.errors import ConfigurationError

BATCH = 2_048  # tokens of one decode at most
PART = 512  # tokens computed at a time within it
Logits = NDArray[np.float32]

_WARNING, _ERROR = 2, 3  # of ggml's enum ggml_log_level


def _say(level: int, text: bytes, _data: object) -> None:
    if level in (_WARNING, _ERROR):
        sys.stderr.write(text.decode("utf-8", "replace"))
        sys.stderr.flush()


_log_callback = llama.llama_log_callback(_say)  # kept: llama.cpp holds only a pointer to it


class Weights:
    """A model file in memory. Raises ConfigurationError when llama.cpp refuses it."""

    def __init__(self, path: str) -> None:
        llama.llama_log_set(_log_callback, ctypes.c_void_p(0))
        llama.llama_backend_init()
        self.path = path
        self.model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
        if not self.model:
            raise ConfigurationError(
                f"llama.cpp can't load {path}: it is damaged, or of an architecture this version does not know. "
                "Set SIGNALBOX_LOCAL_MODEL to another file.",
                field="local_model",
            )
        self.vocabulary = llama.llama_model_get_vocab(self.model)
        self.size = llama.llama_vocab_n_tokens(self.vocabulary)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """`special`: whether markers such as `<|im_start|>` mean what they say, or are text like any other."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        tokens = (llama.llama_token * room)()
        count = llama.llama_tokenize(self.vocabulary, raw, len(raw), tokens, room, False, special)
        return list(tokens[: max(count, 0)])

    def piece(self, token: int) -> bytes:
        """What a token says; nothing for a marker. Part of a character, possibly."""
        buffer = ctypes.create_string_buffer(64)
        size = llama.llama_token_to_piece(self.vocabulary, token, buffer, 64, 0, False)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama.llama_token_to_piece(self.vocabulary, token, buffer, -size, 0, False)
        return buffer.raw[:size]

    def ends(self, token: int) -> bool:
        return bool(llama.llama_vocab_is_eog(self.vocabulary, token))


class Context:
    """A cache of `cells` tokens over `sequences` sequences, and the batch to be run next."""

    def __init__(self, weights: Weights, *, cells: int, sequences: int, threads: int) -> None:
        options = llama.llama_context_default_params()
        options.n_ctx = cells
        options.n_batch = BATCH
        options.n_ubatch = PART
        options.n_seq_max = sequences
        options.kv_unified = True
        options.n_threads = options.n_threads_batch = threads
        options.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_ENABLED
        options.no_perf = True
        self.pointer = llama.llama_init_from_model(weights.model, options)
        if not self.pointer:
            raise ConfigurationError(
                f"llama.cpp has no room for a context of {cells:,} tokens of {weights.path}: lower "
                "SIGNALBOX_LOCAL_CONTEXT_TOKENS.",
                field="local_context_tokens",
            )
        self._vocabulary_size = weights.size
        self._memory = llama.llama_get_memory(self.pointer)
        self._batch = llama.llama_batch_init(BATCH, 0, 1)
        self._filled = 0

    def put(self, token: int, position: int, *, sequence: int = 0, wants_logits: bool = False) -> int:
        """Add a token to the batch; returns its place, by which `logits` finds what it predicts."""
        place, batch = self._filled, self._batch
        batch.token[place] = token
        batch.pos[place] = position
        batch.n_seq_id[place] = 1
        batch.seq_id[place][0] = sequence
        batch.logits[place] = wants_logits
        self._filled += 1
        return place

    def put_all(self, tokens: Sequence[int], position: int, *, wants_last: bool = False) -> None:
        for offset, token in enumerate(tokens):
            self.put(token, position + offset, wants_logits=wants_last and offset == len(tokens) - 1)

    def run(self) -> None:
        """Compute the batch and empty it. After an error the cache is empty too."""
        self._batch.n_tokens, self._filled = self._filled, 0
        if self._batch.n_tokens == 0:
            return
        code = llama.llama_decode(self.pointer, self._batch)
        if code != 0:
            llama.llama_memory_clear(self._memory, True)
            raise ConfigurationError(
                f"llama.cpp could not decode (code {code}): raise SIGNALBOX_LOCAL_CONTEXT_TOKENS or shorten the texts."
            )

    def logits(self, place: int = -1) -> Logits:
        """A view of the logits at a place of the batch last run, shape (vocabulary,); -1 is the last asked for."""
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(self.pointer, place), (self._vocabulary_size,))

    def sample(self, sampler: Any, place: int) -> int:
        return int(llama.llama_sampler_sample(sampler, self.pointer, place))

    def cut(self, start: int, *, sequence: int = 0) -> None:
        """Forget a sequence from position `start` on."""
        llama.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def branch(self, sequence: int) -> None:
        """Let `sequence` begin with what sequence 0 holds; no data are copied."""
        llama.llama_memory_seq_cp(self._memory, 0, sequence, 0, -1)

    def take_over(self, other: Context) -> None:
        """Fill sequence 0 with the other context's; both must be of the same model."""
        size = llama.llama_state_seq_get_size(other.pointer, 0)
        state = (ctypes.c_uint8 * size)()
        written = llama.llama_state_seq_get_data(other.pointer, state, size, 0)
        llama.llama_memory_clear(self._memory, False)
        if llama.llama_state_seq_set_data(self.pointer, state, written, 0) == 0:
            raise ConfigurationError("llama.cpp could not hand the prompt over to the weights that write.")


def log_sum(logits: Logits) -> float:
    """log of the sum of exp."""
    peak = float(logits.max())
    return peak + float(np.log(np.exp(logits - peak).sum(dtype=np.float64)))
