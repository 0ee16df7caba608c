"""What one case's scorers ask of models: counted, and kept back from the cache until the row is written.

Scorers and the models they ask don't know of each other's case, so it travels in a context variable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from evaluators.contract import Output, Spent
from signalbox.contracts import ChatResult

_scope: ContextVar[Scope | None] = ContextVar("scope", default=None)


@dataclass
class Scope:
    """The case being measured: what was spent on it, and what is to be kept once its row is."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    to_keep: list[tuple[str, bytes]] = field(default_factory=list)

    def asked(self, result: ChatResult) -> None:
        """A model was asked by a scorer."""
        self.calls += 1
        self.input_tokens += result.usage.input_tokens
        self.output_tokens += result.usage.output_tokens
        self.cost_usd += result.cost_usd

    def answered(self, output: Output) -> None:
        """The target has answered, not the cache."""
        self.calls += output.calls
        self.cost_usd += output.cost_usd
        if output.usage is not None:
            self.input_tokens += output.usage.input_tokens
            self.output_tokens += output.usage.output_tokens

    @property
    def spent(self) -> Spent:
        return Spent(
            calls=self.calls,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=self.cost_usd,
        )


@contextmanager
def measured_case() -> Iterator[Scope]:
    """A scope for what is done within."""
    scope = Scope()
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)


def current() -> Scope | None:
    """The scope of the case being measured; None outside a run."""
    return _scope.get()
