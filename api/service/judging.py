"""Judges and people: opening a judge by its spec, and having it judge what people have judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.service.eval_models import Judges
from api.service.eval_parts import resources_of
from api.service.evaluating import set_path
from api.service.folders import make_data_dir
from eval_sets.cases import Case
from evaluators.judges.agreement import (
    Agreement,
    Calibrated,
    Drift,
    JudgeCalibration,
    agreement_of,
    calibrate,
    calibrated,
    drift_since,
    from_verdicts,
    identity_of,
    rate,
    read_labels,
)
from evaluators.scorers import build_scorers
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, VerdictStore

if TYPE_CHECKING:
    from evaluators.judges.agreement import Rating

Progress = Callable[[float, str], None]
_MOST_VERDICTS = 1_000


@asynccontextmanager
async def opened_judge(spec: str, settings: Settings) -> AsyncIterator[Calibrated]:
    """The judge a scorer's spec names, with the latest calibration of it.

    Raises:
        UnknownName, InvalidInput: the spec names no scorer, or one that is no judge.
        ConfigurationError: what it needs is not set up.
    """
    make_data_dir(settings)
    judges = Judges(settings, None)
    try:
        (scorer,) = build_scorers([spec], resources_of(settings, judges))
        yield calibrated(scorer, settings.data_dir)
    finally:
        await judges.close()


def labels_at(place: str) -> tuple[Case, ...]:
    """The judged rows of a file, of an eval set's folder, or of a set that comes with the release, by its name.

    Raises:
        UnknownName, NotFound, InvalidInput, TooLarge: there are none, or they break a rule.
    """
    path = Path(place)
    return read_labels(path if path.exists() or path.suffix or "/" in place else set_path(place))


async def stored_verdicts(database: Database) -> tuple[Case, ...]:
    """Answers given without a person that people judged later, the latest thousand."""
    verdicts, predictions = VerdictStore(database), PredictionStore(database)
    judged = await verdicts.judged(limit=_MOST_VERDICTS)
    return from_verdicts([(await predictions.get(one), await verdicts.of(one)) for one in judged])


async def rated(
    spec: str,
    cases: Sequence[Case],
    settings: Settings,
    *,
    concurrent: int = 4,
    max_cost_usd: float | None = None,
    progress: Progress | None = None,
) -> tuple[Calibrated, tuple[Rating, ...]]:
    """The judge, and what it says of each row. Raises as `opened_judge` and `rate` do."""
    async with opened_judge(spec, settings) as judge:
        found = await rate(judge, cases, concurrent=concurrent, max_cost_usd=max_cost_usd, progress=progress)
        return judge, found


def calibrated_now(judge: Calibrated, ratings: Sequence[Rating], settings: Settings, *, seed: int) -> JudgeCalibration:
    """A new version of the judge's calibration. Raises as `evaluators.judges.agreement.calibrate` does."""
    return calibrate(judge, ratings, data_dir=settings.data_dir, seed=seed)


def compared(judge: Calibrated, ratings: Sequence[Rating], *, seed: int) -> tuple[Agreement, Drift | None]:
    """How far the judge agrees with people, and what has changed since it was calibrated on the same rows."""
    found = agreement_of(identity_of(judge), ratings, seed=seed)
    return found, None if judge.calibration is None else drift_since(judge.calibration, ratings, seed=seed)
