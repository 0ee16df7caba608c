"""What a query's text is before anything answers it: normalised, with signals of injection and personal data.

Signals are names, not verdicts: what to do about one is the policy's business. Nothing here calls a model.
"""

from signalbox.text.normalise import Change, Normalised, normalise
from signalbox.text.signals import (
    INJECTION_WARNING,
    looks_like_injection,
    mask_personal_data,
    personal_data,
    replace_personal_data,
)

__all__ = [
    "INJECTION_WARNING",
    "Change",
    "Normalised",
    "looks_like_injection",
    "mask_personal_data",
    "normalise",
    "personal_data",
    "replace_personal_data",
]
