"""Declining: whether what can't be answered was declined, and what can be was not.

A prediction says itself whether it was answered. Of a plain text that is told by its words, in the languages that our
own sets are in; an answer that says so in other words is missed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    Arguments,
    FunctionScorer,
    component,
    declined,
    not_asked,
    read_arguments,
    share,
)
from evaluators.scorers.resources import Resources
from evaluators.scorers.rightness import unanswerable

_WORDS = re.compile(
    r"\b(?:(?:i|we) (?:do not|don't|cannot|can't|could not|couldn't|am unable|are unable|am not able|are not able)"
    r"(?: to)?\s+(?:know|answer|find|say|tell|help|provide|determine)"
    r"|(?:is|are|was|were) not (?:mentioned|stated|specified|provided|covered|given) in"
    r"|(?:documents?|passages?|context|text|information) (?:do not|does not|did not|don't|doesn't|didn't)"
    r" (?:say|mention|contain|state|answer|include)"
    r"|no information (?:about|on|is)|not enough information|unable to answer"
    r"|weiß ich nicht|ich weiß (?:es )?nicht|kann ich nicht (?:beantworten|sagen)|steht nicht in"
    r"|je ne sais pas|je ne peux pas (?:répondre|dire)|n'est pas mentionné"
    r"|ik weet (?:het )?niet|kan ik niet (?:beantwoorden|zeggen)|staat niet in"
    r"|no (?:lo )?sé\b|no puedo (?:responder|decir)|no se menciona)",
    re.IGNORECASE,
)
_FIRST = 400


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("abstention", Arguments, arguments)
    metrics = (
        Metric(name="declined_rightly"),
        Metric(name="false_refusal", better="lower"),
        Metric(name="abstention"),
    )
    return FunctionScorer(component("abstention", given), metrics, _measure)


def says_it_declines(output: Output) -> bool:
    """Whether nothing was answered, or a plain text only says that it can't be."""
    if declined(output):
        return True
    if output.prediction is not None:
        return False
    return _WORDS.search((output.text or "")[:_FIRST].replace("’", "'")) is not None


def _measure(case: Case, output: Output) -> Sequence[Measure]:
    if case.expected.answerable is None and case.expected.route is None:
        reason = "the case does not say whether it can be answered"
        return [not_asked(name, reason) for name in ("declined_rightly", "false_refusal", "abstention")]
    did = says_it_declines(output)
    if unanswerable(case):
        return [
            share("declined_rightly", did),
            not_asked("false_refusal", "there is no answer to refuse"),
            share("abstention", did),
        ]
    return [
        not_asked("declined_rightly", "there is an answer to give"),
        share("false_refusal", did),
        share("abstention", not did),
    ]
