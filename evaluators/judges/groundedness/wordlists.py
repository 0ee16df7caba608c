"""Words that judging support treats specially, all English: data, no rules."""

from __future__ import annotations

from retriever.wordlists import words

_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
NUMBERS = {
    **{word: str(value) for value, word in enumerate((*_UNITS, *_TEENS))},
    **{word: str(value) for value, word in zip(range(20, 100, 10), _TENS, strict=True)},
    **{word: str(value) for value, word in enumerate(_ORDINALS, 1)},
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
}
NEGATIONS = words("not no never none nobody nothing neither nor without hardly unable")
PERSONAL = words("i me my mine myself we us our ours you your yours")
# Said without claiming anything: left out of content like stop words.
EMPTY = words("yes yeah yep yup no nope oh ah wow lol haha hmm um well ok okay sure so also not s t d m ll re ve")
# A sentence of these alone is small talk.
SMALL_TALK = EMPTY | words(
    "hi hello hey bye goodbye thanks thank u welcome really please too right true agree agreed see great nice cool "
    "good interesting totally absolutely chat talking talk fun day morning night later sense makes wait hahaha ya yea"
)
# Saying one where the passage says the other turns it round. Words with several meanings (right, light) are left out.
_PAIRS = (
    "before after, more less, most least, many few, increase decrease, rise fall, higher lower, high low, large "
    "small, larger smaller, largest smallest, big small, early late, earlier later, north south, east west, "
    "northern southern, eastern western, old new, oldest newest, best worst, better worse, always never, above "
    "below, won lost, win lose, male female, men women, allow forbid, allowed prohibited, free paid, open closed, "
    "same different, true false, minimum maximum, include exclude, with without, accept reject, success failure, "
    "possible impossible, legal illegal, buy sell, begin end, first last, all none, positive negative, enable "
    "disable, import export"
)
OPPOSITES: dict[str, frozenset[str]] = {}
for _pair in _PAIRS.split(", "):
    for _one, _other in (_pair.split(), _pair.split()[::-1]):
        OPPOSITES[_one] = OPPOSITES.get(_one, frozenset()) | {_other}
