"""Pairs of a sentence and its evidence, supported or not, made of documents alone: nobody has to label anything."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.cross_encoder.changes import (
    CORRUPTING,
    KEEPING,
    NUMBER,
    OF_FACTS,
    Pool,
    lowered,
    names_of,
    spaced,
)
from signalbox.errors import InvalidInput

EVIDENCE_WORDS = 60
_FEWEST_WORDS, _MOST_WORDS = 5, 60
_FEWEST_SENTENCES = 20
_MOST_SENTENCES = 20_000
_LEFT_OUT = 0.1
_SPELLED = 0.3
_FACTS_FIRST = 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim with the evidence it is to be held against; `change` says how the claim was made, `source` is the
    sentence it was made of."""

    claim: str
    evidence: str
    supported: bool
    change: str
    source: str


def make_pairs(
    passages: Sequence[Sequence[str]], count: int, *, seed: int = 0, window_words: int = EVIDENCE_WORDS
) -> list[Pair]:
    """About `count` pairs, half of them supported, in random order.

    Args:
        passages: the sentences of each document, in order.
        window_words: of the evidence, about.

    Raises:
        InvalidInput: the documents have fewer than 20 sentences of some length.
    """
    draw = random.Random(seed)
    places = [(p, s) for p, passage in enumerate(passages) for s in range(len(passage)) if _usable(passage[s])]
    if len(places) < _FEWEST_SENTENCES:
        raise InvalidInput(
            f"the documents have {len(places)} sentences to make pairs of; at least {_FEWEST_SENTENCES} are needed",
            field="documents",
        )
    places = draw.sample(places, min(len(places), _MOST_SENTENCES))
    texts = [passages[p][s] for p, s in places]
    everything = Pool(
        sorted({name for text in texts for name in names_of(text)}),
        sorted({number for text in texts for number in NUMBER.findall(text)}),
        texts,
    )
    pairs: list[Pair] = []
    tried = 0
    while len(pairs) < count and tried < 10 * count:
        passage, place = places[tried % len(places)]
        pair = _pair(passages[passage], place, everything, supported=tried % 2 == 0, window=window_words, draw=draw)
        pairs += [pair] if pair else []
        tried += 1
    draw.shuffle(pairs)
    return pairs


def _pair(
    passage: Sequence[str], place: int, pool: Pool, *, supported: bool, window: int, draw: random.Random
) -> Pair | None:
    source = passage[place]
    first, last = _window(passage, place, window, draw)
    near = passage[first:last]
    local = Pool(pool.names, pool.numbers, pool.sentences, near)
    if not supported and draw.random() < _LEFT_OUT and len(near) > 1:
        # Said, but not here: what is about the same and still says nothing of it.
        evidence = " ".join(one for one in near if one != source)
        return Pair(source, evidence, supported=False, change="left_out", source=source)
    name, claim = _changed(source, local, supported=supported, draw=draw)
    if claim is None or (not supported and claim.strip().lower() in " ".join(near).lower()):
        return None
    for spell in (lowered, spaced):
        if draw.random() < _SPELLED:
            claim = spell(claim, local, draw) or claim
    return Pair(claim, " ".join(near), supported=supported, change=name, source=source)


def _changed(source: str, pool: Pool, *, supported: bool, draw: random.Random) -> tuple[str, str | None]:
    """The first change that has something to work on, in random order; those of single facts first half of the time."""
    changes = KEEPING if supported else CORRUPTING
    names = draw.sample(sorted(changes), len(changes))
    if not supported and draw.random() < _FACTS_FIRST:
        names.sort(key=lambda name: name not in OF_FACTS)
    claims = ((name, changes[name](source, pool, draw)) for name in names)
    return next(((name, claim) for name, claim in claims if claim is not None), ("", None))


def _window(passage: Sequence[str], place: int, words: int, draw: random.Random) -> tuple[int, int]:
    """Sentences around a place, first and one after the last, of about so many words."""
    first, last = place, place + 1
    size = len(passage[place].split())
    while first > 0 or last < len(passage):
        back = first > 0 and (last >= len(passage) or draw.random() < 0.5)
        size += len(passage[first - 1 if back else last].split())
        if size > words:
            break
        first, last = (first - 1, last) if back else (first, last + 1)
    return first, last


def _usable(sentence: str) -> bool:
    return _FEWEST_WORDS <= len(sentence.split()) <= _MOST_WORDS
