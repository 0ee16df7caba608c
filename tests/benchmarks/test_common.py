"""What the benchmarks share, and which faults the fault benchmark makes."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from benchmarks._common import quantile
from benchmarks._load import Sample
from benchmarks.faults import FAULTS
from signalbox.models.scripted import FaultKind


@pytest.mark.parametrize("values", [[3.0], [4.0, 1.0], [9.0, 2.0, 5.5, 7.0, 1.0], list(range(100))])
@pytest.mark.parametrize("q", [0.0, 0.1, 0.5, 0.95, 0.99, 1.0])
def test_one_definition_of_a_quantile(values: list[float], q: float) -> None:
    assert quantile(values, q) == pytest.approx(np.quantile(values, q))
    assert Sample(tuple(values), 1.0, 0).quantile_ms(q) == quantile(values, q)


@pytest.mark.parametrize(("values", "q"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1)])
def test_a_quantile_that_does_not_exist(values: list[float], q: float) -> None:
    with pytest.raises(ValueError, match="quantile"):
        quantile(values, q)


def test_every_way_to_fail_is_tried() -> None:
    """An answer without token counts is an answer."""
    assert set(get_args(FaultKind)) - set(FAULTS) == {"no_usage"}
