"""One explanation from its three parts, within a limit on how often the model is asked."""

from __future__ import annotations

from dataclasses import dataclass

from classifiers.explain.contributions import effects
from classifiers.explain.counterfactual import counterfactual
from classifiers.explain.neighbours import Neighbours, nearest
from classifiers.explain.pieces import Effect
from classifiers.explain.reading import MOST_CHARACTERS, Asked, Reader, Reading
from signalbox.contracts import Vectors
from signalbox.errors import InvalidInput
from signalbox.types import Contribution, Counterfactual, Evidence, Example

MOST_PIECES = 40
MOST_READ = 12_000
_FEWEST_PIECES = 6


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a prediction came out as it did.

    Attributes:
        contributions: words and phrases, strongest first, with offsets in the shown text where they have any.
        counterfactual: None for numbers, and where it was not asked for.
        asked: texts the model was asked about beside the one explained.
    """

    contributions: tuple[Contribution, ...]
    examples: tuple[Example, ...]
    counterfactual: Counterfactual | None
    asked: int

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All of it, as it goes over the wire."""
        end = () if self.counterfactual is None else (self.counterfactual,)
        return (*self.contributions, *self.examples, *end)


def explain(
    reader: Reader,
    text: str,
    vectors: Vectors | None = None,
    *,
    column: int | None = None,
    neighbours: Neighbours | None = None,
    most_contributions: int = 8,
    most_examples: int = 3,
    most_pieces: int = MOST_PIECES,
    most_read: int = MOST_READ,
    change: bool = True,
    shared: Asked | None = None,
) -> Explanation:
    """Explain what a model says of one text.

    Args:
        text: as it is shown to people; offsets are into it.
        vectors: the encoder's of the prepared text, shape (1, dimension), to save encoding it.
        column: the label to explain; None for the one predicted.
        neighbours: where examples come from; None gives none.
        most_pieces: how often the model may be asked with one word or phrase left out.
        most_read: characters that it may read for that, so that a long text costs no more than many short ones; six
            pieces are tried in any case.
        change: look for the words without which the label would be another one: mostly some 10 questions more.
        shared: what the model has said of this text, and how much it may still read; one for all tasks of a model
            asks about each part once, and keeps the whole explanation within its limit.

    Raises:
        InvalidInput: the task has no such label, or `most_pieces` is less than 1.
    """
    width = reader.task.width
    if column is not None and not 0 <= column < width:
        raise InvalidInput(f"{reader.task.name!r} has {width} labels; there is no number {column}.", field="column")
    if most_pieces < 1:
        raise InvalidInput("At least one piece of a text must be left out to see what it does.", field="most_pieces")
    most_pieces = min(most_pieces, max(_FEWEST_PIECES, most_read // max(1, len(text))))
    if shared is None:
        shared = Asked(max(MOST_CHARACTERS, 2 * most_read))
    if shared.whole is None:
        shared.whole = reader.outputs([text], vectors)
    reading = Reading(reader, text, shared.whole, shared)
    predicted = reading.column
    wanted = predicted if column is None else column
    found = effects(reading, wanted, most_pieces=most_pieces)
    changed = None
    if change and reader.task.kind != "regression":
        own = found if wanted == predicted else effects(reading, predicted, most_pieces=most_pieces)
        changed = counterfactual(reading, own)
    return Explanation(
        contributions=tuple(map(_contribution, found[:most_contributions])),
        examples=() if neighbours is None else nearest(neighbours, reading.whole.vectors[0], most=most_examples),
        counterfactual=changed,
        asked=reading.asked,
    )


def _contribution(effect: Effect) -> Contribution:
    start, end = (None, None) if effect.piece is None else (effect.piece.start, effect.piece.end)
    return Contribution(feature=effect.text, value=None, effect=effect.effect, start=start, end=end)
