"""The model card of an expert: what it learnt from, how good it is, and where it must not be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIGURES = {
    "accuracy": "Label right, utterances in scope",
    "out_of_scope_auroc": "Confidence tells in scope from out of scope (AUROC)",
    "right_auroc": "Confidence tells right from wrong or out of scope (AUROC)",
    "ece": "Calibration error of the confidence (ECE, 10 bins)",
    "set_coverage": "Label sets that hold the true label (aim: 0.90)",
    "set_size": "Labels in a set, mean",
}


def card(described: Mapping[str, Any]) -> str:
    """Markdown, from the fields of the manifest."""
    metrics = described["metrics"]
    rows = "\n".join(
        f"| {title} | {figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f} | {figure['n']} |"
        for name, title in _FIGURES.items()
        if (figure := metrics.get(name))
    )
    outside = described["out_of_scope"]
    limits = (
        f"The confidence supposes that texts out of scope are about as frequent as in the data ({outside} of "
        f"{outside + described['utterances']}) and of the same kinds."
        if outside
        else "No out-of-scope examples were given: the confidence is fitted on texts in scope only and is too high for "
        "texts that belong to no intent. Add some and train again."
    )
    return f"""# {described["name"]}@{described["version"]}

Reads the intent of a short text and gives the reply that belongs to it. Trained {described["created_at"]}.

## Data

{described["intents"]} intents, {described["utterances"]} distinct utterances, {outside} texts out of scope.
SHA-256 of the data: `{described["data_sha256"]}`. Encoder: `{described["encoder"]}`. Seed: {described["seed"]}.

## Figures

Out of fold (5 folds): each text is judged by a model that has not seen it. Intervals are 95%.

| Figure | Value | Interval | Texts |
|---|---|---|---|
{rows}

## Limits

- {limits}
- Utterances written by the same hand resemble each other: expect lower figures on real traffic, and calibrate the
  policy on real queries.
- One intent a text: of two requests in one text only one is read.
- Names, numbers and negations are read only as far as the words of the utterances tell them apart.
- Texts in languages the utterances are not written in are not what it was trained for.
"""
