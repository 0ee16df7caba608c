"""What can be evaluated: a system in this process, one at a URL, a model, or answers that stand in the set."""

from __future__ import annotations

from evaluators.harness.targets.given import GivenTarget
from evaluators.harness.targets.model import ModelTarget
from evaluators.harness.targets.system import SystemTarget
from evaluators.harness.targets.url import UrlTarget

__all__ = ["GivenTarget", "ModelTarget", "SystemTarget", "UrlTarget"]
