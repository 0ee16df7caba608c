"""Duplicates among texts: the same in canonical form, or nearly, by the Jaccard similarity of character 5-grams.

Candidates come from MinHash; every pair reported was compared in full. What to do about duplicates is the caller's
decision; they matter because a copy in both halves of a split makes a model look better than it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from classifiers.text.canonical import canonical
from signalbox.errors import InvalidInput

SHINGLE = 5
# Members of a bucket that newcomers are compared with: bounds the work in a bucket of thousands.
_MAX_LEADERS = 32


def exact_groups(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Groups of two or more texts that are the same in canonical form, as ascending indices, in order of the first.

    Give it prepared texts. Empty ones are nobody's duplicates.
    """
    return [tuple(group) for group in _by_form(texts).values() if len(group) > 1]


def near_groups(texts: Sequence[str], *, threshold: float = 0.8, seed: int = 0) -> list[tuple[int, ...]]:
    """Groups of texts linked by pairs with a similarity of at least `threshold`, exact duplicates included.

    A link is transitive, so the ends of a chain may be less alike. Deterministic for a seed; a pair at the threshold
    is found with a probability of 99%, a closer one with more. Takes 10 s and half a GB for 200,000 texts of 100
    characters; of each of so many texts 250 shingles are compared, of fewer texts more.

    Args:
        texts: prepared, at most a million different ones.
        threshold: Jaccard similarity from 0.3 to 1.
        seed: of the permutations.

    Raises:
        InvalidInput: the threshold is out of range.
        TooLarge: too many texts.
    """
    from classifiers.text.minhash import buckets
    from classifiers.text.shingles import shingle

    _check(threshold)
    forms = _by_form(texts)
    shingles = shingle(list(forms), size=SHINGLE)
    groups = _Groups(len(forms))
    for bucket in buckets(shingles, threshold=threshold, seed=seed):
        leaders: list[int] = []
        for member in bucket.tolist():
            for leader in leaders:
                if groups.find(member) != groups.find(leader) and shingles.similarity(leader, member) >= threshold:
                    groups.join(member, leader)
            if len(leaders) < _MAX_LEADERS:
                leaders.append(member)
    members: dict[int, list[int]] = defaultdict(list)
    for place, indices in enumerate(forms.values()):
        members[groups.find(place)] += indices
    return sorted(tuple(sorted(group)) for group in members.values() if len(group) > 1)


def overlap(
    train: Sequence[str], test: Sequence[str], *, threshold: float = 0.8, seed: int = 0
) -> list[tuple[int, int]]:
    """The texts of `test` that are in `train` too, or nearly, each with its closest counterpart.

    Args:
        train: prepared texts.
        test: prepared texts.
        threshold: Jaccard similarity from 0.3 to 1.
        seed: of the permutations.

    Returns:
        Pairs of an index in `test` and one in `train` (the first among equals), ascending.

    Raises:
        InvalidInput: the threshold is out of range.
        TooLarge: too many texts.
    """
    from classifiers.text.minhash import buckets
    from classifiers.text.shingles import shingle

    _check(threshold)
    known = {form: indices[0] for form, indices in _by_form(train).items()}
    asked = _by_form(test)
    best = {form: (1.0, known[form]) for form in asked if form in known}
    forms = [*known, *(form for form in asked if form not in known)]
    shingles = shingle(forms, size=SHINGLE)
    for bucket in buckets(shingles, threshold=threshold, seed=seed):
        members = bucket.tolist()
        candidates = [member for member in members if member < len(known)][:_MAX_LEADERS]
        for member in members[len(candidates) :] if candidates else []:
            if member < len(known):
                continue
            for candidate in candidates:
                similarity = shingles.similarity(candidate, member)
                place = known[forms[candidate]]
                score, found = best.get(forms[member], (threshold, len(train)))
                if similarity > score or (similarity == score and place < found):
                    best[forms[member]] = (similarity, place)
    return sorted((index, best[form][1]) for form, indices in asked.items() if form in best for index in indices)


def _by_form(texts: Sequence[str]) -> dict[str, list[int]]:
    forms: dict[str, list[int]] = defaultdict(list)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidInput(f"Text {index} must be a string, not {type(text).__name__}.", field="texts")
        if form := canonical(text):
            forms[form].append(index)
    return forms


def _check(threshold: float) -> None:
    if not 0.3 <= threshold <= 1:
        raise InvalidInput(f"The threshold is a similarity from 0.3 to 1, not {threshold}.", field="threshold")


class _Groups:
    """Disjoint sets of the numbers below `count` (union by smallest, paths halved)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def find(self, item: int) -> int:
        parents = self._parents
        while parents[item] != item:
            parents[item] = parents[parents[item]]
            item = parents[item]
        return item

    def join(self, first: int, second: int) -> None:
        low, high = sorted((self.find(first), self.find(second)))
        self._parents[high] = low
