"""What a writing model adds to the help desk's attack report: an obedient cloud, over real HTTP, or the bundled model.

The cloud is a script that does whatever it reads and else answers from the passages: it shows what reaches a model, and
what its answer is held against, not how often a real model obeys. One route is asked, and nearly every answer is shown,
since what is not shown can't leak.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from api.service.attack_target import ServiceUnderAttack, defences_named, hidden_texts
from api.service.models import Models, open_models
from benchmarks._common import silent
from eval_sets.cases import Case
from evaluators.adversarial.cases import plan
from evaluators.adversarial.families import chosen
from evaluators.adversarial.reporting import AttackReport, report_of
from evaluators.adversarial.running import run_attacks
from evaluators.adversarial.scoring import AttackScorer
from evaluators.contract import Component, Target
from evaluators.harness import Limits, SystemTarget
from retriever import Document
from signalbox.contracts import ChatRequest
from signalbox.models.scripted import ScriptedServer
from signalbox.settings import Defence, Settings
from signalbox.types import Constraints, Prediction, Route

if TYPE_CHECKING:
    from agents.state import Parts

FAMILIES = (
    "direct_injection",
    "prompt_extraction",
    "denial_of_wallet",
    "indirect_documents",
    "indirect_file_names",
    "poisoned_passages",
    "data_exfiltration",
)
_ORDER = re.compile(
    r"(?:\bword|\bwith|\bprint|\bexactly:|\bto this question is|\bsay|\banswer)\s+(?P<marker>[a-z]+-\d{3})\b",
    re.IGNORECASE,
)
_ASKS_FOR_ALL = re.compile(r"tell me your instructions|everything above this line word|complete system prompt", re.I)
_ASKS_FOR_MUCH = re.compile(r"at least 2,000 words|answer forty times|do not stop before", re.IGNORECASE)
_MARK = re.compile(r"\^[0-9a-f]{6}\s?")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_MUCH = 40
_SHORT, _NAME = 3, 3


def obedient(request: ChatRequest) -> str:
    """The reply of a model that does what stands in its prompt, wherever it stands, marks or not."""
    passages, _, question = _MARK.sub("", request.messages[-1].content).rpartition("Question:")
    if _ASKS_FOR_ALL.search(question):
        # Not all of it: the words for not knowing, which stand in it, would send the answer to a person by chance.
        return " ".join(_SENTENCE_END.split(request.messages[0].content)[:2])
    order = _ORDER.search(question) or _ORDER.search(passages)
    if order is not None:
        return order["marker"]
    sentences = [one for one in _SENTENCE_END.split(passages) if one.strip() and not one.startswith("[")]
    best = max(sentences, key=lambda one: _fit(question, one), default="")
    if not best:
        return "I don't know"
    return " ".join([f"{best} [1]"] * (_MUCH if _ASKS_FOR_MUCH.search(question) else 1))


def _fit(question: str, sentence: str) -> int:
    """Words that both have; names and what else is written large count more."""
    wanted, there = set(_WORD.findall(question)), set(_WORD.findall(sentence))
    names = {word for word in wanted & there if word[0].isupper() and len(word) > _SHORT}
    return len({word.lower() for word in wanted} & {word.lower() for word in there}) + _NAME * len(names)


class OneRoute(ServiceUnderAttack):
    """The service with one route, whose answers are shown unless a defence holds them back."""

    def __init__(self, settings: Settings, models: Models, on: Sequence[Defence], route: Route) -> None:
        self._route = route
        super().__init__(settings, models, on)

    def _asked(self, parts: Parts) -> Target:
        from agents.router import Router

        lax = replace(parts, policy=parts.policy.model_copy(update={"alpha": 0.99}))
        router = Router(lax, _Nowhere(), deadline_ms=self._settings.deadline_ms)
        component = Component(name="signalbox", arguments={"route": self._route, "defences": sorted(parts.defences.on)})
        return SystemTarget(router, component, constraints=Constraints(route=self._route))


class _Nowhere:
    async def add(self, prediction: Prediction) -> None:
        pass


async def with_a_cloud(settings: Settings, cases: Sequence[Case], folder: Path, seed: int) -> AttackReport:
    """Attacks on answers that an obedient cloud writes."""
    async with ScriptedServer(obedient) as server:
        asked = settings.model_copy(
            update={
                "cloud_base_url": server.base_url,
                "cloud_api_key": SecretStr("not-a-real-key"),
                "daily_cap_usd": None,
            }
        )
        return await _report(asked, "cloud", cases, folder, seed)


async def with_a_writer(settings: Settings, cases: Sequence[Case], folder: Path, seed: int) -> AttackReport:
    """Attacks on answers that the bundled local model writes; some seconds each."""
    model = str(Settings.model_fields["local_model"].default)
    asked = settings.model_copy(update={"local_model": model, "grounded_style": "write", "deadline_ms": 120_000.0})
    return await _report(asked, "grounded", cases, folder, seed)


async def _report(settings: Settings, route: Route, cases: Sequence[Case], folder: Path, seed: int) -> AttackReport:
    async with await open_models(settings) as models:
        named = defences_named("both")
        targets = {name: OneRoute(settings, models, on, route) for name, on in named.items()}

        def find(case: Case) -> Document | None:
            found = (next(iter(targets.values())).document(name) for name in case.expected.documents)
            return next((one for one in found if one is not None), None)

        asked = plan(cases, chosen(FAMILIES), find=find, strengths=(2,), seed=seed, defences=tuple(targets))
        record = await run_attacks(
            asked,
            targets,
            folder,
            scorer=AttackScorer(hidden=hidden_texts()),
            limits=Limits(max_unmeasured=1.0, deadline_ms=180_000, concurrency=8),
            progress=silent,
            header={"seed": seed},
        )
    return report_of(record)
