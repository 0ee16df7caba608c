"""The experts pages' parts: the table, training and its jobs, one expert's versions, card and report, and asking it."""

from __future__ import annotations
