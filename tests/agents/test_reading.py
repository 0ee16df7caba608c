"""A passage read before is not read again, and yet belongs to the query and the document of now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agents.grounding import Reader
from signalbox.contracts import Passage
from signalbox.encoder import OnnxEncoder

PASSAGE = Passage("a.md#1", "a.md", "Old title", "They cost EUR 5. They last.", 100, 1.0, 0.9, 3.0)


def test_a_cached_sentence_has_the_offsets_title_and_similarity_of_now(encoder: OnnxEncoder) -> None:
    reader = Reader(encoder)
    first = reader.sentences([PASSAGE])
    moved = replace(PASSAGE, start=105, title="New title", similarity=0.1)
    second = reader.sentences([moved])
    assert [s.start for s in first] == [100, 117]
    assert [s.start for s in second] == [105, 122]
    assert {s.passage.similarity for s in second} == {0.1}
    assert {s.passage.title for s in second} == {"New title"}
    assert np.array_equal(first[0].tokens, second[0].tokens)


def test_sentences_of_overlapping_passages_come_once(encoder: OnnxEncoder) -> None:
    whole = replace(PASSAGE, start=0)
    tail = replace(PASSAGE, chunk_id="a.md#2", text="They last.", start=17)
    assert [s.start for s in Reader(encoder).sentences([whole, tail])] == [0, 17]
