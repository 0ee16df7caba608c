"""From terms of a prepared text back to the words of the text that people see.

Preparation changes some tokens and leaves most alone; those left alone are found by aligning both token by token.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from classifiers.contract import Term
from classifiers.explain.pieces import Effect, Piece

_TOKEN = re.compile(r"\S+")
_WINDOW = 24  # tokens looked ahead after a difference


class Alignment:
    """Where tokens of a prepared text stand in the shown one."""

    def __init__(self, shown: str, prepared: str, words: Sequence[Piece]) -> None:
        """`words` are the pieces of `shown`, in order."""
        self._shown, self._prepared, self._words = shown, prepared, words
        self._starts, self._ends = [piece.start for piece in words], [piece.end for piece in words]
        self._tokens = [match.span() for match in _TOKEN.finditer(prepared)]
        self._shifts = {} if shown == prepared else self._aligned()
        self._same = shown == prepared

    def merged(self, terms: Iterable[Term]) -> list[Effect]:
        """One effect a word: what spans several words is shared evenly, what has no place in the text is kept apart."""
        placed: dict[Piece, float] = {}
        elsewhere: dict[str, float] = {}
        for term in terms:
            pieces = self._pieces(term)
            for piece in pieces:
                placed[piece] = placed.get(piece, 0.0) + term.effect / len(pieces)
            if not pieces:
                elsewhere[term.text] = elsewhere.get(term.text, 0.0) + term.effect
        return [
            *(Effect(self._shown[piece.start : piece.end], effect, piece) for piece, effect in placed.items()),
            *(Effect(text, effect, None) for text, effect in elsewhere.items()),
        ]

    def _pieces(self, term: Term) -> Sequence[Piece]:
        start, end = term.start, term.end
        if start is None or end is None:
            start = self._prepared.lower().find(term.text.lower())
            end = start + len(term.text)
        if start < 0 or start >= end:
            return ()
        first, last = self._shift(start), self._shift(end - 1)
        if first is None or last is None:
            return ()
        # Words are in order and don't overlap: those that end after the start and start before the end.
        return self._words[bisect_right(self._ends, start + first) : bisect_left(self._starts, end + last)]

    def _shift(self, place: int) -> int | None:
        """From a place in the prepared text to the shown one; None within a token that preparation has changed."""
        if self._same:
            return 0
        return self._shifts.get(bisect_right(self._tokens, (place, len(self._prepared))) - 1)

    def _aligned(self) -> dict[int, int]:
        """How far each token that preparation left alone was moved, by its place among the prepared ones.

        Preparation works on the spot, so after a difference both texts go on alike within a few tokens: linear time.
        """
        shown = [match.span() for match in _TOKEN.finditer(self._shown)]
        one = [self._prepared[slice(*span)].lower() for span in self._tokens]
        other = [self._shown[slice(*span)].lower() for span in shown]
        shifts, mine, theirs = {}, 0, 0
        while mine < len(one) and theirs < len(other):
            if one[mine] == other[theirs]:
                shifts[mine] = shown[theirs][0] - self._tokens[mine][0]
                step = (1, 1)
            else:
                step = _resumed(one[mine : mine + _WINDOW], other[theirs : theirs + _WINDOW])
            mine, theirs = mine + step[0], theirs + step[1]
        return shifts


def _resumed(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """How many tokens of each to pass over until both go on alike; all of them where they don't."""
    for distance in range(1, len(one) + len(other) - 1):
        for passed in range(max(0, distance - len(other) + 1), min(distance, len(one) - 1) + 1):
            here, there = one[passed:], other[distance - passed :]
            if here[:2] == there[:2]:
                return passed, distance - passed
    return len(one), len(other)
