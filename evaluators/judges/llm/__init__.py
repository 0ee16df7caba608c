"""Models as judges: a rubric, a verdict held to a schema, pairs in both orders, panels of different models.

What a verdict is worth is measured against people in `evaluators.judges.agreement`; until then it is advisory.
"""

from __future__ import annotations

from evaluators.judges.llm.judge import Judgement, LlmJudge
from evaluators.judges.llm.material import Material
from evaluators.judges.llm.pairs import PairFigures, Preference, pair_figures, prefer
from evaluators.judges.llm.panel import Panel
from evaluators.judges.llm.rubrics import Floor, Rubric, Scale, load_rubric, rubric_names
from evaluators.judges.llm.scorers import JudgeScorer, PairScorer, preferences_in

__all__ = [
    "Floor",
    "JudgeScorer",
    "Judgement",
    "LlmJudge",
    "Material",
    "PairFigures",
    "PairScorer",
    "Panel",
    "Preference",
    "Rubric",
    "Scale",
    "load_rubric",
    "pair_figures",
    "prefer",
    "preferences_in",
    "rubric_names",
]
