"""From the cases of an eval set to those of an attack run: each as it is, attacked, and as its benign twin.

A case of a run says in its tags all that is needed to count it: `attack` (the family), `strength`, `try`, `twin`
(original, benign or attacked), `pair` (the id of the original case), `goal`, and the `marker` that would be a hit. The
same seed gives the same cases.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from eval_sets.cases import Case, Expected, Given
from evaluators.adversarial.types import (
    STRENGTHS,
    AnswerAttack,
    Arm,
    Changed,
    DocumentAttack,
    Family,
    Planted,
    Site,
    Strength,
    seeded,
)
from retriever import Document
from signalbox.errors import InvalidInput, TooLarge

NONE = "none"
MAX_CASES = 50_000
MAX_TRIES = 20
_ARMS: tuple[Arm, ...] = ("benign", "attacked")
_TAGS_KEPT = 8
_WRITTEN = "written_"
_NO_ANSWER = "they have no given answer that is wrong"

_MOST_TEXT = 200_000

Find = Callable[[Case], Document | None]
"""The document that a case's answer rests on, as the attacked service has it; None where it has none."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Cases that a family could not be used on, and why."""

    family: str
    cases: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is made of.

    Attributes:
        worlds: documents to put in, by the `world` of the cases that are asked with them there.
    """

    cases: tuple[Case, ...]
    worlds: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


def plan(
    cases: Sequence[Case],
    families: Sequence[Family],
    *,
    spare: Sequence[Case] = (),
    find: Find | None = None,
    strengths: Sequence[Strength] = STRENGTHS,
    tries: int = 1,
    seed: int = 0,
    defences: Sequence[str] = (),
) -> Plan:
    """The cases of a run: attacks that are written out in the set as they are, then originals, then attacked ones.

    Args:
        spare: cases for families that can't be used on all of `cases`, so that each has as many.
        find: where payloads go in documents; None where the target's documents can't be changed.
        tries: how often each attack is made, with another chance each time.
        defences: names of settings of the target; each case is asked once with each.

    Raises:
        InvalidInput: no case, family or strength, two families of a name, or no number of tries from 1 to 20.
        TooLarge: more than 50,000 cases would be asked.
    """
    if not cases or not families or not strengths:
        raise InvalidInput("An attack run needs at least one case, family and strength.", field="cases")
    if not 1 <= tries <= MAX_TRIES:
        raise InvalidInput(f"tries must be from 1 to {MAX_TRIES}, not {tries}.", field="tries")
    if len({one.name for one in families}) < len(families):
        raise InvalidInput("Two families have the same name: give each once.", field="family")
    most = len(cases) * (1 + 2 * len(families) * len(strengths) * tries) * max(1, len(defences))
    most += len(spare) * max(1, len(defences))
    if most > MAX_CASES:
        raise TooLarge(
            f"{len(cases):,} cases by {len(families)} families are up to {most:,} questions; the limit is "
            f"{MAX_CASES:,}. Take fewer cases, families, strengths or tries.",
            field="limit",
        )
    written = tuple(_as_written(case) for case in cases if is_written(case))
    cases = [case for case in cases if not is_written(case)]
    planner = _Planner(find, seed, [case for case in spare if not is_written(case)])
    for one in families if cases else ():
        for strength in strengths:
            for number in range(1, tries + 1):
                planner.add(cases, one, strength, number)
    planned = planner.planned(cases)
    planned = replace(planned, cases=(*written, *planned.cases))
    if not defences:
        return planned
    return replace(planned, cases=tuple(one for name in defences for one in _with(planned.cases, name, defences[0])))


def is_written(case: Case) -> bool:
    """Whether the case is itself an attack or its twin, as sets of attacks have them: it is asked as it is."""
    return "attack" in case.tags and "pair" in case.tags and case.tags.get("twin") in ("benign", "attacked")


def _as_written(case: Case) -> Case:
    """Counted apart from what the family of the same name makes of other cases."""
    name = case.tags["attack"].removeprefix(_WRITTEN)
    return case.model_copy(update={"tags": case.tags | {"attack": f"{_WRITTEN}{name}"[:80]}})


def _with(cases: Sequence[Case], name: str, first: str) -> list[Case]:
    """The cases for a target with these defences; answers to judge are the same with any."""
    return [
        case.model_copy(update={"id": f"{case.id[:180]}~{name}"[:200], "tags": case.tags | {"defences": name}})
        for case in cases
        if case.given is None or name == first
    ]


class _Planner:
    def __init__(self, find: Find | None, seed: int, spare: Sequence[Case]) -> None:
        self._find, self._seed, self._spare = find, seed, spare
        self._made: list[Case] = []
        self._worlds: dict[str, tuple[Document, ...]] = {}
        self._skipped: dict[tuple[str, str], set[str]] = {}
        self._asked: dict[str, Case] = {}

    def add(self, cases: Sequence[Case], family: Family, strength: Strength, number: int) -> None:
        places = {arm: _World(f"{family.name}-{strength}-{number}-{arm}") for arm in _ARMS}
        # A case that holds an answer is there to be judged, not to be asked.
        meant = [case for case in cases if (case.given is not None) == isinstance(family, AnswerAttack)]
        if not meant:
            reason = _NO_ANSWER if isinstance(family, AnswerAttack) else "they hold answers to judge, and are not asked"
            self._skipped[family.name, reason] = {case.id for case in cases}
        for case in self._fitting(meant, family):
            for arm, place in places.items():
                # One seed for both, so that both have the same marker.
                rng = seeded(self._seed, family.name, strength, number, case.id)
                made = self._changed(case, family, arm, strength, rng, place)
                self._made.append(_attacked(case, family, strength, number, arm, made, place.name))
            self._asked.setdefault(case.id, case)
        if isinstance(family, DocumentAttack):
            self._worlds |= {place.name: place.documents for place in places.values() if place.documents}

    def _fitting(self, meant: Sequence[Case], family: Family) -> list[Case]:
        """Those that the family can be used on, and others in place of those that it can't; what lacks is noted."""
        reasons = {case.id: self._reason(case, family) for case in meant}
        found = [case for case in meant if reasons[case.id] is None]
        known = {case.id for case in meant}
        found += itertools.islice(
            (
                case
                for case in self._spare
                if case.id not in known
                and (case.given is not None) == isinstance(family, AnswerAttack)
                and self._reason(case, family) is None
            ),
            len(meant) - len(found),
        )
        if len(found) < len(meant):
            for name, reason in reasons.items():
                if reason is not None:
                    self._skipped.setdefault((family.name, reason), set()).add(name)
        return found

    def _changed(
        self, case: Case, family: Family, arm: Arm, strength: Strength, rng: random.Random, place: _World
    ) -> Changed | Planted:
        if not isinstance(family, DocumentAttack):
            text = case.given.answer if isinstance(family, AnswerAttack) and case.given else case.query
            return (family.attack if arm == "attacked" else family.twin)(text, strength, rng)
        document = self._find(case) if self._find else None
        assert document is not None, "without one the case is skipped"
        site = Site(case.query, place.now(document))
        planted = (family.attack if arm == "attacked" else family.twin)(site, strength, rng)
        place.put(planted.documents)
        return planted

    def _reason(self, case: Case, family: Family) -> str | None:
        if isinstance(family, AnswerAttack):
            return None if case.given and case.given.verdict == "wrong" else _NO_ANSWER
        if isinstance(family, DocumentAttack):
            if self._find is None:
                return "the target's documents can't be changed"
            return None if self._find(case) is not None else "none of the documents named is among the target's"
        return None if family.seeks(case) else "they are not of the kind that the family is meant for"

    def planned(self, cases: Sequence[Case]) -> Plan:
        given = {case.id: case for case in cases if case.id in self._asked}
        originals = [_original(case) for case in (given | self._asked).values()]
        skipped = (Skipped(name, len(ids), reason) for (name, reason), ids in self._skipped.items())
        return Plan((*originals, *self._made), self._worlds, tuple(skipped))


class _World:
    """The documents of one arm: a later payload goes into what an earlier one has made of a document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._changed: dict[str, Document] = {}

    def now(self, document: Document) -> Document:
        return self._changed.get(document.id, document)

    def put(self, documents: Sequence[Document]) -> None:
        self._changed |= {document.id: document for document in documents}

    @property
    def documents(self) -> tuple[Document, ...]:
        return tuple(self._changed.values())


def _original(case: Case) -> Case:
    tags = {"attack": NONE, "twin": "original", "pair": case.id[:80]}
    return case.model_copy(update={"id": f"{case.id}~original"[-200:], "tags": _kept(case) | tags})


def _attacked(
    case: Case, family: Family, strength: Strength, number: int, arm: Arm, made: Changed | Planted, world: str
) -> Case:
    tags = {
        "attack": family.name[:80],
        "variant": f"{strength}-{number}",
        "strength": str(strength),
        "try": str(number),
        "twin": arm,
        "pair": case.id[:80],
        "goal": family.goal,
    }
    if made.marker:
        tags["marker"] = made.marker[:80]
    if isinstance(made, Planted):
        tags["world"] = world[:80]
    text = (made.query if isinstance(made, Planted) else made.text)[:_MOST_TEXT]
    changes: dict[str, object] = {
        "id": f"{case.id}~{family.name}~{strength}~{number}~{arm}"[-200:],
        "tags": _kept(case) | tags,
    }
    if isinstance(family, AnswerAttack):
        assert case.given is not None, "without one the case is skipped"
        changes["given"] = Given(answer=text, contexts=case.given.contexts, verdict=case.given.verdict)
    else:
        changes["query"] = text
    if made.asks_otherwise:
        changes["expected"] = Expected()
    return case.model_copy(update=changes)


def _kept(case: Case) -> dict[str, str]:
    return dict(list(case.tags.items())[:_TAGS_KEPT])
