"""The model card of an expert: what it learnt from, how good it is beside doing nothing, and where not to trust it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_TITLES = {
    "accuracy": "Label right",
    "macro_f1": "F1, mean over labels",
    "log_loss": "Log-loss",
    "ece": "Calibration error of the probability (ECE, 10 bins)",
    "right_auroc": "Probability tells right from wrong (AUROC)",
    "set_coverage": "Label sets that hold the true label",
    "set_size": "Labels in a set, mean",
    "steps_off": "Steps off, mean",
    "quadratic_kappa": "Agreement by steps (quadratic weighted kappa)",
    "mae": "Error, mean (MAE)",
    "rmse": "Error, root mean square (RMSE)",
    "rmsle": "Error of the logarithm (RMSLE)",
    "r2": "Variance explained (R2)",
    "spearman": "Order of the texts (Spearman)",
    "interval_coverage": "Intervals that hold the true number",
    "interval_width": "Width of an interval, mean",
    "confidence_ece": "Calibration error of the confidence (ECE, 10 bins)",
    "confidence_auroc": "Confidence tells right from wrong or out of scope (AUROC)",
    "risk_coverage_area": "Wrong answers, mean over all shares answered (area under risk-coverage)",
    "out_of_scope_auroc": "In scope told from out of scope (AUROC)",
    "gain_over_tfidf": "Gain over TF-IDF alone, on the same rows",
}

_SAFE = str.maketrans("`<>|[]()!*_#", "'‹›¦⟦⟧❨❩ǃ∗‗♯")


def card(described: Mapping[str, Any]) -> str:
    """Markdown, from the fields of the manifest."""
    parts = [
        f"# {described['name']}@{described['version']}",
        _says(described),
        "## Data",
        _data(described),
        "## Figures",
        f"On rows held out ({described['held_out']}), each judged by a model that has not seen it. Intervals are 95%.",
        *_figures(described),
        *_chosen(described),
        "## Limits",
        _limits(described),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _says(described: Mapping[str, Any]) -> str:
    tasks = ", ".join(f"`{_plain(task['name'])}`" for task in described["tasks"])
    return f"Reads {tasks} from a text. Learner: `{described['learner']}`."


def _data(described: Mapping[str, Any]) -> str:
    lines = [
        f"{described['rows']:,} different texts of `{_plain(described['trained_on'])}`, "
        f"{described['out_of_scope']:,} more out of scope. SHA-256 of the data: `{described['data_sha256']}`. "
        f"Encoder: `{described['encoder']}`. Seed: {described['seed']}.",
        "",
        *(_task(task) for task in described["tasks"]),
        *(f"- {_plain(note)}" for note in described["notes"]),
    ]
    return "\n".join(lines)


def _task(task: Mapping[str, Any]) -> str:
    kind = f"{len(task['labels'])} labels" if task["labels"] else "a number"
    return f"- `{_plain(task['name'])}`: {task['kind']}, {kind}, {task['rows']:,} rows."


def _figures(described: Mapping[str, Any]) -> Iterator[str]:
    for name, own in described["metrics"].items():
        anchors = described["anchors"].get(name, {})
        title = "The whole answer" if name == "expert" else f"`{_plain(name)}`"
        rows = [_row(_TITLES.get(key, key), figure) for key, figure in own.items()]
        rows += [_row(f"*{_TITLES.get(key, key)}*", figure) for key, figure in anchors.items()]
        yield f"### {title}\n\n| Figure | Value | Interval | Texts |\n|---|---|---|---|\n" + "\n".join(rows)
        verdict = _verdict(anchors)
        if verdict:
            yield verdict


def _row(title: str, figure: Mapping[str, Any]) -> str:
    return f"| {title} | {figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f} | {figure['n']:,} |"


def _verdict(anchors: Mapping[str, Any]) -> str:
    """Of a number: whether a constant does as well."""
    found = []
    for key, name in (
        ("mae less the median's", "absolute error"),
        ("squared log error less the median's", "squared error of the logarithm"),
    ):
        gain = anchors.get(key)
        if gain is None:
            continue
        shown = f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
        if gain["high"] < 0:
            found.append(f"By {name} it is better than always saying the median: {shown}.")
        elif gain["low"] > 0:
            found.append(
                f"**By {name} always saying the median does better: {shown}. Do not use the numbers as they are.**"
            )
        else:
            found.append(f"**By {name} it is not surely better than always saying the median: {shown}.**")
    return " ".join(found)


def _chosen(described: Mapping[str, Any]) -> Sequence[str]:
    lines = [f"- `{tried['learner']}`: {_plain(tried['why'])}" for tried in described["tried"]]
    tuning = described["tuning"]
    if tuning:
        gain = tuning["gain"]
        shown = f"{gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"
        kept = "kept" if tuning["kept"] else "not kept, since the interval does not exclude 0"
        lines.append(f"- Tuning, {tuning['trials']} trials: held-out log-likelihood {shown} on unseen rows; {kept}.")
    return ("## How it was chosen", "\n".join(lines)) if lines else ()


def _limits(described: Mapping[str, Any]) -> str:
    outside = described["out_of_scope"]
    labelled = any(task["labels"] for task in described["tasks"])
    limits = [
        "Figures are of texts like those it learnt from. Real traffic differs: calibrate the policy on real queries.",
        "Texts in languages, of lengths or about things that the data lack are not what it was trained for.",
        "The examples it keeps are shown as explanations to those who may ask it: train on nothing they may not see.",
    ]
    if labelled and outside:
        limits.append(
            f"The confidence supposes that texts out of scope are about as frequent as in the data ({outside:,} of "
            f"{outside + described['rows']:,}) and of the same kinds."
        )
    elif labelled:
        limits.append(
            "No texts out of scope were given: the confidence is fitted on texts in scope and is too high for texts "
            "that belong to no label. Add some and train again."
        )
    return "\n".join(f"- {limit}" for limit in limits)


def _plain(text: object) -> str:
    """One line without what Markdown or HTML would read as more than text."""
    return " ".join(str(text).split()).translate(_SAFE)
