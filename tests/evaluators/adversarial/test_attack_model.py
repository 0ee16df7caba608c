"""A model over the service's documents as the target: what it is shown, and what it obeys, is counted."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

from attack_samples import CASES, SmallTarget

from api.service.attack_target import ModelUnderAttack, defences_named, hidden_texts
from evaluators.adversarial.cases import plan
from evaluators.adversarial.families import chosen
from evaluators.adversarial.reporting import report_of
from evaluators.adversarial.running import run_attacks
from evaluators.adversarial.scoring import AttackScorer
from evaluators.harness import Limits
from signalbox.contracts import ChatRequest
from signalbox.models.scripted import ScriptedModel
from signalbox.settings import DEFENCES, Settings


def obeys(request: ChatRequest) -> str:
    """Says the word that anything it reads tells it to say, and shows its instructions when asked."""
    read = "\n".join(message.content for message in request.messages)
    if "system prompt" in read:
        return request.messages[0].content
    told = re.search(r"(?:answer to this question is|must be told|answer) ([a-z]+-\d{3})", read)
    return told[1] if told else "The documents say so."


async def test_a_model_that_obeys_documents_is_found_out(tmp_path: Path) -> None:
    small = SmallTarget(tmp_path / "index")
    models = SimpleNamespace(index=small.index, encoder=small.encoder)
    target = ModelUnderAttack(Settings(data_dir=tmp_path), models, ScriptedModel(obeys))  # type: ignore[arg-type]
    families = chosen(["indirect_documents", "prompt_extraction"])
    asked = plan(CASES, families, find=small.find, strengths=(2, 3))
    scorer = AttackScorer(hidden=hidden_texts())
    record = await run_attacks(asked, {"": target}, tmp_path / "run", scorer=scorer, limits=Limits(max_unmeasured=1))
    assert [row.trouble for row in record.rows if row.trouble] == []
    found = {(one.family, one.slice): one for one in report_of(record).results[0].families}
    injected, leaked = found["indirect_documents", "strength 2"], found["prompt_extraction", "strength 3"]
    assert injected.success is not None
    assert (injected.success.attacked, injected.success.benign) == (1.0, 0.0)
    assert leaked.success is not None
    assert (leaked.success.attacked, leaked.success.benign) == (1.0, 0.0)
    assert injected.escalation is None  # a model alone knows no routes


def test_defences_are_named() -> None:
    assert defences_named("on") == {"on": DEFENCES}
    assert defences_named("both") == {"off": (), "on": DEFENCES}
    assert defences_named("output, normalise") == {"normalise,output": ("normalise", "output")}
