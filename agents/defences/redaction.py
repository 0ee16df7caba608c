"""Personal data stay here: e-mail addresses, IBANs, cards and phone numbers go to the cloud as placeholders.

The same value gets the same placeholder in the question, the history and the passages, and where the answer repeats
one the value is put back. What it recognises is in `signalbox.text.signals`: names and addresses it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agents.events import Event, Observer, Token
from signalbox.text import replace_personal_data

_PLACEHOLDER = re.compile(r"\[(?:EMAIL|IBAN|CARD|PHONE)_\d{1,4}\]")
_LONGEST = 14


class Redaction:
    """The placeholders of one query."""

    def __init__(self) -> None:
        self._by_value: dict[str, str] = {}

    @property
    def count(self) -> int:
        """Values replaced so far."""
        return len(self._by_value)

    def redact(self, text: str) -> str:
        """The text with a placeholder such as `[EMAIL_1]` in place of each value."""
        return replace_personal_data(text, self._placeholder)

    def restore(self, text: str) -> str:
        """The text with the values put back; placeholders that were never given stay."""
        if not self._by_value:
            return text
        values = {placeholder: value for value, placeholder in self._by_value.items()}
        return _PLACEHOLDER.sub(lambda match: values.get(match[0], match[0]), text)

    def restoring(self, observe: Observer | None) -> Observer | None:
        """An observer that is told of tokens with the values put back, however the placeholders were cut."""
        return _Restored(observe, self.restore) if observe is not None and self._by_value else observe

    def _placeholder(self, kind: str, value: str) -> str:
        number = sum(name.startswith(f"[{kind.upper()}_") for name in self._by_value.values()) + 1
        return self._by_value.setdefault(value, f"[{kind.upper()}_{number}]")


class _Restored:
    """Holds back what may be the beginning of a placeholder until it is whole, or none."""

    def __init__(self, observe: Observer, restore: Callable[[str], str]) -> None:
        self._observe, self._restore = observe, restore
        self._held = ""

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Token):
            self._observe(event)
            return
        text = self._restore(self._held + event.text)
        opened = text.rfind("[")
        waits = opened >= 0 and "]" not in text[opened:] and len(text) - opened <= _LONGEST
        self._held = text[opened:] if waits else ""
        if shown := text[: len(text) - len(self._held)]:
            self._observe(Token(event.route, shown))
