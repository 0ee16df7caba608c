"""Plain text: paragraphs, with lines that were wrapped to a width joined again."""

from __future__ import annotations

from retriever.documents import Limits, normalise
from retriever.readers.blocks import Block, Draft, unwrap
from retriever.readers.decoding import decode


def read(data: bytes, name: str, _limits: Limits) -> Draft:
    return Draft([Block(unwrap(normalise(decode(data, name))))])
