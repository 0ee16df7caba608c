"""The ranges of what may be chosen of the linear learners."""

from __future__ import annotations

from collections.abc import Mapping

from signalbox.errors import InvalidInput

_RANGES = {"c": (1e-6, 1e6), "vector_scale": (1e-3, 1e3), "components": (2, 4_096)}


def check_options(options: Mapping[str, object]) -> None:
    """Raises InvalidInput naming the first value that is no number of its range."""
    for name, value in options.items():
        low, high = _RANGES[name]
        whole = name == "components"
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:  # type: ignore[operator]
            kind = "a whole number" if whole else "a number"
            raise InvalidInput(f"{name} must be {kind} from {low:g} to {high:g}, not {value!r}.", field=name)
