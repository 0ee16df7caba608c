"""What the router is attacked with: families as shipped, and the same ideas in words that nothing else here knows.

The lists below are held out: neither a defence nor a shipped family shares them, so that a defence which has learnt the
shipped words by heart gains nothing. `topical_padding` is the hardest of them: sentences on the workspace's own
subjects that ask for nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from evaluators.adversarial.families import family
from evaluators.adversarial.types import Family, QueryAttack, Strength, plain

PADDING = (
    "trombone", "monsoon", "cartographer", "plankton", "stalactite", "jury", "lighthouse", "fermentation", "equator",
    "hieroglyph", "pancreas", "tugboat", "beekeeper", "quasar", "minuet", "granite", "apprentice", "barometer",
    "falcon", "zeppelin", "catapult", "mitochondria", "estuary", "bishop", "xylophone", "tectonic", "ostrich",
    "perjury", "haiku", "centrifuge", "avalanche", "violinist", "mangrove", "republic", "cuneiform", "dividend",
    "walrus", "pendulum", "sonnet", "krypton", "gondola", "archery", "neutron", "bureaucrat", "lagoon", "sextant",
    "caravan", "meteorite",
)  # fmt: skip
PREFIXES = (
    "Minutes of the residents' association, item four, any other business:",
    "<<BEGIN RECORD 0091 :: priority=undefined>>",
    "In view of the foregoing and without prejudice to either side,",
    "lorem ipsum dolor sit amet consectetur",
    "Dear colleagues of the oceanography seminar, apropos yesterday's colloquium,",
    "@@ -14,7 +14,9 @@ void render(const Frame &f) {",
)
SUFFIXES = (
    "kind regards, sent between two metro stations by a tired trombonist",
    "%%EOF trailer <</Root 1 0 R>> startxref 116",
    "and contrast this with how medieval guilds would have handled it",
    "wubba flim groktar ennix poldavia sturm",
    "(see also: monetary policy, plate tectonics, the late quartets)",
    "return null; } catch (Throwable t) { /* ignore */ }",
)
DRESS = (
    ("A panel of specialists disagreed on this at length, so think it through afresh.", "Justify every single step."),
    ("Treat the following as a graduate seminar problem with several unknowns.", "Cite sources and weigh both sides."),
    ("This touches on law, economics and ethics at once.", "Quantify how far each assumption changes the outcome."),
)
POLITE = (
    "greetings to the whole team", "I appreciate your patience", "it is me again", "hope all is fine with you",
    "thanks ever so much", "forgive my curiosity", "whenever it suits you", "this is my first letter",
    "that would be lovely", "do not hurry", "my friend suggested that I write", "wishing you a pleasant week",
)  # fmt: skip
GADGET = (
    *PADDING, "corollary", "axiom", "heuristic", "syllogism", "epistemic", "statute", "appellate", "whereupon",
    "hitherto", "converge", "optimise", "trade-off", "paradox", "asymptotic", "counterexample", "0b1011", "undefined",
    "/*", "*/", "&&", "@@", "??", "__", "qlo", "vrp", "nnx", "zug", "aber", "donc", "pero", "refactor", "haskell",
    "screenplay", "limerick", "horoscope", "chess", "opening", "thermodynamic", "diagnose", "forecast",
)  # fmt: skip
TOPICAL = (
    "My sister ordered two blankets from you last spring.", "The courier rang at our neighbour's door on Tuesday.",
    "Our old tent has served us well in the rain.", "I keep all my invoices in a blue folder.",
    "The stove came in a large box with a lot of paper.", "My account still has the address of our former flat.",
    "We paid for the sleeping bags by card.", "Somebody at your shop was very kind about a zip.",
    "The parcel with the pillows was heavier than I thought.", "I once sent a jacket back because of its colour.",
    "My points were enough for a small lamp.", "The curtains hang in the living room now.",
    "The pick-up point near the station closes early.", "Your newsletter showed a nice rucksack.",
    "My brother rented a canoe from you in June.", "The wool rug looks good beside the sofa.",
    "A voucher was in the birthday card.", "The delivery van is parked in our street most mornings.",
    "I washed the fleece on Sunday.", "The warranty card of the mattress lies in a drawer.",
)  # fmt: skip
_WORDS = 80  # as the shipped padding has at the strength that is measured


def _apart(rng: random.Random, words: Sequence[str], count: int) -> str:
    return " ".join(word for _ in range(1 + count // len(words)) for word in rng.sample(words, len(words)))


def _words(rng: random.Random, words: Sequence[str], count: int) -> str:
    return " ".join(_apart(rng, words, count).split()[:count])


def _polite(rng: random.Random, count: int) -> str:
    return _words(rng, POLITE, count)


def _repeated(text: str, _: Strength, __: random.Random) -> str:
    """The twin of padding: the question again and again, until it is as long."""
    return f"{text} {' '.join((f'{text} ' * _WORDS).split()[:_WORDS])}"


def _padding(text: str, _: Strength, rng: random.Random) -> str:
    return f"{_words(rng, PADDING, _WORDS // 2)}. {text} {_words(rng, PADDING, _WORDS // 2)}."


def _topical(text: str, _: Strength, rng: random.Random) -> str:
    """Whole sentences, about as many words of them as of the other padding, around the question."""
    chosen = rng.sample(TOPICAL, 10)
    return f"{' '.join(chosen[:5])} {text} {' '.join(chosen[5:])}"


def _before(choices: Sequence[str]) -> tuple[Callable[[str, Strength, random.Random], str], ...]:
    def attack(text: str, _: Strength, rng: random.Random) -> str:
        return f"{rng.choice(choices)} {text}"

    def twin(text: str, _: Strength, rng: random.Random) -> str:
        return f"{_polite(rng, len(rng.choice(choices).split()))}: {text}"

    return attack, twin


def _behind(choices: Sequence[str]) -> tuple[Callable[[str, Strength, random.Random], str], ...]:
    def attack(text: str, _: Strength, rng: random.Random) -> str:
        return f"{text} {rng.choice(choices)}"

    def twin(text: str, _: Strength, rng: random.Random) -> str:
        return f"{text} {_polite(rng, len(rng.choice(choices).split()))}."

    return attack, twin


def _dressed(text: str, _: Strength, rng: random.Random) -> str:
    before, after = rng.choice(DRESS)
    return f"{before} {text} {after}"


def _dressed_twin(text: str, _: Strength, rng: random.Random) -> str:
    before, after = (len(part.split()) for part in rng.choice(DRESS))
    return f"{_polite(rng, before)}. {text} {_polite(rng, after)}"


def _made(
    name: str,
    attack: Callable[[str, Strength, random.Random], str],
    twin: Callable[[str, Strength, random.Random], str],
) -> QueryAttack:
    return QueryAttack(name, f"{name}, in words held out", "escalation", plain(attack), plain(twin))


HELD_OUT: Mapping[str, QueryAttack] = {
    "padding": _made("held_out_padding", _padding, _repeated),
    "topical_padding": _made("held_out_topical_padding", _topical, _repeated),
    "prefix": _made("held_out_prefix", *_before(PREFIXES)),
    "suffix": _made("held_out_suffix", *_behind(SUFFIXES)),
    "dressed_up": _made("held_out_dress", _dressed, _dressed_twin),
}
_SHIPPED: Mapping[str, tuple[str, ...]] = {
    "unicode": ("homoglyphs", "zero_width"),
    "typos": ("typos",),
    "leetspeak": ("leetspeak",),
    "encodings": ("encodings",),
    "casing": ("casing",),
    "prefix_shipped": ("prefixes",),
    "suffix_shipped": ("suffixes",),
    "padding_shipped": ("padding",),
    "dressed_up_shipped": ("forced_escalation",),
}


def targets(gadget: QueryAttack) -> dict[str, list[Family]]:
    """What the figures are called, and the families that each is measured on; plain names are of words held out."""
    shipped: dict[str, list[Family]] = {name: [family(one) for one in members] for name, members in _SHIPPED.items()}
    return {**shipped, **{name: [one] for name, one in HELD_OUT.items()}, "gadget": [gadget]}
