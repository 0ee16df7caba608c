"""What the review page makes of an item: reasons, labels to choose from, similar verdicts, what the browser sent."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from api.ui.review.choices import label_choices
from api.ui.review.facts import why
from api.ui.review.header import time_left
from api.ui.review.panel import MOST_TYPED, read_draft
from api.ui.review.similar import SimilarVerdicts
from evaluators.review import DecisionRecord, ReviewItem
from signalbox.contracts import Opinion, Vectors
from signalbox.types import Answer, Attempt, Decision, LabelAnswer, Prediction, utc_now


def prediction(query: str = "Where is it?", **more: Any) -> Prediction:
    return Prediction(
        id="prd_1", created_at=utc_now(), query=query, outcome="in_review", route=None, policy="pol_0@champion",
        cost_usd=0, saved_usd=0, duration_ms=1, overhead_ms=1,
        **{"answer": None, "confidence": None, "evidence": (), "attempts": (), **more},
    )  # fmt: skip


class Titled:
    """An expert that knows two intents."""

    name = "intents@7"
    titles = {"track": "Track a parcel", "cancel": "Cancel an order"}  # noqa: RUF012

    def predict(
        self, texts: Sequence[str], *, vectors: Vectors | None = None, explain: bool = False
    ) -> tuple[Opinion, ...]:
        raise NotImplementedError


LABELLED = Answer(labels=(LabelAnswer(task="intent", label="track", probability=0.5, set=("track", "lost")),))


def test_a_correction_offers_all_labels_of_the_expert_that_answered() -> None:
    tried = (Attempt(route="classifier", outcome="escalated", reason="unsure", expert="intents@6"),)
    made = prediction(answer=LABELLED, attempts=tried)
    assert label_choices(made, {"intents": Titled()}) == {"intent": dict(Titled.titles)}


def test_without_the_expert_the_labels_not_ruled_out_are_offered() -> None:
    assert label_choices(prediction(answer=LABELLED), {}) == {"intent": {"track": "track", "lost": "lost"}}
    assert label_choices(prediction(answer=Answer(text="14 days")), {"intents": Titled()}) == {}


@pytest.mark.parametrize(
    ("attempts", "threshold", "expected"),
    [
        ([("escalated", 0.4), ("escalated", 0.6)], 0.9, "No route was sure enough: the best gave 0.60; 0.90 is asked."),
        ([("escalated", 0.4)], 1.0, "No route was sure enough: the best gave 0.40."),
        ([("failed", None), ("skipped", None)], 0.9, "1 of 2 routes failed."),
        ([("skipped", None)], 0.9, "No route was worth trying."),
        ([], 0.9, "The deadline passed."),
    ],
)
def test_why_it_is_here_is_said_in_a_sentence(attempts: list[Any], threshold: float, expected: str) -> None:
    tried = tuple(
        Attempt(route="cloud", outcome=outcome, reason="so", confidence=confidence) for outcome, confidence in attempts
    )
    decision = Decision(estimates={}, thresholds={"cloud": threshold}, first=None, propensity=1)
    assert why(prediction(attempts=tried, decision=decision), "the deadline passed") == [expected]


@pytest.mark.parametrize(
    ("seconds", "words"), [(600, "10 min"), (299, "5 min"), (89, "80 s"), (5, "0 s"), (-60, "0 s")]
)
def test_a_lease_is_told_in_words_that_change_seldom(seconds: int, words: str) -> None:
    now = utc_now()
    assert time_left(now + timedelta(seconds=seconds), now) == words


@pytest.mark.parametrize("sent", [None, [], "x", {"correction": {"a": 1}, "label:intent": 3, 5: "y"}])
def test_what_the_browser_sent_may_be_anything(sent: object) -> None:
    draft = read_draft(sent)
    assert (draft.correction, draft.labels) == ("", {})


def test_what_was_typed_and_chosen_is_read_and_bounded() -> None:
    draft = read_draft({"correction": "x" * 9_999_999, "label:intent": "track", "label:topic": ""})
    assert len(draft.correction) == MOST_TYPED
    assert draft.labels == {"intent": "track"}
    numbers = {"number:price": "3120.5", "number:days": "", "number:carat": "two", "number:depth": "inf"}
    assert read_draft(numbers).numbers == {"price": 3120.5}


class FirstLetter:
    """Texts that begin alike are the same."""

    dimension = 26
    asked = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += len(texts)
        return np.eye(26, dtype=np.float32)[[ord(text[0].lower()) - ord("a") for text in texts]]


class Decided:
    """A queue in which these were decided."""

    def __init__(self, *queries: str) -> None:
        self.items = [
            ReviewItem(
                id=f"rev_{number}", prediction_id="prd_1", state="decided", reason=None, version=3, priority=0.5,
                created_at=utc_now(), prediction=prediction(query),
                decision=DecisionRecord(verdict="right", by="ben", at=utc_now()),
            )
            for number, query in enumerate(queries)
        ]  # fmt: skip

    async def list(self, **_: object) -> tuple[list[ReviewItem], None]:
        return self.items, None


async def test_similar_queries_are_found_and_encoded_once() -> None:
    queue: Any = Decided("apples", "bears", "avocados", "almonds", "apricots")
    encoder = FirstLetter()
    with ThreadPoolExecutor(1) as executor:
        similar = SimilarVerdicts(queue, encoder, executor)
        found = await similar.of("ants", besides="rev_0")
        assert [each.item.prediction.query for each in found] == ["avocados", "almonds", "apricots"]
        before = encoder.asked
        await similar.of("bees", besides="rev_0")
        assert encoder.asked == before + 1
        assert await similar.of("  ", besides="") == []
