"""Reading a prompt, writing after it, scoring texts after it. Runs in the worker, for one thread.

The same model may be loaded twice: in the encoding that reads fastest and in the one that writes fastest; the state
moves from one to the other after the prompt. Sequence 0 of the reading context keeps the last prompt, and what the
next prompt shares with it is not computed again. Candidates to score share it too, each in a sequence of its own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import llama_cpp as llama

from signalbox.errors import ConfigurationError, InvalidInput, TooLarge
from signalbox.models.local.context import BATCH, PART, Context, Logits, Weights, log_sum

_SEQUENCES = 64  # candidates scored at once
_SCORED_ROWS = 512  # of them, tokens whose probability is asked for: each costs the vocabulary in memory
# From so many tokens on, llama.cpp computes attention by tiles, and a token's logits no longer depend on how many came
# with it: a prompt gets bitwise the same answer whether its beginning came from the cache or not.
_TILE = 64
_PLACEHOLDER = "\ue000{}\ue001"  # private-use characters, so that no text holds one by accident
Stopped = Callable[[], bool]
Pair = tuple[Sequence[int], Sequence[int]]


class Cancelled(Exception):
    pass


class Engine:
    """The loaded model: `reads` and `writes` are files of the same weights, or one and the same file."""

    def __init__(self, reads: str, writes: str, *, context_tokens: int, threads: int) -> None:
        self.context_tokens = context_tokens
        self._weights = Weights(reads)
        cells = context_tokens + BATCH
        self._reading = Context(self._weights, cells=cells, sequences=_SEQUENCES + 1, threads=threads)
        self._writing = self._reading
        if writes != reads:
            self._writing = Context(Weights(writes), cells=context_tokens, sequences=1, threads=threads)
        self._cached: list[int] = []

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """`special`: whether markers such as `<|im_start|>` mean what they say, or are text like any other."""
        return self._weights.tokenize(text, special=special)

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
        template = llama.llama_model_chat_template(self._weights.model, None)
        kept = [(role.encode(), content.encode()) for role, content in messages]
        array = (llama.llama_chat_message * len(kept))(*(llama.llama_chat_message(r, c) for r, c in kept))
        room = 4_096 + 2 * sum(len(content) for _, content in kept)
        buffer = ctypes.create_string_buffer(room)
        size = llama.llama_chat_apply_template(template or b"chatml", array, len(kept), True, buffer, room)
        if size < 0:
            size = llama.llama_chat_apply_template(b"chatml", array, len(kept), True, buffer, room)
        return buffer.raw[:size].decode()

    def sampler(self, *, temperature: float, seed: int, grammar: str | None) -> Any:
        """A sampler chain, or None for plain greedy choice. Free it with `free`."""
        if temperature <= 0 and grammar is None:
            return None
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        if grammar is not None:
            rules = llama.llama_sampler_init_grammar(self._weights.vocabulary, grammar.encode(), b"root")
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

    def write(
        self, prompt: Sequence[int], *, most: int, sampler: Any, logprobs: bool, stopped: Stopped
    ) -> Iterator[tuple[bytes, float]]:
        """Pieces of text with their log-probability (0 unless asked for) until the model ends, `most` tokens are
        written or the context is full.

        Raises:
            TooLarge: the prompt leaves no room for an answer.
            Cancelled: `stopped` said so.
        """
        self._check_room(len(prompt) + 1, "The prompt")
        most = min(most, self.context_tokens - len(prompt))
        self._read(prompt, stopped)
        context, place, at = self._reading, -1, len(prompt)
        try:
            for left in range(most, 0, -1):
                token, chance = self._pick(context, sampler, place, logprobs=logprobs)
                if self._weights.ends(token):
                    return
                yield self._weights.piece(token), chance
                if left == 1:
                    return
                if stopped():
                    raise Cancelled
                if context is not self._writing:
                    context = self._writing
                    context.take_over(self._reading)
                context.put(token, at, wants_logits=True)
                self._run(context)
                place, at = 0, at + 1
        finally:
            if context is self._reading:
                context.cut(len(prompt))

    def _pick(self, context: Context, sampler: Any, place: int, *, logprobs: bool) -> tuple[int, float]:
        logits = context.logits(place)
        token = int(logits.argmax()) if sampler is None else context.sample(sampler, place)
        return token, float(logits[token]) - log_sum(logits) if logprobs else 0.0

    def score(self, shared: Sequence[int], pairs: Sequence[Pair], stopped: Stopped) -> list[list[float]]:
        """Per (prefix, continuation) the log P of each token of the continuation after `shared` and the prefix."""
        if not shared:
            raise InvalidInput("Scoring needs a shared text before the continuations.", field="shared")
        longest = max((len(prefix) + len(text) for prefix, text in pairs), default=0)
        self._check_room(len(shared) + longest, "The shared text and the longest candidate")
        if longest > BATCH:
            raise TooLarge(f"A candidate has {longest:,} tokens; the most is {BATCH:,}. Shorten it.", field="prefixes")
        self._read(shared, stopped)
        first = self._reading.logits().copy()
        result: list[list[float]] = []
        for group in _groups(pairs):
            if stopped():
                raise Cancelled
            result += self._score_group(len(shared), group, first)
        return result

    def _score_group(self, start: int, group: Sequence[Pair], first: Logits) -> list[list[float]]:
        context = self._reading
        first_sum = log_sum(first)
        wanted: list[list[tuple[int, int]]] = []  # per pair: (place in the batch, token it must predict)
        scores: list[list[float]] = []
        for sequence, (prefix, text) in enumerate(group, 1):
            context.branch(sequence)
            tokens = [*prefix, *text]
            own: list[tuple[int, int]] = []
            scores.append([float(first[text[0]]) - first_sum] if text and not prefix else [])
            for offset, token in enumerate(tokens[:-1]):
                predicts = offset + 1 >= len(prefix)
                place = context.put(token, start + offset, sequence=sequence, wants_logits=predicts)
                if predicts:
                    own.append((place, tokens[offset + 1]))
            wanted.append(own)
        self._run(context)
        for own, score in zip(wanted, scores, strict=True):
            for place, token in own:
                logits = context.logits(place)
                score.append(float(logits[token]) - log_sum(logits))
        for sequence in range(1, len(group) + 1):
            context.cut(-1, sequence=sequence)
        return scores

    def _read(self, tokens: Sequence[int], stopped: Stopped) -> None:
        """Bring sequence 0 to `tokens`, with the logits after the last; computes only what differs from before."""
        same = 0
        while same < min(len(tokens) - _TILE, len(self._cached)) and tokens[same] == self._cached[same]:
            same += 1
        self._reading.cut(same)
        self._cached = []  # until all is computed
        start = same
        while start < len(tokens):
            if stopped():
                self._cached = list(tokens[:start])
                raise Cancelled
            left = len(tokens) - start
            # No part shorter than a tile, the last one included.
            size = PART - _TILE if PART < left < PART + _TILE else min(PART, left)
            self._reading.put_all(tokens[start : start + size], start, wants_last=size == left)
            self._run(self._reading)
            start += size
        self._cached = list(tokens) if len(tokens) >= _TILE else []

    def _run(self, context: Context) -> None:
        """Compute the batch. An error has emptied the context, so nothing of the last prompt is left to go on from."""
        try:
            context.run()
        except ConfigurationError:
            self._cached = []
            raise

    def _check_room(self, tokens: int, what: str) -> None:
        if tokens > self.context_tokens:
            raise TooLarge(
                f"{what} needs {tokens:,} tokens; the local LLM's context has {self.context_tokens:,}. Shorten it or "
                "raise SIGNALBOX_LOCAL_CONTEXT_TOKENS.",
                field="messages",
            )


def _groups(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Runs of pairs that fit one decode and the room kept for candidates."""
    group: list[Pair] = []
    size = rows = 0
    for pair in pairs:
        tokens = len(pair[0]) + len(pair[1])
        full = len(group) == _SEQUENCES or size + tokens > BATCH or rows + len(pair[1]) > _SCORED_ROWS
        if group and full:
            yield group
            group, size, rows = [], 0, 0
        group.append(pair)
        size += tokens
        rows += len(pair[1])
    if group:
        yield group
