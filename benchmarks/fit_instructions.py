"""Fits the detector of instructions in documents, and writes `agents/defences/instructions.json`.

`python -m benchmarks.fit_instructions [--check FILE ...] [--write]`

Learns from sentences of our own: the patterns of `_instruction_examples.py` and the sample help desk's documents. Left
out patterns, not left out fillings, say how well it does. `--check` names text or SQuAD files of ordinary prose, of
which it says how many sentences are flagged.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from agents.defences import instructions as detecting
from api.service.workspace import example_folder
from benchmarks import _instruction_examples as examples
from retriever import split_sentences
from signalbox.calibration import Floats, fit_logistic
from signalbox.encoder import load_encoder
from signalbox.settings import Settings

_EACH = 6
_FOLDS = 5
_L2 = 12.0
_FALSE_HITS = 0.2  # share of ordinary sentences far from their neighbours that may be flagged, on patterns left out
_TARGET = Path(detecting.__file__).with_name("instructions.json")


def material(encoder: object) -> tuple[list[str], np.ndarray, np.ndarray, Floats]:
    """Sentences, whether each is an instruction, the pattern it comes from, and the features."""
    sentences: list[str] = []
    labels: list[float] = []
    groups: list[int] = []
    for label, patterns in ((1.0, examples.INSTRUCTIONS), (0.0, examples.ORDINARY)):
        for pattern in patterns:
            made = examples.filled((pattern,), _EACH, seed=len(groups))
            made = examples.prefaced(made, seed=len(groups)) if label else made
            sentences += made
            labels += [label] * len(made)
            groups += [len(set(groups))] * len(made)
    documents = sorted((example_folder("helpdesk") / "documents").glob("*.md"))
    of_documents: list[list[str]] = []
    for path in documents:
        text = path.read_text(encoding="utf-8")
        own = [text[span.start : span.end] for span in split_sentences(text)]
        of_documents.append(own)
    encode = encoder.encode  # type: ignore[attr-defined]
    vectors = encode(sentences).astype(np.float64)
    rng = np.random.default_rng(0)
    ordinary = np.flatnonzero(np.array(labels) == 0)
    rows = []
    # Payloads and ordinary sentences alike stand among ordinary ones of one kind of text.
    places = [encode(own).astype(np.float64) for own in of_documents]
    means = [place.mean(axis=0) for place in places]
    first = int(ordinary[0])
    beside = [*means, *(vectors[place : place + 8].mean(axis=0) for place in range(first, len(vectors) - 8, 8))]
    for place, (sentence, vector) in enumerate(zip(sentences, vectors, strict=True)):
        mean = beside[rng.integers(len(beside))]
        if not labels[place]:  # the patterns are ordered by what they are about
            near = [other for other in range(max(first, place - 20), min(len(vectors), place + 20)) if other != place]
            mean = vectors[rng.choice(near, 8, replace=False)].mean(axis=0)
        rows.append(detecting.features([sentence], vector[None], _unit(mean)[None])[0])
    for group, (own, place) in enumerate(zip(of_documents, places, strict=True)):
        sentences += own
        labels += [0.0] * len(own)
        groups += [100_000 + group] * len(own)
        rows += list(detecting.features(own, place, detecting.around(place)))
    judged = [place for place, sentence in enumerate(sentences) if detecting.may_instruct(sentence)]
    missed = sum(labels) - sum(labels[place] for place in judged)
    print(f"{missed:.0f} of {sum(labels):.0f} instructions are not even judged")
    kept = [sentences[place] for place in judged]
    return kept, np.array(labels)[judged], np.array(groups)[judged], np.array(rows)[judged]


def _unit(vector: Floats) -> Floats:
    unit: Floats = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=Path, nargs="*", default=[], help="ordinary prose: .txt, .md or SQuAD .json")
    parser.add_argument("--write", action="store_true", help="replace the shipped model")
    arguments = parser.parse_args()
    console = Console()
    encoder = load_encoder(Settings.load())
    sentences, labels, groups, rows = material(encoder)
    names = [*(f"v{place}" for place in range(encoder.dimension)), *detecting.CHEAP]
    rng = np.random.default_rng(1)
    fold_of = {group: int(rng.integers(_FOLDS)) for group in np.unique(groups)}
    folds = np.array([fold_of[group] for group in groups])
    left_out = np.zeros(len(labels))
    for fold in range(_FOLDS):
        kept = folds != fold
        model = fit_logistic(rows[kept], labels[kept], names=names, l2=_L2)
        left_out[~kept] = model.predict(rows[~kept])
    foreign = np.array([detecting.is_foreign(row[-1]) for row in rows])
    told = np.array([detecting.addresses(sentence) for sentence in sentences])
    apart = (labels == 0) & foreign
    threshold = max(0.5, float(np.quantile(left_out[apart], 1 - _FALSE_HITS)))
    found = (foreign & (left_out >= threshold)) | (told & (left_out >= detecting.ADDRESSED))
    console.print(
        f"{int(labels.sum())} instructions and {int((1 - labels).sum())} ordinary sentences; of patterns left out: "
        f"{found[labels == 1].mean():.3f} found, {found[labels == 0].mean():.4f} flagged wrongly, from {threshold:.3f}"
    )
    for place in np.argsort(np.where(labels == 1, left_out, 2.0))[:12]:
        console.print(f"  missed {left_out[place]:.2f} {sentences[place]}", markup=False)
    for place in np.argsort(np.where(labels == 0, -left_out, 2.0))[:10]:
        console.print(f"  ordinary {left_out[place]:.2f} {sentences[place]}", markup=False)
    model = fit_logistic(rows, labels, names=names, l2=_L2)
    fitted = detecting.Model(model, threshold, encoder.name)
    detector = detecting.InstructionDetector(encoder, fitted)
    for path in arguments.check:
        texts = _texts(path)
        total = sum(len(split_sentences(text)) for text in texts)
        hits = [text[start:end] for text in texts for start, end in detector.flagged(text)]
        console.print(f"{path.name}: {len(hits)} of {total} sentences of {len(texts)} texts flagged")
        for hit in hits[:10]:
            console.print(f"  {hit[:150]}", markup=False)
    if arguments.write:
        written = {key: _short(value) for key, value in model.to_json().items()}
        data = {"encoder": encoder.name, "threshold": round(threshold, 4), "model": written}
        _TARGET.write_text(json.dumps(data) + "\n", encoding="utf-8")


def _short(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return [_short(item) for item in value] if isinstance(value, list | tuple) else value


def _texts(path: Path) -> Sequence[str]:
    if path.suffix != ".json":
        return [path.read_text(encoding="utf-8")]
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]


if __name__ == "__main__":
    main()
