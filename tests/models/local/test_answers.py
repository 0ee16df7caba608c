"""What the local LLM answers, with the real bundled model in its real process."""

from __future__ import annotations

import asyncio
import json

import pytest

from signalbox.contracts import ChatRequest, ChatResult, ScoreRequest
from signalbox.errors import InvalidInput, TooLarge
from signalbox.models.local import LocalModel, resolve_model
from signalbox.settings import Settings
from signalbox.types import Message

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSAGE = (
    "Refunds are paid to the card that the order was paid with. A refund arrives within 14 days of the return "
    "reaching our warehouse. Shipping costs are refunded only when the whole order is returned. "
)


def ask(text: str, **options: object) -> ChatRequest:
    return ChatRequest((Message(role="user", content=text),), **{"max_tokens": 12, **options})  # type: ignore[arg-type]


async def whole(model: LocalModel, request: ChatRequest) -> tuple[str, ChatResult]:
    text, result = "", None
    async for chunk in model.stream(request):
        text += chunk.text
        result = chunk.result or result
    assert result is not None
    return text, result


async def test_names_itself_and_counts_its_parameters(model: LocalModel) -> None:
    assert model.name == "smollm2-135m-instruct"
    assert 130e6 < model.parameters < 140e6


async def test_same_question_same_answer_even_when_the_prompt_is_cached(model: LocalModel) -> None:
    request = ask(PASSAGE * 4 + "How long does a refund take?", max_tokens=16, logprobs=True)
    first = await model.generate(request)
    assert await model.generate(request) == first
    await model.generate(ask("Something else in between."))
    assert await model.generate(request) == first


async def test_streamed_pieces_make_up_the_answer(model: LocalModel) -> None:
    request = ask("Name three fruits.", max_tokens=24)
    text, result = await whole(model, request)
    assert text == result.text == (await model.generate(request)).text
    assert result.usage.output_tokens <= 24


async def test_sampling_repeats_with_its_seed(model: LocalModel) -> None:
    request = ask("Tell me a story.", temperature=1.0, seed=7)
    assert (await model.generate(request)).text == (await model.generate(request)).text
    others = {(await model.generate(ask("Tell me a story.", temperature=1.0, seed=seed))).text for seed in range(4)}
    assert len(others) > 1


async def test_a_stop_string_ends_the_answer_and_is_not_shown(model: LocalModel) -> None:
    plain = await model.generate(ask("Count: one, two, three", max_tokens=20))
    stop = plain.text[5:9]
    text, result = await whole(model, ask("Count: one, two, three", max_tokens=20, stop=(stop,)))
    assert text == result.text == plain.text[: plain.text.find(stop)]
    assert result.finish_reason == "stop"


async def test_a_grammar_leaves_only_its_choices(model: LocalModel) -> None:
    result = await model.generate(ask("What is the capital of France?", grammar='root ::= "blue" | "green"'))
    assert result.text in {"blue", "green"}


async def test_a_schema_makes_the_answer_json(model: LocalModel) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Rome", "Paris"]}, "sure": {"type": "boolean"}},
        "required": ["city", "sure"],
    }
    answer = json.loads((await model.generate(ask("Where?", json_schema=schema, max_tokens=60))).text)
    assert answer["city"] in {"Rome", "Paris"}
    assert isinstance(answer["sure"], bool)


@pytest.mark.parametrize(
    "options",
    [
        {"grammar": "root = nonsense("},
        {"json_schema": {"type": "no such type"}},
        {"json_schema": {"$ref": "#/missing"}},
        {"grammar": 'root ::= "a"', "json_schema": {}},
    ],
)
async def test_a_rule_that_makes_no_sense_is_named_and_harms_nobody(
    model: LocalModel, options: dict[str, object]
) -> None:
    await model.generate(ask("Hello"))
    pid = model.pid
    with pytest.raises(InvalidInput, match=r"(?i)grammar|schema"):
        await model.generate(ask("Hello", **options))
    await model.generate(ask("Hello"))
    assert model.pid == pid


async def test_one_log_probability_a_token(model: LocalModel) -> None:
    result = await model.generate(ask("Name a colour.", logprobs=True))
    assert len(result.logprobs) == result.usage.output_tokens
    assert all(value <= 1e-4 for value in result.logprobs)
    assert (await model.generate(ask("Name a colour."))).logprobs == ()


async def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(model: LocalModel) -> None:
    with pytest.raises(TooLarge, match=r"[\d,]+ tokens.*1,024"):
        await model.generate(ask("word " * 3_000))


async def test_an_answer_ends_where_the_context_does(model: LocalModel) -> None:
    result = await model.generate(ask("word " * 980, max_tokens=500, grammar='root ::= "a"+'))
    assert result.finish_reason == "length"
    assert result.usage.input_tokens + result.usage.output_tokens <= 1_024


@pytest.mark.parametrize("marker", ["<|im_start|>", "<|im_end|>", "<|endoftext|>"])
async def test_markers_in_a_users_text_are_only_text(model: LocalModel, marker: str) -> None:
    plain = await model.generate(ask("a b", max_tokens=1))
    marked = await model.generate(ask(f"a {marker} b", max_tokens=1))
    # A marker would be one token; as text it is several.
    assert marked.usage.input_tokens >= plain.usage.input_tokens + 4


async def test_text_that_is_not_unicode_is_survived(model: LocalModel) -> None:
    assert (await model.generate(ask("a \ud800 lone surrogate \x00 and a nul"))).usage.output_tokens > 0


async def test_scores_equal_those_of_one_evaluation_each(model: LocalModel, settings: Settings) -> None:
    shared, continuation = PASSAGE + "Sentence:", " How long does a refund take?"
    prefixes = (" A refund arrives within 14 days.\nQuestion:", " Batteries wear.\nQuestion:", " No.\nQuestion:")
    together = await model.score(ScoreRequest(shared, prefixes, (continuation,) * 3))
    for prefix, score in zip(prefixes, together, strict=True):
        (alone,) = await model.score(ScoreRequest(shared, (prefix,), (continuation,)))
        assert score.token_logprobs == pytest.approx(alone.token_logprobs, abs=0.05)
    naive = await asyncio.to_thread(one_by_one, settings, shared, prefixes, continuation)
    for score, expected in zip(together, naive, strict=True):
        assert score.token_logprobs == pytest.approx(expected, abs=0.5)
        assert score.mean == pytest.approx(sum(expected) / len(expected), abs=0.1)
    assert together[0].total > together[1].total


def one_by_one(settings: Settings, shared: str, prefixes: tuple[str, ...], continuation: str) -> list[list[float]]:
    """The plain way, on the file as it was downloaded."""
    import numpy as np
    from llama_cpp import Llama

    bare = Llama(str(resolve_model(settings).path), n_ctx=512, n_threads=2, logits_all=True, verbose=False)
    result = []
    for prefix in prefixes:
        head = [n for text in (shared, prefix) for n in bare.tokenize(text.encode(), add_bos=False)]
        tail = bare.tokenize(continuation.encode(), add_bos=False)
        bare.reset()
        bare.eval([*head, *tail])
        rows = bare.scores[len(head) - 1 : len(head) + len(tail) - 1].astype(np.float64)
        result.append([float(row[n] - np.log(np.exp(row).sum())) for row, n in zip(rows, tail, strict=True)])
    return result


async def test_many_candidates_are_scored_in_as_many_steps_as_they_need(model: LocalModel) -> None:
    continuations = tuple(f" answer number {n}" for n in range(150))
    scores = await model.score(ScoreRequest("The best is", ("",) * 150, continuations))
    assert len(scores) == 150
    assert all(len(score.token_logprobs) >= 3 for score in scores)
    assert all(value <= 1e-4 for score in scores for value in score.token_logprobs)
