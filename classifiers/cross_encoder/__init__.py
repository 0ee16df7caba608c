"""A small model that reads a sentence and its evidence together, and the pairs it learns from, made without labels.

Training needs torch; making pairs and serving do not.
"""
