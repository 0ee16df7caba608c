"""An expert on disk: numbered versions, and an alias that names the one in use.

    <folder>/<name>/champion      the version's number, replaced atomically
    <folder>/<name>/3/            manifest.json, weights.npz, vocabulary.json, labels.json, card.md

Versions are never changed, hold no path and no code, and are checked against their checksums when loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.intents.card import card
from classifiers.data.intents import IntentExamples
from classifiers.intents.expert import IntentExpert, Trained
from classifiers.intents.signals import SIGNALS, Head
from classifiers.learners.tfidf import Block, TextVectoriser, character_ngrams, word_ngrams
from signalbox.artefacts import read_manifest, write_artefact, writer_lock
from signalbox.calibration import LogisticModel
from signalbox.contracts import Encoder
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput, NotFound
from signalbox.files import write_atomically
from signalbox.types import utc_now

KIND = "intent expert"
FORMAT = 1
CHAMPION = "champion"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_WRITER_TIMEOUT_S = 60.0
_REMEDY = "restore the folder from a backup, or train the expert again"


def checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} can't name an expert: use up to 64 small letters, digits, '-' and '_', a letter or digit first.",
            field="name",
        )
    return name


def encoder_name(encoder: Encoder) -> str:
    """What tells encoders apart whose vectors can't be compared."""
    return str(getattr(encoder, "name", type(encoder).__name__))


def store(
    folder: Path,
    name: str,
    trained: Trained,
    examples: IntentExamples,
    metrics: Mapping[str, Mapping[str, Any]],
    *,
    encoder: str,
    seed: int,
) -> int:
    """Write the next version, make it the champion, and return its number."""
    parent = folder / checked_name(name)
    with writer_lock(parent, timeout_s=_WRITER_TIMEOUT_S):
        version = max((int(path.name) for path in parent.iterdir() if _NUMBER.fullmatch(path.name)), default=0) + 1
        described = {
            "name": name,
            "version": version,
            "created_at": utc_now().isoformat(timespec="seconds"),
            "encoder": encoder,
            "seed": seed,
            "data_sha256": examples.sha256,
            "intents": len(examples.labels),
            "utterances": len(examples.texts),
            "out_of_scope": len(examples.out_of_scope),
            "metrics": metrics,
        }

        def fill(temporary: Path) -> Mapping[str, Any]:
            _write(temporary, trained)
            (temporary / "card.md").write_text(card(described), encoding="utf-8")
            return described

        write_artefact(parent / str(version), kind=KIND, format=FORMAT, fill=fill)
        write_atomically(parent / CHAMPION, f"{version}\n".encode("ascii"))
    return version


def load_expert(folder: Path, name: str, encoder: Encoder, version: int | None = None) -> IntentExpert:
    """Load a version, by default the champion.

    Raises:
        InvalidInput: the name is not one an expert can have.
        NotFound: there is no such expert or version.
        CorruptArtefact: naming the file that is missing, changed or of another format.
        ConfigurationError: it was trained with another encoder.
    """
    parent = folder / checked_name(name)
    number = _champion(parent, name) if version is None else version
    path = parent / str(number)
    if not path.is_dir():
        if version is None:
            raise CorruptArtefact(f"{parent / CHAMPION} names version {number}, which is missing: {_REMEDY}.")
        raise NotFound(f"There is no version {number} of the expert {name!r} in {folder}.")
    manifest = read_manifest(path, kind=KIND, format=FORMAT, remedy=_REMEDY)
    if manifest.get("encoder") != encoder_name(encoder):
        raise ConfigurationError(
            f"The expert {name}@{number} was trained with the encoder {manifest.get('encoder')}, not with "
            f"{encoder_name(encoder)}: set the encoder back, or train the expert again."
        )
    trained = _read(path)
    if trained.head.vector_weights.shape[0] != encoder.dimension:
        raise ConfigurationError(
            f"The expert {name}@{number} needs vectors of {trained.head.vector_weights.shape[0]} numbers, not of "
            f"{encoder.dimension}: set the encoder back, or train the expert again."
        )
    return IntentExpert(f"{name}@{number}", trained, encoder)


def _champion(parent: Path, name: str) -> int:
    try:
        text = (parent / CHAMPION).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise NotFound(f"There is no expert {name!r} in {parent.parent}: train one first.") from None
    except UnicodeDecodeError:
        text = ""
    if not _NUMBER.fullmatch(text):
        raise CorruptArtefact(
            f"{parent / CHAMPION} does not hold the number of a version: write one of the folders' numbers into it."
        )
    return int(text)


def _write(folder: Path, trained: Trained) -> None:
    head = trained.head
    blocks = head.vectoriser
    np.savez(
        folder / "weights.npz",
        word_idf=blocks.words.idf,
        character_idf=blocks.characters.idf,
        text_weights=head.text_weights,
        vector_weights=head.vector_weights,
        bias=head.bias,
        temperature=np.float64(head.temperature),
        vectors=head.vectors,
        targets=head.targets,
        outside=head.outside,
        scope_weights=head.scope_weights,
        scope_bias=np.float64(head.scope_bias),
        set_threshold=np.float64(trained.set_threshold),
    )
    vocabulary = {"words": list(blocks.words.vocabulary), "characters": list(blocks.characters.vocabulary)}
    _dump(folder / "vocabulary.json", vocabulary)
    intents = [
        {"intent": label, "title": title, "reply": reply, "stems": sorted(stems)}
        for label, title, reply, stems in zip(
            trained.labels, trained.titles, trained.replies, trained.stems, strict=True
        )
    ]
    _dump(folder / "labels.json", {"intents": intents, "confidence": trained.confidence.to_json()})


def _dump(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _read(folder: Path) -> Trained:
    """The files are what was written, by their checksums; what is checked here is that they fit each other."""
    try:
        with np.load(folder / "weights.npz", allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        terms = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        stored = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        vectoriser = TextVectoriser(
            Block(word_ngrams, _columns(terms["words"]), arrays["word_idf"]),
            Block(character_ngrams, _columns(terms["characters"]), arrays["character_idf"]),
        )
        head = Head(
            vectoriser,
            arrays["text_weights"],
            arrays["vector_weights"],
            arrays["bias"],
            float(arrays["temperature"]),
            arrays["vectors"],
            arrays["targets"],
            arrays["outside"],
            arrays["scope_weights"],
            float(arrays["scope_bias"]),
        )
        intents = [(str(item["intent"]), str(item["title"]), str(item["reply"])) for item in stored["intents"]]
        labels, titles, replies = (tuple(column) for column in zip(*intents, strict=True))
        stems = tuple(frozenset(map(str, item["stems"])) for item in stored["intents"])
        confidence = LogisticModel.from_json(stored["confidence"])
        fits = (
            len(terms["words"]) == len(arrays["word_idf"])
            and len(terms["characters"]) == len(arrays["character_idf"])
            and head.text_weights.shape == (vectoriser.size, len(labels))
            and confidence.names == SIGNALS
        )
    except (KeyError, ValueError, TypeError, OSError, InvalidInput) as error:
        raise CorruptArtefact(f"{folder} can't be read as an expert ({error}): {_REMEDY}.") from None
    if not fits:
        raise CorruptArtefact(f"{folder / 'weights.npz'} does not fit the vocabulary and labels beside it: {_REMEDY}.")
    return Trained(head, confidence, float(arrays["set_threshold"]), labels, titles, replies, stems)


def _columns(terms: list[str]) -> dict[str, int]:
    return {term: column for column, term in enumerate(terms)}
