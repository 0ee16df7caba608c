"""Which words of a passage a search was found by: those that BM25 takes for the same, whatever their ending."""

from __future__ import annotations

import re
from functools import cache

from retriever.lexical import Tokenizer

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def hits(text: str, query: str) -> list[tuple[str, bool]]:
    """`text` in pieces, those flagged that `query` asks for; neighbours of one kind are one piece."""
    tokenize = _tokenizer()
    wanted = set(tokenize(query))
    flags = bytearray(len(text))
    for found in _WORD.finditer(text) if wanted else ():
        word = found[0]
        terms = tokenize(word)
        if len(terms) > 1 and not word.isascii():
            # Scripts without spaces are found by pairs of characters.
            for place in range(len(word) - 1):
                if word[place : place + 2] in wanted:
                    flags[found.start() + place : found.start() + place + 2] = b"\1\1"
        elif wanted.intersection(terms):
            flags[found.start() : found.end()] = b"\1" * len(word)
    cuts = [place for place in range(1, len(text)) if flags[place] != flags[place - 1]]
    return [
        (text[start:end], bool(flags[start]))
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)
        if start < end
    ]


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer()
