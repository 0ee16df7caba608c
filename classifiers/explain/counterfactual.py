"""The fewest words without which a model gives another label: found greedily by effect, verified by asking again.

A set is never claimed that was not tried. Smaller sets than the one found may exist where no member of them matters by
itself; sets larger than a few words explain nothing and are not looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import combinations

from classifiers.explain.pieces import Effect, Piece, split_words
from classifiers.explain.reading import Reading
from signalbox.types import Counterfactual, Span

MOST_WORDS = 6
_CANDIDATES = 12
_SHORT = 600  # characters up to which a text is cheap enough for a longer search
_NEAR = 2.0  # log-odds to which leaving out the strongest must bring a label for other sets to be worth trying


def counterfactual(reading: Reading, effects: Sequence[Effect], *, most: int = MOST_WORDS) -> Counterfactual:
    """What would have to be missing for the label to be another one.

    Args:
        effects: on the predicted label's log-odds; of those that speak for it the strongest are tried.
        most: words or phrases to leave out.
    """
    task = reading.reader.task
    speaking = [effect for effect in effects if effect.piece is not None and effect.effect > 0]
    pieces = [
        effect.piece for effect in sorted(speaking, key=lambda effect: -effect.effect) if effect.piece is not None
    ]
    found = _search(reading, pieces[:_CANDIDATES], most, words=len(split_words(reading.text)))
    if found is None:
        return Counterfactual(task=task.name)
    label, probability = _judged(reading, [found])[0]
    removed = tuple(
        Span(text=reading.text[piece.start : piece.end], start=piece.start, end=piece.end) for piece in sorted(found)
    )
    return Counterfactual(task=task.name, removed=removed, label=task.labels[label], probability=min(1.0, probability))


def _search(reading: Reading, pieces: Sequence[Piece], most: int, *, words: int) -> tuple[Piece, ...] | None:
    def possible(sets: Iterable[tuple[Piece, ...]]) -> list[tuple[Piece, ...]]:
        # Without any word there is nothing to judge.
        some = [own for own in sets if sum(piece.words[1] - piece.words[0] for piece in own) < words]
        return [*reading.affordable(some)]

    if found := _flipped(reading, possible((piece,) for piece in pieces)):
        return found
    prefixes = possible(tuple(pieces[:count]) for count in range(2, min(most, len(pieces)) + 1))
    if found := _flipped(reading, prefixes):
        if len(found) > 2 and (pair := _flipped(reading, possible(combinations(found, 2)))):
            return pair
        return _pruned(reading, found)
    if (
        not prefixes
        or len(reading.text) > _SHORT
        or reading.reader.worth(reading.scores_without(prefixes), reading.column).min() > _NEAR
    ):
        return None
    return _step_by_step(reading, pieces, most, possible)


def _step_by_step(
    reading: Reading,
    pieces: Sequence[Piece],
    most: int,
    possible: Callable[[Iterable[tuple[Piece, ...]]], list[tuple[Piece, ...]]],
) -> tuple[Piece, ...] | None:
    """What is left may matter more once its like is gone: each step looks again."""
    chosen: tuple[Piece, ...] = ()
    while len(chosen) < min(most, len(pieces)):
        steps = possible((*chosen, piece) for piece in pieces if piece not in chosen)
        if found := _flipped(reading, steps):
            return _pruned(reading, found)
        if not steps:
            return None
        chosen = steps[int(reading.reader.worth(reading.scores_without(steps), reading.column).argmin())]
    return None


def _flipped(reading: Reading, sets: Sequence[tuple[Piece, ...]]) -> tuple[Piece, ...] | None:
    """Of the smallest sets that change the label the one whose new label is surest."""
    flips = [
        (len(own), -probability, own)
        for own, (label, probability) in zip(sets, _judged(reading, sets), strict=True)
        if label != reading.column
    ]
    return min(flips)[2] if flips else None


def _pruned(reading: Reading, found: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Less every member that is not needed."""
    while len(found) > 1:
        fewer = [tuple(p for p in found if p is not piece) for piece in found]
        smaller = _flipped(reading, reading.affordable(fewer))
        if smaller is None:
            return found
        found = smaller
    return found


def _judged(reading: Reading, sets: Sequence[Collection[Piece]]) -> list[tuple[int, float]]:
    """Label and its probability without each set."""
    if not sets:
        return []
    probabilities = reading.reader.judge(reading.scores_without(sets))
    return [(int(row.argmax()), float(row.max())) for row in probabilities]
