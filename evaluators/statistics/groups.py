"""Which cases belong together, and so are not counted as independent: those with the same `pair` or `template`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval_sets.cases import Case
from evaluators.statistics.intervals import Groups

GROUP_TAGS = ("pair", "template", "group")
"""Tags that name what a case was made from; the first that any two cases share is used."""


def groups_of(cases: Sequence[Case]) -> tuple[str, Groups] | None:
    """The tag and each case's group, shape (n,); None where no two cases share one. Untagged cases stand alone."""
    for tag in GROUP_TAGS:
        named = [case.tags.get(tag) for case in cases]
        known = [name for name in named if name is not None]
        if len(set(known)) < len(known):
            places = {name: place for place, name in enumerate(dict.fromkeys(known))}
            alone = range(len(places), len(places) + len(cases))
            own = [places[name] if name is not None else alone[i] for i, name in enumerate(named)]
            return tag, np.array(own, dtype=np.int64)
    return None
