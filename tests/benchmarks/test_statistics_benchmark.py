"""The statistics benchmark on few rounds: its parts give figures of the right kind, and ours beat the anchors."""

from __future__ import annotations

from benchmarks._comparing import compared
from benchmarks.statistics import RATES, alarms, coverage, decided, mean_alarms, power


def test_coverage_is_measured_for_ours_and_the_anchors() -> None:
    found = coverage(300, 0)
    told = found["told"]
    assert 0.93 < told["ours"]["interval_coverage"] < 0.97
    assert told["ours"]["coverage_lowest"] < told["ours"]["interval_coverage"] < told["ours"]["coverage_highest"]
    assert 0.5 < told["ours"]["cells_within_93_to_97"] <= 1
    assert told["naive judged mean"]["interval_coverage"] < 0.6
    assert told["ours"]["mean_width"] < told["people alone"]["mean_width"]
    assert all(set(row) == {f"{rate:g}" for rate in RATES} for row in found["grid"].values())


def test_alarms_are_rare_and_a_paired_test_finds_more() -> None:
    assert max(alarms(2_000, 0).values()) <= 0.055
    assert max(mean_alarms(300, 0).values()) <= 0.07
    for found in power(2_000, 0).values():
        assert found["paired"] > found["unpaired"] + 0.2
    shares = decided(60, 0)
    assert all(abs(sum(one.values()) - 1) < 1e-9 for one in shares.values())
    assert shares["drop of five points"]["worse"] > 0.7


def test_the_whole_comparison_and_gate_stay_silent_and_find_what_is_there() -> None:
    found = compared(12, 0)
    assert found["compare_false_alarm_rate"] <= 0.25  # three of twelve
    assert found["compare_power"] >= 0.5
    assert found["gate_pass_rate"] >= 0.6
    assert found["gate_false_pass_rate"] <= 0.25
