"""Which defences are on, and what they know of the workspace."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.defences.language import Language
from signalbox.settings import DEFENCES, Defence


@dataclass(frozen=True, slots=True)
class Defences:
    """`on` are those in use; `language` is of the workspace, and without one no text is corrected or cut."""

    on: frozenset[Defence] = frozenset(DEFENCES)
    language: Language = field(default_factory=Language.empty)

    def __contains__(self, name: Defence) -> bool:
        return name in self.on
