"""Learning a gadget: words that, put before any question, send it to a dearer route (Shafran et al. 2025).

A black-box search: it only asks, and sees what any caller sees, the route and the confidence. It is learnt on some
cases and measured on others, so that what it does is not memory.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from eval_sets.cases import Case
from evaluators.adversarial.cases import is_written
from evaluators.adversarial.families.gadget import FAMILY, TOKENS, gadget_attack
from evaluators.adversarial.learning import Asking
from evaluators.adversarial.prices import rank_of
from evaluators.adversarial.types import Family, QueryAttack, compose, seeded
from signalbox.errors import InvalidInput
from signalbox.files import write_atomically

FILE = "gadget.json"
_LENGTH = 8
_BATCH = 6
_FIRST = 4
_LEARNING = 24


@dataclass(frozen=True, slots=True)
class Gadget:
    """What was learnt: its words, the questions that took, and how dear it and no gadget at all made a question."""

    tokens: tuple[str, ...]
    queries: int
    score: float
    before: float


def apart(cases: Sequence[Case], others: Sequence[Case], seed: int) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """Cases to learn on, at most 24, and cases to measure on: of `others`, else at most half of `cases`.

    Raises:
        InvalidInput: there are too few.
    """
    pool = _askable(others) or _askable(cases)
    most = _LEARNING if _askable(others) else min(_LEARNING, len(pool) // 2)
    if not pool or not most:
        raise InvalidInput("A gadget needs cases to be learnt on and others to be measured on.", field="limit")
    chosen = seeded(seed, "gadget", "cases").sample(pool, min(most, len(pool)))
    names = {case.id for case in chosen}
    return tuple(chosen), tuple(one for one in cases if one.id not in names)


def _askable(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.given is None and not is_written(case)]


async def learn_gadget(
    asking: Asking,
    cases: Sequence[Case],
    *,
    budget: int,
    seed: int,
    length: int = _LENGTH,
    tokens: Sequence[str] = TOKENS,
    progress: Callable[[float, str], None] = lambda _share, _stage: None,
) -> Gadget:
    """Search for words by trying: the best of a few at random, then one word changed at a time (a (1+1) strategy).

    A change is kept if the questions of a batch come out no cheaper than with the words before, both asked anew.

    Args:
        budget: most questions asked; where they don't do for a first batch, the words are drawn by chance.

    Raises:
        LimitReached: the run's limits don't allow as many questions.
    """
    rng = seeded(seed, "gadget", "search")
    asked = _Asked(asking, cases, rng, budget)
    before = await asked.score((), _BATCH) if asked.left >= 2 * _BATCH else 0.0
    first = [tuple(rng.choices(tokens, k=length)) for _ in range(_FIRST)]
    score, best = before, first[0]
    for number, one in enumerate(first):
        if asked.left >= _BATCH:
            found = await asked.score(one, _BATCH)
            score, best = (found, one) if number == 0 else max((score, best), (found, one))
    while asked.left >= 2 * _BATCH:
        progress(0.0, f"learning a gadget, {asked.asked} of {budget} questions")
        place = rng.randrange(length)
        changed = (*best[:place], rng.choice(tokens), *best[place + 1 :])
        batch = asked.batch(_BATCH)
        old, new = await asked.mean(best, batch), await asked.mean(changed, batch)
        if new >= old:
            score, best = new, changed
    return Gadget(best, asked.asked, score, before)


class _Asked:
    """Asks the target, within the budget."""

    def __init__(self, asking: Asking, cases: Sequence[Case], rng: random.Random, budget: int) -> None:
        self._asking, self._cases, self._rng = asking, cases, rng
        self.asked, self.left = 0, budget

    def batch(self, size: int) -> list[Case]:
        return self._rng.sample(list(self._cases), min(size, len(self._cases)))

    async def score(self, tokens: Sequence[str], size: int) -> float:
        return await self.mean(tokens, self.batch(size))

    async def mean(self, tokens: Sequence[str], batch: Sequence[Case]) -> float:
        """How dear the questions came out on average: the rank of the route, and within it how unsure it was."""
        scores = [await self._one(f"{' '.join(tokens)} {case.query}".strip(), case) for case in batch]
        return sum(scores) / len(scores)

    async def _one(self, text: str, case: Case) -> float:
        self.asked, self.left = self.asked + 1, self.left - 1
        output = (await self._asking.ask(case.model_copy(update={"query": text, "history": ()}))).output
        if output is None:
            return 0.0  # a question that is turned away costs nothing
        found = output.prediction
        if found is None:
            return output.cost_usd
        rank = rank_of(found)
        return 0.0 if rank is None else rank + 0.5 * (1.0 - (found.confidence or 0.0))


def with_gadget(families: Sequence[Family], gadget: Gadget) -> tuple[Family, ...]:
    """The families, with the words learnt in place of the gadget's own."""
    learnt = gadget_attack(gadget.tokens)
    return tuple(learnt if one.name == FAMILY.name else _recomposed(one, learnt) for one in families)


def _recomposed(family: Family, learnt: QueryAttack) -> Family:
    from evaluators.adversarial.families import families

    names = family.name.split("+")
    if FAMILY.name not in names:
        return family
    parts = [learnt if name == FAMILY.name else families()[name] for name in names]
    made = parts[-1]
    for part in reversed(parts[:-1]):
        assert isinstance(part, QueryAttack), "families that are put together were checked before"
        made = compose(part, made)
    return replace(made, name=family.name)


def write_gadget(folder: Path, gadget: Gadget) -> None:
    """Keep it with the run, for people to see."""
    write_atomically(folder / FILE, json.dumps(asdict(gadget), ensure_ascii=False, indent=1).encode())
