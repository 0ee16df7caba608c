"""A training whose process is ended after its version was written: the next run finds that version."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.service.training import arguments_of, train
from classifiers.registry import Registry
from signalbox.jobs import Context
from signalbox.settings import Settings

TOPICS = {"refund": "money back", "delivery": "parcel late", "account": "password lost"}


class Forgetful(Context):
    """A job's context that has no step on its books: as after an end between a step's work and its value."""

    def __init__(self, job_id: str, folder: Path, data_dir: Path) -> None:
        super().__init__(job_id, folder, data_dir, ask=lambda _: {"op": "run"}, tell=lambda _: None)


@pytest.fixture
def run(encoder_data: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    data_dir = Path(shutil.copytree(encoder_data, tmp_path / "data"))
    rows = [{"text": f"{words} number {n}", "topic": topic} for n in range(12) for topic, words in TOPICS.items()]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def once(job: str, **options: Any) -> dict[str, Any]:
        request = {"text": ["text"], "target": ["topic"], "options": {"learner": "tfidf", "curve": False, **options}}
        arguments = arguments_of(Settings(data_dir=data_dir), "topics", "rows.jsonl", request, "ann")
        return train(Forgetful(job, tmp_path, data_dir), arguments)

    return once


def test_a_training_that_runs_again_finds_the_version_it_has_written(
    run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    first = run("job_1")
    assert run("job_1") == first
    registry = Registry(tmp_path / "data" / "experts")
    assert registry.resolve("topics").manifest["job"] == "job_1"
    assert len(registry.versions("topics")) == 1
    # Ended between the files of the version and its alias.
    registry.aliases_file("topics").unlink()
    assert run("job_1") == first
    assert registry.aliases("topics").champion == 1
    # What has become champion since stays it.
    registry.add("topics", kind="other", format=1, fill=lambda _, __: {"job": "job_2"}, promote=True)
    assert run("job_1", promote=True)["expert"] == "topics@1"
    assert registry.aliases("topics").champion == 2
    assert len(registry.versions("topics")) == 2
