"""What is done to a text before a text expert reads it: declared once, stored with the expert, the same in serving.

The steps run in one fixed order until nothing changes any more, so preparing what was prepared gives the same again.
The words put in for what is taken out are plain English ones on purpose: see `WORDS`. Learning is no business of this
module; nor is judging what is left, which may be the empty string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Literal, get_args

from classifiers.text.elongation import shorten_elongations
from classifiers.text.emoji import emoji_to_words
from classifiers.text.links import replace_handles, replace_urls
from classifiers.text.markup import strip_markup
from classifiers.text.repair import join_surrogates, repair_encoding
from signalbox.errors import CorruptArtefact, InvalidInput
from signalbox.text import mask_personal_data, normalise

# A change in what any text becomes is a new version, and the code for the old ones stays: experts rely on it.
VERSION = 1
MAX_CHARS = 20_000
Links = Literal["word", "domain", "keep"]

# What stands for what was taken out: plain words. An uncased WordPiece vocabulary holds them whole (`url` and `iban` it
# cuts into syllables, `<url>` into four pieces), a bag of words keeps, and a second pass leaves alone, as it would not
# leave `<url>`. Put into 300 bank questions they also move MiniLM's vector least: cosine .96 for `website`, .95 for
# `<url>`, .94 for `[url]`, .88 for an address; .91 for `user`, .86 for `@user`.
WORDS = {
    "url": "website",
    "handle": "user",
    "email": "email address",
    "phone": "phone number",
    "iban": "account number",
    "card": "card number",
}

# Two passes settle nearly every text; one made to need more (markup within markup) is settled by force.
_MAX_PASSES = 8
_DEFUSED = str.maketrans("<>&", "   ")
# What normalising leaves as it is, whatever stands beside it: saves asking, for most texts in Western languages.
_NORMAL = re.compile(r"[\x00-\x7f£€‘’“”–—¡¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŒœ]*")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f]")


@dataclass(frozen=True)
class Pipeline:
    """A declaration of how text is prepared. Immutable; equal declarations prepare alike, on any machine.

    Whatever is on, halves of surrogate pairs and control characters go, and whitespace becomes single spaces.

    Attributes:
        repair: undo damaged encodings, where a text looks damaged.
        html: tags, comments, scripts and entities to the text a browser shows.
        unicode: one spelling for what looks the same (NFKC, format characters, imitated letters).
        urls: web addresses become a word, a word and the host's name, or stay.
        handles: names of accounts become `user`.
        personal_data: e-mail addresses, IBANs, card and phone numbers become words.
        emoji: emoji become the words of their names.
        elongations: `soooo` becomes `soo`.
        lower: small letters. Off, since the encoder folds case itself and tf-idf may use it.
        max_chars: how much of a text is read; the rest is cut off. The encoder reads about 1,000.
        version: of the rules; this release reads version 1.
    """

    repair: bool = True
    html: bool = True
    unicode: bool = True
    urls: Links = "word"
    handles: bool = True
    personal_data: bool = True
    emoji: bool = True
    elongations: bool = True
    lower: bool = False
    max_chars: int = MAX_CHARS
    version: int = VERSION
    _steps: tuple[Callable[[str], str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.type == "bool" and not isinstance(getattr(self, item.name), bool):
                raise InvalidInput(f"The option {item.name} is true or false.", field=item.name)
        if self.urls not in get_args(Links):
            raise InvalidInput(f"The option urls is one of {', '.join(get_args(Links))}.", field="urls")
        if type(self.max_chars) is not int or not 1 <= self.max_chars <= 1_000_000:
            raise InvalidInput("The option max_chars is a whole number from 1 to 1,000,000.", field="max_chars")
        if type(self.version) is not int or not 1 <= self.version <= VERSION:
            raise InvalidInput(
                f"Text preparation version {self.version} is not known here; this release knows version {VERSION}.",
                field="version",
            )
        object.__setattr__(self, "_steps", self._compile())

    def prepare(self, text: str) -> str:
        """The text an expert reads; `prepare(prepare(text)) == prepare(text)`. Nothing left is the empty string.

        Raises:
            InvalidInput: `text` is no string.
        """
        if not isinstance(text, str):
            raise InvalidInput(f"The text must be a string, not {type(text).__name__}.", field="text")
        current = text
        for _ in range(_MAX_PASSES):
            before, current = current, self._pass(current)
            if current == before:
                return current
        return self._settle(current)

    def prepare_all(self, texts: Iterable[str]) -> list[str]:
        """Each text prepared, in order.

        Raises:
            InvalidInput: one of them is no string.
        """
        return [self.prepare(text) for text in texts]

    def to_json(self) -> str:
        """The declaration as one line of JSON, the same for equal declarations."""
        return json.dumps({item.name: getattr(self, item.name) for item in _OPTIONS}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Pipeline:
        """The declaration that `to_json` wrote.

        Raises:
            CorruptArtefact: no such declaration, or one of a newer release.
        """
        remedy = "use the release that wrote it, or train the expert again"
        try:
            options: dict[str, Any] = json.loads(text)
            version = options["version"]
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptArtefact(f"The text preparation can't be read ({error!r}): {remedy}.") from None
        if isinstance(version, int) and version > VERSION:
            raise CorruptArtefact(
                f"The text preparation has version {version} and this release reads up to {VERSION}: {remedy}."
            )
        known = {item.name for item in _OPTIONS}
        if set(options) != known:
            wrong = ", ".join(sorted(set(options) ^ known))
            raise CorruptArtefact(f"The text preparation has missing or unknown options ({wrong}): {remedy}.")
        try:
            return cls(**options)
        except InvalidInput as error:
            raise CorruptArtefact(f"The text preparation can't be used ({error.detail}): {remedy}.") from None

    def _compile(self) -> tuple[Callable[[str], str], ...]:
        steps: list[tuple[bool, Callable[[str], str]]] = [
            (self.repair, repair_encoding),
            (self.html, strip_markup),
            (self.unicode, _normalise),
            (self.urls != "keep", partial(replace_urls, word=WORDS["url"], domain=self.urls == "domain")),
            (self.handles, partial(replace_handles, word=WORDS["handle"])),
            (self.personal_data, partial(mask_personal_data, words=WORDS)),
            (self.emoji, emoji_to_words),
            (self.elongations, shorten_elongations),
            (self.lower, str.lower),
        ]
        return tuple(step for on, step in steps if on)

    def _pass(self, text: str) -> str:
        text = text[: self.max_chars]
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                text = join_surrogates(text)
        for step in self._steps:
            text = step(text)
        return _tidy(text)

    def _settle(self, text: str) -> str:
        for _ in range(_MAX_PASSES):
            before, text = text, self._pass(text.translate(_DEFUSED))
            if text == before:
                break
        return text


def _normalise(text: str) -> str:
    return _tidy(text) if _NORMAL.fullmatch(text) else normalise(text).text


def _tidy(text: str) -> str:
    if text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(_CONTROL.sub("", text).split())


_OPTIONS = tuple(item for item in fields(Pipeline) if item.init)
