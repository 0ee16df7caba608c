"""Ways to learn from labelled texts, each behind `classifiers.contract.Learner`, cheapest first.

`make_learner("embeddings", {"c": 1.0})` makes one by name, as the manifest of a trained version names it. A learner's
module is imported when it is asked for: those that need torch say so then, and serving never needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from classifiers.contract import Learner
from signalbox.errors import InvalidInput, UnknownName

_MADE_BY = {
    "tfidf": "classifiers.learners.tfidf_linear:TfidfLinear",
    "embeddings": "classifiers.learners.embeddings:Embeddings",
    "few-shot": "classifiers.learners.few_shot:FewShot",
    "fine-tuned": "classifiers.learners.fine_tuned:FineTuned",
}
LEARNERS = tuple(_MADE_BY)
DEFAULT = "embeddings"


def make_learner(name: str, options: Mapping[str, Any] | None = None) -> Learner:
    """A learner with its options.

    Raises:
        UnknownName: there is no learner of this name.
        InvalidInput: it has no option of such a name.
    """
    if name not in _MADE_BY:
        raise UnknownName(f"There is no learner {name!r}; known are: {', '.join(LEARNERS)}.", field="learner")
    module, _, attribute = _MADE_BY[name].partition(":")
    maker = getattr(import_module(module), attribute)
    try:
        learner: Learner = maker(**(options or {}))
    except TypeError as error:
        raise InvalidInput(f"The learner {name!r} does not take these options: {error}.", field="options") from None
    return learner


__all__ = ["DEFAULT", "LEARNERS", "make_learner"]
