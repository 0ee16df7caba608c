"""Which scorers there are, as the places of their factories: one is imported only when it is asked for.

A factory takes (arguments, resources) and gives a scorer. Where arguments say nothing, its own defaults hold.
"""

from __future__ import annotations

FACTORIES: dict[str, str] = {
    "abstention": "evaluators.scorers.abstention:build",
    "brier": "evaluators.scorers.brier:build",
    "citations": "evaluators.scorers.citations:build",
    "contains": "evaluators.scorers.contains:build",
    "cost": "evaluators.scorers.cost:build",
    "exact": "evaluators.scorers.exact:build",
    "groundedness": "evaluators.judges.groundedness.scorer:build",
    "judge": "evaluators.judges.llm.building:build_judge",
    "json_schema": "evaluators.scorers.json_schema:build",
    "label": "evaluators.scorers.label:build",
    "labels": "evaluators.scorers.labels:build",
    "latency": "evaluators.scorers.latency:build",
    "normalised": "evaluators.scorers.normalised:build",
    "numeric": "evaluators.scorers.numeric:build",
    "panel": "evaluators.judges.llm.building:build_panel",
    "quotes": "evaluators.scorers.quotes:build",
    "ragas": "evaluators.scorers.ragas:build",
    "regex": "evaluators.scorers.regex:build",
    "retrieval": "evaluators.scorers.retrieval:build",
    "right": "evaluators.scorers.right:build",
    "route_regret": "evaluators.scorers.route_regret:build",
}


def known_scorers() -> tuple[str, ...]:
    """The names, in order."""
    return tuple(sorted(FACTORIES))
