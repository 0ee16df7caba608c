"""Web addresses and names of accounts, replaced by what they are: which one it was rarely says what a text is about.

An address needs a scheme, `www.` or a path after a well-known ending: `node.js` and `and/or` are none.
Patterns are bounded or consume what they look at, so the time is linear in the length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

_ENDINGS = "com|org|net|edu|gov|io|co|ly|me|gl|be|tv|info|app|dev|ai|uk|de|fr|es|it|nl|at|ch|eu|us|ca"
_URL = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.(?=\w))[^\s<>\"\[\]]+"
    rf"|(?<![\w.@/-])(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?:{_ENDINGS})/[^\s<>\"\[\]]*",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:[a-z]{3,5}://)?(?:[^/@\s]{1,200}@)?(?:www\.)?([^/:?#\s@]{1,253})", re.IGNORECASE)
_TRAILING = ".,;:!?'*_~…”’»)]}"
# A letter comes first: `@ 9pm` and `@9pm` are times.
_HANDLE = re.compile(r"(?<![\w@/+-])(?<!\w\.)@[A-Za-z_]\w{0,49}(?:@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,3})?")
_REDDIT = re.compile(r"(?<![\w/])/?u/[A-Za-z0-9_-]{3,20}(?![\w/-])")


def replace_urls(text: str, word: str, *, domain: bool) -> str:
    """Puts `word`, with `domain` followed by the host's name, in place of each web address."""
    if "/" not in text and "www." not in text.lower():
        return text
    return _URL.sub(partial(_replace, (lambda url: f"{word} {_host(url)}") if domain else (lambda _: word)), text)


def replace_handles(text: str, word: str) -> str:
    """Puts `word` in place of `@name`, `@name@server.example`, `u/name` and `/u/name`."""
    if "@" in text:
        text = _HANDLE.sub(word, text)
    return _REDDIT.sub(word, text) if "u/" in text else text


def _replace(name: Callable[[str], str], match: re.Match[str]) -> str:
    url = match[0]
    end = len(url)
    unopened = url.count(")") - url.count("(")
    while end and url[end - 1] in _TRAILING and (url[end - 1] != ")" or unopened > 0):
        end -= 1
        unopened -= url[end] == ")"
    return f"{name(url[:end])}{url[end:]}"


def _host(url: str) -> str:
    found = _HOST.match(url)
    return found[1].lower() if found else ""
