"""Opens the exported encoder in the data directory, exporting it on first use.

    <data_dir>/encoder/<name>-<precision>-<sha8>/   manifest.json, model.onnx, tokenizer.json

The folder's name holds a checksum of the source, the precision and the format, so other weights and later ways
of exporting get a folder of their own, and vectors of encoders with the same name are comparable.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signalbox.artefacts import read_manifest, write_artefact, writer_lock
from signalbox.encoder.runtime import OnnxEncoder
from signalbox.encoder.source import Source, find_source
from signalbox.errors import CorruptArtefact
from signalbox.settings import Settings

KIND = "encoder"
FORMAT = 3
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
_EXPORT_TIMEOUT_S = 600.0

Progress = Callable[[str], None]


def load_encoder(settings: Settings, *, threads: int | None = None, progress: Progress | None = None) -> OnnxEncoder:
    """The encoder of the settings; the first call in a data directory exports it, which takes some seconds.

    Args:
        threads: texts encoded side by side; by default one a processor core, at most 4. A single text uses one core.
        progress: is told, in words, what is being done when that takes long.

    Raises:
        ConfigurationError: the model does not exist, is not supported, or lost accuracy when exported.
        CorruptArtefact: the exported files were changed or are incomplete.
        Overloaded: another process has been exporting for ten minutes.
    """
    source = find_source(settings.encoder)
    precision = settings.encoder_precision
    digest = hashlib.sha256(f"{source.sha256} {precision} {FORMAT}".encode()).hexdigest()
    name = f"{source.name}-{precision}-{digest[:8]}"
    folder = settings.data_dir / "encoder" / name
    if not folder.exists():
        with writer_lock(folder.parent, timeout_s=_EXPORT_TIMEOUT_S):
            # Another process may have done it while this one waited.
            if not folder.exists():
                _export(source, precision, folder, progress or _silent)
    manifest = read_manifest(folder, kind=KIND, format=FORMAT, remedy="remove the folder to export it again")
    return _open(folder, name, manifest, threads or min(4, os.cpu_count() or 1))


def _export(source: Source, precision: str, folder: Path, progress: Progress) -> None:
    from signalbox.encoder.export import export

    progress(f"Exporting the encoder {source.name} to ONNX ({precision}); this happens once.")
    write_artefact(
        folder,
        kind=KIND,
        format=FORMAT,
        fill=lambda temporary: export(source, precision, temporary / MODEL, temporary / TOKENIZER, progress),
    )


def _open(folder: Path, name: str, manifest: dict[str, Any], threads: int) -> OnnxEncoder:
    try:
        dimension, max_tokens = int(manifest["dimension"]), int(manifest["max_tokens"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptArtefact(
            f"{folder / 'manifest.json'} lacks {error}: remove the folder to export it again."
        ) from None
    model, tokenizer = folder / MODEL, folder / TOKENIZER
    return OnnxEncoder(model, tokenizer, name=name, dimension=dimension, max_tokens=max_tokens, threads=threads)


def _silent(_: str) -> None:
    pass
