"""What people said of answers that were given: right or wrong. The latest of each person counts, all are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import Field
from sqlalchemy import Connection, func, insert, select

from signalbox.errors import InvalidInput, NotFound, UnknownName
from signalbox.storage.database import Database
from signalbox.storage.schema import predictions, verdicts
from signalbox.storage.texts import plain
from signalbox.types import Frozen, utc_now

MAX_COMMENT = 5_000
MAX_BY = 200
MAX_LISTED = 1_000
Said = Literal["right", "wrong"]


class PersonVerdict(Frozen):
    """One person's judgement of one answer, at one time."""

    prediction_id: str
    verdict: Said
    by: str = Field(max_length=MAX_BY)
    comment: str | None = None
    at: datetime


class VerdictStore:
    """Verdicts in `database`, which stays the caller's to close."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def add(self, prediction_id: str, verdict: str, by: str, comment: str | None = None) -> PersonVerdict:
        """Keep what `by` says of the answer of `prediction_id`; it replaces what the same person said before.

        Raises:
            NotFound: there is no such prediction.
            UnknownName: the verdict is neither right nor wrong.
            InvalidInput: a name or comment is empty or too long, or the prediction has no answer to judge.
        """
        if verdict not in get_args(Said):
            raise UnknownName(f"There is no verdict {verdict!r}; there are right, wrong.", field="verdict")
        _check("by", by, MAX_BY)
        if comment is not None:
            _check("comment", comment, MAX_COMMENT)
        values = {"prediction_id": prediction_id, "verdict": verdict, "by": by, "comment": comment, "at": self._clock()}

        def work(connection: Connection) -> None:
            found = connection.execute(
                select(predictions.c.outcome).where(predictions.c.id == plain(prediction_id))
            ).scalar_one_or_none()
            if found is None:
                raise NotFound(f"There is no prediction {prediction_id!r}.", field="id")
            if found != "answered":
                raise InvalidInput(
                    f"{prediction_id} is {found}: only answers given without a person can be called right or wrong. "
                    "Decide on the others in the review queue.",
                    field="id",
                )
            connection.execute(insert(verdicts).inline(), values)

        await self._database.write(work)
        return PersonVerdict.model_validate(values)

    async def of(self, prediction_id: str) -> list[PersonVerdict]:
        """The latest verdict of each person, the latest first."""
        table = verdicts.c
        newest = (
            select(func.max(table.id)).where(table.prediction_id == plain(prediction_id)).group_by(table.by).subquery()
        )
        query = select(verdicts).where(table.id.in_(select(newest))).order_by(table.id.desc()).limit(MAX_LISTED)
        return await self._database.read(lambda connection: _verdicts(connection, query))

    async def judged(self, *, limit: int = MAX_LISTED) -> list[str]:
        """The ids of predictions that people gave a verdict on, those judged last first; at most `limit`."""
        table = verdicts.c
        query = (
            select(table.prediction_id).group_by(table.prediction_id).order_by(func.max(table.id).desc()).limit(limit)
        )
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def history(self, prediction_id: str) -> list[PersonVerdict]:
        """All verdicts ever given on it, oldest first; of very many the latest 1,000."""
        table = verdicts.c
        query = (select(verdicts).where(table.prediction_id == plain(prediction_id)).order_by(table.id.desc())).limit(
            MAX_LISTED
        )
        return list(reversed(await self._database.read(lambda connection: _verdicts(connection, query))))


def _verdicts(connection: Connection, query: Any) -> list[PersonVerdict]:
    return [
        PersonVerdict(prediction_id=row.prediction_id, verdict=row.verdict, by=row.by, comment=row.comment, at=row.at)
        for row in connection.execute(query)
    ]


def _check(field: str, value: str, most: int) -> None:
    if not 1 <= len(value) <= most or not value.strip():
        raise InvalidInput(f"{field} has {len(value)} characters; give 1 to {most:,}, not only blanks.", field=field)
    if "\x00" in value or plain(value) != value:
        raise InvalidInput(f"{field} has characters that databases can't hold; remove them.", field=field)
