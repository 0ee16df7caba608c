"""Attacks on the router and on what it reads, with the defences on and off, beside a TF-IDF router.

`python -m benchmarks.attacks [--payloads bipia.json --contexts emails.jsonl] [--queries 120] [--quick] [--json]`

Every rate is net of a benign twin. The first part makes the sample help desk in a folder of its own, with a scripted
cloud over HTTP, and attacks its queries; the second hides BIPIA's instructions in its mails and asks about them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from api.service.calibration import calibrate_policy
from api.service.folders import experts_folder, make_data_dir
from api.service.models import open_models
from api.service.workspace import example_alpha, example_folder, fill_workspace, intents_material
from benchmarks import _attack_documents as documents
from benchmarks import _attack_routing as routing
from benchmarks._common import finish, silent
from classifiers import TrainOptions, load_expert, read_intents, train
from eval_sets import LabelledQuery, read_labelled
from evaluators.adversarial.families import family
from evaluators.adversarial.suites import Bipia, read_bipia
from evaluators.adversarial.types import QueryAttack
from signalbox.encoder import load_encoder
from signalbox.models.scripted import ScriptedServer
from signalbox.settings import DEFENCES, Defence, Settings
from signalbox.types import Route

EXAMPLE = example_folder("helpdesk")
_SEED = 7
_CLOUD_BUDGET_USD = 100.0
_PLAIN = "plain"
_ON_OFF: tuple[tuple[str, tuple[Defence, ...]], ...] = (("on", DEFENCES), ("off", ()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=Path, help="BIPIA's instructions: a JSON object of category to texts")
    parser.add_argument("--contexts", type=Path, help="BIPIA's mails: JSON lines")
    parser.add_argument("--part", choices=("all", "router", "documents"), default="all", help="only one of both")
    parser.add_argument("--queries", type=int, default=120, help="queries attacked by each family")
    parser.add_argument("--quick", action="store_true", help="40 queries, and each payload in one place only")
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    given = arguments.payloads is not None and arguments.contexts is not None
    if arguments.part == "documents" and not given:
        parser.error("give --payloads and --contexts")
    count = 40 if arguments.quick else arguments.queries
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        if arguments.part != "documents":
            result = asyncio.run(_routing(Path(folder) / "router", count))
        if given and arguments.part != "router":
            suite = read_bipia(arguments.payloads, arguments.contexts)
            places = documents.PLACES[:1] if arguments.quick else documents.PLACES
            result = _together(result, asyncio.run(_documents(Path(folder) / "documents", suite, places)))
    finish("Attacks", {**result, "cores": os.cpu_count()}, only_json=arguments.json)


def _together(router: Mapping[str, Any], of_documents: Mapping[str, Any]) -> dict[str, Any]:
    """Both parts in one result; what both measure is the worse of the two."""
    anchors = {**router.get("anchors", {}), **of_documents["anchors"]}
    drop = max(router.get("utility_drop", of_documents["utility_drop"]), of_documents["utility_drop"])
    return {**router, **of_documents, "utility_drop": drop, "anchors": anchors}


async def _documents(folder: Path, suite: Bipia, places: Sequence[str]) -> dict[str, Any]:
    stand_in = documents.Obedient()
    clean, attacked = documents.trials_of(suite, places)
    found: dict[str, dict[str, dict[str, Any]]] = {"on": {}, "off": {}}
    async with ScriptedServer(stand_in) as server:
        settings = _settings(folder, server.base_url)
        make_data_dir(settings)
        index = documents.index_of([*clean, *attacked], folder / "mails", load_encoder(settings))
        for name, defences in _ON_OFF:
            async with await open_models(settings.model_copy(update={"defences": defences})) as models:
                # Rather too much answered than too little: what is not accepted can't be followed either.
                lax = models.parts.policy.model_copy(update={"alpha": 0.99})
                parts = replace(models.parts, policy=lax)
                for route, credulous in (("grounded", False), ("cloud", False), ("cloud", True)):
                    stand_in.credulous = credulous
                    key = f"{route}_credulous" if credulous else route
                    found[name][key] = await documents.figures(
                        parts, index, clean, attacked, cast(Route, route), stand_in
                    )
    on, off = found["on"], found["off"]
    kept = ("grounded", "cloud")
    return {
        "bipia": on,
        "net_success": max(on[route]["net_success"] for route in kept),
        "success_interval": max((on[route]["success_interval"] for route in kept), key=lambda pair: pair[1]),
        "net_success_credulous": on["cloud_credulous"]["net_success"],
        "false_hits": max(on[route]["false_hits"] for route in kept),
        "utility_drop": max(off[route]["utility"] - on[route]["utility"] for route in kept),
        "anchors": {
            "documents, defences off": {"bipia": off, "net_success": max(off[route]["net_success"] for route in kept)},
            "canary": {"false_hits": max(off[route]["canary_on_benign"] for route in kept)},
        },
    }


def _settings(folder: Path, base_url: str) -> Settings:
    return Settings.load(data_dir=folder).model_copy(
        update={"local_model": "none", "cloud_base_url": base_url, "cloud_api_key": None, "daily_cap_usd": None}
    )


async def _routing(folder: Path, count: int) -> dict[str, Any]:
    say = Console(stderr=True).print
    cloud = routing.KnowingCloud()
    async with ScriptedServer(cloud) as server:
        settings = _settings(folder, server.base_url)
        fill_workspace(settings, EXAMPLE, progress=silent, say=lambda _: None)
        calibration = EXAMPLE / "queries" / "calibration.jsonl"
        learning = read_labelled([calibration]).queries
        queries = read_labelled([EXAMPLE / "queries" / "test.jsonl"]).queries[:count]
        found: dict[str, dict[str, Any]] = {}
        for name, defences in _ON_OFF:
            started = time.perf_counter()
            own = settings.model_copy(update={"defences": defences})
            cloud.known = {one.query: one for one in learning}
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
                gadget = await routing.learnt_gadget(models.parts, cloud, learning, _SEED)
                found[name] = await _attacked(routing.through_router(models.parts, cloud), queries, gadget)
            say(f"defences {name}: {time.perf_counter() - started:.0f} s")
        anchor = await _attacked(_tfidf_router(settings, learning), queries, gadget)
    on, off = found["on"], found["off"]
    return {
        **on,
        "utility_drop": off["benign_right"] - on["benign_right"],
        "false_hits": on["benign_fired"],
        "anchors": {"defences off": off, "TF-IDF router": anchor},
    }


async def _attacked(ask: routing.Ask, queries: Sequence[LabelledQuery], gadget: QueryAttack) -> dict[str, Any]:
    targets = {name: [family(member) for member in members] for name, members in routing.FAMILIES.items()}
    targets["gadget"] = [gadget]
    before = [await ask(labelled, labelled.query) for labelled in queries]
    families = {name: await routing.attack(ask, queries, before, members, _SEED) for name, members in targets.items()}
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
