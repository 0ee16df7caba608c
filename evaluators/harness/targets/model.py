"""A model alone: asked the query as it stands, without documents, policy or people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from eval_sets.cases import Case
from evaluators.contract import Component, Output
from signalbox.contracts import ChatModel, ChatRequest
from signalbox.types import Message


class ModelTarget:
    """Asks `model`.

    Args:
        arguments: what tells models of the same name apart, such as where each is served; no secrets.
        system: what it is told before every query.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        arguments: Mapping[str, Any] | None = None,
        system: str | None = None,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._model, self._system = model, system
        self._max_tokens, self._temperature, self._seed = max_tokens, temperature, seed
        given = {"system": system, "max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        self.component = Component(name="model", arguments={"model": model.name, **(arguments or {}), **given})

    async def answer(self, case: Case) -> Output:
        """Raises what the model raises."""
        before = () if self._system is None else (Message(role="system", content=self._system),)
        request = ChatRequest(
            messages=(*before, *case.history, Message(role="user", content=case.query)),
            max_tokens=self._max_tokens,
            temperature=self._temperature,
            seed=self._seed,
        )
        started = time.perf_counter()
        result = await self._model.generate(request)
        return Output(
            text=result.text,
            model=result.model,
            usage=result.usage,
            calls=1,
            cost_usd=result.cost_usd,
            duration_ms=(time.perf_counter() - started) * 1000,
        )
