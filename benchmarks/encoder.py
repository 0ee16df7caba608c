"""The served encoder beside sentence-transformers on torch: time at batch 1, vectors, and routes chosen with them.

`python -m benchmarks.encoder [--data texts ...] [--limit 1000] [--json]`

Data: labelled texts as an intents file (JSON Lines with `intent` and `utterances`), CLINC150's JSON or a CSV with
`text` and `category`; by default the sample workspace. Times are taken in turns, text by text, both warm; their
ratio is the median over the texts. Routes agree where a head that was fitted on torch's vectors of other texts
decides the same from either vectors.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import finish, track
from signalbox.contracts import Vectors
from signalbox.encoder import load_encoder
from signalbox.encoder.source import find_source
from signalbox.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "helpdesk" / "intents.jsonl"
TIMED_TEXTS = 48
ROUNDS = 7
FOLDS = 5

Pairs = list[tuple[str, str]]


def read_pairs(path: Path) -> Pairs:
    """Text and label of each example."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        return [(said, row["intent"]) for row in rows for said in row["utterances"]]
    if path.suffix == ".json":
        return [(said, label) for part in json.loads(text).values() for said, label in part]
    return [(row["text"], row["category"]) for row in csv.DictReader(text.splitlines())]


def sample(pairs: Pairs, limit: int, seed: int) -> Pairs:
    chosen = np.random.default_rng(seed).permutation(len(pairs))[:limit]
    return [pairs[index] for index in chosen]


def time_in_turns(encoders: dict[str, Callable[[list[str]], Any]], texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Milliseconds for each text alone, the median of ROUNDS, each call right after one that warms it up."""
    times = {name: np.zeros((ROUNDS, len(texts))) for name in encoders}
    for index, text in enumerate(track(texts, "timing")):
        for turn in range(ROUNDS):
            for name, encode in encoders.items():
                encode([text])
                start = time.perf_counter()
                encode([text])
                times[name][turn, index] = 1e3 * (time.perf_counter() - start)
    return {name: np.median(values, axis=0) for name, values in times.items()}


def agreement(labels: Sequence[str], torch_vectors: Vectors, ours: Vectors) -> dict[str, float]:
    """Share of texts that get the same label from either vectors, by heads that were fitted without them."""
    from sklearn.linear_model import LogisticRegression

    names = np.array(labels)
    folds = np.arange(len(names)) % FOLDS
    logistic, centroid, right, right_torch = (np.zeros(len(names), dtype=bool) for _ in range(4))
    for fold in range(FOLDS):
        rows, fitted, kinds = folds == fold, folds != fold, np.unique(names[folds != fold])
        head = LogisticRegression(C=10, max_iter=300).fit(torch_vectors[fitted], names[fitted])
        from_ours, from_torch = head.predict(ours[rows]), head.predict(torch_vectors[rows])
        logistic[rows] = from_ours == from_torch
        right[rows], right_torch[rows] = from_ours == names[rows], from_torch == names[rows]
        centroids = np.stack([torch_vectors[fitted & (names == kind)].mean(axis=0) for kind in kinds])
        centroid[rows] = nearest(ours[rows], centroids) == nearest(torch_vectors[rows], centroids)
    shares = {"logistic": logistic, "centroid": centroid, "accuracy": right, "accuracy_torch": right_torch}
    return {name: float(values.mean()) for name, values in shares.items()}


def nearest(vectors: Vectors, centroids: Vectors) -> NDArray[np.int64]:
    result: NDArray[np.int64] = np.argmax(vectors @ centroids.T, axis=1)
    return result


def cosines(one: Vectors, two: Vectors) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.sum(one.astype(np.float64) * two.astype(np.float64), axis=1)
    return result


def run(pairs: Pairs, encoder_name: str) -> dict[str, object]:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer

    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    torch_model = SentenceTransformer(str(find_source(encoder_name).folder), device="cpu")

    def torch_encode(batch: Sequence[str]) -> Vectors:
        vectors = torch_model.encode(list(batch), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), encoder=encoder_name)
        started = time.perf_counter()
        encoder = load_encoder(settings)
        export_s = time.perf_counter() - started
        started = time.perf_counter()
        encoder = load_encoder(settings)
        open_s = time.perf_counter() - started
        exact = load_encoder(settings.model_copy(update={"encoder_precision": "fp32"}))
        by_length = sorted(texts, key=len)
        timed = [
            by_length[index] for index in np.linspace(0, len(by_length) - 1, min(TIMED_TEXTS, len(texts))).astype(int)
        ]
        times = time_in_turns({"ours": encoder.encode, "fp32": exact.encode, "torch": torch_encode}, timed)
        started = time.perf_counter()
        ours = encoder.encode(texts)
        bulk_ours = len(texts) / (time.perf_counter() - started)
        started = time.perf_counter()
        theirs = torch_encode(texts)
        bulk_torch = len(texts) / (time.perf_counter() - started)
        routes = agreement(labels, theirs, ours)
        return {
            "time_ratio": float(np.median(times["ours"] / times["torch"])),
            "time_ratio_longest_quarter": float(np.median((times["ours"] / times["torch"])[-len(timed) // 4 :])),
            "export_cosine": float(cosines(exact.encode(texts), theirs).min()),
            "route_agreement": routes["logistic"],
            "centroid_agreement": routes["centroid"],
            "int8_cosine_lowest": float(cosines(ours, theirs).min()),
            "int8_cosine_mean": float(cosines(ours, theirs).mean()),
            "batch1_ms": float(np.median(times["ours"])),
            "texts_per_s": bulk_ours,
            "intent_accuracy": routes["accuracy"],
            "export_s": export_s,
            "open_s": open_s,
            "tokens_median": float(np.median(encoder.count_tokens(timed))),
            "texts": len(texts),
            "anchors": {
                "sentence_transformers": {
                    "batch1_ms": float(np.median(times["torch"])),
                    "texts_per_s": bulk_torch,
                    "intent_accuracy": routes["accuracy_torch"],
                },
                "fp32": {"batch1_ms": float(np.median(times["fp32"]))},
            },
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[EXAMPLE])
    parser.add_argument("--encoder", default="all-MiniLM-L6-v2", help="a sentence-transformers model")
    parser.add_argument("--limit", type=int, default=1_000, help="most texts compared")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print the last line only")
    arguments = parser.parse_args()
    pairs = sample([pair for path in arguments.data for pair in read_pairs(path)], arguments.limit, arguments.seed)
    finish("Encoder", run(pairs, arguments.encoder), only_json=arguments.json)


if __name__ == "__main__":
    main()
