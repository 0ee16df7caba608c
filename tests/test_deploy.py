"""What is deployed beside the service: the dashboard and the alerts ask only for metrics that the service has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from signalbox.settings import Settings
from signalbox.telemetry import Metrics

DEPLOY = Path(__file__).parent.parent / "deploy"
NAME = re.compile(r"\b(?:signalbox|gen_ai|http_server)_[a-z_]+[a-z]\b(?![=~])")
LABELS = re.compile(r"by \([^)]*\)|\{\{?[^}]*\}?\}")


def known_metrics() -> set[str]:
    known = set()
    for family in Metrics().registry.collect():
        suffixes = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}.get(family.type, ("",))
        known |= {family.name + suffix for suffix in suffixes}
    return known


def asked_metrics(expression: str) -> set[str]:
    return set(NAME.findall(LABELS.sub("", expression)))


def panels() -> list[dict[str, object]]:
    dashboard = json.loads((DEPLOY / "grafana/dashboards/signalbox.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_for_metrics_that_exist(panel: dict[str, list[dict[str, str]]]) -> None:
    asked = set().union(*(asked_metrics(target["expr"]) for target in panel["targets"]))
    assert asked
    assert asked <= known_metrics()
    assert panel["description"], "a panel says what it shows"


def test_alerts_ask_for_metrics_that_exist() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    asked = set().union(*(asked_metrics(rule["expr"]) for rule in group["rules"]))
    assert len(asked) >= 4
    assert asked <= known_metrics()


def test_compose_sets_settings_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    environment = compose["services"]["signalbox"]["environment"]
    names = {name.removeprefix("SIGNALBOX_").lower() for name in environment}
    assert names <= set(Settings.model_fields)
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports), "nothing is published beyond this machine"


def test_the_dockerfile_copies_every_package() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    packages = {path.parent.name for path in DEPLOY.parent.glob("*/__init__.py")} - {"tests"}
    assert packages | {"scripts", "examples"} <= copied
