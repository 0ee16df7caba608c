"""HTML in a text, turned to the text a browser would show.

Only names of HTML's own elements count as tags: `I <3 you`, `List<String>` and `<your name>` are not markup. Tags are
found by a bounded pattern and not by `html.parser`, whose reading of malformed markup has changed between patch
releases of Python: what a trained expert saw must not depend on those. Nothing is fetched and nothing runs.
"""

from __future__ import annotations

import html
import re

# Elements within a line: taking their tags away joins what is on both sides, as in `un<b>believ</b>able`.
_INLINE = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub"
    " sup time tt u var wbr"
)
_BLOCK = (
    "address applet area article aside audio base blockquote body br button canvas caption center col colgroup"
    " datalist dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4"
    " h5 h6 head header hgroup hr html iframe img input label legend li link main map meta meter nav noscript object ol"
    " optgroup option output p param picture pre progress script search section select source style summary svg table"
    " tbody td template textarea tfoot th thead title tr track ul video"
)
_NAMES = "|".join(sorted((_INLINE + " " + _BLOCK).split(), key=len, reverse=True))
# Attributes have values, or `a<b and b>c` would have a tag in it; the groups give nothing back once they have matched.
_ATTRIBUTES = r"(?:\s[^<>=]{0,200}+=[^<>]{0,2000}+|\s{1,9}(?:checked|compact|disabled|hidden|noshade|nowrap|selected))"
_TAG = re.compile(rf"</?({_NAMES}){_ATTRIBUTES}?\s{{0,9}}/?>|<!doctype[^<>]{{0,200}}>", re.IGNORECASE)
_INLINE_NAMES = frozenset(_INLINE.split())
# What a browser does not show: from the first to the second.
_HIDDEN = (
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<script(?:\s[^<>]{0,2000})?>", re.IGNORECASE), re.compile(r"</script\s?>", re.IGNORECASE)),
    (re.compile(r"<style(?:\s[^<>]{0,2000})?>", re.IGNORECASE), re.compile(r"</style\s?>", re.IGNORECASE)),
)
# With the semicolon only: `rock&notes` and `?a=1&copy=2` hold no entities.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_TWICE = re.compile(r"&(?:amp;)+(?=#?[A-Za-z0-9]{2,32};)")


def strip_markup(text: str) -> str:
    """The text without HTML's tags, comments, scripts and styles, and with its entities as characters."""
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), _ESCAPED_TWICE.sub("&", text))
    if "<" not in text:
        return text
    for start, end in _HIDDEN:
        text = _cut(text, start, end)
    return _TAG.sub(lambda match: "" if (match[1] or "").lower() in _INLINE_NAMES else " ", text)


def _cut(text: str, start: re.Pattern[str], end: re.Pattern[str]) -> str:
    """Takes out all from each `start` to the next `end`; a start without an end stays."""
    pieces: list[str] = []
    position = 0
    while (opening := start.search(text, position)) and (closing := end.search(text, opening.end())):
        pieces += text[position : opening.start()], " "
        position = closing.end()
    return "".join(pieces) + text[position:]
