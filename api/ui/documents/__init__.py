"""The documents pages' parts: what is being uploaded, what there is, what is found, and one document's text."""

from __future__ import annotations
