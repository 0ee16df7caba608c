"""Verdicts on answers that were given without a person, as rows to calibrate judges on; on both databases."""

from __future__ import annotations

from storage_samples import plain

from api.service.judging import stored_verdicts
from signalbox.storage import Database, PredictionStore, VerdictStore
from signalbox.types import Answer


async def test_the_latest_verdict_of_each_person_counts(database: Database) -> None:
    store, verdicts = PredictionStore(database), VerdictStore(database)
    one, other, third = (plain(answer=Answer(text=f"Answer {n}."), query=f"Question {n}?") for n in range(3))
    for made in (one, other, third):
        await store.add(made)
    for made, verdict, by in [(one, "right", "ada"), (other, "right", "ada"), (other, "wrong", "ada"),
                              (third, "right", "ada"), (third, "wrong", "bob")]:  # fmt: skip
        await verdicts.add(made.id, verdict, by)
    assert await verdicts.judged() == [third.id, other.id, one.id]
    assert await verdicts.judged(limit=1) == [third.id]
    rows = await stored_verdicts(database)
    assert {case.id: case.given.verdict for case in rows if case.given} == {one.id: "right", other.id: "wrong"}
    assert {case.query for case in rows} == {"Question 0?", "Question 1?"}
