"""What calls cost, by the shipped list, an operator's file, and the stated guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from signalbox.errors import ConfigurationError
from signalbox.models.prices import Prices, estimate_tokens, load_prices
from signalbox.types import Usage

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
ENTRY = {"input": 1, "output": 2, "as_of": "2026-11-01", "source": "our contract"}


def write(path: Path, content: Any) -> Path:
    file = path / "prices.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_every_shipped_price_says_when_and_whence() -> None:
    content = json.loads(Path("signalbox/models/prices.json").read_text(encoding="utf-8"))
    assert len(content["models"]) > 10
    prices = load_prices()
    dearest = max(prices.of(name).output for name in content["models"])
    for name in content["models"]:
        price = prices.of(name)
        assert price.as_of.year >= 2026
        assert price.source
        assert price.cached is None or price.cached <= price.input
    assert prices.of("*").output == dearest


def test_cost_of_a_known_model() -> None:
    prices = load_prices()
    assert prices.cost("gpt-5-mini", MILLION) == pytest.approx(2.25)
    assert prices.cost("gpt-5-mini", MILLION, cached_tokens=1_000_000) == pytest.approx(2.025)
    assert prices.estimate("gpt-5-mini", 1000, 100) == pytest.approx(0.00045)


@pytest.mark.parametrize(
    "name",
    ["gpt-5-mini-2025-08-07", "openai/gpt-5-mini", "openrouter/openai/gpt-5-mini-2025-08-07", "gpt-5-mini-latest"],
)
def test_releases_and_resold_models_cost_what_the_model_does(name: str) -> None:
    prices = load_prices()
    assert prices.of(name) == prices.of("gpt-5-mini")


def test_an_unknown_model_costs_the_stated_guess_and_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    prices = load_prices()
    assert prices.cost("gpt-99", MILLION) == pytest.approx(60)
    assert prices.cost("gpt-99", MILLION) == pytest.approx(60)
    assert caplog.text.count("price unknown") == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:8000/v1"])
def test_loopback_is_free_unless_the_model_is_listed(url: str) -> None:
    prices = load_prices()
    assert prices.cost("my-llama", MILLION, base_url=url) == 0
    # A proxy on this machine that passes on to the real thing.
    assert prices.cost("gpt-5-mini", MILLION, base_url=url) > 0
    assert prices.cost("my-llama", MILLION, base_url="https://llm.example.com/v1") > 0


def test_more_cached_than_read_is_not_a_rebate() -> None:
    assert load_prices().cost("gpt-5-mini", Usage(input_tokens=10, output_tokens=0), cached_tokens=99) >= 0


def test_a_model_without_a_cached_price_pays_the_full_one(tmp_path: Path) -> None:
    prices = load_prices(write(tmp_path, {"models": {"ours": ENTRY}}))
    assert prices.cost("ours", MILLION, cached_tokens=1_000_000) == pytest.approx(3)


def test_an_operators_file_replaces_and_adds(tmp_path: Path) -> None:
    prices = load_prices(write(tmp_path, {"models": {"gpt-5-mini": ENTRY, "ours": ENTRY}}))
    assert prices.of("gpt-5-mini").input == 1
    assert prices.of("ours").source == "our contract"
    assert prices.of("gpt-4.1").input == 2


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("not json", "the file"),
        ({"models": {"m": {"output": 1, "as_of": "2026-01-01", "source": "s"}}}, "models.m.input"),
        ({"models": {"m": ENTRY | {"input": -1}}}, "models.m.input"),
        ({"models": {"m": ENTRY | {"input": "cheap"}}}, "models.m.input"),
        ({"models": {"m": ENTRY | {"as_of": "lately"}}}, "models.m.as_of"),
        ({"models": {"m": ENTRY | {"outptu": 1}}}, "models.m.outptu"),
        ({"models": [], "format": 1}, "models"),
        ({"models": {}, "format": 2}, "format"),
        ({}, "models"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, content: Any, field: str) -> None:
    file = write(tmp_path, content)
    with pytest.raises(ConfigurationError) as caught:
        load_prices(file)
    assert caught.value.field == field
    assert str(file) in caught.value.detail
    assert field in caught.value.detail


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SIGNALBOX_PRICES_FILE"):
        load_prices(tmp_path / "none.json")


def test_a_list_without_a_guess_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="entry"):
        Prices({})


def test_everything_free() -> None:
    assert Prices.free().cost("anything", MILLION) == 0


def test_tokens_are_four_characters() -> None:
    assert [estimate_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]
