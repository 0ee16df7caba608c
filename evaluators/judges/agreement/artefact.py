"""Calibrations on disk: `judges/NAME/N.json`, each version written once, with all that says whether it still holds.

A calibration is of one judge: another rubric, model or way of asking has another key, and finds none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from evaluators.contract import Component
from evaluators.judges.agreement.curve import Curve
from evaluators.judges.agreement.report import Agreement
from evaluators.judges.llm.rubrics import Floor
from signalbox.artefacts import writer_lock
from signalbox.errors import CorruptArtefact
from signalbox.files import write_atomically
from signalbox.types import Frozen, Probability, utc_now

FOLDER = "judges"
_FILE = re.compile(r"([1-9]\d*)\.json")
_LOCK_S = 60.0
_MOST_NAME = 100


class GoldenRow(Frozen):
    """What people and the judge said of a row when it was calibrated; its texts are where the labels are."""

    id: str
    hash: str
    right: bool
    signal: Probability | None
    own: bool | None


class JudgeCalibration(Frozen):
    """How a judge's signal becomes a probability, measured on which rows, and what it falls short of.

    Attributes:
        judge: the judge itself, and `key` what it is found by.
        rows_hash: of the rows it was fitted on.
        shortfalls: why it is advisory, a sentence each; empty where it may gate.
        golden: the frozen rows, to notice drift by.
    """

    format: Literal[1] = 1
    kind: Literal["judge-calibration"] = "judge-calibration"
    name: str
    version: int = Field(ge=1)
    created_at: datetime
    metric: str
    judge: Component
    key: str
    rows_hash: str
    curve: Curve
    floor: Floor
    shortfalls: tuple[str, ...]
    agreement: Agreement
    golden: tuple[GoldenRow, ...]

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def advisory(self) -> bool:
        return bool(self.shortfalls)


class JudgeStore:
    """The calibrations of one data directory, in `data_dir / "judges"`."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    def add(
        self,
        *,
        judge: Component,
        metric: str,
        rows_hash: str,
        curve: Curve,
        floor: Floor,
        agreement: Agreement,
        golden: Sequence[GoldenRow],
    ) -> JudgeCalibration:
        """Write the next version. Raises ConfigurationError where the folder can't be written."""
        folder = self._folder / name_of(judge)
        with writer_lock(folder, timeout_s=_LOCK_S):
            made = JudgeCalibration(
                name=folder.name,
                version=max(self._versions(folder), default=0) + 1,
                created_at=utc_now(),
                metric=metric,
                judge=judge,
                key=judge.key,
                rows_hash=rows_hash,
                curve=curve,
                floor=floor,
                shortfalls=shortfalls(agreement, floor),
                agreement=agreement,
                golden=tuple(golden),
            )
            # What people asked and were answered stays where the labels are.
            kept = made.model_copy(update={"agreement": agreement.model_copy(update={"disagreements": ()})})
            write_atomically(folder / f"{made.version}.json", kept.model_dump_json(indent=1).encode())
        return made

    def find(self, judge: Component) -> JudgeCalibration | None:
        """The latest calibration of exactly this judge.

        Raises:
            CorruptArtefact: a file that may be it can't be read.
        """
        folder = self._folder / name_of(judge)
        for version in sorted(self._versions(folder), reverse=True):
            found = self._load(folder / f"{version}.json")
            if found.key == judge.key:
                return found
        return None

    def stale(self, judge: Component) -> str | None:
        """The latest calibration of a judge of the same name that is not this one; for saying what has changed."""
        folder = self._folder / name_of(judge)
        versions = self._versions(folder)
        return f"{folder.name}@{max(versions)}" if versions else None

    def all(self) -> tuple[JudgeCalibration, ...]:
        """The latest of each name, by name."""
        if not self._folder.is_dir():
            return ()
        latest = [(folder, max(self._versions(folder), default=0)) for folder in sorted(self._folder.iterdir())]
        return tuple(self._load(folder / f"{version}.json") for folder, version in latest if version)

    def _versions(self, folder: Path) -> list[int]:
        if not folder.is_dir():
            return []
        return [int(match[1]) for path in folder.iterdir() if (match := _FILE.fullmatch(path.name))]

    def _load(self, path: Path) -> JudgeCalibration:
        try:
            return JudgeCalibration.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            first = error.errors(include_input=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise CorruptArtefact(
                f"{path} is no calibration of a judge: {first}. Calibrate again, or move the file away."
            ) from None


def name_of(judge: Component) -> str:
    """What the folder of a judge's calibrations is called: its kind, rubric and model."""
    parts = [
        judge.name,
        *(str(judge.arguments[key]) for key in ("rubric", "model", "metric") if key in judge.arguments),
    ]
    if judge.name == "panel":
        members = judge.arguments.get("members", [])
        parts += [str(one.get("arguments", {}).get("model", one.get("name", ""))) for one in members]
    return re.sub(r"[^a-z0-9.]+", "-", "-".join(parts).lower()).strip("-.")[:_MOST_NAME] or "judge"


def shortfalls(found: Agreement, floor: Floor) -> tuple[str, ...]:
    """Why a judge with these figures may not gate; empty where it may."""
    short = []
    figures = found.calibrated
    if found.measured < floor.labels:
        short.append(f"{found.measured} judged rows, {floor.labels} are needed")
    if figures.kappa is None or figures.kappa_low < floor.kappa:
        short.append(f"kappa may be as low as {figures.kappa_low:.2f}, {floor.kappa:.2f} is the floor")
    if figures.ece is not None and figures.ece > floor.ece:
        short.append(f"the calibration error is {figures.ece:.2f}, at most {floor.ece:.2f} is allowed")
    missing = found.rows - found.measured
    if missing > floor.unmeasured * found.rows:
        short.append(f"{missing} of {found.rows} rows are unmeasured, at most {floor.unmeasured:.0%} may be")
    return tuple(short)
