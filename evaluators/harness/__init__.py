"""Runs: cases through a target, scorers over what it said, and a log of rows that survives whatever happens.

It knows nothing of statistics and reports, nor of the service: who evaluates that one hands it in as a `System`.
"""

from __future__ import annotations

from evaluators.harness.cache import Cache
from evaluators.harness.execute import execute
from evaluators.harness.limits import Limits
from evaluators.harness.models import CachedModel
from evaluators.harness.records import RunRecord, RunState, open_run, run_folders
from evaluators.harness.targets import GivenTarget, ModelTarget, SystemTarget, UrlTarget

__all__ = [
    "Cache",
    "CachedModel",
    "GivenTarget",
    "Limits",
    "ModelTarget",
    "RunRecord",
    "RunState",
    "SystemTarget",
    "UrlTarget",
    "execute",
    "open_run",
    "run_folders",
]
