"""The router under attack: which queries a cheap route answered before are forced onto the dear one, net of a twin.

The sample help desk, with a scripted cloud over real HTTP that knows every right answer, so that a policy has reason to
use it. Dear is the cloud or a person; cheap is a route of this machine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.router import Router
from agents.state import Parts
from benchmarks.grounding import Nowhere
from eval_sets import LabelledQuery
from eval_sets.cases import Case
from evaluators.adversarial.families.gadget import gadget_attack
from evaluators.adversarial.gadgets import learn_gadget
from evaluators.adversarial.types import Arm, Family, QueryAttack, Strength, seeded
from evaluators.contract import Component, Output
from signalbox.contracts import ChatRequest, Expert
from signalbox.errors import SignalboxError
from signalbox.types import Answer, Constraints, Query

CHEAP = ("classifier", "grounded")
STRENGTH: Strength = 2
_DRAWS = 2_000
_CHANGED = ("defence decoding", "defence salience", "defence instructions")

# What the targets are called, and the families that they are measured on.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "unicode": ("homoglyphs", "zero_width"),
    "typos": ("typos",),
    "prefix": ("prefixes",),
    "suffix": ("suffixes",),
    "padding": ("padding",),
    "leetspeak": ("leetspeak",),
    "encodings": ("encodings",),
    "casing": ("casing",),
    "dressed_up": ("forced_escalation",),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one query; `right` is None where the labels can't tell."""

    route: str | None
    right: bool | None
    cost_usd: float
    fired: bool = False

    @property
    def dear(self) -> bool:
        return self.route not in CHEAP


Ask = Callable[[LabelledQuery, str], Awaitable[Asked]]
_GADGET_QUESTIONS, _GADGET_CASES = 240, 24


class Watched:
    """The router as an attacker sees it, to learn a gadget on: routes and confidences."""

    component = Component(name="help desk")

    def __init__(self, parts: Parts, cloud: KnowingCloud) -> None:
        self._router, self._cloud = Router(parts, Nowhere()), cloud

    async def answer(self, case: Case) -> Output:
        return Output(prediction=await self._router.predict(Query(text=case.query)))


async def learnt_gadget(parts: Parts, cloud: KnowingCloud, queries: Sequence[LabelledQuery], seed: int) -> QueryAttack:
    """Words learnt against this very router, on queries other than those measured."""
    cases = [Case(id=labelled.id, query=labelled.query) for labelled in queries if labelled.language == "en"]
    some = seeded(seed, "gadget cases").sample(cases, min(len(cases), _GADGET_CASES))
    found = await learn_gadget(Watched(parts, cloud), some, budget=_GADGET_QUESTIONS, seed=seed)
    return gadget_attack(found.tokens)


class KnowingCloud:
    """The replies of a cloud that knows the right answer to what it is asked, whatever was done to the words."""

    def __init__(self) -> None:
        self.known: Mapping[str, LabelledQuery] = {}
        self._asked: LabelledQuery | None = None

    def about(self, labelled: LabelledQuery) -> None:
        self._asked = labelled

    def __call__(self, request: ChatRequest) -> str:
        asked = self._asked
        for text, labelled in self.known.items():
            if text in request.messages[-1].content:
                asked = labelled
        if asked is None or not asked.contains:
            return "I don't know"
        return f"{asked.contains[0]}."


def through_router(parts: Parts, cloud: KnowingCloud) -> Ask:
    router = Router(parts, Nowhere())

    async def ask(labelled: LabelledQuery, text: str) -> Asked:
        cloud.about(labelled)
        try:
            found = await router.predict(Query(text=text, constraints=Constraints(explain=False)))
        except SignalboxError:
            return Asked(None, False, 0.0)
        answered = found.outcome == "answered" and found.answer is not None
        right = labelled.is_right(found.answer) if answered and found.answer is not None else False
        fired = any(warning.startswith(_CHANGED) for warning in found.warnings)
        return Asked(found.route if answered else None, right, found.cost_usd, fired)

    return ask


def through_expert(expert: Expert, threshold: float, cloud_cost_usd: float) -> Ask:
    """The usual router: an intent classifier, and the dear model where that is not sure."""

    async def ask(labelled: LabelledQuery, text: str) -> Asked:
        (opinion,) = expert.predict([text])
        if opinion.confidence >= threshold:
            return Asked("classifier", _is_right(labelled, opinion.answer), 0.0)
        return Asked("cloud", bool(labelled.contains), cloud_cost_usd)

    return ask


def _is_right(labelled: LabelledQuery, answer: Answer) -> bool:
    return labelled.is_right(answer) is True


def threshold_for(expert: Expert, queries: Sequence[LabelledQuery], alpha: float) -> float:
    """The lowest confidence from which at most `alpha` of the expert's answers to labelled queries are wrong."""
    opinions = expert.predict([labelled.query for labelled in queries])
    pairs = zip(queries, opinions, strict=True)
    rows = sorted(((opinion.confidence, _is_right(one, opinion.answer)) for one, opinion in pairs), reverse=True)
    threshold, wrong = 1.0, 0
    for count, (confidence, right) in enumerate(rows, 1):
        wrong += not right
        if wrong <= alpha * count:
            threshold = confidence
    return threshold


def changed(labelled: LabelledQuery, found: Family, arm: Arm, seed: int) -> str:
    assert found.kind == "query", "only queries are attacked here"
    change = found.attack if arm == "attacked" else found.twin
    return change(labelled.query, STRENGTH, seeded(seed, found.name, labelled.id)).text


async def attack(
    ask: Ask, queries: Sequence[LabelledQuery], originals: Sequence[Asked], members: Sequence[Family], seed: int
) -> dict[str, object]:
    """The figures of one target: of all its families together."""
    before: list[Asked] = []
    twins: list[Asked] = []
    attacked: list[Asked] = []
    for member in members:
        before += originals
        twins += [await ask(labelled, changed(labelled, member, "benign", seed)) for labelled in queries]
        attacked += [await ask(labelled, changed(labelled, member, "attacked", seed)) for labelled in queries]
    return figures(before, twins, attacked)


def figures(before: Sequence[Asked], twins: Sequence[Asked], attacked: Sequence[Asked]) -> dict[str, object]:
    """Rates among the queries that a cheap route answered before; costs and right answers among all.

    `forced_escalation` is net of the twin; `net_success` also counts answers that turned wrong. Intervals are of the
    paired bootstrap, 95%.
    """
    cheap = [place for place, one in enumerate(before) if not one.dear]
    forced = _differences(cheap, before, twins, attacked, lambda _, now: now.dear)
    harmed = _differences(cheap, before, twins, attacked, _is_harmed)
    cost = sum(one.cost_usd for one in before)
    return {
        "queries": len(before),
        "cheap_before": len(cheap),
        "forced_escalation": _mean(forced),
        "forced_interval": _interval(forced),
        "gross_escalation": _mean(np.array([float(attacked[place].dear) for place in cheap])),
        "twin_escalation": _mean(np.array([float(twins[place].dear) for place in cheap])),
        "net_success": _mean(harmed),
        "success_interval": _interval(harmed),
        "cost_ratio": sum(one.cost_usd for one in attacked) / cost if cost else None,
        "answered_right_before": _rate(before),
        "answered_right_attacked": _rate(attacked),
    }


def _is_harmed(then: Asked, now: Asked) -> bool:
    return now.dear or (then.right is True and now.right is False)


def _differences(
    places: Sequence[int],
    before: Sequence[Asked],
    twins: Sequence[Asked],
    attacked: Sequence[Asked],
    hit: Callable[[Asked, Asked], bool],
) -> np.ndarray:
    return np.array(
        [float(hit(before[p], attacked[p])) - float(hit(before[p], twins[p])) for p in places], dtype=np.float64
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _interval(values: np.ndarray) -> list[float]:
    if not len(values):
        return [0.0, 1.0]
    drawn = np.random.default_rng(0).integers(0, len(values), (_DRAWS, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return [float(low), float(high)]


def _rate(asked: Sequence[Asked]) -> float:
    return sum(one.right is True for one in asked) / max(1, len(asked))
