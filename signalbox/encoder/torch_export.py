"""The only part of the encoder that loads torch and sentence-transformers, and never while serving.

Fetches models by name, computes reference vectors, and exports architectures that `bert_graph` does not know.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from signalbox.contracts import Vectors
from signalbox.errors import ConfigurationError, MissingDependency

if TYPE_CHECKING:
    from signalbox.encoder.source import Source


def fetch(name: str) -> Path:
    """The folder of the Hugging Face model `name`, downloaded unless it is in the local cache."""
    huggingface_hub = _load("huggingface_hub", name)
    wanted = ["*.json", "*.txt", "*.model", "model.safetensors", "pytorch_model.bin", "*/config.json"]
    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=wanted))
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as error:
        raise ConfigurationError(
            f"The encoder {name} is no folder here and can't be fetched by that name ({error}): correct the setting "
            "encoder, or download the model and name its folder.",
            field="encoder",
        ) from error


def encode(source: Source, texts: Sequence[str]) -> Vectors:
    """The original model's vectors, shape (len(texts), d), one text at a time so that no padding plays a part."""
    model = _sentence_transformer(source)
    rows = [model.encode(text, convert_to_numpy=True, show_progress_bar=False) for text in texts]
    return np.asarray(rows, dtype=np.float32)


def write_tokenizer(source: Source, target: Path) -> None:
    """Write the fast tokenizer of a model that ships only the slow one's files."""
    tokenizer = _sentence_transformer(source).tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise ConfigurationError(
            f"The encoder {source.name} has no fast tokenizer: choose another model.", field="encoder"
        )
    tokenizer.backend_tokenizer.save(str(target))


def build(source: Source, target: Path) -> None:
    """Trace the model with torch and write the same graph interface as `bert_graph.build`."""
    torch = _load("torch", source.name)
    transformer = _sentence_transformer(source)[0].auto_model.eval()

    class Pooled(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            tokens = self.transformer(input_ids=input_ids, attention_mask=attention_mask)[0]
            share = attention_mask.unsqueeze(-1).to(tokens.dtype)
            summed = tokens[:, 0] if source.pooling == "cls" else (tokens * share).sum(1)
            return torch.nn.functional.normalize(summed, dim=1), tokens

    ids = torch.ones((2, 12), dtype=torch.int64)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence", max=source.max_tokens)}
    with warnings.catch_warnings():
        # They concern torch's own insides; whether the export is right is measured afterwards.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pooled().eval(),
            (ids, torch.ones_like(ids)),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=["pooled", "tokens"],
            dynamic_shapes=(axes, axes),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _sentence_transformer(source: Source) -> Any:
    module = _load("sentence_transformers", source.name)
    return module.SentenceTransformer(str(source.folder), device="cpu", local_files_only=True)


def _load(module: str, encoder: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependency(
            f"To export the encoder {encoder}, the package {module.replace('_', '-')} is needed: "
            "pip install 'signalbox[training]'.",
            field="encoder",
        ) from error
