"""docs/red-teaming.md: its files parse, and what garak and promptfoo send is answered by a running service."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "red-teaming.md"
_ASKED = "Within how many days do I get a refund?"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def garak() -> tuple[str, str, dict[str, Any]]:
    """What its generator for OpenAI-compatible servers makes of the file: its defaults, and the options over them."""
    options = json.loads(block("json"))["openai"]["OpenAICompatible"]
    defaults = {
        "n": 1,
        "max_tokens": 150,
        "temperature": 0.7,
        "top_p": 1.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "stop": ["#", ";"],
    }
    body = defaults | {name: value for name, value in options.items() if name != "uri"}
    return options["uri"].rstrip("/"), "signalbox/auto", body


def promptfoo() -> tuple[str, str, dict[str, Any]]:
    (target,) = yaml.safe_load(block("yaml"))["targets"]
    kind, _, model = target["id"].partition(":chat:")
    assert kind == "openai"
    given = target["config"]
    body = {name: value for name, value in given.items() if name not in ("apiBaseUrl", "apiKey")}
    return given["apiBaseUrl"], model, body


@pytest.mark.parametrize("tool", [garak, promptfoo])
def test_what_the_tools_send_is_answered(shop: str, tool: Any) -> None:
    url, model, body = tool()
    assert url == "http://127.0.0.1:8000/v1"
    request = {"model": model, "messages": [{"role": "user", "content": _ASKED}], **body}
    headers = {"Authorization": "Bearer unused"}
    with httpx.Client(timeout=60, trust_env=False) as client:
        assert client.get(f"{shop.rstrip('/')}/").status_code < 500  # garak looks whether there is anything
        response = client.post(f"{shop.rstrip('/')}/chat/completions", json=request, headers=headers)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert "14 days" in answer["choices"][0]["message"]["content"]
    assert answer["signalbox"]["outcome"] == "answered"


def test_the_default_stop_words_of_garak_are_taken_too(shop: str) -> None:
    _, model, body = garak()
    request = {"model": model, "messages": [{"role": "user", "content": _ASKED}], **body, "stop": ["#", ";"]}
    response = httpx.post(f"{shop.rstrip('/')}/chat/completions", json=request, timeout=60, trust_env=False)
    assert response.status_code == 200, response.text


def test_red_team_options_are_complete() -> None:
    config = yaml.safe_load(block("yaml"))
    assert {"purpose", "plugins", "strategies"} <= config["redteam"].keys()
    assert all(isinstance(name, str) for name in (*config["redteam"]["plugins"], *config["redteam"]["strategies"]))
