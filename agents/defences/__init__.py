"""Defences: each can be switched off, says when it did something, and is measured on and off.

On the way in they decide what a text is routed by; on the way out what a model is shown and what of its answer may be
given. None of them changes what was asked as it is stored and shown.
"""

from __future__ import annotations

from agents.defences.focus import LONG_WORDS, focus
from agents.defences.instructions import InstructionDetector, without
from agents.defences.language import Language
from agents.defences.output import objection
from agents.defences.reading import Read, read_query
from agents.defences.redaction import Redaction
from agents.defences.spotlight import mark_for
from agents.defences.switches import Defences

__all__ = [
    "LONG_WORDS",
    "Defences",
    "InstructionDetector",
    "Language",
    "Read",
    "Redaction",
    "focus",
    "mark_for",
    "objection",
    "read_query",
    "without",
]
