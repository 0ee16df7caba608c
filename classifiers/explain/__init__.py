"""Why a text model says what it says: the words that carried it, examples like it, and what would change it.

Nothing here is learnt or stored; a model is asked again about the text with parts of it left out.
"""

from classifiers.explain.explain import Explanation, explain
from classifiers.explain.neighbours import Neighbours, nearest
from classifiers.explain.reading import Asked, Reader

__all__ = ["Asked", "Explanation", "Neighbours", "Reader", "explain", "nearest"]
