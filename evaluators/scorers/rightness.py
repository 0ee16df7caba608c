"""Whether an answer is right, by all that its case says: labels, words it holds, whole answers, a number.

As `LabelledQuery.is_right`: any agreement is right. An answer of words alone, where the case names labels only, can't
be told; any answer is wrong where there is none to give.
"""

from __future__ import annotations

from dataclasses import dataclass

from eval_sets.cases import Case
from eval_sets.labelled import holds
from evaluators.contract import Output
from evaluators.scorers.measuring import NO_ANSWER, answer_text, declined
from evaluators.scorers.normalised import same
from evaluators.scorers.numbers import numbers_in
from evaluators.scorers.numeric import NumericArguments, allowed
from evaluators.scorers.predicted import among


@dataclass(frozen=True, slots=True)
class Rightness:
    """`right` is None where it can't be told, which `reason` explains; `answered` is False where nothing was."""

    right: bool | None
    answered: bool
    reason: str


def judge(case: Case, output: Output) -> Rightness:
    """Of one output. Never raises."""
    if declined(output):
        return Rightness(None, False, NO_ANSWER)
    verdicts = [verdict for verdict in (_by_label(case, output), _by_text(case, output)) if verdict is not None]
    if verdicts:
        return Rightness(any(verdicts), True, "")
    if case.expected.labels:
        return Rightness(None, True, "the case names labels only, and the answer is words")
    if unanswerable(case):
        return Rightness(False, True, "there is no right answer to give")
    return Rightness(None, True, "the case does not say what is right")


def unanswerable(case: Case) -> bool:
    """Whether nothing but declining is right."""
    return case.expected.answerable is False or (case.expected.answerable is None and case.expected.route == "none")


def _by_label(case: Case, output: Output) -> bool | None:
    answer = output.prediction.answer if output.prediction else None
    if not case.expected.labels or answer is None or not answer.labels:
        return None
    return among(answer.labels[0].label, case.expected.labels)


def _by_text(case: Case, output: Output) -> bool | None:
    expected, text = case.expected, answer_text(output) or ""
    verdicts = [
        *(holds(text, wanted) for wanted in expected.contains),
        *(same(text, wanted) for wanted in expected.answers),
    ]
    if expected.value is not None:
        answer = output.prediction.answer if output.prediction else None
        numbers = (answer.value.estimate,) if answer and answer.value else numbers_in(text)
        bound = allowed(case, NumericArguments())
        verdicts.append(any(abs(number - expected.value) <= bound for number in numbers))
    return any(verdicts) if verdicts else None
