"""kill -9: what was acknowledged is there, once; what was not is there whole or not at all."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select

from signalbox.settings import Settings
from signalbox.storage import open_database
from signalbox.storage.schema import ledger, predictions, reviews

ROOT = Path(__file__).parents[2]
KILLS = 15

# Imports once; then each line read starts a fork that opens the database and writes until it is killed. Each of 40
# callers adds one prediction after another, each twice, and prints its id when told that it is stored.
LAUNCHER = """
import asyncio, os, sys
import psycopg
from storage_samples import in_review, plain
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database

async def caller(store, number):
    while True:
        prediction = in_review() if number % 2 else plain(query="x" * 2000)
        await store.add(prediction)
        os.write(1, f"{prediction.id}\\n".encode())
        await store.add(prediction)

async def main():
    database = await open_database(Settings(data_dir=sys.argv[1], database_url=sys.argv[2] or None))
    store = PredictionStore(database)
    os.write(1, f"{os.getpid()}\\n".encode())
    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(caller(store, number))

while os.read(0, 1):
    child = os.fork()
    if not child:
        asyncio.run(main())
    _, status = os.waitpid(child, 0)
    os.write(1, f"{os.WTERMSIG(status)}\\n".encode())
"""


def kill_again_and_again(settings: Settings) -> list[str]:
    """The ids that were acknowledged over all the lives of the child."""
    chance = random.Random(7)
    url = "" if settings.database_url is None else settings.database_url.get_secret_value()
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(settings.data_dir), url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    acknowledged: list[str] = []
    for _ in range(KILLS):
        launcher.stdin.write(b"!")
        child = int(launcher.stdout.readline())
        # A pipe holds some thousand ids: the child never waits for us to read them.
        time.sleep(chance.uniform(0.0, 0.3))
        os.kill(child, signal.SIGKILL)
        while (line := launcher.stdout.readline().decode().strip()) != str(signal.SIGKILL.value):
            assert line.startswith("prd_")
            acknowledged.append(line)
    launcher.communicate()
    return acknowledged


async def test_acknowledged_predictions_survive_being_killed(settings: Settings) -> None:
    acknowledged = await asyncio.to_thread(kill_again_and_again, settings)
    assert len(acknowledged) == len(set(acknowledged)) > 0
    async with await open_database(settings) as database:
        stored = await database.read(lambda c: list(c.execute(select(predictions.c.id)).scalars()))
        booked = await database.read(lambda c: list(c.execute(select(ledger.c.prediction_id)).scalars()))
        in_review = await database.read(
            lambda c: list(c.execute(select(predictions.c.id).where(predictions.c.outcome == "in_review")).scalars())
        )
        waiting = await database.read(lambda c: list(c.execute(select(reviews.c.prediction_id)).scalars()))
        if database.kind == "sqlite":
            found = await database.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one())
            assert found == "ok"
    assert set(acknowledged) <= set(stored)
    assert sorted(stored) == sorted(booked)
    assert sorted(in_review) == sorted(waiting)
