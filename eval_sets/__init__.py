"""Cases and their loaders: eval sets, labelled queries, BEGIN and SQuAD files, imports. Nothing here runs a system."""

from __future__ import annotations

from eval_sets.begin import BeginRow, read_begin
from eval_sets.card import Card, CardVersion
from eval_sets.cases import Case, Expected, Given
from eval_sets.checking import Finding, check_set
from eval_sets.conversion import cases_of
from eval_sets.importing import Imported, import_cases
from eval_sets.labelled import LabelledQuery, LabelledSet, read_labelled
from eval_sets.sets import EvalSet, read_set
from eval_sets.squad import Paragraph, SquadQuestion, read_squad
from eval_sets.writing import append_cases, create_set, seal_set

__all__ = [
    "BeginRow",
    "Card",
    "CardVersion",
    "Case",
    "EvalSet",
    "Expected",
    "Finding",
    "Given",
    "Imported",
    "LabelledQuery",
    "LabelledSet",
    "Paragraph",
    "SquadQuestion",
    "append_cases",
    "cases_of",
    "check_set",
    "create_set",
    "import_cases",
    "read_begin",
    "read_labelled",
    "read_set",
    "read_squad",
    "seal_set",
]
