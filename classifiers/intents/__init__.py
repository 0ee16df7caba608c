"""Intents from labelled utterances: read the examples, train an expert, load it, ask it."""

from classifiers.intents.artefact import load_expert
from classifiers.data.intents import IntentExamples, read_intents
from classifiers.intents.expert import IntentExpert
from classifiers.intents.train import train_intents

__all__ = ["IntentExamples", "IntentExpert", "load_expert", "read_intents", "train_intents"]
