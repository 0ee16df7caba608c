"""Experts: small local models trained from labelled texts, which answer within milliseconds.

`train_text` turns a labelled file into a version in the registry, `load_expert` opens one to be asked. scikit-learn and
torch are loaded by training only, never by serving.
"""

from classifiers.data.intents import IntentExamples, read_intents
from classifiers.experts.artefact import load_expert
from classifiers.experts.expert import Reply, TextExpert
from classifiers.registry import Registry
from classifiers.text import Pipeline
from classifiers.training import Material, TrainOptions, TrainRequest, train, train_text

__all__ = [
    "IntentExamples",
    "Material",
    "Pipeline",
    "Registry",
    "Reply",
    "TextExpert",
    "TrainOptions",
    "TrainRequest",
    "load_expert",
    "read_intents",
    "train",
    "train_text",
]
