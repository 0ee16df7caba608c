"""Labelled queries as cases: what a right answer of any route would be, with the slices they belong to."""

from __future__ import annotations

from collections.abc import Iterable

from eval_sets.cases import Case, Expected
from eval_sets.labelled import LabelledQuery, LabelledSet


def cases_of(labelled: LabelledSet | Iterable[LabelledQuery]) -> tuple[Case, ...]:
    """One case a query, in order, with the same id.

    What only a person can answer is not answerable; where a query says nothing of its route, neither does the case.
    """
    queries = labelled.queries if isinstance(labelled, LabelledSet) else labelled
    return tuple(_case(query) for query in queries)


def _case(query: LabelledQuery) -> Case:
    tags = {"language": query.language, "style": query.style}
    return Case(
        id=query.id,
        query=query.query,
        expected=Expected(
            contains=query.contains,
            labels=query.intents,
            documents=query.documents,
            route=query.needs,
            answerable=None if query.needs is None else query.needs != "none",
        ),
        tags=({"needs": query.needs} if query.needs else {}) | tags,
    )
