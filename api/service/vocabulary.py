"""The workspace's language, for the defences: counted from its documents and from what its default expert learnt.

Bounded: beyond a few million characters the rest is not read. Where a part can't be read the others count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from agents.defences import Language
from signalbox.errors import SignalboxError

if TYPE_CHECKING:
    from api.service.experts import ExpertPool
    from retriever import Index
    from signalbox.encoder import OnnxEncoder

_PAGE = 200
_MOST_CHARS = 3_000_000


def read_language(index: Index, experts: ExpertPool | None, encoder: OnnxEncoder) -> Language:
    """Blocks for some hundred milliseconds: call it in a thread."""
    return Language(_texts(index, experts), encoder.common_words).prepare()


def _texts(index: Index, experts: ExpertPool | None) -> Iterator[str]:
    if experts is not None and experts.default is not None:
        yield from _learnt(experts, experts.default)
    read, after = 0, ""
    while read < _MOST_CHARS and (page := index.documents(after=after, limit=_PAGE)):
        for document in page:
            read += len(document.text)
            yield document.title
            yield document.text
        after = page[-1].id


def _learnt(experts: ExpertPool, name: str) -> Iterator[str]:
    try:
        with experts.using(name) as expert:
            trained = getattr(expert, "trained", None)
    except SignalboxError:  # it says itself what is wrong with it, when it is asked
        return
    if trained is not None:
        in_scope = ~np.isnan(trained.memory.targets).all(axis=1)
        yield from (text for text, known in zip(trained.memory.texts, in_scope, strict=True) if known)
        for reply in trained.replies.values():
            yield f"{reply.title}\n{reply.text}"
