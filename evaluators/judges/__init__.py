"""Judges of answers: a local one of groundedness, models asked with a rubric, and how far either agrees with people."""
