"""Training from a labelled file, as the command line and the API ask for it: which columns, and how to train."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from classifiers.contract import Kind, Progress
from classifiers.data import Finding, LabelledData, labelled, read_table
from classifiers.registry import Version
from classifiers.text import Pipeline
from classifiers.training.train import Material, TrainOptions, train
from signalbox.contracts import Encoder
from signalbox.errors import InvalidInput


@dataclass(frozen=True)
class TrainRequest:
    """Which columns of a file mean what, and how to train on them.

    Attributes:
        text: columns that are joined to one text.
        target: columns to predict.
        kinds: of targets, where what is inferred is wrong; `orders`: the labels of ordinal ones from lowest to highest.
        units: of numbers, for people.
        time: a column of times: later rows are then held out.
        out_of_scope: the label of rows that belong to no label.
        pipeline: options of text preparation that differ from the default.
    """

    text: tuple[str, ...]
    target: tuple[str, ...]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    time: str | None = None
    out_of_scope: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    pipeline: Mapping[str, Any] = field(default_factory=dict)
    options: TrainOptions = field(default_factory=TrainOptions)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> TrainRequest:
        """Raises InvalidInput where a field is missing, unknown or of the wrong type."""
        from pydantic import TypeAdapter, ValidationError

        try:
            request: TrainRequest = TypeAdapter(cls).validate_json(text, extra="forbid")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "options"
            raise InvalidInput(f"{field}: {first['msg']}.", field=field) from None
        return request


def read_request(path: Path, request: TrainRequest) -> LabelledData:
    """The rows that a request would train on; raises what reading and picking columns raise."""
    return labelled(
        read_table(path, encoding=request.encoding, delimiter=request.delimiter),
        text=request.text,
        targets=request.target,
        kinds=request.kinds,
        orders=request.orders,
        units=request.units,
        time=request.time,
        out_of_scope=request.out_of_scope,
    )


def spoilers(data: LabelledData, pipeline: Pipeline, encoder: Encoder) -> tuple[Finding, ...]:
    """What the data report warns of that is found in a moment: leaks, giveaways, stacked scrapes, empty cells."""
    from classifiers.data.report.giveaways import check_giveaways
    from classifiers.data.report.leaks import check_leaks
    from classifiers.data.report.material import Material as Rows
    from classifiers.data.report.missing import check_missing
    from classifiers.data.report.scrapes import check_scrapes

    rows = Rows(data, encoder, pipeline.prepare, None, 0)
    sections = [check(rows) for check in (check_leaks, check_giveaways, check_scrapes, check_missing)]
    return tuple(finding for section in sections for finding in section.findings if finding.severity != "note")


def train_text(
    path: Path,
    request: TrainRequest,
    encoder: Encoder,
    *,
    name: str,
    folder: Path,
    progress: Progress = lambda _, __: None,
    scratch: Path | None = None,
    by: str = "",
    job: str | None = None,
    trained_on: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Version:
    """Train an expert on a labelled file and write its next version; see `train` for the rest.

    What spoils training (columns and words that give the target away, stacked scrapes, missing texts) is looked for
    first, said, and kept on the card; the columns it names are not learnt from, since only texts are.

    Args:
        say: is told what was found, before anything is learnt.
        trained_on: what the file is called, where `path` is a copy of it.

    Raises:
        InvalidInput, UnknownName, TooLarge: the file can't be read, lacks a column or has nothing to learn from.
    """
    progress(0.0, "Reading the file")
    data = read_request(path, request)
    pipeline = Pipeline(**request.pipeline)
    progress(0.01, "Preparing the texts")
    found = [*data.findings, *spoilers(data, pipeline, encoder)]
    for finding in found:
        say(f"{finding.title}. {finding.remedy}")
    material = Material(
        data.examples(pipeline.prepare),
        pipeline,
        trained_on or path.name,
        times=data.times,
        notes=tuple(finding.title for finding in found),
    )
    return train(
        material,
        encoder,
        name=name,
        folder=folder,
        options=request.options,
        progress=progress,
        scratch=scratch,
        by=by,
        job=job,
    )
