"""How fits share the machine: each on one core, several side by side.

On a busy machine matrix libraries that split small products over threads wait for each other ten times longer than
they compute.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_core_each() -> Iterator[None]:
    """Within it, products of matrices use one thread, and fits that were cut short don't warn of it."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Entered once around all threads: filters of warnings belong to the process.
    with threadpool_limits(limits=1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
