"""The review page's parts: what lies before the reviewer, and how it is drawn."""

from __future__ import annotations
