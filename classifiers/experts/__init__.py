"""The trained expert: what it is made of, what it says of texts and why, and its form on disk."""

from classifiers.experts.artefact import load_expert
from classifiers.experts.expert import Reply, TextExpert, Trained

__all__ = ["Reply", "TextExpert", "Trained", "load_expert"]
