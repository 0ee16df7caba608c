"""What takes part in an attack run, opened: its targets, by the defences that are on, and what measures answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.service.attack_target import ALL, ModelUnderAttack, ServiceUnderAttack, defences_named, hidden_texts

if TYPE_CHECKING:
    from api.service.attacking import AttackRequest
    from eval_sets.cases import Case
    from evaluators.adversarial.cases import Plan
    from evaluators.contract import Scorer, Target
    from retriever import Document
    from signalbox.contracts import Judge
    from signalbox.encoder import OnnxEncoder
    from signalbox.settings import Settings

_URL, _MODEL = ("http://", "https://"), "model:"
GADGET = "gadget"


@asynccontextmanager
async def opened(settings: Settings, request: AttackRequest) -> AsyncIterator[tuple[Mapping[str, Target], Scorer]]:
    """Open the target, once with each setting of its defences, and the scorer.

    Raises:
        ConfigurationError, MissingDependency: what it needs is not set up.
    """
    from api.service.eval_models import model_of
    from api.service.models import open_models
    from evaluators.adversarial.families import chosen
    from evaluators.adversarial.scoring import AttackScorer
    from evaluators.harness import UrlTarget

    judged = any(one.kind == "answer" for one in chosen(request.families))
    async with AsyncExitStack() as stack:
        if request.target.startswith(_URL):
            url = await stack.enter_async_context(UrlTarget(request.target, key=settings.eval_api_key))
            encoder = _encoder(settings) if judged else None
            yield {ALL: url}, AttackScorer(hidden=hidden_texts(), judge=_judge(encoder))
            return
        models = await stack.enter_async_context(await open_models(settings))
        targets: dict[str, Target]
        if request.target.startswith(_MODEL):
            model = model_of(request.target.removeprefix(_MODEL), settings)
            stack.push_async_callback(model.close)
            targets = {ALL: ModelUnderAttack(settings, models, model)}
        else:
            named = defences_named(request.defences)
            targets = {name: ServiceUnderAttack(settings, models, on) for name, on in named.items()}
        judge = _judge(models.encoder if judged else None)
        yield targets, AttackScorer(hidden=hidden_texts(), judge=judge, judge_name="groundedness" if judge else "")


async def planned(
    request: AttackRequest,
    cases: Sequence[Case],
    others: Sequence[Case],
    targets: Mapping[str, Target],
    folder: Path,
    progress: Callable[[float, str], None],
) -> Plan:
    """What is to be asked; where the gadget takes part, it is learnt first.

    Args:
        others: cases to learn a gadget on, some of `cases` where there are none; those that are left stand in where a
            family can't be used on one of `cases`.
        folder: of the run; what learning asks is kept there.

    Raises:
        LimitReached: learning took what the run's limits allow.
    """
    from evaluators.adversarial.cases import is_written, plan
    from evaluators.adversarial.families import chosen
    from evaluators.adversarial.gadgets import apart, learn_gadget, with_gadget, write_gadget
    from evaluators.adversarial.learning import Asking
    from evaluators.adversarial.targets import Attackable
    from evaluators.harness import Limits

    families = chosen(request.families)
    target = next(iter(targets.values()))
    gadgets = any(GADGET in one.name.split("+") for one in families) and request.gadget_queries
    if gadgets and not all(map(is_written, cases)):
        learning, cases = apart(cases, others, request.seed)
        limits = Limits.model_validate(request.limits)
        with Asking.kept(targets[max(targets)], limits, folder) as asking:
            gadget = await learn_gadget(
                asking, learning, budget=request.gadget_queries, seed=request.seed, progress=progress
            )
        write_gadget(folder, gadget)
        families = with_gadget(families, gadget)
        known = {case.id for case in learning}
        others = [case for case in others if case.id not in known]
    find = _finder(target) if isinstance(target, Attackable) else None
    return plan(
        cases,
        families,
        spare=others,
        find=find,
        strengths=[one for one in (1, 2, 3) if one in request.strengths],
        tries=request.tries,
        seed=request.seed,
        defences=tuple(targets),
    )


def _finder(target: object) -> Callable[[Case], Document | None]:
    from evaluators.adversarial.targets import Attackable

    assert isinstance(target, Attackable), "only such targets have documents"

    def find(case: Case) -> Document | None:
        found = (target.document(name) for name in case.expected.documents)
        return next((one for one in found if one is not None), None)

    return find


def _encoder(settings: Settings) -> OnnxEncoder:
    from signalbox.encoder import load_encoder

    return load_encoder(settings)


def _judge(encoder: OnnxEncoder | None) -> Judge | None:
    """The local judge, whom attacks on answers try to turn; None where there are none."""
    if encoder is None:
        return None
    from evaluators.judges.groundedness import open_judge

    return open_judge(encoder)
