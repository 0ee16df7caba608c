"""Grounded answers: from retrieved passages to verbatim quotes, a short answer, or a checked text.

It knows nothing of routes, thresholds or money; it hands raw signals to whoever calibrates them.
"""

from __future__ import annotations

from agents.grounding.grounder import PASSAGES_READ, Grounder, Grounding
from agents.grounding.ranker import Ranker, fit_ranker, shipped_ranker
from agents.grounding.reading import Reader, TokenEncoder
from agents.grounding.short import SHORT_SIGNALS, ShortAnswer, short_answer
from agents.grounding.summary import SIGNALS

__all__ = [
    "PASSAGES_READ",
    "SHORT_SIGNALS",
    "SIGNALS",
    "Grounder",
    "Grounding",
    "Ranker",
    "Reader",
    "ShortAnswer",
    "TokenEncoder",
    "fit_ranker",
    "shipped_ranker",
    "short_answer",
]
