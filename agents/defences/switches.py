"""Which defences are on, and what they know of the workspace."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.defences.instructions import InstructionDetector, shipped_model
from agents.defences.language import Language
from signalbox.contracts import Encoder
from signalbox.settings import DEFENCES, Defence


@dataclass(frozen=True, slots=True)
class Defences:
    """`on` are those in use; `language` is of the workspace, and without one no text is corrected or cut."""

    on: frozenset[Defence] = frozenset(DEFENCES)
    language: Language = field(default_factory=Language.empty)
    _detectors: dict[int, InstructionDetector] = field(default_factory=dict, compare=False, repr=False)

    def detector(self, encoder: Encoder) -> InstructionDetector | None:
        """The detector of instructions over this encoder; None where the shipped one was fitted on another."""
        if getattr(encoder, "name", None) != shipped_model().encoder:
            return None
        known = self._detectors.get(id(encoder))
        return known or self._detectors.setdefault(id(encoder), InstructionDetector(encoder, language=self.language))

    def __contains__(self, name: Defence) -> bool:
        return name in self.on
