"""Calibrating the policy of a data directory: open the parts, run the trials, fit, store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.policy import Policy, PolicyStore
from agents.policy.calibrate import Calibration, calibrate
from agents.trials import TrialOptions, run_trials
from api.service.folders import policies_folder
from api.service.models import open_models
from eval_sets import read_labelled
from signalbox.errors import InvalidInput
from signalbox.settings import Settings

_DELTA = 0.1


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The new champion, and the fit behind it."""

    policy: Policy
    fit: Calibration


async def calibrate_policy(
    settings: Settings,
    files: Sequence[Path],
    *,
    alpha: float | None = None,
    progress: Callable[[float, str], None],
    say: Callable[[str], None],
    cloud_budget_usd: float = 0.0,
    most_short_answers: int = 0,
) -> Calibrated:
    """Fit a policy on the labelled queries in `files` and make it the champion.

    Args:
        alpha: error rate to keep; by default the settings'.
        cloud_budget_usd: most to spend on the cloud; with 0 that route keeps what the policy in use says of it.
        most_short_answers: short answers to measure, about a second each; with 0 the policy in use stands for them.

    Raises:
        InvalidInput, NotFound: a file is not there or not of the format; nothing was changed.
    """
    labelled = read_labelled(files)
    options = TrialOptions(
        routes=("classifier", "grounded", "cloud") if cloud_budget_usd > 0 else ("classifier", "grounded"),
        max_cost_usd=cloud_budget_usd,
        most_short_answers=most_short_answers,
    )
    async with await open_models(settings, progress=say) as models:
        trials = await run_trials(models.parts, labelled.queries, options, progress)
        before = models.parts.policy
    if not trials:
        raise InvalidInput(
            "No route could be tried on these queries: ingest documents or train an expert first, and label queries "
            "that they can answer. The policy stays as it is.",
            field="files",
        )
    fitted = calibrate(trials, alpha=settings.alpha if alpha is None else alpha, delta=_DELTA, before=before.routes)
    policy = PolicyStore(policies_folder(settings)).add(
        alpha=settings.alpha if alpha is None else alpha,
        delta=_DELTA,
        routes=before.routes | fitted.routes,
        curve=fitted.curve,
        data_hash=labelled.hash,
        notes=fitted.notes,
    )
    return Calibrated(policy, fitted)
