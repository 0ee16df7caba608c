"""Acknowledged writes over many `kill -9`: is each there afterwards, and none twice?

`python -m benchmarks.durability [--quick] [--json] [--kills 200] [--http-kills 8] [--seed 0]`

A process with the real store on SQLite is asked to add predictions, many at once, and is killed at a random moment of
its life: while opening, writing, committing or answering. What it did not acknowledge is asked for again, under the
same id, of the next one. Every id that was ever acknowledged must then be there exactly once, with its ledger line.
Some kills hit the whole HTTP service instead, where the same request is sent again under its Idempotency-Key. The
power stays on: what a disk does without it is not tested.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import _load
from benchmarks._common import finish, track
from benchmarks._killed import Books, Writer, a_prediction
from benchmarks._servers import server
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database
from signalbox.storage.sqlite import DATABASE_FILE
from signalbox.types import Prediction

ACKNOWLEDGED = 10_000
LIFE_S = 0.2  # the longest a writing process is let live once it is open
HTTP_LIFE_S = 1.0
HTTP_IN_FLIGHT = 8
_BARREN = 20  # lives without an acknowledgement, after which something must be wrong
_DIE_OPENING = 0.1  # share of the processes that are killed before they are open

Result = dict[str, Any]


def kill_writers(data_dir: Path, kills: int, rng: random.Random) -> Books:
    """At least `kills` of them, and until enough was acknowledged for that many and nothing is outstanding."""
    context = multiprocessing.get_context("forkserver")
    # Imported once, not by each process.
    context.set_forkserver_preload(["benchmarks._killed", "signalbox.storage.migrations", "signalbox.storage.sqlite"])
    books, enough = Books(), ACKNOWLEDGED * kills // 200
    opening_s = Writer(context, data_dir).live(books, [], opening_s=60, open_s=LIFE_S)
    for _ in track(range(kills - 1), "killing writers"):
        if rng.random() < _DIE_OPENING:
            moment = {"opening_s": rng.uniform(0, opening_s or 1), "open_s": 0.0}
        else:
            moment = {"opening_s": 60.0, "open_s": rng.uniform(0, LIFE_S)}
        opening_s = Writer(context, data_dir).live(books, books.outstanding, **moment) or opening_s
        _check_readable(data_dir)
    barren = 0
    while len(books.acknowledged) < enough and barren < _BARREN:
        before = len(books.acknowledged)
        Writer(context, data_dir).live(books, books.outstanding, opening_s=60, open_s=rng.uniform(0, 5 * LIFE_S))
        barren = 0 if len(books.acknowledged) > before else barren + 1
    if barren:
        raise SystemExit(f"the store has acknowledged nothing in {barren} lives")
    _store_the_rest(data_dir, books)
    return books


def _store_the_rest(data_dir: Path, books: Books) -> None:
    """What is outstanding at the end, asked for once more of a store that is not killed."""

    async def add() -> None:
        async with await open_database(Settings(data_dir=data_dir)) as database:
            store = PredictionStore(database)
            for name in books.outstanding:
                await store.add(a_prediction(name))
                books.resent.add(name)
                books.acknowledged.add(name)

    asyncio.run(add())


def _check_readable(data_dir: Path) -> None:
    """After each kill the file must open and be whole; SQLite replays its log in doing so."""
    path = data_dir / DATABASE_FILE
    if path.exists() and path.stat().st_size:
        connection = sqlite3.connect(path)
        (said,) = connection.execute("PRAGMA quick_check").fetchone()
        connection.close()
        if said != "ok":
            raise SystemExit(f"the database is damaged: {said}")


def kill_services(data_dir: Path, kills: int, rng: random.Random) -> Books:
    """The same through HTTP: each request has an Idempotency-Key, and is sent again under it until it is answered."""
    books = Books()
    for number in track(range(kills + 1), "killing services"):
        log = data_dir.parent / f"service-{number}.log"
        options = [f"--set=SIGNALBOX_{name}" for name in (f"DATA_DIR={data_dir}", "PORT=0", "LOCAL_MODEL=none")]
        with server("signalbox", *options, log=log) as service:
            last = number == kills
            life = HTTP_LIFE_S if last else rng.uniform(0.05, HTTP_LIFE_S)
            uvloop.run(_ask_until_killed(service.port, books, life, only_old=last))
            service.process.kill()
            service.process.wait()
        books.kills += 1
    return books


async def _ask_until_killed(port: int, books: Books, seconds: float, *, only_old: bool) -> None:
    """Ask until `seconds` after the first answer. What is under way then is left to its fate."""
    old = books.outstanding
    answered, refused = asyncio.Event(), []

    async def work() -> None:
        connection = await _load.connect(port)
        while old or not only_old:
            name = old.pop() if old else f"key-{len(books.asked):06d}"
            (books.resent if name in books.asked else books.asked).add(name)
            body = json.dumps({"query": f"Where is my order {name}?", "deadline_ms": 1000}).encode()
            target = _load.Target(port, "/predict", partial(bytes, body), (("Idempotency-Key", name),))
            status, _ = await connection.ask(_load.request_bytes(target))
            answered.set()
            if status == 200:
                books.acknowledged.add(name)
            elif status == 409:  # the killed one had begun with it; its lease has to run out first
                books.conflicts += 1
            else:
                refused.append(status)

    workers = [asyncio.create_task(work()) for _ in range(HTTP_IN_FLIGHT)]
    async with asyncio.timeout(60):
        await answered.wait()
    await asyncio.wait(workers, timeout=seconds)
    for worker in workers:
        worker.cancel()
    if refused:
        raise SystemExit(f"the service answered {refused[0]}")


@dataclass(frozen=True, slots=True)
class Found:
    lost: int
    doubled: int
    never_asked: int


def look(data_dir: Path, books: Books, name_of: str) -> Found:
    """Compare the books with the tables themselves; `name_of` is SQL for the name a prediction was asked for by."""
    connection = sqlite3.connect(data_dir / DATABASE_FILE)
    (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    if said != "ok":
        raise SystemExit(f"the database is damaged: {said}")
    stored = connection.execute(f"SELECT {name_of}, count(*), min(body) FROM predictions GROUP BY 1").fetchall()
    lines = connection.execute(
        f"SELECT {name_of}, count(*) FROM ledger JOIN predictions ON predictions.id = prediction_id GROUP BY 1"
    ).fetchall()
    waiting = connection.execute(
        f"SELECT {name_of}, count(*) FROM reviews JOIN predictions ON predictions.id = prediction_id GROUP BY 1"
    ).fetchall()
    (reviews_due,) = connection.execute("SELECT count(*) FROM predictions WHERE outcome = 'in_review'").fetchone()
    connection.close()
    for _, _, body in stored:
        Prediction.model_validate_json(body)
    whole = {name for name, *_ in stored} & {name for name, _ in lines}
    twice = {name for name, count, *_ in (*stored, *lines, *waiting) if count > 1}
    reviews_lost = reviews_due - sum(count for _, count in waiting)
    strangers = {name for name, *_ in stored} - books.asked
    return Found(len(books.acknowledged - whole) + max(0, reviews_lost), len(twice), len(strangers))


def run(kills: int, http_kills: int, seed: int, scratch: Path) -> Result:
    rng = random.Random(seed)
    began = time.monotonic()
    (scratch / "store").mkdir()
    books = kill_writers(scratch / "store", kills, rng)
    found = look(scratch / "store", books, "predictions.id")
    result = {
        "acknowledged": len(books.acknowledged),
        "lost": found.lost,
        "doubled": found.doubled,
        "never_asked": found.never_asked,
        "kills": books.kills,
        "killed_while_opening": books.while_opening,
        "asked_again": len(books.resent),
    }
    if http_kills:
        (scratch / "service").mkdir()
        books = kill_services(scratch / "service", http_kills, rng)
        found = look(scratch / "service", books, _NAME_IN_QUERY)
        result |= {
            "http_acknowledged": len(books.acknowledged),
            "http_kills": books.kills,
            "http_asked_again": len(books.resent),
            "http_in_flight_conflicts": books.conflicts,
        }
        for name in ("lost", "doubled", "never_asked"):
            result[name] = int(result[name]) + int(getattr(found, name))
    return result | {"seed": seed, "seconds": round(time.monotonic() - began, 1)}


_NAME_IN_QUERY = "substr(json_extract(predictions.body, '$.query'), 19, 10)"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the kills and writes")
    parser.add_argument("--json", action="store_true", help="print the last line only")
    parser.add_argument("--kills", type=int, default=200, help="processes killed")
    parser.add_argument("--http-kills", type=int, default=8, help="services killed beside them; 0 leaves that out")
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which they are killed")
    arguments = parser.parse_args(argv)
    kills, http_kills = (
        (20, min(2, arguments.http_kills)) if arguments.quick else (arguments.kills, arguments.http_kills)
    )
    with tempfile.TemporaryDirectory(prefix="signalbox-durability-") as folder:
        result = run(kills, http_kills, arguments.seed, Path(folder))
    finish("Durability under kill -9", result, only_json=arguments.json)
    if result["lost"] or result["doubled"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
