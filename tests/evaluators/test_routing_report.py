"""The routing report counts what was answered, right, and unmeasured apart."""

from __future__ import annotations

from eval_sets import LabelledQuery
from evaluators import report_routing
from signalbox.types import Answer, LabelAnswer, Prediction, Query, ReviewRef, Route, utc_now


class Canned:
    """A system that answers by heart: text -> (route, answer, confidence)."""

    def __init__(self, answers: dict[str, tuple[Route, Answer, float]]) -> None:
        self.answers = answers

    async def predict(self, query: Query) -> Prediction:
        route, answer, confidence = self.answers.get(query.text, (None, None, None))
        review = None if route else ReviewRef(id="rev_1", state="waiting", url="/predictions/prd_1")
        return Prediction(
            id="prd_1",
            created_at=utc_now(),
            outcome="answered" if route else "in_review",
            answer=answer,
            route=route,
            confidence=confidence,
            evidence=(),
            attempts=(),
            policy="pol_1@champion",
            cost_usd=0.001 if route == "cloud" else 0.0,
            saved_usd=0.002,
            duration_ms=3.0,
            overhead_ms=1.0,
            review=review,
        )


def query(number: int, **fields: object) -> LabelledQuery:
    return LabelledQuery.model_validate({"id": f"q{number}", "query": f"text {number}", **fields})


async def test_right_wrong_unmeasured_and_reviewed_are_counted_apart() -> None:
    refund = Answer(text="…", labels=(LabelAnswer(task="intent", label="refund", probability=0.9),))
    system = Canned(
        {
            "text 1": ("classifier", refund, 0.9),
            "text 2": ("classifier", refund, 0.9),
            "text 3": ("grounded", Answer(text="within 14 days"), 0.8),
            "text 4": ("grounded", Answer(text="see your account"), 0.8),
            "text 5": ("cloud", Answer(text="no idea"), 0.7),
        }
    )
    report = await report_routing(
        system,
        [
            query(1, intents=["refund"]),
            query(2, intents=["delivery"]),
            query(3, contains=["14 days"]),
            query(4, intents=["delivery"]),
            query(5, contains=["42"]),
            query(6),
        ],
    )
    rows = {row.route: row for row in report.rows}
    assert (rows["classifier"].answered, rows["classifier"].right) == (2, 1)
    assert (rows["grounded"].answered, rows["grounded"].right, rows["grounded"].unmeasured) == (2, 1, 1)
    assert rows["cloud"].cost_usd == 0.001
    assert (rows["review"].answered, rows["review"].right) == (1, 1)
    assert (report.answered, report.wrong) == (5, 2)
    assert report.error_rate == 0.5
    assert rows["classifier"].ece is None, "two answers measure no calibration"


async def test_nothing_answered_is_no_error_rate() -> None:
    report = await report_routing(Canned({}), [query(1)])
    assert report.error_rate is None
    assert [row.route for row in report.rows] == ["review"]
