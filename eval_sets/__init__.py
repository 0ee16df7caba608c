"""Cases and their loaders: eval sets, labelled queries and SQuAD-format questions. Nothing here runs a system."""

from __future__ import annotations

from eval_sets.begin import BeginRow, read_begin
from eval_sets.cases import Case, Expected, Given
from eval_sets.labelled import LabelledQuery, LabelledSet, read_labelled
from eval_sets.squad import Paragraph, SquadQuestion, read_squad

__all__ = [
    "BeginRow",
    "Case",
    "Expected",
    "Given",
    "LabelledQuery",
    "LabelledSet",
    "Paragraph",
    "SquadQuestion",
    "read_begin",
    "read_labelled",
    "read_squad",
]
