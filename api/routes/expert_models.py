"""The shapes of what /experts takes, and how a training's options become the request that training understands."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from classifiers.registry import Change
from classifiers.registry.wire import ExpertSummary

MOST_COLUMNS = 50

ROWS_EXAMPLE: dict[str, Any] = {
    "name": "topics",
    "text": ["text"],
    "target": ["topic"],
    "rows": [
        {"text": "The match ended two to one", "topic": "sport"},
        {"text": "The bank raised its rates", "topic": "money"},
    ],
}


class Training(BaseModel):
    """What to learn and how. Without `text` and `target` the columns are guessed; the result says which they are."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    name: str = Field(
        min_length=1,
        max_length=64,
        pattern="^[a-z0-9][a-z0-9_-]{0,63}$",
        description="The expert; the training adds a version to it.",
        examples=["topics"],
    )
    text: list[str] = Field([], max_length=MOST_COLUMNS, description="Columns of texts; several are joined.")
    target: list[str] = Field([], max_length=MOST_COLUMNS, description="Columns to predict.")
    kinds: dict[str, Literal["classification", "ordinal", "regression"]] = Field(
        {}, max_length=MOST_COLUMNS, description="Of targets, where the guess is wrong."
    )
    orders: dict[str, list[str]] = Field(
        {}, max_length=MOST_COLUMNS, description="Labels of ordinal targets, from lowest to highest."
    )
    units: dict[str, str] = Field({}, max_length=MOST_COLUMNS, description="What numbers count, for people.")
    time: str | None = Field(None, max_length=500, description="A column of times: later rows are then held out.")
    out_of_scope: str | None = Field(
        None, max_length=500, description="The label of rows that belong to no label.", examples=["oos"]
    )
    encoding: str | None = Field(None, max_length=40, description="Of the file, where the guess is wrong.")
    delimiter: str | None = Field(None, max_length=4, description="Of the file, where the guess is wrong.")
    learner: str = Field("embeddings", max_length=40, description="A learner, or `auto`: cheap ones first.")
    learner_options: dict[str, bool | int | float | str | None] = Field(
        {}, max_length=MOST_COLUMNS, description="Of that learner."
    )
    tune: int = Field(0, ge=0, le=200, description="Trials of a search for better options; kept only if proven.")
    budget_s: float | None = Field(
        None, gt=0, le=86_400, description="Seconds after which fine-tuning should come to an end."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same data and seed give the same expert.")
    curve: bool = Field(True, description="Learn from fewer rows too, to show what more labels would bring.")
    promote: bool | None = Field(None, description="Use it at once; null: only where it is the first version.")

    def request(self) -> dict[str, Any]:
        """As `classifiers.training.TrainRequest` is written in JSON."""
        columns = {"text", "target", "kinds", "orders", "units", "time", "out_of_scope", "encoding", "delimiter"}
        how = {"learner", "learner_options", "tune", "budget_s", "seed", "curve", "promote"}
        return {**self.model_dump(include=columns), "options": self.model_dump(include=how)}


class TrainingOnRows(Training):
    """A training on rows that come with it, for small data; files are for the rest."""

    rows: list[dict[str, str | float | bool | None]] = Field(
        min_length=2, max_length=100_000, description="Named values; a name is a column."
    )


class Promotion(BaseModel):
    """Which version is to answer, and why, for the history."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: int = Field(ge=1, le=999_999_999, examples=[3])
    reason: str = Field("", max_length=1_000)


class Rollback(BaseModel):
    """Why, for the history."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field("", max_length=1_000)


class ExpertDetail(ExpertSummary):
    """An expert with the latest changes of its champion, newest first."""

    history: tuple[Change, ...]
