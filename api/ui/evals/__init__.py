"""The evaluations pages' parts: the list of runs, one run with its cases, and two runs compared."""

from __future__ import annotations
