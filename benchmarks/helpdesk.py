"""The sample help desk's held-out labelled queries through the whole router: the table in the README.

`python -m benchmarks.helpdesk [--data test.jsonl] [--json] [--write]`

Makes the workspace in a folder of its own (ingest, train, calibrate on `calibration.jsonl`) and asks the queries of
`test.jsonl`, which nothing was fitted on. Beside it, in the same run, the policy without calibration: every route
accepted from the same confidence on; and the same workspace with an expert of TF-IDF alone in place of its own,
calibrated alike, query by query. `--write` puts the table into README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from agents.policy import PolicyStore
from agents.router import Router
from api.service.calibration import calibrate_policy
from api.service.folders import experts_folder
from api.service.models import DEFAULT_EXPERT, Models, open_models
from api.service.workspace import example_alpha, example_folder, fill_workspace, intents_material
from benchmarks._common import finish, silent, write_readme_section
from benchmarks.grounding import Nowhere
from classifiers import TrainOptions, read_intents, train
from eval_sets import LabelledQuery, read_labelled
from evaluators import RoutingReport, report_routing
from signalbox.encoder import load_encoder
from signalbox.settings import Settings
from signalbox.statistics import paired_difference

EXAMPLE = example_folder("helpdesk")


async def measure(
    settings: Settings, calibration: list[Path], queries: tuple[LabelledQuery, ...]
) -> tuple[RoutingReport, RoutingReport]:
    lax = settings.model_copy(update={"alpha": example_alpha(settings)})
    async with await open_models(lax) as models:
        uncalibrated = await _report(models, queries)
    return await _calibrated(settings, calibration, queries), uncalibrated


async def _calibrated(settings: Settings, calibration: list[Path], queries: tuple[LabelledQuery, ...]) -> RoutingReport:
    await calibrate_policy(settings, calibration, alpha=example_alpha(settings), progress=silent, say=lambda _: None)
    async with await open_models(settings) as models:
        return await _report(models, queries)


def use_plain_expert(settings: Settings) -> None:
    """Promote an expert that was trained on the same intents with TF-IDF alone."""
    encoder = load_encoder(settings)
    examples = read_intents(EXAMPLE / "intents.jsonl", EXAMPLE / "out_of_scope.jsonl")
    options = TrainOptions(learner="tfidf", curve=False, promote=True)
    train(
        intents_material(examples, "intents.jsonl"),
        encoder,
        name=DEFAULT_EXPERT,
        folder=experts_folder(settings),
        options=options,
    )


async def _report(models: Models, queries: tuple[LabelledQuery, ...]) -> RoutingReport:
    return await report_routing(Router(replace(models.parts), Nowhere()), queries)


def table(report: RoutingReport) -> str:
    """Markdown, for the README."""
    lines = [
        "| route | answered | right | calibration error | cost | p50 | p95 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in report.rows:
        low, high = row.right_interval or (0.0, 1.0)
        measured = row.answered - row.unmeasured
        share = f"{row.right} of {measured} ({row.right / max(1, measured):.0%}, {low:.0%} to {high:.0%})"
        name = "*review* (a person was needed)" if row.route == "review" else f"`{row.route}`"
        ece = f"{row.ece:.3f}" if row.ece is not None else "-"
        lines.append(
            f"| {name} | {row.answered} | {share} | {ece} | ${row.cost_usd:.2f} "
            f"| {row.p50_ms:.0f} ms | {row.p95_ms:.0f} ms |"
        )
    return "\n".join(lines)


def summary(report: RoutingReport, alpha: float) -> str:
    low, high = report.error_interval or (0.0, 1.0)
    unmeasured = sum(row.unmeasured for row in report.rows if row.route != "review")
    measured = report.answered - unmeasured
    apart = f", {unmeasured} more can't be judged by the labels" if unmeasured else ""
    return (
        f"{report.answered} of {report.queries} queries answered without a person; {report.wrong} of the {measured} "
        f"answers that the labels can judge are wrong ({report.error_rate or 0:.1%}, 95% interval {low:.1%} to "
        f"{high:.1%}; accepted: {alpha:.0%}){apart}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[EXAMPLE / "queries" / "test.jsonl"])
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--write", action="store_true", help="replace the table in README.md")
    arguments = parser.parse_args()
    queries = read_labelled(arguments.data).queries
    with tempfile.TemporaryDirectory() as folder:
        # The table is of the sample workspace as it comes: no cloud, whatever the environment has keys for.
        settings = Settings.load(data_dir=Path(folder)).model_copy(
            update={"cloud_base_url": None, "cloud_api_key": None}
        )
        fill_workspace(settings, EXAMPLE, progress=silent, say=lambda _: None)
        calibration = [EXAMPLE / "queries" / "calibration.jsonl"]
        calibrated, uncalibrated = asyncio.run(measure(settings, calibration, queries))
        policy = PolicyStore(settings.data_dir / "policies").champion(settings.alpha)
        use_plain_expert(settings)
        plain = asyncio.run(_calibrated(settings, calibration, queries))
    gain = paired_difference(_rights(calibrated), _rights(plain), seed=0)
    text = f"{table(calibrated)}\n\n{summary(calibrated, policy.alpha)}\n"
    if not arguments.json:
        print(text)
        print("Without calibration, on the same queries:\n")
        print(f"{table(uncalibrated)}\n\n{summary(uncalibrated, policy.alpha)}\n")
        print("With an expert of TF-IDF alone, calibrated alike:\n")
        print(f"{table(plain)}\n\n{summary(plain, policy.alpha)}\n")
    if arguments.write:
        write_readme_section("helpdesk", text)
    finish(
        "Sample help desk",
        {
            **_figures(calibrated),
            "gain_over_tfidf_expert": gain["value"],
            "gain_interval": [gain["low"], gain["high"]],
            "cores": os.cpu_count(),
            "anchors": {"uncalibrated": _figures(uncalibrated), "TF-IDF expert": _figures(plain)},
        },
        only_json=arguments.json,
    )


def _rights(report: RoutingReport) -> np.ndarray:
    return np.array(report.answered_right, dtype=np.float64)


def _figures(report: RoutingReport) -> dict[str, object]:
    return {
        "queries": report.queries,
        "answered": report.answered,
        "wrong": report.wrong,
        "answered_right": sum(report.answered_right),
        "error_rate": report.error_rate,
        "error_interval": report.error_interval,
        "coverage": report.answered / report.queries,
        "routes": {row.route: row.answered for row in report.rows},
    }


if __name__ == "__main__":
    main()
