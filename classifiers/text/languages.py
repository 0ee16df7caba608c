"""The language a text is written in, with a calibrated probability, and `und` where the text does not say.

The model is py3langid's (naive Bayes over byte n-grams, 140 languages): pure numpy, its 4.6 MB model inside the wheel
and no pickle. It is loaded on first use, which takes about a second and 100 MB; nothing else here needs it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from signalbox.errors import InvalidInput, MissingDependency, UnknownName

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNDETERMINED = "und"
# ISO 639 for "no linguistic content", which the model knows as a class of its own.
_NO_LANGUAGE = "zxx"
_MIN_PROBABILITY = 0.5
_MIN_LETTERS = 2
_MAX_CHARS = 2_000


class Language(NamedTuple):
    """An ISO 639 code (`en`, `de`, ...; `und` when undetermined) and the probability the model gives its best guess."""

    code: str
    probability: float


def detect_language(text: str, *, among: tuple[str, ...] | None = None) -> Language:
    """The language of `text`, from its first 2,000 characters; the same text always gives the same answer.

    `und` for fewer than two letters and for a best guess less probable than one half, as most single words are.

    Args:
        text: of any length.
        among: the languages that are possible, as codes; helps much with short texts.

    Raises:
        InvalidInput: `text` is no string.
        UnknownName: `among` names a language the model doesn't know.
        MissingDependency: py3langid is not installed.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"The text must be a string, not {type(text).__name__}.", field="text")
    text = text[:_MAX_CHARS]
    identifier = _identifier(among)
    if sum(map(str.isalpha, text)) < _MIN_LETTERS:
        return Language(UNDETERMINED, 0.0)
    code, probability = identifier.classify(text)
    known = probability >= _MIN_PROBABILITY and code != _NO_LANGUAGE
    return Language(code if known else UNDETERMINED, round(probability, 4))


def count_languages(texts: Iterable[str], *, among: tuple[str, ...] | None = None) -> dict[str, int]:
    """How many of `texts` are in each language, most frequent first; `und` counts as one of them."""
    return dict(Counter(detect_language(text, among=among).code for text in texts).most_common())


@lru_cache(maxsize=16)
def _identifier(among: tuple[str, ...] | None) -> LanguageIdentifier:
    if among is None:
        return _load()
    unknown = sorted(set(among) - set(_load().labels))
    if unknown or not among:
        raise UnknownName(
            f"The model knows no language {', '.join(unknown) or '(none given)'}; use ISO 639 codes such as en or de.",
            field="among",
        )
    identifier = copy.copy(_load())
    # Without its class of "no language" the model would have to call a row of digits one of them.
    identifier.set_languages([*among, _NO_LANGUAGE])
    return identifier


@lru_cache(maxsize=1)
def _load() -> LanguageIdentifier:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise MissingDependency("Detecting languages needs py3langid: pip install py3langid.") from None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
