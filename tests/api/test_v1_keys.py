"""OpenAI's client and API keys: the key goes where the client puts it, and its refusals are the client's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from test_api_server import running

NOTHING: Any = [{"role": "user", "content": "0"}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("keys")
    with running(folder) as server:
        yield server.url()


@pytest.fixture(scope="module")
def admin(url: str) -> str:
    return make(url, "", name="admin", role="admin")


def make(url: str, admin: str, **key: Any) -> str:
    headers = {"Authorization": f"Bearer {admin}"} if admin else {}
    made = httpx.post(f"{url}/keys", json=key, headers=headers, trust_env=False)
    assert made.status_code == 201, made.text
    token: str = made.json()["token"]
    return token


def client(url: str, key: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=60)


def ask(client: OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(model="signalbox/auto", messages=NOTHING, **more)


def test_a_services_key_asks(url: str, admin: str) -> None:
    with client(url, make(url, admin, name="shop", role="service")) as shop:
        assert ask(shop).choices[0].message.content == "You said: 0"


def test_a_key_that_is_none_is_an_authentication_error(url: str, admin: str) -> None:
    with client(url, "sb_nothing") as stranger:
        for stream in (False, True):
            with pytest.raises(openai.AuthenticationError) as caught:
                ask(stranger, stream=stream)
            assert caught.value.code == "invalid_api_key"
            assert "sb_nothing" not in str(caught.value)


def test_a_role_that_may_only_look_is_denied(url: str, admin: str) -> None:
    with client(url, make(url, admin, name="viewer", role="viewer")) as viewer:
        with pytest.raises(openai.PermissionDeniedError) as caught:
            ask(viewer)
        assert caught.value.type == "permission_error"


def test_too_many_requests_say_when_to_come_back(url: str, admin: str) -> None:
    with client(url, make(url, admin, name="slow", role="service", rate_per_minute=1)) as slow:
        ask(slow)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(slow)
        assert caught.value.code == "rate_limit_exceeded"
        assert int(caught.value.response.headers["retry-after"]) >= 1
