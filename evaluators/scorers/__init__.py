"""Scorers: what measures an output against its case. One idea a file; `build_scorers` makes them from specs.

A spec is `name` or `name:key=value,key=value`, such as `retrieval:k=10`; `known_scorers` lists the names.
"""

from __future__ import annotations

from evaluators.scorers.building import build_scorers, parse_spec
from evaluators.scorers.registry import known_scorers
from evaluators.scorers.resources import Resources

__all__ = ["Resources", "build_scorers", "known_scorers", "parse_spec"]
