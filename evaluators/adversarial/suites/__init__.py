"""Attack suites of others, read from their own files: AdvBench, HarmBench and BIPIA. Nothing here runs them."""

from __future__ import annotations

from evaluators.adversarial.suites.asking import behaviour_cases
from evaluators.adversarial.suites.behaviours import Behaviour, read_behaviours
from evaluators.adversarial.suites.bipia import Bipia, BipiaContext, BipiaPayload, read_bipia

__all__ = ["Behaviour", "Bipia", "BipiaContext", "BipiaPayload", "behaviour_cases", "read_behaviours", "read_bipia"]
