"""Experts on disk: numbered versions that never change, and aliases that say which one is in use.

    <folder>/<name>/aliases.json    champion, challenger and the history of promotions, replaced atomically
    <folder>/<name>/3/              manifest.json, card.md and the files of the model

Nothing here knows what the files mean: whoever adds a version fills its folder, whoever opens it reads them. No file
holds a path, so the whole folder may be moved.
"""

from classifiers.registry.aliases import Aliases, Change
from classifiers.registry.registry import Registry
from classifiers.registry.version import CARD, Version, checked_name

__all__ = ["CARD", "Aliases", "Change", "Registry", "Version", "checked_name"]
