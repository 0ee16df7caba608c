"""One step of the graph a file: a function of the state and the run that returns what it changes."""

from __future__ import annotations

from agents.nodes.classify import classify
from agents.nodes.cloud import cloud
from agents.nodes.explain import explain
from agents.nodes.ground import ground
from agents.nodes.plan import plan
from agents.nodes.retrieve import retrieve
from agents.nodes.review import review
from agents.nodes.screen import screen
from agents.nodes.shorten import shorten
from agents.nodes.verify import verify

__all__ = ["classify", "cloud", "explain", "ground", "plan", "retrieve", "review", "screen", "shorten", "verify"]
