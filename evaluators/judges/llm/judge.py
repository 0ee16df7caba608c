"""One model asked with one rubric. What it can't judge is unmeasured, with the reason; nothing else depends on it.

How good its verdicts are is not known here: `evaluators.judges.agreement` measures that against people.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluators.contract import Component, Spent
from evaluators.judges.llm.material import MAX_CHARS, Material, steering
from evaluators.judges.llm.prompt import PROMPT_VERSION, messages
from evaluators.judges.llm.reply import Scored, Unusable, read_reply
from evaluators.judges.llm.rubrics import Rubric
from signalbox.contracts import ChatModel, ChatRequest, ChatResult
from signalbox.errors import ConfigurationError, InvalidInput, SignalboxError, TooLarge
from signalbox.types import Answer, Query, Quote, Verdict

MAX_SAMPLES = 25
_SAMPLING_TEMPERATURE = 0.7
_TOKENS_AROUND = 64
_TOKENS_TO_THINK = 2_000  # models behind HTTP may think before they write, which counts
_GRACE_S = 5.0  # for models that don't keep the deadline they are given


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge made of one text.

    Attributes:
        verdict: its score is where the mean score lies on the scale, 0 to 1; None where it is unmeasured.
        scores: the score of each usable sample.
        flags: signs that a text tried to steer the judge, see `steering`.
        spent: what it took, failed calls and second askings included.
    """

    verdict: Verdict
    scores: tuple[int, ...]
    flags: tuple[str, ...]
    spent: Spent


class LlmJudge:
    """A judge for one event loop; the model stays the caller's to close.

    Args:
        model: any chat model; one that takes no grammar is held to a JSON Schema.
        samples: how often to ask; more than one are sampled with seeds that follow `seed`, and their mean counts.
        temperature: by default 0 for one sample, 0.7 for several.
        timeout_s: the deadline of each call, in seconds.
        reask: ask once more where a reply is no verdict.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        model: ChatModel,
        rubric: Rubric,
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float | None = None,
        timeout_s: float = 60.0,
        reask: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 1 <= samples <= MAX_SAMPLES:
            raise InvalidInput(f"samples is {samples}; give 1 to {MAX_SAMPLES}.", field="samples")
        if not 0 < timeout_s <= 3_600:
            raise InvalidInput(f"timeout_s is {timeout_s}; give more than 0 and at most 3,600.", field="timeout_s")
        if temperature is not None and not 0 <= temperature <= 2:
            raise InvalidInput(f"temperature is {temperature}; give 0 to 2.", field="temperature")
        self._model, self.rubric = model, rubric
        self._samples, self._seed, self._timeout_s, self._reask = samples, seed, timeout_s, reask
        self._temperature = (_SAMPLING_TEMPERATURE if samples > 1 else 0.0) if temperature is None else temperature
        self._grammar = True  # until the model says that it takes none, which costs nothing
        self._clock = clock

    @property
    def model_name(self) -> str:
        return self._model.name

    @property
    def identity(self) -> Component:
        """All that its verdicts depend on: with another rubric, model, host or way of asking it is another judge."""
        host = getattr(self._model, "host", None)  # models of one name may differ from server to server
        return Component(
            name="judge",
            version=PROMPT_VERSION,
            arguments={
                "rubric": self.rubric.reference,
                "rubric_hash": self.rubric.hash,
                "model": self._model.name,
                **({} if host is None else {"at": host}),
                "samples": self._samples,
                "temperature": self._temperature,
                "seed": self._seed,
                "reask": self._reask,
            },
        )

    async def judge(self, query: Query, answer: Answer, quotes: Sequence[Quote]) -> Verdict:
        """The kernel's `Judge`: of a single answer, by the passages it was given from."""
        text = answer.text or answer.short or ", ".join(label.label for label in answer.labels or ())
        if not text:
            return self._verdict("unmeasured", None, "there is no text to judge")
        return (await self.assess(Material(query.text, text, passages=tuple(quote.text for quote in quotes)))).verdict

    async def assess(self, material: Material) -> Judgement:
        """Judge an answer, or a pair in the order given. A model that fails or talks nonsense leaves it unmeasured.

        Raises:
            ConfigurationError, InvalidInput: the model can't be asked this way at all, for any text.
        """
        if (lack := self._lack(material)) is not None:
            return Judgement(self._verdict("unmeasured", None, lack), (), (), Spent())
        spent, scored, troubles = Spent(), [], []
        for sample in range(self._samples):
            cost, found, fatal = await self._sample(material, self._seed + sample)
            spent += cost
            if isinstance(found, Scored):
                scored.append(found)
            else:
                troubles.append(found)
            if fatal:
                break
        return Judgement(self._outcome(scored, troubles), tuple(one.score for one in scored), steering(material), spent)

    def _lack(self, material: Material) -> str | None:
        """Why there is nothing to ask; None where there is."""
        if "reference" in self.rubric.needs and not material.references:
            return f"{self.rubric.reference} needs a reference answer, and the case has none"
        if "passages" in self.rubric.needs and not material.passages:
            return f"{self.rubric.reference} needs the passages of the answer, and there are none"
        if (self.rubric.kind == "pair") != (material.other is not None):
            return f"{self.rubric.reference} judges {'two answers' if self.rubric.kind == 'pair' else 'one answer'}"
        if material.chars > MAX_CHARS:
            return f"the texts have {material.chars:,} characters, more than the {MAX_CHARS:,} that are put to a judge"
        return None

    async def _sample(self, material: Material, seed: int) -> tuple[Spent, Scored | str, bool]:
        """One verdict, or why there is none, and whether asking on is no use."""
        spent, trouble = Spent(), None
        for _ in range(2 if self._reask else 1):
            try:
                async with asyncio.timeout(self._timeout_s + _GRACE_S):
                    result = await self._ask(material, seed, trouble)
            except TimeoutError:
                return spent + Spent(calls=1), f"{self._model.name} did not answer in time", True
            except SignalboxError as error:
                if isinstance(error, ConfigurationError | InvalidInput) and not isinstance(error, TooLarge):
                    raise
                spent += Spent(calls=1, cost_usd=error.cost_usd)
                return spent, f"{self._model.name} could not be asked: {error.detail}", True
            spent += _spent_on(result)
            try:
                scored = read_reply(result.text, self.rubric.scale, cut_off=result.finish_reason == "length")
            except Unusable as error:
                trouble = str(error)
            else:
                return spent, scored, False
        again = ", asked twice" if self._reask else ""
        return spent, f"{self._model.name} gave no verdict{again}: {trouble}", False

    async def _ask(self, material: Material, seed: int, trouble: str | None) -> ChatResult:
        if self._grammar:
            try:
                return await self._model.generate(self._request(material, seed, trouble, grammar=True))
            except InvalidInput as error:
                if error.field != "grammar":
                    raise
            self._grammar = False
        return await self._model.generate(self._request(material, seed, trouble, grammar=False))

    def _request(self, material: Material, seed: int, trouble: str | None, *, grammar: bool) -> ChatRequest:
        return ChatRequest(
            messages(self.rubric, material, seed=seed, trouble=trouble),
            max_tokens=self.rubric.reason_chars // 2 + (_TOKENS_AROUND if grammar else _TOKENS_TO_THINK),
            temperature=self._temperature,
            seed=seed,
            grammar=self.rubric.verdict_grammar if grammar else None,
            json_schema=None if grammar else self.rubric.verdict_schema,
            deadline_s=self._clock() + self._timeout_s,
        )

    def _outcome(self, scored: Sequence[Scored], troubles: Sequence[str]) -> Verdict:
        """The mean of the samples; unmeasured where fewer than half of what was wanted are usable."""
        if 2 * len(scored) < self._samples or not scored:
            return self._verdict("unmeasured", None, troubles[0])
        mean = sum(one.score for one in scored) / len(scored)
        typical = min(scored, key=lambda one: abs(one.score - mean))
        share = min(1.0, max(0.0, self.rubric.scale.share(mean)))
        return self._verdict("right" if mean >= self.rubric.scale.right_from else "wrong", share, typical.reason)

    def _verdict(self, verdict: str, score: float | None, reason: str) -> Verdict:
        by = f"{self.rubric.reference} by {self._model.name}"
        return Verdict.model_validate(
            {"verdict": verdict, "score": score, "reason": reason, "by": by, "version": self.identity.key[:12]}
        )


def _spent_on(result: ChatResult) -> Spent:
    tokens = result.usage
    return Spent(
        calls=1, input_tokens=tokens.input_tokens, output_tokens=tokens.output_tokens, cost_usd=result.cost_usd
    )
