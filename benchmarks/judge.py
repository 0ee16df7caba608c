"""The local judge on answers that people have judged, beside overlap, MiniLM's cosine and length on the same rows.

`python -m benchmarks.judge --data begin.tsv ... [--json]`, with files of BEGIN's format.

Rows that the shipped head was fitted on are told by their hashes; their probabilities come from heads fitted anew
without their fold, passages kept together. All other rows are judged by the shipped head. The headline (`auroc`,
`ece`) is of both together, and `headline` says which there were; `shipped_on_fitted_rows` is the shipped head on rows
it knows, no figure to trust. `changed` are sentences of the passages that one fact was changed in, or spliced, or left
out of what is shown: the share found (below .5), next to false alarms on sentences that were only spelled or cut
otherwise; nobody labelled them.

Intervals are bootstraps over passages; `ahead_of` uses the same draws for both. Times are of one answer at a time:
`p50_ms` as rows come, `known_passage_p50_ms` with the passage read before.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import finish, quantile, track
from benchmarks._judging import TIMED, Judged, area, cross_fitted, folds, intervals, judge_all
from classifiers.cross_encoder.pairs import make_pairs
from eval_sets.begin import BeginRow, read_begin
from evaluators.judges.groundedness import GroundednessJudge, fingerprint, open_judge, shipped_head
from evaluators.judges.groundedness.words import read_words
from retriever import split_sentences
from signalbox.calibration import Floats, expected_calibration_error
from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.errors import InvalidInput
from signalbox.settings import Settings

PAIRS = 600
COVERAGES = (1.0, 0.9, 0.8, 0.5)


def measure(rows: list[BeginRow], judge: GroundednessJudge, encoder: OnnxEncoder) -> dict[str, Any]:
    judged = judge_all(judge, rows)
    outcomes = judged.outcomes
    if len(np.unique(outcomes)) < 2:
        raise SystemExit("All rows have the same label: there is nothing to tell apart.")
    fitted = shipped_head().fitted
    seen = np.array([fingerprint(row.response, [row.knowledge]) in fitted for row in rows])
    shipped = np.array([one.probability for one in judged.supports])
    probability = np.where(seen, _cross_fitted(judged, seen), shipped)
    others = anchors(judged, encoder)
    whole = intervals(probability, others, outcomes, judged.passages)
    assert whole is not None
    sets = {source: _set(judged, judged.sources == source, probability, others) for source in _names(judged.sources)}
    ahead = [gain["interval"][0] > 0 for one in sets.values() for gain in one.get("ahead_of", {}).values()]
    return {
        "auroc": whole["auroc"],
        "auroc_interval": whole["auroc_interval"],
        "ece": expected_calibration_error(probability, outcomes),
        "headline": "cross-fitted" if seen.all() else "cross-fitted and shipped" if seen.any() else "shipped",
        "ahead_of": whole["ahead_of"],
        "better_on_every_set": bool(ahead) and all(ahead),
        "sets": sets,
        "other_source": _other_source(judged),
        **({"shipped_on_fitted_rows": _figures(shipped[seen], outcomes[seen])} if seen.any() else {}),
        **({"shipped_on_new_rows": _figures(shipped[~seen], outcomes[~seen])} if not seen.all() else {}),
        "changed": _changed(judge, rows),
        "error_at_coverage": _risks(probability, outcomes),
        "claims_nothing": sum(support.kind != "claims" for support in judged.supports),
        "p50_ms": quantile(judged.milliseconds, 0.5),
        "p99_ms": quantile(judged.milliseconds, 0.99),
        "known_passage_p50_ms": quantile(_again(judge, rows), 0.5),
        "rows": len(rows),
        "fitted_rows": int(seen.sum()),
        "head": judge.version,
        "anchors": {name: {"auroc": area(scores, outcomes)} for name, scores in others.items()},
    }


def anchors(judged: Judged, encoder: OnnxEncoder) -> dict[str, Floats]:
    """What needs no fitting: the share of words, or of content words, that the passage has; cosines; brevity."""
    overlap, content, length = [], [], []
    for row in judged.rows:
        known = {word.stem for word in read_words(row.knowledge)}
        words = read_words(row.response)
        carrying = [word.stem for word in words if word.content]
        overlap.append(float(np.mean([word.stem in known for word in words])) if words else 0.0)
        content.append(float(np.mean([stem in known for stem in carrying])) if carrying else 0.0)
        length.append(-float(len(row.response.split())))
    return {
        "overlap": np.array(content),
        "overlap_all_words": np.array(overlap),
        "minilm": _cosines(judged, encoder),
        "length": np.array(length),
    }


def _cosines(judged: Judged, encoder: OnnxEncoder) -> Floats:
    """Of each answer with the most alike sentence of its passage."""
    passages = {row.knowledge: None for row in judged.rows}
    lines = {
        passage: encoder.encode([passage[span.start : span.end] for span in split_sentences(passage)] or [passage])
        for passage in track(list(passages), "encoding sentences")
    }
    answers = encoder.encode([row.response for row in judged.rows])
    return np.array(
        [float((lines[row.knowledge] @ vector).max()) for row, vector in zip(judged.rows, answers, strict=True)]
    )


def _cross_fitted(judged: Judged, seen: NDArray[Any]) -> Floats:
    """Of the rows seen when fitting, from heads fitted on other folds of them; 0 for the others."""
    result = np.zeros(len(judged.rows))
    places = np.flatnonzero(seen)
    if len(places):
        part = _part(judged, places)
        result[places] = cross_fitted(part, folds(part.passages))
    return result


def _other_source(judged: Judged) -> dict[str, dict[str, float]]:
    """Each source by a head fitted on the rows of the others, which says how far the judge carries over."""
    names = _names(judged.sources)
    numbers = np.array([names.index(source) for source in judged.sources], dtype=np.int64)
    outcomes = judged.outcomes
    if len(names) < 2 or any(len(np.unique(outcomes[numbers != number])) < 2 for number in range(len(names))):
        return {}
    moved = cross_fitted(judged, numbers)
    return {
        name: _figures(moved[numbers == number], outcomes[numbers == number])
        for number, name in enumerate(names)
        if len(np.unique(outcomes[numbers == number])) == 2
    }


def _set(judged: Judged, chosen: NDArray[Any], probability: Floats, others: dict[str, Floats]) -> dict[str, Any]:
    outcomes = judged.outcomes[chosen]
    found = intervals(
        probability[chosen],
        {name: scores[chosen] for name, scores in others.items()},
        outcomes,
        judged.passages[chosen],
    )
    if found is None:
        return {"rows": int(chosen.sum()), "auroc": None}
    ece = expected_calibration_error(probability[chosen], outcomes)
    return {"rows": int(chosen.sum()), "supported": float(outcomes.mean()), **found, "ece": ece}


def _figures(probability: Floats, outcomes: Floats) -> dict[str, Any]:
    one_kind = len(np.unique(outcomes)) < 2
    return {
        "rows": len(outcomes),
        "auroc": None if one_kind else area(probability, outcomes),
        "ece": expected_calibration_error(probability, outcomes),
    }


def _risks(probability: Floats, outcomes: Floats) -> dict[str, float]:
    """Share of wrong verdicts among the surest so many."""
    order = np.argsort(-np.abs(probability - 0.5), kind="stable")
    wrong = ((probability >= 0.5) != (outcomes > 0.5))[order]
    return {f"{coverage:.0%}": float(wrong[: max(1, round(coverage * len(wrong)))].mean()) for coverage in COVERAGES}


def _again(judge: GroundednessJudge, rows: list[BeginRow]) -> list[float]:
    milliseconds = []
    for row in rows[:TIMED]:
        judge.score(row.response, [row.knowledge])
        start = time.perf_counter()
        judge.score(row.response, [row.knowledge])
        milliseconds.append((time.perf_counter() - start) * 1_000)
    return milliseconds


def _changed(judge: GroundednessJudge, rows: list[BeginRow]) -> dict[str, Any] | None:
    passages = [
        [passage[span.start : span.end] for span in split_sentences(passage)]
        for passage in dict.fromkeys(row.knowledge for row in rows)
    ]
    try:
        pairs = make_pairs(passages, PAIRS)
    except InvalidInput:  # too few sentences
        return None
    found = np.array([judge.score(pair.claim, [pair.evidence]).probability for pair in track(pairs, "changed facts")])
    kept = np.array([pair.supported for pair in pairs])
    kinds = np.array([pair.change for pair in pairs])
    return {
        "auroc": area(found, kept.astype(np.float64)),
        "false_alarms": float((found[kept] < 0.5).mean()),
        **{name: float((found[kinds == name] < 0.5).mean()) for name in sorted(set(kinds[~kept].tolist()))},
    }


def second_reader(rows: list[BeginRow], judge: GroundednessJudge) -> dict[str, Any]:
    """The same rows by the shipped head with the reader's objections; the head's own figure is beside it."""
    judged = judge_all(judge, rows)
    return {
        **_figures(np.array([one.probability for one in judged.supports]), judged.outcomes),
        "changed": _changed(judge, rows),
        "p50_ms": quantile(judged.milliseconds, 0.5),
    }


def _part(judged: Judged, places: NDArray[Any]) -> Judged:
    chosen = places.tolist()
    return Judged([judged.rows[i] for i in chosen], [judged.supports[i] for i in chosen], judged.milliseconds)


def _names(sources: NDArray[Any]) -> list[str]:
    return sorted(set(sources.tolist()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, nargs="+", action="extend", help="files of BEGIN's format")
    parser.add_argument("--folder", type=Path, help="what `train_judge` wrote, to be measured beside the shipped head")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    arguments = parser.parse_args()
    encoder = load_encoder(Settings.load())
    rows = list(read_begin(arguments.data))
    result = measure(rows, open_judge(encoder), encoder)
    if arguments.folder is not None:
        result["with_second_reader"] = second_reader(rows, open_judge(encoder, folder=arguments.folder))
    finish("Local judge", result, only_json=arguments.json)


if __name__ == "__main__":
    main()
