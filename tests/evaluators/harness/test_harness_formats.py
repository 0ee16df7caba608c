"""Runs of every format that was ever written open; a newer one is refused in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from harness_samples import Scorer, Target, cases_of

from evaluators.harness import execute, open_run, runlog
from signalbox.errors import CorruptArtefact

FIRST = Path(__file__).parents[2] / "formats" / "eval-run-1"


def test_a_run_of_format_1_opens() -> None:
    record = open_run(FIRST)
    assert (record.id, record.state) == ("evl_01M7X0000000000000000FRMT1", "done")
    assert [row.case.id for row in record.rows] == ["refund", "opening", "parcel"]
    assert [metric.name for metric in record.metrics] == ["contains"]
    measured = [row.measure("contains") for row in record.rows]
    assert [one.value if one else None for one in measured] == [1.0, None, None]
    assert record.rows[2].trouble is not None
    prediction = record.rows[0].output and record.rows[0].output.prediction
    assert prediction is not None
    assert prediction.route == "grounded"


@pytest.mark.parametrize("name", ["rows.jsonl", "run.json"])
@pytest.mark.parametrize("number", [2, 99, 0, "1", True, None])
def test_another_format_is_refused(tmp_path: Path, name: str, number: Any) -> None:
    shutil.copytree(FIRST, tmp_path / "run")
    path = tmp_path / "run" / name
    first, _, rest = path.read_text(encoding="utf-8").partition('"format": 1')
    path.write_text(f'{first}"format": {json.dumps(number)}{rest}', encoding="utf-8")
    newer = "is newer than the 1 that this release reads" if number in (2, 99) else "known are 1 to 1"
    with pytest.raises(CorruptArtefact, match=newer):
        open_run(tmp_path / "run")


@pytest.mark.parametrize("first", ["", "\n", "[]\n", '{"format": 1, "kind": "something else"}\n', '{"id": 1}\n'])
def test_what_is_no_log_is_refused(tmp_path: Path, first: str) -> None:
    shutil.copytree(FIRST, tmp_path / "run")
    path = tmp_path / "run" / "rows.jsonl"
    path.write_text(first + path.read_text(encoding="utf-8").partition("\n")[2], encoding="utf-8")
    with pytest.raises(CorruptArtefact, match="is no log of a run"):
        open_run(tmp_path / "run")


async def test_an_older_log_is_brought_up_to_date_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next format, as its release will know this one: what is called `text` now was called `said` then."""
    folder = tmp_path / "run"
    await execute(cases_of(2), Target(), [Scorer()], folder)
    log = folder / "rows.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace('"text":', '"said":'), encoding="utf-8")

    def upgrade(row: dict[str, Any]) -> dict[str, Any]:
        row["output"]["text"] = row["output"].pop("said")
        return row

    monkeypatch.setattr(runlog, "FORMAT", 2)
    monkeypatch.setattr(runlog, "UPGRADES", {1: upgrade})
    assert [row.output.text for row in open_run(folder).rows if row.output] == ["It is What is 0?", "It is What is 1?"]
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    target = Target()
    record = await execute(cases_of(2), target, [Scorer()], folder)
    assert (target.asked, len(record.rows)) == (["case-1"], 2)
    assert log.read_text(encoding="utf-8").startswith('{"format": 2,')
    assert "said" not in log.read_text(encoding="utf-8")


def test_a_page_of_rows_is_found_without_reading_the_others(tmp_path: Path) -> None:
    shutil.copytree(FIRST, tmp_path / "run")
    path = tmp_path / "run" / "rows.jsonl"
    head, *lines = path.read_bytes().splitlines(keepends=True)
    by_index = {json.loads(line)["index"]: line for line in lines}
    # As rows end: not in the order of the cases; what was written first counts.
    path.write_bytes(head + by_index[2] + by_index[0] + by_index[1] + by_index[0].replace(b"refund", b"again"))
    rows = {row.index: row for row in runlog.read_rows(tmp_path / "run")}
    for start, limit, after in ((0, 2, 2), (1, 2, None), (2, 5, None), (3, 5, None)):
        found = runlog.read_page(tmp_path / "run", start, limit)
        assert found == (tuple(rows[place] for place in range(start, min(start + limit, 3))), after)
    # Of a damaged row only who asks for it learns.
    path.write_bytes(head + by_index[2] + b'{"index":0,"case":7}\n' + by_index[1])
    assert [row.index for row in runlog.read_page(tmp_path / "run", 1, 5)[0]] == [1, 2]
    with pytest.raises(CorruptArtefact, match="line 3"):
        runlog.read_page(tmp_path / "run", 0, 1)


@pytest.mark.parametrize("torn", [b'{"index":2,"ca', b"\0\0\0\0\n", b'{"index":2,"case":7}\n'])
def test_a_torn_last_row_is_on_no_page(tmp_path: Path, torn: bytes) -> None:
    shutil.copytree(FIRST, tmp_path / "run")
    path = tmp_path / "run" / "rows.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]) + torn)
    rows, after = runlog.read_page(tmp_path / "run", 0, 5)
    assert ([row.index for row in rows], after) == ([0, 1], None)
    assert runlog.read_page(tmp_path / "nowhere", 0, 5) == ((), None)


def test_a_page_of_an_older_format_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlog, "FORMAT", 2)
    monkeypatch.setattr(runlog, "UPGRADES", {1: lambda row: row | {"cached": True}})
    assert [row.cached for row in runlog.read_page(FIRST, 1, 1)[0]] == [True]
