"""What is removed of jobs that are over, and when: all but the newest from the books, and files after a day.

Called often, so it asks the books twice, however many jobs there are.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from signalbox.jobs.folders import Folders
from signalbox.jobs.types import ENDED

if TYPE_CHECKING:
    from signalbox.jobs.engine import Engine

MOST_KEPT = 1_000
KEPT_FOR_MS = 24 * 3_600_000
AT_ONCE = 200
_MOST_PAGES = 100


def sweep(engine: Engine, folders: Folders, now: datetime, starting: Collection[str]) -> None:
    """Remove what nobody will ask for.

    Args:
        starting: the ids of jobs that may have a folder and are not on the books yet.
    """
    for _ in range(_MOST_PAGES):
        old = engine.newest(None, tuple(ENDED), None, AT_ONCE, offset=MOST_KEPT)
        if old:
            engine.delete([row.id for row in old])
        if len(old) < AT_ONCE:
            break
    # In this order: a job that has been started by now is on the books.
    ids = [job_id for job_id in folders.all() if job_id not in starting]
    rows = {row.id: row for row in engine.some(ids)}
    now_ms = now.timestamp() * 1000
    for job_id in ids:
        row = rows.get(job_id)
        # One that was resumed goes on although it has ended before.
        if row is not None and row.state not in ENDED:
            continue
        if row is None or row.state == "done" or (row.ended_ms is not None and now_ms - row.ended_ms > KEPT_FOR_MS):
            folders.remove(job_id)
