"""Doing a batch in smaller parts when memory is short, down to one text at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from signalbox.errors import TooLarge

Rows = NDArray[np.int64]


def in_parts(rows: Rows, size: int, work: Callable[[Rows], None], forget: Callable[[], None]) -> int:
    """Call `work` on parts of at most `size` rows; halve them and start anew when memory runs out.

    Args:
        forget: undoes what parts that did succeed have left behind.

    Returns:
        The size that worked, to begin with the next time.

    Raises:
        TooLarge: one row alone does not fit.
    """
    while True:
        try:
            for start in range(0, len(rows), size):
                work(rows[start : start + size])
            return size
        except (MemoryError, RuntimeError) as error:
            if not _is_memory(error):
                raise
            if size <= 1:
                raise TooLarge(
                    "There is too little memory to fine-tune the encoder even one text at a time: free some, shorten "
                    "the texts, or choose the learner 'embeddings', which trains heads only.",
                    field="learner",
                ) from error
        # Outside of the handler, whose traceback would keep what the failed part had allocated.
        forget()
        size = max(1, min(size, len(rows)) // 2)


def _is_memory(error: BaseException) -> bool:
    """torch says so on a processor by a plain RuntimeError of its allocator."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
