"""What asking judges used up, so that a harness can keep to its limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from signalbox.contracts import ChatResult


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls of models, tokens and US dollars. Adds up; failed calls count as calls, with what they may have cost."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
        )

    @classmethod
    def on(cls, result: ChatResult) -> Spent:
        return cls(1, result.usage.input_tokens, result.usage.output_tokens, result.cost_usd)

    def details(self) -> dict[str, Any]:
        """As they stand in the details of a measure."""
        return asdict(self)
