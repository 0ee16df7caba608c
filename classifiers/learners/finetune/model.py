"""BERT's forward pass in torch as a function of named weights, so that it can be trained and handed to the exporter.

The names are those of the published weights, as in `signalbox.encoder.bert_graph`, which builds the graph that
serves. Written out because the lower layers have to run apart from the upper ones: with the lower ones frozen their
output is computed once (`batches.Hidden`) and every epoch pays for the upper ones only. Knows nothing of heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from signalbox.encoder import bert_graph
from signalbox.encoder.bert_graph import PROJECTION
from signalbox.encoder.source import Source
from signalbox.errors import ConfigurationError

_LAYER = "encoder.layer."


@dataclass
class Bert:
    """An encoder's weights and how to run them.

    Attributes:
        weights: by published name; `projection.weight`, shape (p, d), where there is a projection.
        config: the transformer's `config.json`.
        pooling: `mean` or `cls`.
        dropout: of every sublayer's output while training; 0 outside of it.
    """

    weights: dict[str, torch.Tensor]
    config: dict[str, Any]
    pooling: str
    dropout: float = 0.0

    @property
    def layers(self) -> int:
        return int(self.config["num_hidden_layers"])

    @property
    def dimension(self) -> int:
        """Numbers in a text's vector."""
        projection = self.weights.get(PROJECTION)
        return int(self.config["hidden_size"] if projection is None else projection.shape[0])

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """The input of the first layer, shape (batch, length, d), from ids, shape (batch, length)."""
        w = self.weights
        segment = w["embeddings.token_type_embeddings.weight"][0]
        places = w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = functional.embedding(ids, w["embeddings.word_embeddings.weight"]) + places + segment
        return self._dropped(self._normed(hidden, "embeddings."))

    def run(self, hidden: torch.Tensor, mask: torch.Tensor | None, first: int, last: int | None = None) -> torch.Tensor:
        """Hidden states after the layers `first` to `last` - 1; `mask`: shape (batch, length), None without padding."""
        attended = None if mask is None else mask[:, None, None, :]
        for layer in range(first, self.layers if last is None else last):
            hidden = self._layer(f"{_LAYER}{layer}.", hidden, attended)
        return hidden

    def pool(self, hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Unit vectors, shape (batch, dimension)."""
        if self.pooling == "cls":
            pooled = hidden[:, 0]
        elif mask is None:
            pooled = hidden.mean(dim=1)
        else:
            share = mask.to(hidden.dtype)
            pooled = (hidden * share[:, :, None]).sum(dim=1) / share.sum(dim=1, keepdim=True)
        if PROJECTION in self.weights:
            pooled = pooled @ self.weights[PROJECTION].T
        return functional.normalize(pooled, dim=1)

    def _layer(self, prefix: str, hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        batch, length, size = hidden.shape
        heads = self.config["num_attention_heads"]

        def part(name: str) -> torch.Tensor:
            flat = self._dense(hidden, f"{prefix}attention.self.{name}.")
            return flat.view(batch, length, heads, size // heads).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(part("query"), part("key"), part("value"), attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(batch, length, size)
        out = f"{prefix}attention.output."
        hidden = self._normed(hidden + self._dropped(self._dense(mixed, f"{out}dense.")), out)
        wide = functional.gelu(self._dense(hidden, f"{prefix}intermediate.dense."))
        out = f"{prefix}output."
        return self._normed(hidden + self._dropped(self._dense(wide, f"{out}dense.")), out)

    def _dense(self, value: torch.Tensor, prefix: str) -> torch.Tensor:
        return functional.linear(value, self.weights[f"{prefix}weight"], self.weights[f"{prefix}bias"])

    def _normed(self, value: torch.Tensor, prefix: str) -> torch.Tensor:
        gain, shift = self.weights[f"{prefix}LayerNorm.weight"], self.weights[f"{prefix}LayerNorm.bias"]
        return functional.layer_norm(value, gain.shape, gain, shift, self.config["layer_norm_eps"])

    def _dropped(self, value: torch.Tensor) -> torch.Tensor:
        return functional.dropout(value, self.dropout) if self.dropout else value


def layer_of(name: str, layers: int) -> int:
    """Where a weight sits: 0 for the embeddings, 1 for the lowest layer, `layers` + 1 for a projection."""
    if name.startswith(_LAYER):
        return int(name.removeprefix(_LAYER).split(".", 1)[0]) + 1
    return 0 if name.startswith("embeddings.") else layers + 1


def load(source: Source, pooling: str | None = None, projection: int | None = None) -> Bert:
    """The weights of a source, fp32; a projection starts as the identity's first rows.

    Raises:
        ConfigurationError: it is no BERT with safetensors, which is what can be fine-tuned here.
    """
    file = source.folder / "model.safetensors"
    if not bert_graph.fits(source.config) or not file.is_file():
        raise ConfigurationError(
            f"The encoder {source.name} can't be fine-tuned: only BERT models with a model.safetensors can. "
            "Choose another learner or another encoder.",
            field="encoder",
        )
    # Not the pooler of BERT's pre-training, which no sentence vector comes from.
    wanted = ("embeddings.", _LAYER)
    weights = {name: torch.tensor(value) for name, value in bert_graph.read(file).items() if name.startswith(wanted)}
    if projection is not None:
        weights[PROJECTION] = torch.eye(projection, int(source.config["hidden_size"]))
    return Bert(weights, source.config, pooling or source.pooling)
