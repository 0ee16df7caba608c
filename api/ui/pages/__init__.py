"""The pages, one a module; importing a module registers its paths."""

from __future__ import annotations

PAGES = (
    "ask",
    "predictions",
    "prediction",
    "export",
    "review",
    "documents",
    "document",
    "experts",
    "expert",
    "evals",
    "eval_run",
    "eval_comparison",
)
