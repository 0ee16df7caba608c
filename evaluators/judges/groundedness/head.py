"""From signals to a probability: the logistic head that ships with the package, and which rows it was fitted on.

`head.json` is written by `python -m benchmarks.fit_judge --write`. It holds coefficients, cross-validated figures and
hashes of the rows, so that a benchmark can tell what the head has seen; none of their text.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from evaluators.judges.groundedness.features import FEATURES, LEAST, SIGNS
from signalbox.calibration import LogisticModel, fit_logistic
from signalbox.errors import CorruptArtefact, InvalidInput, NotFound
from signalbox.files import write_atomically

HEAD = "head.json"
_DIGITS = 10
_L2 = 5.0


@dataclass(frozen=True)
class Head:
    """A fitted head.

    Attributes:
        model: over `features.FEATURES`, or a part of them.
        version: changes with the coefficients.
        fitted: `fingerprint`s of the rows it was fitted on.
    """

    model: LogisticModel
    version: str
    fitted: frozenset[str]


@cache
def shipped_head() -> Head:
    """Raises CorruptArtefact where the file of the package was changed into something else."""
    text = files(__package__).joinpath(HEAD).read_text(encoding="utf-8")
    return _read(text, f"{HEAD} of the groundedness judge", "install again")


def load_head(folder: Path) -> Head:
    """The head that `save_head` wrote into a folder.

    Raises:
        NotFound: there is none.
        CorruptArtefact: it can't be read.
    """
    path = folder / HEAD
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"{folder} holds no {HEAD}: fit one, or name no folder to use the one shipped.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptArtefact(f"{path} can't be read ({error}): fit the head again.") from None
    return _read(text, str(path), "fit the head again")


def save_head(folder: Path, model: LogisticModel, fitted: Iterable[str], **about: object) -> None:
    """Write a head where `load_head` finds it; `about` is kept beside it for people to read."""
    content = {**about, "model": model.to_json(), "fitted": " ".join(sorted(set(fitted)))}
    write_atomically(folder / HEAD, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def _read(text: str, name: str, remedy: str) -> Head:
    try:
        data = json.loads(text)
        model = LogisticModel.from_json(data["model"])
        unknown = sorted(set(model.names) - set(FEATURES))
        if unknown:
            raise ValueError(f"it needs the signals {', '.join(unknown)}")
        return Head(model, version_of(model), frozenset(str(data["fitted"]).split()))
    except (ValueError, KeyError, TypeError, InvalidInput) as error:
        raise CorruptArtefact(f"{name} can't be read ({error}): {remedy}.") from None


def version_of(model: LogisticModel) -> str:
    return hashlib.sha256(json.dumps(model.to_json(), sort_keys=True).encode()).hexdigest()[:8]


def fingerprint(answer: str, passages: Iterable[str]) -> str:
    """The same for the same words and letters of answer and passages, whatever their case and spacing."""
    text = "\x1f".join(" ".join(one.lower().split()) for one in (answer, *passages))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]


def fit_head(features: Sequence[Mapping[str, float]], supported: Sequence[bool]) -> LogisticModel:
    """Fit a head on judged answers; a signal that would count against its direction is left out, `LEAST` are kept.

    Args:
        features: of each answer, as `Support.features` gives them.
        supported: what people said of each.

    Raises:
        InvalidInput: no answers, or only one outcome among them.
    """
    outcomes = np.array(supported, dtype=np.float64)
    names = FEATURES
    while True:
        rows = np.array([[one[name] for name in names] for one in features], dtype=np.float64)
        model = fit_logistic(rows, outcomes, names=names, l2=_L2)
        kept = tuple(
            name
            for name, weight in zip(names, model.weights, strict=True)
            if weight * SIGNS[name] >= 0 or name in LEAST
        )
        if kept == names:
            return _strict(model)
        names = kept


def _strict(model: LogisticModel) -> LogisticModel:
    """The model with the weights of `LEAST` no weaker than those; answers that have none of them keep theirs."""
    weights, bias = list(model.weights), model.bias
    for place, name in enumerate(model.names):
        if name in LEAST:
            # One finding has the value log(1 + 1).
            wanted = -LEAST[name] / math.log(2) * model.scale[place]
            less = min(0.0, wanted - weights[place])
            weights[place] += less
            bias += less * model.mean[place] / model.scale[place]
    return replace(model, weights=tuple(weights), bias=bias)
