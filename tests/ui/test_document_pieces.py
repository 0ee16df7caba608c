"""How a document's text is cut for drawing: nothing is lost or doubled, and marks fall where they should."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.ui.documents.hits import hits
from api.ui.documents.pieces import Block, cut, window
from retriever import Span

TEXT = "Title\n\nOne. Two. Three. Four."


def shown(blocks: list[Block], *, marked: bool = False, repeated: bool = False) -> list[tuple[int | None, str]]:
    return [
        (block.chunk, TEXT[piece.start : piece.end])
        for block in blocks
        for piece in block.pieces
        if (piece.marked or not marked) and (piece.repeated or not repeated)
    ]


def test_a_heading_stands_alone_and_a_shared_sentence_belongs_to_the_later_chunk() -> None:
    chunks = [Span(7, 16), Span(12, len(TEXT))]
    blocks = list(cut(chunks, Span(0, len(TEXT))))
    assert [block.chunk for block in blocks] == [None, 0, 1]
    assert shown(blocks) == [(None, "Title\n\n"), (0, "One. "), (1, "Two."), (1, " Three. Four.")]
    assert shown(blocks, repeated=True) == [(1, "Two.")]


def test_a_place_across_chunks_is_marked_in_each() -> None:
    blocks = list(cut([Span(7, 11), Span(12, 16)], Span(0, len(TEXT)), Span(9, 14)))
    assert "".join(words for _, words in shown(blocks, marked=True)) == TEXT[9:14]


@given(
    length=st.integers(1, 200),
    starts=st.lists(st.tuples(st.integers(0, 199), st.integers(1, 60)), max_size=8),
    part=st.tuples(st.integers(0, 199), st.integers(1, 200)),
    mark=st.none() | st.tuples(st.integers(0, 199), st.integers(1, 50)),
)
def test_every_character_is_in_exactly_one_piece(
    length: int, starts: list[tuple[int, int]], part: tuple[int, int], mark: tuple[int, int] | None
) -> None:
    chunks = [Span(start, min(length, start + size)) for start, size in sorted(starts) if start < length]
    whole = Span(min(part[0], length - 1), length)
    place = Span(mark[0], mark[0] + mark[1]) if mark else None
    pieces = [piece for block in cut(chunks, whole, place) for piece in block.pieces]
    covered = [offset for piece in pieces for offset in range(piece.start, piece.end)]
    assert covered == list(range(whole.start, whole.end))
    for piece in pieces:
        inside = [place is not None and place.start <= offset < place.end for offset in range(piece.start, piece.end)]
        assert all(inside) == piece.marked
        assert any(inside) == piece.marked


@given(length=st.integers(1, 500), at=st.integers(-10, 600), size=st.integers(1, 100))
def test_a_window_is_never_empty_and_stays_inside(length: int, at: int, size: int) -> None:
    part = window(length, None, at, size)
    assert 0 <= part.start < part.end <= length
    assert part.end - part.start <= size


def test_the_words_that_a_search_asks_for_are_marked_whatever_their_ending() -> None:
    text = "We refunded it; refunds don't take long. 払い戻しは十四日。"
    assert "".join(piece for piece, _ in hits(text, "refund")) == text
    assert [piece for piece, hit in hits(text, "how are REFUNDS taken") if hit] == ["refunded", "refunds"]
    assert [piece for piece, hit in hits(text, "払い戻し") if hit] == ["払い戻し"]
    assert hits(text, "the 🎁") == [(text, False)]
    assert hits("", "refund") == []
