"""What each word or phrase added to a prediction: exactly where the model can tell, else by leaving it out.

Effects are log-odds of one label, or the number's own unit. A long text is cut into phrases first; those that matter
are cut further, and stay whole where no part of them carries the effect alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifiers.contract import Floats, Task, Term
from classifiers.explain.align import Alignment
from classifiers.explain.pieces import Effect, Piece, group, split_words
from classifiers.explain.reading import Reading

_PARTS = 8  # of a phrase that is cut further
_CARRIES = 0.3  # share of a phrase's effect that one of its parts must have to be shown instead
_RIVALS = 8
_MANY = 12  # questions from which a third is asked first and the rest where it pays
_EXACT = 1e-3


def effects(reading: Reading, column: int, *, most_pieces: int) -> list[Effect]:
    """Strongest first.

    Args:
        column: the label the log-odds of which are explained; 0 for a number.
        most_pieces: how many times the model may be asked with a piece left out.
    """
    words = split_words(reading.text)
    found = _exact(reading, column, words)
    if found is None:
        found = _left_out(reading, column, words, most_pieces)
    return sorted((effect for effect in found if effect.effect), key=lambda effect: -abs(effect.effect))


def _left_out(reading: Reading, column: int, words: Sequence[Piece], most: int) -> list[Effect]:
    # Few questions are better spent on equal parts than on halves of halves.
    share = 3 if most >= _MANY else 2
    first = list(words) if len(words) <= most else group(reading.text, words, max(1, most // share))
    known = dict(zip(first, _drops(reading, column, first), strict=True))  # the same for every task: asked once
    left, whole = most - len(first), set[Piece]()
    while left > 1:
        # Several phrases are cut at once: one batch of texts is faster than one after the other.
        wide = sorted(
            (p for p in known if p.words[1] - p.words[0] > 1 and p not in whole), key=lambda p: -abs(known[p])
        )
        cut: dict[Piece, list[Piece]] = {}
        for phrase in wide[:3]:
            own = words[slice(*phrase.words)]
            # A group may come out in more parts than asked for, never in twice as many.
            parts = group(reading.text, own, max(2, min(_PARTS, len(own), left // 2)))
            planned = [(part,) for own_parts in (*cut.values(), parts) for part in own_parts]
            if 1 < len(parts) <= left and len(reading.affordable(planned)) == len(planned):
                cut[phrase] = parts
                left -= len(parts)
        if not cut:
            break
        drops = iter(_drops(reading, column, [part for parts in cut.values() for part in parts]))
        for phrase, parts in cut.items():
            own_drops = {part: next(drops) for part in parts}
            if max(map(abs, own_drops.values())) < _CARRIES * abs(known[phrase]):
                whole.add(phrase)
            else:
                del known[phrase]
                known.update(own_drops)
    return [Effect(reading.text[piece.start : piece.end], drop, piece) for piece, drop in known.items()]


def _drops(reading: Reading, column: int, pieces: Sequence[Piece]) -> list[float]:
    """How much is lost with each piece alone."""
    if not pieces:
        return []
    worth = reading.reader.worth
    lost = worth(reading.scores, column)[0] - worth(reading.scores_without([(piece,) for piece in pieces]), column)
    return [float(value) for value in lost]


def _exact(reading: Reading, column: int, words: Sequence[Piece]) -> list[Effect] | None:
    """From the model's own terms; None where it has none, or where they don't add up to what it says."""
    reader = reading.reader
    prepared = reader.prepare(reading.text)
    terms: Sequence[Term] = reader.model.terms(prepared, reader.index, column)
    if not terms or not all(np.isfinite(term.effect) for term in terms):
        return None
    if reader.task.kind == "classification":
        terms = _log_odds(reading, prepared, column, terms)
    elif not _adds_up(reading, reader.task, words, terms):
        return None
    return Alignment(reading.text, prepared, words).merged(terms)


def _log_odds(reading: Reading, prepared: str, column: int, terms: Sequence[Term]) -> list[Term]:
    """Effects on a label's log-odds from effects on scores: what it gains less what its rivals gain."""
    reader = reading.reader
    scores: Floats = reading.scores[0] / reader.temperature
    rivals = [int(label) for label in np.argsort(-scores, kind="stable") if label != column][:_RIVALS]
    weights = np.exp(scores[rivals] - scores[rivals].max()) if rivals else np.empty(0)
    found: dict[tuple[str, int | None, int | None], float] = {}
    for label, weight in ((column, 1.0), *zip(rivals, -weights / weights.sum(), strict=True)):
        for term in terms if label == column else reader.model.terms(prepared, reader.index, label):
            key = (term.text, term.start, term.end)
            found[key] = found.get(key, 0.0) + float(weight) * term.effect / reader.temperature
    return [Term(text, effect, start, end) for (text, start, end), effect in found.items()]


def _adds_up(reading: Reading, task: Task, words: Sequence[Piece], terms: Sequence[Term]) -> bool:
    """Whether the terms are in the number's own unit: then they sum to what is lost with the whole text."""
    if task.kind != "regression":
        return False
    lost = float(reading.scores[0, 0] - reading.scores_without([words])[0, 0])
    return abs(lost - sum(term.effect for term in terms)) <= _EXACT * (1 + abs(lost))
