"""A query that names an expert: it is asked whatever the policy expects, and accepted by its own confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from small_shop import WordExpert

from agents.policy.artefact import RiskPoint
from agents.router import Router
from agents.state import Parts
from signalbox.contracts import Opinion
from signalbox.errors import CorruptArtefact, UnknownName
from signalbox.types import Answer, Constraints, Guarantee, LabelAnswer, Prediction, Query


class Nothing:
    async def add(self, prediction: Prediction) -> None:
        pass


class Topics:
    """As sure as the query says, in percent."""

    name = "topics@2"

    def predict(self, texts: Sequence[str], *, vectors: Any = None, explain: bool = False) -> tuple[Opinion, ...]:
        sure = int("".join(filter(str.isdigit, texts[0]))) / 100
        label = LabelAnswer(task="topic", label="sport", probability=sure)
        return (Opinion(Answer(labels=(label,)), sure, {"other": sure}),)


class Broken:
    name = "topics@3"

    def predict(self, *_: object, **__: object) -> tuple[Opinion, ...]:
        raise CorruptArtefact("model.npz differs from its checksum")


@pytest.fixture
def parts(parts: Parts) -> Parts:
    """With a policy that keeps 10% on queries that name no expert, and proves it."""
    policy = parts.policy.model_copy(
        update={
            "alpha": 0.1,
            "data_hash": "0" * 64,
            "guarantee": Guarantee(alpha=0.1, delta=0.1, holds=True),
            "curve": (RiskPoint(threshold=0.4, answered=1000, wrong=1, expected_wrong=1.0, error_bound=0.05),),
        }
    )
    experts = {"intents": WordExpert(), "topics": Topics(), "topics@3": Broken()}
    return replace(parts, policy=policy, experts=experts)


async def ask(parts: Parts, text: str, **constraints: Any) -> Prediction:
    return await Router(parts, Nothing()).predict(Query(text=text, constraints=Constraints(**constraints)))


@pytest.mark.parametrize("route", ["auto", "classifier"])
async def test_its_own_confidence_decides_and_the_guarantee_is_not_claimed(parts: Parts, route: str) -> None:
    sure = await ask(parts, "95 percent sure", expert="topics", route=route)
    assert (sure.outcome, sure.route, sure.confidence) == ("answered", "classifier", 0.95)
    assert sure.guarantee is None
    assert "the policy was not calibrated on topics@2" in " ".join(sure.warnings)
    unsure = await ask(parts, "60 percent sure", expert="topics", route=route)
    assert unsure.outcome == "in_review"
    assert unsure.answer is not None
    assert unsure.answer.provisional
    assert (unsure.confidence, unsure.attempts[0].reason) == (0.6, "below the policy's 0.90")


async def test_the_callers_alpha_counts(parts: Parts) -> None:
    assert (await ask(parts, "60 percent sure", expert="topics", alpha=0.5)).outcome == "answered"
    assert (await ask(parts, "95 percent sure", expert="topics", alpha=0.01)).outcome == "in_review"


async def test_a_policy_that_proves_nothing_still_lets_it_answer(parts: Parts) -> None:
    hopeless = (RiskPoint(threshold=0.4, answered=10, wrong=9, expected_wrong=9.0, error_bound=0.9),)
    parts = replace(parts, policy=parts.policy.model_copy(update={"curve": hopeless}))
    assert (await ask(parts, "95 percent sure", expert="topics")).outcome == "answered"


async def test_the_default_expert_by_name_is_held_to_the_policy(parts: Parts) -> None:
    named = await ask(parts, "Reset my password", expert="intents")
    assert named.guarantee == parts.policy.guarantee
    assert not any("not calibrated on" in warning for warning in named.warnings)


async def test_one_that_can_not_be_used_says_so(parts: Parts) -> None:
    with pytest.raises(CorruptArtefact, match="checksum"):
        await ask(parts, "95", expert="topics@3")
    with pytest.raises(UnknownName, match="There is no expert 'weather'"):
        await ask(parts, "95", expert="weather")
