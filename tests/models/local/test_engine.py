"""The engine in this process, where a failing decode can be had at will."""

from __future__ import annotations

import llama_cpp
import pytest

from signalbox.errors import ConfigurationError
from signalbox.models.local import resolve_model
from signalbox.models.local.engine import Engine
from signalbox.settings import Settings


def test_a_failed_decode_costs_one_request_only(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(resolve_model(settings).path)
    engine = Engine(path, path, context_tokens=256, threads=2)
    shared = engine.tokenize("The signal at the junction shows clear when the line is free. " * 10, special=False)
    pairs = [(engine.tokenize(" It is", special=False), engine.tokenize(" green today.", special=False))]
    before = engine.score(shared, pairs, lambda: False)

    decode = llama_cpp.llama_decode
    codes = iter([0, 1])  # what differs of the shared text, then the candidates
    monkeypatch.setattr(llama_cpp, "llama_decode", lambda *given: next(codes) or decode(*given))
    with pytest.raises(ConfigurationError, match="could not decode"):
        engine.score(shared, pairs, lambda: False)
    monkeypatch.undo()

    assert engine.score(shared, pairs, lambda: False) == before
