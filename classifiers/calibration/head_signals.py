"""How sure a model's scores look, over all tasks of an expert: the other half of the signals of confidence and scope.

Of several tasks the weakest counts, since an answer is right where all of it is. Names and meaning are those of one
task; regressions add how wide their interval is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifiers.contract import Floats

HEAD_SIGNALS = ("energy", "max_probability", "margin", "entropy")


def head_signals(scaled: Sequence[Floats]) -> Floats:
    """Signals in the order of HEAD_SIGNALS, shape (n, 4).

    Args:
        scaled: of each task with labels, its logits divided by its temperature, shape (n, labels); at least one task.
    """
    each = np.stack([_of_task(logits) for logits in scaled])
    energy, most, margin, entropy = each.transpose(2, 0, 1)
    return np.column_stack([energy.mean(axis=0), most.min(axis=0), margin.min(axis=0), entropy.max(axis=0)])


def _of_task(logits: Floats) -> Floats:
    peak = logits.max(axis=1)
    weights = np.exp(logits - peak[:, None])
    total = weights.sum(axis=1)
    second = np.partition(logits, -2, axis=1)[:, -2]
    # Entropy of a softmax: log of its total less the expected logit.
    entropy = np.log(total) - (weights * (logits - peak[:, None])).sum(axis=1) / total
    return np.column_stack([peak + np.log(total), 1 / total, peak - second, entropy])
