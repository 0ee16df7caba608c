"""`signalbox judge`: what a judge is worth, measured against people; and the probability of "right" it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.group import Group
from api.cli.judge_train import train_judge_reader
from api.cli.output import emit, out, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval_sets.cases import Case
    from evaluators.judges.agreement import Calibrated, Rating
    from signalbox.settings import Settings

app = typer.Typer(
    cls=Group, help="Judges: how far they agree with people, and what they may gate.", no_args_is_help=True
)
app.command("train")(train_judge_reader)

_CHECK_FAILED = 1
_Judge = Annotated[
    str, typer.Option(help="A scorer that judges: groundedness, judge:rubric=correctness, panel:rubric=NAME, ...")
]
_Labels = Annotated[
    str | None, typer.Option(help="Rows people judged: a JSONL file, an eval set's folder, or a set's name (judging).")
]
_Reviews = Annotated[
    bool, typer.Option("--from-reviews", help="Take what people decided in the review queue and of given answers.")
]
_Concurrent = Annotated[int, typer.Option(min=1, max=64, help="Most rows judged at once.")]
_Cost = Annotated[float | None, typer.Option(help="US dollars after which the rest is left unmeasured.")]
_Seed = Annotated[int, typer.Option(help="The same rows and seed give the same figures.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("calibrate")
def calibrate_judge(
    judge: _Judge,
    labels: _Labels = None,
    from_reviews: _Reviews = False,
    concurrent: _Concurrent = 4,
    max_cost_usd: _Cost = None,
    seed: _Seed = 0,
    as_json: _JSON = False,
) -> None:
    """Turn what a judge says into the probability that people would say right; below its floor it stays advisory."""
    from api.service.judging import calibrated_now
    from signalbox.settings import Settings

    settings = Settings.load()
    opened, ratings = _rated(settings, judge, labels, from_reviews, concurrent, max_cost_usd)
    made = calibrated_now(opened, ratings, settings, seed=seed)
    if as_json:
        emit(made.model_dump_json())
    else:
        from api.cli.judge_show import show_calibration

        show_calibration(out(), made)


@app.command()
def agreement(
    judge: _Judge,
    labels: _Labels = None,
    from_reviews: _Reviews = False,
    show: Annotated[int, typer.Option(min=0, help="Most disagreements to list.")] = 10,
    concurrent: _Concurrent = 4,
    max_cost_usd: _Cost = None,
    seed: _Seed = 0,
    as_json: _JSON = False,
) -> None:
    """Show how far a judge agrees with people, and where not. Exits with 1 where it is proven to have got worse."""
    from api.service.judging import compared
    from signalbox.settings import Settings

    opened, ratings = _rated(Settings.load(), judge, labels, from_reviews, concurrent, max_cost_usd)
    found, drift = compared(opened, ratings, seed=seed)
    if as_json:
        import json

        emit(
            json.dumps(
                {
                    "agreement": found.model_dump(mode="json"),
                    "calibration": opened.calibration.reference if opened.calibration else None,
                    "advisory": list(opened.advisory),
                    "drift": None if drift is None else drift.model_dump(mode="json"),
                }
            )
        )
    else:
        from api.cli.judge_show import show_agreement

        show_agreement(out(), found, opened, drift, most=show)
    if drift is not None and drift.alarms:
        raise typer.Exit(_CHECK_FAILED)


@app.command("list")
def list_judges(as_json: _JSON = False) -> None:
    """Show the rubrics there are, and the judges that were calibrated to people."""
    from evaluators.judges.agreement import JudgeStore
    from evaluators.judges.llm import load_rubric, rubric_names
    from signalbox.settings import Settings

    rubrics = [load_rubric(name) for name in rubric_names()]
    found = JudgeStore(Settings.load().data_dir).all()
    if as_json:
        import json

        calibrations = [one.model_dump(mode="json", exclude={"golden"}) for one in found]
        emit(json.dumps({"rubrics": [one.model_dump(mode="json") for one in rubrics], "calibrations": calibrations}))
        return
    from api.cli.judge_show import show_judges

    show_judges(out(), rubrics, found)


@app.command()
def pairs(
    run: Annotated[
        str, typer.Argument(help="A run whose scorers were judges of pairs: its id, its folder, or latest.")
    ],
    as_json: _JSON = False,
) -> None:
    """Show how far the judges of pairs in a run go by position and by length, and who wins without that."""
    from dataclasses import asdict

    from api.cli.evals.runs import open_named
    from evaluators.judges.llm import pair_figures, preferences_in
    from signalbox.errors import InvalidInput

    record = open_named(run)
    found = {metric: pair_figures(said) for metric, said in preferences_in(record.rows).items()}
    if not found:
        raise InvalidInput(
            f"No scorer of {record.id} judged pairs: run it with --scorer judge:rubric=preference.", field="run"
        )
    if as_json:
        import json

        emit(json.dumps({metric: asdict(figures) for metric, figures in found.items()}))
        return
    from api.cli.judge_show import show_pairs

    for metric, figures in found.items():
        show_pairs(out(), metric, figures)


def _rated(
    settings: Settings, judge: str, labels: str | None, from_reviews: bool, concurrent: int, max_cost_usd: float | None
) -> tuple[Calibrated, Sequence[Rating]]:
    import asyncio
    import math

    from api.cli.output import quiet
    from api.service.judging import labels_at, rated
    from signalbox.errors import InvalidInput

    if (labels is None) == (not from_reviews):
        raise InvalidInput("Give --labels, or --from-reviews.", field="labels")
    if max_cost_usd is not None and not 0 <= max_cost_usd < math.inf:
        raise InvalidInput(f"It must be 0 or more, not {max_cost_usd}.", field="max_cost_usd")

    async def work() -> tuple[Calibrated, Sequence[Rating]]:
        cases = labels_at(labels) if labels is not None else await _by_people(quiet(settings))
        say(f"{len(cases):,} rows that people judged.")
        with progress_bar("Judging") as progress:
            return await rated(
                judge, cases, quiet(settings), concurrent=concurrent, max_cost_usd=max_cost_usd, progress=progress
            )

    return asyncio.run(work())


async def _by_people(settings: Settings) -> tuple[Case, ...]:
    """Decided reviews and, where no other process holds the database, verdicts on answers given without a person."""
    from api.cli.review_client import open_reviews
    from api.service.judging import stored_verdicts
    from evaluators.judges.agreement import from_reviews
    from signalbox.errors import InvalidInput, Unavailable
    from signalbox.storage import open_database

    items, cursor = [], None
    async with open_reviews(settings, write=False) as reviews:
        while True:
            page = await reviews.page(state="decided", limit=200, cursor=cursor)
            items += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
    cases = from_reviews(items)
    try:
        async with await open_database(settings, write=False) as database:
            cases += await stored_verdicts(database)
    except Unavailable:
        say("A service holds the database: verdicts on answers given without a person are left out.")
    if not cases:
        raise InvalidInput("Nobody has called an answer right or wrong yet: decide some reviews.", field="labels")
    return cases
