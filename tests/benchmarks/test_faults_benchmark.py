"""How an overload is held against the peak around it."""

from __future__ import annotations

import pytest

from benchmarks.faults import ratios_to_neighbours


def test_a_machine_that_slows_down_does_not_count_as_the_services_fault() -> None:
    """Goodput follows the peak down; against the first peak alone the last round would read .5."""
    assert ratios_to_neighbours([95, 75, 50], [100, 90, 60, 40]) == pytest.approx([1.0, 1.0, 1.0])
    assert ratios_to_neighbours([60], [100, 100]) == pytest.approx([0.6])


def test_nothing_answered_is_no_ratio_of_one() -> None:
    assert ratios_to_neighbours([0.0], [0.0, 0.0]) == [0.0]
