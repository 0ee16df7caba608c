"""Attacks on the router and on what it reads, with the defences on and off, beside a TF-IDF router.

`python -m benchmarks.attacks [--payloads bipia.json --contexts emails.jsonl] [--queries 120] [--quick] [--json]`

Every rate is net of a benign twin. The first part makes the sample help desk in a folder of its own, with a scripted
cloud over HTTP, and attacks its queries.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from api.service.calibration import calibrate_policy
from api.service.folders import experts_folder
from api.service.models import open_models
from api.service.workspace import example_alpha, example_folder, fill_workspace, intents_material
from benchmarks import _attack_routing as routing
from benchmarks._common import finish, silent
from classifiers import TrainOptions, load_expert, read_intents, train
from eval_sets import LabelledQuery, read_labelled
from signalbox.encoder import load_encoder
from signalbox.models.scripted import ScriptedServer
from signalbox.settings import DEFENCES, Settings

EXAMPLE = example_folder("helpdesk")
_SEED = 7
_CLOUD_BUDGET_USD = 100.0
_PLAIN = "plain"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=Path, help="BIPIA's instructions: a JSON object of category to texts")
    parser.add_argument("--contexts", type=Path, nargs="+", help="BIPIA's e-mails: JSON lines")
    parser.add_argument("--queries", type=int, default=120, help="queries attacked by each family")
    parser.add_argument("--quick", action="store_true", help="40 queries")
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    count = 40 if arguments.quick else arguments.queries
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(_routing(Path(folder), count))
    finish("Attacks", result, only_json=arguments.json)


async def _routing(folder: Path, count: int) -> dict[str, object]:
    say = Console(stderr=True).print
    cloud = routing.KnowingCloud()
    async with ScriptedServer(cloud) as server:
        settings = Settings.load(data_dir=folder).model_copy(
            update={
                "local_model": "none",
                "cloud_base_url": server.base_url,
                "cloud_api_key": None,
                "daily_cap_usd": None,
            }
        )
        fill_workspace(settings, EXAMPLE, progress=silent, say=lambda _: None)
        calibration = EXAMPLE / "queries" / "calibration.jsonl"
        queries = read_labelled([EXAMPLE / "queries" / "test.jsonl"]).queries[:count]
        found: dict[str, dict[str, object]] = {}
        for name, defences in (("on", DEFENCES), ("off", ())):
            started = time.perf_counter()
            own = settings.model_copy(update={"defences": defences})
            known = {one.query: one for one in read_labelled([calibration]).queries}
            cloud.known = known
            await calibrate_policy(
                own,
                [calibration],
                alpha=example_alpha(settings),
                progress=silent,
                say=lambda _: None,
                cloud_budget_usd=_CLOUD_BUDGET_USD,
            )
            cloud.known = {}
            async with await open_models(own) as models:
                found[name] = await _attacked(routing.through_router(replace(models.parts), cloud), queries)
            say(f"defences {name}: {time.perf_counter() - started:.0f} s")
        anchor = await _attacked(_tfidf_router(settings, read_labelled([calibration]).queries), queries)
    on, off = found["on"], found["off"]
    return {
        **on,
        "utility_drop": off["benign_right"] - on["benign_right"],  # type: ignore[operator]
        "anchors": {"defences off": off, "TF-IDF router": anchor},
    }


async def _attacked(ask: routing.Ask, queries: Sequence[LabelledQuery]) -> dict[str, object]:
    before = [await ask(labelled, labelled.query) for labelled in queries]
    families = {
        name: await routing.attack(ask, queries, before, members, _SEED) for name, members in routing.FAMILIES.items()
    }
    costs = [ratio for one in families.values() if isinstance(ratio := one["cost_ratio"], float)]
    return {
        **families,
        "cost_ratio": sum(costs) / len(costs) if costs else None,
        "benign_right": sum(one.right is True for one in before) / len(before),
        "benign_cheap": sum(not one.dear for one in before) / len(before),
        "benign_fired": sum(one.fired for one in before) / len(before),
    }


def _tfidf_router(settings: Settings, calibration: Sequence[LabelledQuery]) -> routing.Ask:
    encoder = load_encoder(settings)
    examples = read_intents(EXAMPLE / "intents.jsonl", EXAMPLE / "out_of_scope.jsonl")
    train(
        intents_material(examples, "intents.jsonl"),
        encoder,
        name=_PLAIN,
        folder=experts_folder(settings),
        options=TrainOptions(learner="tfidf", curve=False, promote=True),
    )
    expert = load_expert(experts_folder(settings), _PLAIN, encoder)
    return routing.through_expert(expert, routing.threshold_for(expert, calibration, example_alpha(settings)), 0.001)


if __name__ == "__main__":
    main()
