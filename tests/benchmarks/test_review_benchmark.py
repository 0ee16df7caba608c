"""The review benchmark on a small queue: what it counts is there, and its anchor is what first-in-first-out finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.review import claims, made_up, order
from eval_sets import LabelledQuery
from signalbox.settings import Settings


async def test_every_item_is_claimed_once_and_decided(tmp_path: Path) -> None:
    result = await claims(Settings(data_dir=tmp_path), workers=8, items=30)
    assert (result["double_claims"], result["lost"]) == (0, 0)
    assert isinstance(result["claim_p95_ms"], float)


async def test_errors_are_counted_against_fifo(tmp_path: Path) -> None:
    """The wrong ones are less sure and come in last."""
    right = LabelledQuery(id="r", query="a", contains=("14 days",))
    wrong = LabelledQuery(id="w", query="b", contains=("30 days",))
    pairs = [(right, made_up(0.6)) for _ in range(15)] + [(wrong, made_up(0.2)) for _ in range(5)]
    result = await order(Settings(data_dir=tmp_path), pairs)
    assert (result["in_review"], result["errors"], result["first"], result["errors_found"]) == (20, 5, 4, 4)
    assert result["errors_found_ratio"] == pytest.approx(4.0)
    assert result["anchors"]["file_order"] == {"errors_found": 0.0}  # type: ignore[index]
