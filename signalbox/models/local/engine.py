"""llama.cpp by its low-level batch interface: reading a prompt, writing after it, scoring texts after it.

The key-value cache keeps the last prompt in sequence 0; what the next prompt shares with it is not computed again.
Candidates to score share that prefix, each in a sequence of its own, all in one decode. Runs in the worker only.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from signalbox.errors import ConfigurationError, InvalidInput, TooLarge

_BATCH = 2_048  # tokens of one decode
_STEP = 512  # tokens of a prompt between two looks at whether the caller is still there
_SEQUENCES = 64  # candidates scored at once
_SCORING_ROOM = 2_048  # tokens of the cache kept for candidates
_PLACEHOLDER = "\ue000{}\ue001"  # private-use characters, so that no text holds one by accident
Stopped = Callable[[], bool]
Logits = NDArray[np.float32]


class Cancelled(Exception):
    """Not an error: the caller went away or ran out of time."""


class Engine:
    """One loaded model and its context. For one thread."""

    def __init__(self, path: str, *, context_tokens: int, threads: int) -> None:
        self._quiet = llama.llama_log_callback(lambda _level, _text, _data: None)
        llama.llama_log_set(self._quiet, ctypes.c_void_p(0))
        llama.llama_backend_init()
        self._model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
        if not self._model:
            raise ConfigurationError(
                f"llama.cpp can't load {path}: it is damaged, or of an architecture this version does not know. "
                "Set SIGNALBOX_LOCAL_MODEL to another file.",
                field="local_model",
            )
        self.context_tokens = context_tokens
        options = llama.llama_context_default_params()
        options.n_ctx = context_tokens + _SCORING_ROOM
        options.n_batch = _BATCH
        options.n_ubatch = _STEP
        options.n_seq_max = _SEQUENCES + 1
        options.kv_unified = True
        options.n_threads = options.n_threads_batch = threads
        options.flash_attn_type = 1
        options.no_perf = True
        self._context = llama.llama_init_from_model(self._model, options)
        if not self._context:
            raise ConfigurationError(f"llama.cpp has no room for a context of {context_tokens:,} tokens of {path}.")
        self._memory = llama.llama_get_memory(self._context)
        self._vocabulary = llama.llama_model_get_vocab(self._model)
        self._size = llama.llama_vocab_n_tokens(self._vocabulary)
        self._batch = llama.llama_batch_init(_BATCH, 0, 1)
        self._cached: list[int] = []

    # Text to tokens

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """`special`: whether markers such as `<|im_start|>` mean what they say, or are text like any other."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        tokens = (llama.llama_token * room)()
        count = llama.llama_tokenize(self._vocabulary, raw, len(raw), tokens, room, False, special)
        return list(tokens[: max(count, 0)])

    def chat_tokens(self, messages: Sequence[tuple[str, str]]) -> list[int]:
        """The conversation in the model's own template, ready for the assistant's turn.

        Contents are put in as plain text after the template is rendered, so no marker in them has a meaning.
        """
        rendered = self._render([(role, _PLACEHOLDER.format(n)) for n, (role, _) in enumerate(messages)])
        tokens: list[int] = []
        for n, (_, content) in enumerate(messages):
            before, mark, rendered = rendered.partition(_PLACEHOLDER.format(n))
            if not mark:
                raise ConfigurationError("The model's chat template leaves out a message; it can't be used for chat.")
            tokens += self.tokenize(before, special=True) + self.tokenize(content, special=False)
        return tokens + self.tokenize(rendered, special=True)

    def _render(self, messages: Sequence[tuple[str, str]]) -> str:
        template = llama.llama_model_chat_template(self._model, None)
        kept = [(role.encode(), content.encode()) for role, content in messages]
        array = (llama.llama_chat_message * len(kept))(*(llama.llama_chat_message(r, c) for r, c in kept))
        room = 4_096 + 2 * sum(len(content) for _, content in kept)
        buffer = ctypes.create_string_buffer(room)
        size = llama.llama_chat_apply_template(template or b"chatml", array, len(kept), True, buffer, room)
        if size < 0:
            size = llama.llama_chat_apply_template(b"chatml", array, len(kept), True, buffer, room)
        return buffer.raw[:size].decode()

    # Writing

    def write(
        self, prompt: Sequence[int], *, most: int, sampler: Any, logprobs: bool, stopped: Stopped
    ) -> Iterator[tuple[bytes, float]]:
        """Pieces of text with their log-probability (0 unless asked for) until the model ends, or `most` tokens.

        Raises:
            TooLarge: prompt and answer together don't fit the context.
            Cancelled: `stopped` said so.
        """
        self._check_room(len(prompt) + most)
        self._read(prompt, stopped)
        for _ in range(most):
            if stopped():
                raise Cancelled
            logits = self._logits(-1)
            if sampler is None:
                token = int(logits.argmax())
            else:
                token = int(llama.llama_sampler_sample(sampler, self._context, -1))
            chance = float(logits[token]) - _log_sum(logits) if logprobs else 0.0
            if llama.llama_vocab_is_eog(self._vocabulary, token):
                return
            yield self._piece(token), chance
            self._decode([token], len(self._cached), last=True)
            self._cached.append(token)

    def sampler(self, *, temperature: float, seed: int, grammar: str | None) -> Any:
        """A sampler chain, or None for plain greedy choice. Free it with `free`."""
        if temperature <= 0 and grammar is None:
            return None
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        if grammar is not None:
            rules = llama.llama_sampler_init_grammar(self._vocabulary, grammar.encode(), b"root")
            if not rules:
                llama.llama_sampler_free(chain)
                raise InvalidInput("The grammar is not valid GBNF with a rule `root`.", field="grammar")
            llama.llama_sampler_chain_add(chain, rules)
        if temperature <= 0:
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_greedy())
        else:
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_temp(temperature))
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_dist(seed & 0xFFFFFFFF))
        return chain

    @staticmethod
    def free(sampler: Any) -> None:
        if sampler is not None:
            llama.llama_sampler_free(sampler)

    # Scoring

    def score(
        self, shared: Sequence[int], pairs: Sequence[tuple[Sequence[int], Sequence[int]]], stopped: Stopped
    ) -> list[list[float]]:
        """Per (prefix, continuation) the log P of each token of the continuation after `shared` and the prefix."""
        if not shared:
            raise InvalidInput("Scoring needs a shared text before the continuations.", field="shared")
        longest = max((len(prefix) + len(text) for prefix, text in pairs), default=0)
        self._check_room(len(shared) + longest)
        self._read(shared, stopped)
        first = self._logits(-1).copy()
        first_sum = _log_sum(first)
        result: list[list[float]] = []
        for group in _groups(pairs):
            if stopped():
                raise Cancelled
            result += self._score_group(len(shared), group, first, first_sum)
        return result

    def _score_group(
        self,
        start: int,
        group: Sequence[tuple[Sequence[int], Sequence[int]]],
        first: Logits,
        first_sum: float,
    ) -> list[list[float]]:
        wanted: list[list[tuple[int, int]]] = []  # per pair: (place in the batch, token it must predict)
        scores: list[list[float]] = []
        batch, place = self._batch, 0
        for sequence, (prefix, text) in enumerate(group, 1):
            llama.llama_memory_seq_cp(self._memory, 0, sequence, 0, -1)
            tokens = [*prefix, *text]
            own: list[tuple[int, int]] = []
            scores.append([float(first[text[0]]) - first_sum] if text and not prefix else [])
            for offset, token in enumerate(tokens[:-1]):
                predicts = offset + 1 >= len(prefix)
                self._put(place, token, start + offset, sequence, wants_logits=predicts)
                if predicts:
                    own.append((place, tokens[offset + 1]))
                place += 1
            wanted.append(own)
        if place:
            batch.n_tokens = place
            self._run()
        for own, score in zip(wanted, scores, strict=True):
            for at, token in own:
                logits = self._logits(at)
                score.append(float(logits[token]) - _log_sum(logits))
        for sequence in range(1, len(group) + 1):
            llama.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return scores

    # The cache

    def _read(self, tokens: Sequence[int], stopped: Stopped) -> None:
        """Bring sequence 0 to `tokens`, with the logits after the last; computes only what differs from before."""
        same = 0
        while same < min(len(tokens) - 1, len(self._cached)) and tokens[same] == self._cached[same]:
            same += 1
        llama.llama_memory_seq_rm(self._memory, 0, same, -1)
        self._cached = list(tokens[:same])
        for start in range(same, len(tokens), _STEP):
            if stopped():
                raise Cancelled
            part = tokens[start : start + _STEP]
            self._decode(part, start, last=start + len(part) == len(tokens))
            self._cached += part

    def _decode(self, tokens: Sequence[int], start: int, *, last: bool) -> None:
        for place, token in enumerate(tokens):
            self._put(place, token, start + place, 0, wants_logits=last and place == len(tokens) - 1)
        self._batch.n_tokens = len(tokens)
        self._run()

    def _put(self, place: int, token: int, position: int, sequence: int, *, wants_logits: bool) -> None:
        batch = self._batch
        batch.token[place] = token
        batch.pos[place] = position
        batch.n_seq_id[place] = 1
        batch.seq_id[place][0] = sequence
        batch.logits[place] = wants_logits

    def _run(self) -> None:
        code = llama.llama_decode(self._context, self._batch)
        if code != 0:
            self._cached = []
            llama.llama_memory_clear(self._memory, True)
            raise ConfigurationError(f"llama.cpp could not decode (code {code}); the context may be too small.")

    def _logits(self, place: int) -> Logits:
        """A view of the logits at a place of the last batch, shape (vocabulary,)."""
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(self._context, place), (self._size,))

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        size = llama.llama_token_to_piece(self._vocabulary, token, buffer, 64, 0, False)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama.llama_token_to_piece(self._vocabulary, token, buffer, -size, 0, False)
        return buffer.raw[:size]

    def _check_room(self, tokens: int) -> None:
        if tokens > self.context_tokens:
            raise TooLarge(
                f"Prompt and answer need {tokens:,} tokens; the local LLM has room for {self.context_tokens:,}: "
                "shorten the prompt, ask for fewer tokens or raise SIGNALBOX_LOCAL_CONTEXT_TOKENS.",
                field="messages",
            )


def _groups(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
) -> Iterator[list[tuple[Sequence[int], Sequence[int]]]]:
    """Runs of pairs that fit one decode and the room kept for candidates."""
    group: list[tuple[Sequence[int], Sequence[int]]] = []
    size = 0
    for pair in pairs:
        tokens = len(pair[0]) + len(pair[1])
        if group and (len(group) == _SEQUENCES or size + tokens > min(_BATCH, _SCORING_ROOM)):
            yield group
            group, size = [], 0
        group.append(pair)
        size += tokens
    if group:
        yield group


def _log_sum(logits: Logits) -> float:
    peak = float(logits.max())
    return peak + float(np.log(np.exp(logits - peak).sum(dtype=np.float64)))
