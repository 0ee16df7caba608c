"""The policy: which route to try, from which confidence on to accept, what that is expected to cost. No LangGraph."""

from __future__ import annotations

from agents.policy.artefact import NEVER, Logistic, Policy, RiskPoint, RoutePolicy
from agents.policy.choose import Plan, accept_threshold, make_plan
from agents.policy.features import plan_features
from agents.policy.store import PolicyStore

__all__ = [
    "NEVER",
    "Logistic",
    "Plan",
    "Policy",
    "PolicyStore",
    "RiskPoint",
    "RoutePolicy",
    "accept_threshold",
    "make_plan",
    "plan_features",
]
