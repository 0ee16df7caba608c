"""Guessing the next tokens from what the text said before: answers from documents repeat the documents' words.

Several guessed tokens are checked in one decode that costs little more than one token, and only those that the model
would have chosen anyway are kept: the answer is the same, only sooner (prompt lookup decoding, a form of speculative
decoding, Leviathan et al. 2023). Pure; knows nothing of llama.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable

_SIZES = (3, 2)  # tokens of the end of the text that must have occurred before, longest first
_FEWEST, _MOST = 3, 7
_LONGEST_PAUSE = 16


class Drafts:
    """The text so far and where each run of tokens was last followed by what."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self._length = _FEWEST
        self._pause = 0
        self._next_pause = 1
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        place = len(self._tokens)
        for size in _SIZES:
            if place >= size:
                self._after[tuple(self._tokens[place - size :])] = place
        self._tokens.append(token)

    def guess(self, most: int) -> list[int]:
        """Up to `most` tokens that may come next; empty where nothing speaks for any, or guesses failed of late."""
        if self._pause > 0:
            self._pause -= 1
            return []
        for size in _SIZES:
            place = self._after.get(tuple(self._tokens[-size:]))
            if place is not None:
                return self._tokens[place : place + min(most, self._length)]
        return []

    def learn(self, guessed: int, right: int) -> None:
        """Guess more after success; after a miss rest for 1, 2, 4 … steps, since a wrong guess costs time."""
        if guessed == 0:
            return
        if right == guessed:
            self._length, self._next_pause = min(_MOST, self._length * 2 + 1), 1
        elif right == 0:
            self._length, self._pause = _FEWEST, self._next_pause
            self._next_pause = min(_LONGEST_PAUSE, self._next_pause * 2)
        else:
            self._length = max(_FEWEST, right + 1)
