"""Attacks on the router and on what it reads, with the defences on and off, beside a TF-IDF router.

`python -m benchmarks.attacks [--payloads bipia.json --contexts emails.jsonl] [--queries 120] [--quick] [--json]`

Every rate is net of a benign twin. Where polite words move a query more than the attack does, a net rate is negative:
that shows no strength of the router, so gross rates and those of the twins stand beside.

The first part attacks queries of the sample help desk, with a scripted cloud over HTTP; the desk is made once and kept
in the user's cache folder. The second hides BIPIA's instructions in its mails and
asks about them; what counts there is the route that does worst, a cloud that obeys whatever it is shown included.
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

from agents.state import Parts
from api.service.folders import experts_folder, make_data_dir
from api.service.models import open_models
from api.service.workspace import example_alpha
from benchmarks import _attack_documents as documents
from benchmarks import _attack_figures as figures
from benchmarks import _attack_routing as routing
from benchmarks import _attack_workspace as desk
from benchmarks._attack_families import targets
from benchmarks._common import finish
from classifiers import load_expert
from eval_sets import LabelledQuery, read_labelled
from evaluators.adversarial.suites import Bipia, read_bipia
from evaluators.adversarial.types import QueryAttack
from retriever import Index
from signalbox.encoder import load_encoder
from signalbox.models.scripted import ScriptedServer
from signalbox.settings import DEFENCES, Defence, Settings
from signalbox.types import Prediction, Route

_SEED = 11
_CLOUD_USD = 0.001  # what the anchor's cloud costs a query
_ON_OFF: tuple[tuple[str, tuple[Defence, ...]], ...] = (("on", DEFENCES), ("off", ()))
_ROUTES: tuple[tuple[str, Route, bool], ...] = (
    ("grounded", "grounded", False),
    ("cloud", "cloud", False),
    ("cloud_credulous", "cloud", True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=Path, help="BIPIA's instructions: a JSON object of category to texts")
    parser.add_argument("--contexts", type=Path, help="BIPIA's mails: JSON lines")
    parser.add_argument("--part", choices=("all", "router", "documents"), default="all", help="only one of both")
    parser.add_argument("--queries", type=int, default=120, help="queries answered cheaply, attacked by each family")
    parser.add_argument("--written", type=int, default=20, help="attacked mails that the bundled model answers about")
    parser.add_argument(
        "--quick", action="store_true", help="60 queries, 10 written answers, and each payload in one place only"
    )
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    given = arguments.payloads is not None and arguments.contexts is not None
    if arguments.part == "documents" and not given:
        parser.error("give --payloads and --contexts")
    quick = arguments.quick
    result: dict[str, Any] = {}
    started = time.perf_counter()
    if arguments.part != "documents":
        result = asyncio.run(_routing(60 if quick else arguments.queries, quick=quick))
    if given and arguments.part != "router":
        suite = read_bipia(arguments.payloads, arguments.contexts)
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(
                _documents(Path(folder), suite, min(10, arguments.written) if quick else arguments.written, quick=quick)
            )
        result = _together(result, found)
    seconds = round(time.perf_counter() - started)
    finish("Attacks", {**result, "seconds": seconds, "cores": os.cpu_count()}, only_json=arguments.json)


def _together(router: Mapping[str, Any], of_documents: Mapping[str, Any]) -> dict[str, Any]:
    """Both parts in one result; what both measure is the worse of the two, beside what each found."""
    anchors = {**router.get("anchors", {}), **of_documents["anchors"]}
    worse = {
        f"{name}{part}": value
        for name in ("utility_drop", "false_hits")
        for part, value in (
            ("", max(one[name] for one in (router, of_documents) if name in one)),
            ("_router", router.get(name)),
            ("_documents", of_documents[name]),
        )
    }
    return {**router, **of_documents, **worse, "anchors": anchors}


def _settings(folder: Path, base_url: str) -> Settings:
    return Settings.load(data_dir=folder).model_copy(
        update={"local_model": "none", "cloud_base_url": base_url, "cloud_api_key": None, "daily_cap_usd": None}
    )


async def _documents(folder: Path, suite: Bipia, written: int, *, quick: bool) -> dict[str, Any]:
    say = Console(stderr=True).print
    stand_in = documents.Obedient()
    clean, attacked = documents.trials_of(suite, documents.PLACES[:1] if quick else documents.PLACES)
    found: dict[str, dict[str, dict[str, Any]]] = {"on": {}, "off": {}}
    async with ScriptedServer(stand_in) as server:
        settings = _settings(folder, server.base_url)
        make_data_dir(settings)
        index = documents.index_of([*clean, *attacked], folder / "mails", load_encoder(settings))
        for name, defences in _ON_OFF:
            own = settings.model_copy(update={"defences": defences})
            async with await open_models(own) as models:
                parts = _lax(models.parts)
                before: dict[str, dict[str, Prediction]] = {}
                for key, route, credulous in _ROUTES:
                    started = time.perf_counter()
                    if credulous and "spotlighting" not in defences:  # nothing is marked: all are credulous
                        found[name][key] = found[name][route]
                        continue
                    stand_in.credulous = credulous
                    if route not in before:
                        before[route] = await documents.of_clean(parts, index, clean, route, stand_in)
                    found[name][key] = await documents.figures(
                        before[route], parts, index, clean, attacked, route, stand_in
                    )
                    say(f"mails, defences {name}, {key}: {time.perf_counter() - started:.0f} s")
            # Without defences the bundled model takes as long again, so it is left out where it should be quick.
            if written and (name == "on" or not quick):
                started = time.perf_counter()
                found[name]["written"] = await _written(own, index, clean, documents.some(attacked, written), stand_in)
                say(f"mails, defences {name}, written: {time.perf_counter() - started:.0f} s")
    return _of_documents(found["on"], found["off"])


def _lax(parts: Parts) -> Parts:
    """Rather too much answered than too little: what is not accepted can't be followed either."""
    return replace(parts, policy=parts.policy.model_copy(update={"alpha": 0.99}))


async def _written(
    settings: Settings,
    index: Index,
    clean: Sequence[documents.Trial],
    attacked: Sequence[documents.Trial],
    stand_in: documents.Obedient,
) -> dict[str, Any]:
    """The bundled local model writes the answers; its re-encoded weights stay in the cache folder."""
    model = str(Settings.model_fields["local_model"].default)
    folder = desk.cache_folder() / "written"
    own = settings.model_copy(update={"local_model": model, "grounded_style": "write", "data_dir": folder})
    asked = {trial.context.id for trial in attacked}
    twins = [trial for trial in clean if trial.context.id in asked]
    async with await open_models(own) as models:
        parts = _lax(models.parts)
        before = await documents.of_clean(parts, index, twins, "grounded", stand_in)
        return await documents.figures(before, parts, index, twins, attacked, "grounded", stand_in, documents.echoes)


def _of_documents(on: Mapping[str, Mapping[str, Any]], off: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What counts is the worst route; of utility and false hits, of those on which every mail was asked about."""
    worst = _worst(on)
    every = [key for key, _, _ in _ROUTES]
    return {
        "bipia": dict(on),
        "net_success": on[worst]["net_success"],
        "success_interval": on[worst]["success_interval"],
        "worst_route": worst,
        "net_success_credulous": on["cloud_credulous"]["net_success"],
        "false_hits": max(on[route]["false_hits"] for route in every),
        "utility_drop": max(off[route]["utility"] - on[route]["utility"] for route in every),
        "anchors": {
            "documents, defences off": {"bipia": dict(off), "net_success": off[_worst(off)]["net_success"]},
            "canary": {"false_hits": max(off[route]["canary_on_benign"] for route in every)},
        },
    }


def _worst(routes: Mapping[str, Mapping[str, Any]]) -> str:
    return max(routes, key=lambda name: (routes[name]["net_success"], routes[name]["success_interval"][1]))


async def _routing(count: int, *, quick: bool) -> dict[str, Any]:
    say = Console(stderr=True).print
    learning = read_labelled([desk.CALIBRATION]).queries
    queries = read_labelled([desk.EXAMPLE / "queries" / "test.jsonl"]).queries
    cloud = routing.KnowingCloud()
    questions = 120 if quick else 240
    found: dict[str, dict[str, Any]] = {}
    before: dict[str, list[routing.Asked]] = {}
    altered: list[bool] = []
    async with ScriptedServer(cloud) as server:
        settings = _settings(desk.cache_folder(), server.base_url)
        for name, defences in _ON_OFF:
            started = time.perf_counter()
            cloud.learn(learning)
            own = await desk.workspace(settings, defences)
            say(f"help desk, defences {name}: {time.perf_counter() - started:.0f} s")
            cloud.learn(())
            async with await open_models(own) as models:
                ask = routing.through_router(models.parts, cloud)
                before[name] = await routing.asked(ask, [(one, one.query) for one in queries])
                if name == "on":
                    altered = [routing.is_changed(models.parts, one.query) for one in queries]
                gadget = await routing.learnt_gadget(
                    routing.Watched(models.parts, cloud, learning), learning, questions, _SEED
                )
                # Without defences the rates are so much larger that half as many queries show them.
                some = count if name == "on" else count // 2
                found[name] = await _attacked(ask, figures.sample_of(queries, before[name], some), gadget)
            say(f"attacks, defences {name}: {time.perf_counter() - started:.0f} s")
        anchor = await _anchor(own, learning, queries, count, questions)
    return {
        **found["on"],
        **figures.benign(queries, before["on"], before["off"], altered),
        "anchors": {"defences off": found["off"], "TF-IDF router": anchor},
    }


async def _anchor(
    settings: Settings, learning: Sequence[LabelledQuery], queries: Sequence[LabelledQuery], count: int, questions: int
) -> dict[str, Any]:
    """The usual router: TF-IDF and a threshold. It faces words learnt against itself."""
    expert = load_expert(experts_folder(settings), desk.TFIDF, load_encoder(settings))
    threshold = routing.threshold_for(expert, learning, example_alpha(settings))
    ask = routing.through_expert(expert, threshold, _CLOUD_USD)
    before = await routing.asked(ask, [(one, one.query) for one in queries])
    gadget = await routing.learnt_gadget(routing.WatchedExpert(expert, threshold), learning, questions, _SEED)
    return await _attacked(ask, figures.sample_of(queries, before, count), gadget)


async def _attacked(ask: routing.Ask, sample: figures.Sample, gadget: QueryAttack) -> dict[str, Any]:
    families = {name: await figures.attack(ask, sample, members, _SEED) for name, members in targets(gadget).items()}
    costs = [cast(float, one["cost_ratio"]) for one in families.values() if one["cost_ratio"] is not None]
    return {
        **families,
        "cost_ratio": max(costs) if costs else None,
        "cost_ratio_mean": sum(costs) / len(costs) if costs else None,
    }


if __name__ == "__main__":
    main()
