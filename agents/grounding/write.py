"""The `write` style: a model writes from the passages, then every sentence must be borne out by one of them.

A sentence is supported when the passages have its numbers and most of its content words. Unsupported sentences are
removed; when none is left the attempt has failed. Meant for models of a billion parameters and more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.events import Observer, ask_model
from agents.grounding.prompts import UNKNOWN, question_over_passages
from agents.grounding.questions import words
from retriever import split_sentences
from retriever.lexical import Tokenizer
from signalbox.contracts import ChatModel, ChatRequest, ChatResult, Passage

_SUPPORT = 0.6  # share of a sentence's content words that one passage must have
_CITATION = re.compile(r"\s*\[\d+\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_PASSAGES_SHOWN = 3
_MAX_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Written:
    """`text` are the supported sentences, `supported` their share of all written; None with the `failure` otherwise."""

    text: str | None
    failure: str | None
    supported: float
    result: ChatResult


async def write_answer(
    model: ChatModel,
    question: str,
    passages: Sequence[Passage],
    *,
    deadline_s: float | None,
    observe: Observer | None = None,
    mark: str | None = None,
) -> Written:
    """Let `model` write an answer and keep what the passages bear out; `mark` sets them off as data.

    Raises:
        Unavailable, UpstreamError, DeadlineExceeded: as the model does.
    """
    shown = passages[:_PASSAGES_SHOWN]
    messages = question_over_passages(question, shown, mark=mark)
    request = ChatRequest(messages, max_tokens=_MAX_TOKENS, deadline_s=deadline_s)
    result = await ask_model(model, request, "grounded", observe)
    said = result.text if mark is None else result.text.replace(mark, "")
    text = _CITATION.sub("", said).strip()
    sentences = [text[span.start : span.end] for span in split_sentences(text)]
    kept = [sentence for sentence in sentences if is_supported(sentence, shown)]
    failure = None
    if UNKNOWN.lower() in text.lower():
        failure = "the model says that the documents don't answer it"
    elif not kept:
        failure = "no sentence the model wrote is borne out by the documents"
    share = len(kept) / len(sentences) if sentences else 0.0
    return Written(None if failure else " ".join(kept), failure, share, result)


def is_supported(sentence: str, passages: Sequence[Passage]) -> bool:
    """Whether one passage has all numbers of the sentence and most of its content words."""
    tokenize = Tokenizer()
    stems = set(tokenize(sentence))
    numbers = set(_NUMBER.findall(sentence))
    if not words(sentence) or not stems:
        return False
    for passage in passages:
        has = set(tokenize(passage.text))
        if numbers <= set(_NUMBER.findall(passage.text)) and len(stems & has) >= _SUPPORT * len(stems):
            return True
    return False
