"""Experts: small local models trained from labelled data, which answer within about a millisecond.

The first kind reads intents. scikit-learn is loaded by training only, never by serving.
"""

from classifiers.intents import IntentExamples, IntentExpert, load_expert, read_intents, train_intents

__all__ = ["IntentExamples", "IntentExpert", "load_expert", "read_intents", "train_intents"]
