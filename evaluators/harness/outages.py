"""Outages behind an answer: a model that is down, a cap that is spent or a deadline that passed is no wrong answer.

A system goes on without the part that broke and says so of its attempts. Its answer is never remembered then; where it
came to none, which the part might have given, the case was not measured.
"""

from __future__ import annotations

from evaluators.contract import Output, Trouble

PART_FAILED = "PartFailed"
_MOST_DETAIL = 500


def is_sound(output: Output) -> bool:
    """Whether no part failed on the way to it."""
    return output.prediction is None or not any(attempt.broken for attempt in output.prediction.attempts)


def outage_of(output: Output) -> Trouble | None:
    """What kept the target from an answer that was not its own doing; None where there is an answer, or no such thing.

    A threshold, a defence, a limit of the caller's or a model that says it doesn't know are the target's own doing.
    """
    prediction = output.prediction
    if prediction is None or prediction.outcome == "answered" or is_sound(output):
        return None
    broken = (f"{attempt.route}: {attempt.reason}" for attempt in prediction.attempts if attempt.broken)
    return Trouble(
        kind=PART_FAILED, detail=f"A part failed, so nothing was answered: {'; '.join(broken)}"[:_MOST_DETAIL]
    )
