"""The local LLM: llama.cpp in a worker process of its own, supervised and restarted.

`LocalModel` is both a `ChatModel` and a `ScoringModel`. llama.cpp is loaded in the worker only: a crash in it costs the
request in flight, never the service.
"""

from __future__ import annotations

from signalbox.models.local.client import LocalModel
from signalbox.models.local.files import ModelFile, resolve_model

__all__ = ["LocalModel", "ModelFile", "resolve_model"]
