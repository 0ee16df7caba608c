"""Fits `evaluators/judges/groundedness/head.json`, and shows on held-out folds what it gives.

`python -m benchmarks.fit_judge --data begin.tsv ... [--write]`. The data are files of BEGIN's format; only coefficients
and hashes of the rows are kept. Folds keep the rows of a passage together; `other_source` is from heads fitted on the
other sources only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import evaluators.judges.groundedness as groundedness
from benchmarks._judging import Judged, area, cross_fitted, folds, judge_all
from eval_sets.begin import read_begin
from evaluators.judges.groundedness import fingerprint, fit_head, open_judge, save_head
from signalbox.calibration import Floats, LogisticModel, expected_calibration_error
from signalbox.encoder import load_encoder
from signalbox.settings import Settings


def figures(judged: Judged) -> dict[str, object]:
    held, outcomes, sources = cross_fitted(judged, folds(judged.passages)), judged.outcomes, judged.sources
    names = sorted(set(sources))
    result: dict[str, object] = {"rows": len(judged.rows), **_pair(held, outcomes)}
    result |= {name: _pair(held[sources == name], outcomes[sources == name]) for name in names}
    if len(names) > 1:
        moved = cross_fitted(judged, np.unique(sources, return_inverse=True)[1].astype(np.int64))
        result["other_source"] = {name: _pair(moved[sources == name], outcomes[sources == name]) for name in names}
    return result


def _pair(probability: Floats, outcomes: Floats) -> dict[str, float]:
    return {
        "auroc": round(area(probability, outcomes), 4),
        "ece": round(expected_calibration_error(probability, outcomes), 4),
    }


def rounded(model: LogisticModel) -> LogisticModel:
    def few(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(round(value, 5) for value in values)

    return LogisticModel(model.names, few(model.mean), few(model.scale), few(model.weights), round(model.bias, 5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, nargs="+", action="extend", help="files of BEGIN's format")
    parser.add_argument("--write", action="store_true", help="replace evaluators/judges/groundedness/head.json")
    arguments = parser.parse_args()
    judged = judge_all(open_judge(load_encoder(Settings.load())), read_begin(arguments.data))
    result = figures(judged)
    model = fit_head([one.features for one in judged.supports], [row.attributable for row in judged.rows])
    if arguments.write:
        save_head(
            Path(groundedness.__file__).parent,
            rounded(model),
            [fingerprint(row.response, [row.knowledge]) for row in judged.rows],
            source="fitted by `python -m benchmarks.fit_judge --write` on BEGIN's development rows "
            "(google/BEGIN-dataset); none of its text is in here",
            cross_validated=result,
        )
    print(json.dumps(result | {"weights": dict(zip(model.names, model.weights, strict=True))}))


if __name__ == "__main__":
    main()
