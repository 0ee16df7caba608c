"""What is put before a judge, fenced: texts under judgement are data, and nothing in them is an instruction.

The fence is a hash of seed and texts, so who wrote one of the texts can't have put its end mark into it; each line
between the marks is led by a sign of its own (spotlighting, Hines et al. 2024). What tries to steer the judge all the
same is flagged, not removed: a judge has to see what people would.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from signalbox.text import looks_like_injection, normalise

MAX_CHARS = 60_000
_LEAD = "| "
_LINES = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_STEERING = {
    "asks_for_score": r"\b(?:give|assign|award)\b(?: \w{1,12}){0,6} (?:score|rating|grade|marks)\b"
    r"|\b(?:mark|rate|grade|judge|label|call|score) (?:this|that|it|the|my)(?: \w{1,12}){0,4} as "
    r"(?:right|correct|true|supported|perfect|wrong|false)\b"
    r"|\b(?:highest|maximum|perfect|full|top) (?:possible )?(?:score|marks|rating|grade)\b"
    r"|\b(?:10|ten|5|five) (?:out of|/) ?(?:10|ten|5|five)\b",
    "praises_itself": r"\b(?:this|the above) (?:answer|response|reply)(?: \w{1,12}){0,3} is (?:\w{1,12},? ){0,4}"
    r"(?:correct|right|accurate|complete|perfect|flawless|supported|verified)\b"
    r"|\bcomplete, accurate and\b|\bevery word of this answer\b|\bthis is exactly right\b",
    "poses_as_verdict": r"[\"']?\b(?:score|verdict|rating|label|winner)\b[\"']? ?[:=] ?"
    r"[\"']?(?:\d|right|correct|true|pass|first|second)",
    "addresses_judge": r"\b(?:dear|note to|attention|hello|hey),? (?:the )?"
    r"(?:judge|grader|evaluator|assessor|reviewer)\b"
    r"|\b(?:as (?:an?|the) |you are an? )(?:\w{1,12} ){0,3}(?:judge|grader|evaluator|assessor)\b"
    r"|\bthis (?:answer|response) (?:has been|was|is) (?:already )?"
    r"(?:verified|approved|graded|judged|rated|certified)\b|\ba judge as\b|\bthe rubric\b",
    "poses_as_end": r"<</?(?:data|end)|\b(?:end|close) of (?:the )?(?:data|answer|text|response|document)s?\b ?[.:>\]-]"
    r"|-{3,} ?(?:end|begin)\b",
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _STEERING.items()}


@dataclass(frozen=True, slots=True)
class Material:
    """What is judged, and what it is judged by.

    Attributes:
        references: answers known to be right; any one of them is.
        other: the second answer of a pair.
    """

    question: str
    answer: str
    references: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    other: str | None = None

    @property
    def chars(self) -> int:
        return sum(map(len, (self.question, self.answer, *self.references, *self.passages, self.other or "")))

    def swapped(self) -> Material:
        """The pair in the other order."""
        assert self.other is not None, "only pairs have an order"
        return Material(self.question, self.other, self.references, self.passages, self.answer)

    def parts(self) -> dict[str, str]:
        """The texts by what the judge is told they are, in the order it reads them."""
        named = {"question": self.question}
        for name, texts in (("reference", self.references), ("passage", self.passages)):
            named |= {f"{name} {number}" if len(texts) > 1 else name: text for number, text in enumerate(texts, 1)}
        if self.other is None:
            return named | {"answer": self.answer}
        return named | {"first answer": self.answer, "second answer": self.other}


def fence_of(texts: Mapping[str, str], seed: int) -> str:
    """Twelve characters that stand in none of the texts and that their authors can't foresee."""
    salt = 0
    while True:
        digest = hashlib.sha256(repr((seed, salt, sorted(texts.items()))).encode(errors="surrogatepass")).hexdigest()
        fence = digest[:12]
        if not any(fence in text for text in texts.values()):
            return fence
        salt += 1


def fenced(texts: Mapping[str, str], fence: str) -> str:
    """The texts one after the other, each between marks with the fence, each of its lines led by a sign."""
    blocks = []
    for name, text in texts.items():
        whole = text.encode(errors="replace").decode()  # half a surrogate pair is no text to a model
        lines = "\n".join(_LEAD + line for line in _LINES.split(whole))
        blocks.append(f"<<data {fence} {name}>>\n{lines}\n<<end {fence}>>")
    return "\n\n".join(blocks)


def steering(material: Material) -> tuple[str, ...]:
    """Signs that an answer or a passage tries to steer its judge, sorted; of the question's nothing is said."""
    signs: set[str] = set()
    for text in (material.answer, material.other or "", *material.passages):
        plain = normalise(text.encode(errors="replace").decode()).text
        signs.update(looks_like_injection(plain))
        signs.update(name for name, pattern in _PATTERNS.items() if pattern.search(plain))
    return tuple(sorted(signs))
