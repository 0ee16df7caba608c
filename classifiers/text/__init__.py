"""Text made ready for learning: prepared alike in training and in serving, its language told, duplicates found.

The steps are one file each; `Pipeline` declares which are on. Which texts to keep is the caller's decision.
"""

from classifiers.text.duplicates import exact_groups, near_groups, overlap
from classifiers.text.languages import Language, count_languages, detect_language
from classifiers.text.pipeline import MAX_CHARS, VERSION, WORDS, Pipeline

__all__ = [
    "MAX_CHARS",
    "VERSION",
    "WORDS",
    "Language",
    "Pipeline",
    "count_languages",
    "detect_language",
    "exact_groups",
    "near_groups",
    "overlap",
]
