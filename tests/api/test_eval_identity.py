"""What remembered answers are told apart by: everything that changes an answer or what it costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.policy import PolicyStore
from api.service.eval_identity import documents_version, model_arguments, service_component
from api.service.folders import experts_folder, index_folder
from signalbox.settings import Settings

Change = Callable[[Settings], Settings]


class Experts:
    def __iter__(self) -> Any:
        return iter(("intents",))

    def version_of(self, name: str) -> str:
        return f"{name}@1"


def models(style: str = "quote") -> SimpleNamespace:
    policy = PolicyStore(Path("nowhere")).champion(0.1)
    parts = SimpleNamespace(policy=policy, style=style)
    return SimpleNamespace(parts=parts, index=SimpleNamespace(version="v000001"), experts=Experts(), local=None)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    index, expert = index_folder(at(tmp_path)) / "v000001", experts_folder(at(tmp_path)) / "intents" / "1"
    for folder in (index, expert):
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
    (index_folder(at(tmp_path)) / "CURRENT").write_text("v000001\n", encoding="ascii")
    (tmp_path / "model.gguf").write_bytes(b"weights")
    (tmp_path / "prices.json").write_text("1", encoding="utf-8")
    return at(tmp_path)


def at(folder: Path) -> Settings:
    return Settings.load(
        environ={}, folder=folder, data_dir=folder, local_model="none", prices_file=folder / "prices.json"
    )


def wrote(name: str, content: str) -> Change:
    def change(settings: Settings) -> Settings:
        (settings.data_dir / name).write_text(content, encoding="utf-8")
        return settings

    return change


def set_to(**values: object) -> Change:
    return lambda settings: settings.model_copy(update=values)


CHANGES = {
    "prices": wrote("prices.json", "2"),
    "documents ingested under the same name": wrote("index/v000001/manifest.json", "[]"),
    "an expert of the same name": wrote("experts/intents/1/manifest.json", "[]"),
    "cloud model": set_to(cloud_model="another"),
    "cloud base URL": set_to(cloud_base_url="http://127.0.0.1:1/v1"),
    "fallbacks": set_to(cloud_fallbacks=("another",)),
    "defences": set_to(defences=()),
    "style": set_to(grounded_style="write"),
    "context": set_to(local_context_tokens=4096),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_whatever_changes_answers_or_prices_makes_another_service(settings: Settings, changed: str) -> None:
    before = service_component(models(), settings).key
    assert service_component(models(), settings).key == before
    assert service_component(models(), CHANGES[changed](settings)).key != before


def test_other_code_or_another_style_makes_another_service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = service_component(models(), settings).key
    assert service_component(models("write"), settings).key != before
    monkeypatch.setattr("evaluators.harness.sources.digest_of", lambda *packages: f"changed {packages}")
    assert service_component(models(), settings).key != before


def test_the_file_of_the_local_model_counts_not_its_name(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalbox.models.local.resolve_model", lambda _: SimpleNamespace(path=tmp_path / "model.gguf"))
    local = settings.model_copy(update={"local_model": "model.gguf"})
    whole, alone = service_component(models(), local).key, model_arguments(object(), local)
    (tmp_path / "model.gguf").write_bytes(b"other weights")
    assert service_component(models(), local).key != whole
    assert model_arguments(object(), local) != alone
    assert model_arguments(SimpleNamespace(host="here:1"), local)["at"] == "here:1"


def test_without_documents_there_is_no_version_of_them(tmp_path: Path) -> None:
    assert documents_version(Settings.load(environ={}, folder=tmp_path, data_dir=tmp_path)) == "none"
