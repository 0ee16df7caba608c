"""Training a second reader for the local judge on a user's own documents, without labels, and whether it helps there.

A fifth of the documents is kept apart: from pairs made of them the blend is fitted, and on others of them measured. One
that is not clearly better than the judge without it is thrown away.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.cross_encoder.pairs import Pair, make_pairs
from classifiers.cross_encoder.served import CrossEncoder
from evaluators.judges.groundedness import open_judge
from evaluators.judges.groundedness.evidence import TokenEncoder
from evaluators.judges.groundedness.second import FOLDER, NAMES, log_odds, save_blend
from retriever import split_sentences
from signalbox.calibration import Floats, auroc, fit_logistic, sigmoid
from signalbox.encoder.source import find_source
from signalbox.errors import Conflict, InvalidInput

MAX_DOCUMENTS = 20_000
_HELD_EVERY = 5
HELD_PAIRS = 800
_ROUNDS = 500

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class TrainedJudge:
    """What a training gave: AUROC on pairs made of documents that neither part was fitted on.

    Attributes:
        gain: `with_reader` less `without`, with its 95% interval by bootstrap over pairs.
        kept: whether the second reader is in the folder; it is not where the interval reaches 0.
    """

    pairs: int
    without: float
    with_reader: float
    gain: tuple[float, float]
    kept: bool


def train_judge(
    documents: Sequence[str],
    folder: Path,
    *,
    encoder: TokenEncoder,
    source: str,
    progress: Progress,
    budget_s: float = 360.0,
    seed: int = 0,
    held_pairs: int = HELD_PAIRS,
) -> TrainedJudge:
    """Train on documents and leave in `folder` what `open_judge(encoder, folder=folder)` opens. Needs torch.

    Args:
        encoder: what the judge is served with; source: the model to tune, as the setting `encoder` names it.
        progress: is told the share done; what it raises ends the training.
        held_pairs: made of the documents kept apart, half to fit the blend and half to measure it.

    Raises:
        InvalidInput: too many documents, or too few sentences in them.
        Conflict: the folder holds a second reader already.
        ConfigurationError: the model can't be fine-tuned.
    """
    if len(documents) > MAX_DOCUMENTS:
        raise InvalidInput(f"{len(documents):,} documents; at most {MAX_DOCUMENTS:,} are read", field="documents")
    if (folder / FOLDER).exists():
        raise Conflict(f"{folder / FOLDER} exists already: name another folder, or remove it.")
    passages = [[text[span.start : span.end] for span in split_sentences(text)] for text in documents]
    order = np.random.default_rng(seed).permutation(len(passages)).tolist()
    held = [passages[place] for place in order[::_HELD_EVERY]]
    learnt = [passages[place] for number, place in enumerate(order) if number % _HELD_EVERY]
    judged = make_pairs(held, held_pairs, seed=seed)
    from classifiers.cross_encoder.train import train_cross_encoder  # torch

    folder.mkdir(parents=True, exist_ok=True)
    cross = train_cross_encoder(
        learnt, folder / FOLDER, find_source(source), budget_s=budget_s, seed=seed, progress=progress
    )
    progress(0.97, "Measuring on documents kept apart")
    rows, outcomes = _signals(judged, encoder, cross), np.array([float(pair.supported) for pair in judged])
    half = len(rows) // 2
    blend = fit_logistic(rows[:half], outcomes[:half], names=NAMES)
    own, test = rows[half:, 0], outcomes[half:]
    both = np.minimum(sigmoid(own), blend.predict(rows[half:]))
    low, high = _gain(both, own, test, seed)
    result = TrainedJudge(len(judged), auroc(own, test), auroc(both, test), (low, high), kept=low > 0)
    if not result.kept:
        shutil.rmtree(folder / FOLDER)
    else:
        save_blend(folder, blend, {"without": result.without, "with_reader": result.with_reader, "gain": [low, high]})
    return result


def _signals(pairs: Sequence[Pair], encoder: TokenEncoder, cross: CrossEncoder) -> Floats:
    """The judge's own log-odds and the reader's objection of every pair, shape (n, 2)."""
    judge = open_judge(encoder)
    own = [log_odds(judge.score(pair.claim, [pair.evidence]).probability) for pair in pairs]
    read = cross.log_odds([(pair.claim, pair.evidence) for pair in pairs])
    return np.column_stack([own, np.minimum(0.0, read)])


def _gain(both: Floats, own: Floats, outcomes: Floats, seed: int) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(_ROUNDS):
        rows = random.integers(len(outcomes), size=len(outcomes))
        if 0 < outcomes[rows].mean() < 1:
            draws.append(auroc(both[rows], outcomes[rows]) - auroc(own[rows], outcomes[rows]))
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)
