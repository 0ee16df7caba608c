"""From ranked sentences to quotes: what is shown, verbatim, and nothing else.

The first quote is the best sentence. It takes a neighbour along when that one is nearly as likely to hold the
answer, or when the sentence leans on what precedes it ("They also won ..."): a quote must make sense on its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.grounding.reading import Sentence
from signalbox.calibration import Floats
from signalbox.contracts import Passage
from signalbox.types import Quote

MAX_QUOTES = 3
_NEIGHBOUR_RATIO = 0.3  # a neighbour with this much of the best sentence's share is shown with it
_NEXT_RATIO = 0.5  # a sentence elsewhere with this much of it becomes a quote of its own
_LONGEST = 600  # characters of one quote; a longer sentence stands alone
_LEANS = re.compile(
    r"(?:He|She|It|They|His|Her|Its|Their|This|These|Those|That|Such|However|But|And|Also|Thus|Therefore|Instead|Both|"
    r"Another|Others|Here|Then|Later|Afterwards|Otherwise|As a result|For example|After that|If so|If not)\b"
)


Place = tuple[str, int]


def choose_quotes(sentences: Sequence[Sentence], shares: Floats) -> tuple[Quote, ...]:
    """One to three quotes, best first, none overlapping; `Quote.score` is the share of its sentences together."""
    share = {_place(sentence): float(p) for sentence, p in zip(sentences, shares, strict=True)}
    order = sorted(sentences, key=lambda sentence: -share[_place(sentence)])
    quotes: list[Quote] = []
    used: set[Place] = set()
    for sentence in order:
        if len(quotes) == MAX_QUOTES or (quotes and share[_place(sentence)] < _NEXT_RATIO * share[_place(order[0])]):
            break
        if _place(sentence) in used:
            continue
        together = _with_neighbour(sentence, sentences, share)
        if any(_place(s) in used for s in together):
            together = [sentence]
        used |= {_place(s) for s in together}
        quotes.append(_quote(together, sum(share[_place(s)] for s in together)))
    return tuple(quotes)


def _place(sentence: Sentence) -> Place:
    return sentence.passage.document_id, sentence.start


def _with_neighbour(sentence: Sentence, sentences: Sequence[Sentence], share: dict[Place, float]) -> list[Sentence]:
    before = [s for s in sentences if _follows(sentence, s)]
    after = [s for s in sentences if _follows(s, sentence)]
    best = max(before + after, key=lambda s: share[_place(s)], default=None)
    if best is None or share[_place(best)] < _NEIGHBOUR_RATIO * share[_place(sentence)]:
        best = before[0] if before and _LEANS.match(sentence.text) else None
    if best is None:
        return [sentence]
    pair = sorted((sentence, best), key=lambda s: s.start)
    return pair if pair[1].end - pair[0].start <= _LONGEST else [sentence]


def _follows(second: Sentence, first: Sentence) -> bool:
    """Whether `second` comes right after `first` in one paragraph."""
    if first.passage.document_id != second.passage.document_id or not 0 <= second.start - first.end <= 3:
        return False
    passage = _passage_of(first, second)
    return passage is not None and "\n" not in passage.text[first.end - passage.start : second.start - passage.start]


def _passage_of(first: Sentence, last: Sentence) -> Passage | None:
    """The passage that holds both; overlapping passages may hold the same sentence."""
    for passage in (first.passage, last.passage):
        if passage.start <= first.start and last.end <= passage.start + len(passage.text):
            return passage
    return None


def _quote(sentences: Sequence[Sentence], share: float) -> Quote:
    first, last = sentences[0], sentences[-1]
    passage = _passage_of(first, last) or first.passage
    return Quote(
        document_id=passage.document_id,
        title=passage.title,
        start=first.start,
        end=last.end,
        text=passage.text[first.start - passage.start : last.end - passage.start],
        score=min(1.0, max(0.0, share)),
    )
