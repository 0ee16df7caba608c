"""The pieces pages are made of. Each takes values and draws them; none looks anything up."""

from __future__ import annotations
