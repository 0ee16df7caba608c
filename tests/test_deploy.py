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
LABELS_USED = re.compile(r"by \(([^)]*)\)|(\w+)(?:=~|!~|!=|=)\"|\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
LABELS = re.compile(r"by \([^)]*\)|\{\{?[^}]*\}?\}")


def known_metrics() -> set[str]:
    known = set()
    for family in Metrics().registry.collect():
        suffixes = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}.get(family.type, ("",))
        known |= {family.name + suffix for suffix in suffixes}
    return known


def asked_metrics(expression: str) -> set[str]:
    return set(NAME.findall(LABELS.sub("", expression)))


def labels_of(expression: str) -> set[str]:
    """The labels that the metrics asked for in `expression` have."""
    asked, known = asked_metrics(expression), {"le"}
    for collector in set(Metrics().registry._names_to_collectors.values()):
        if asked & set(Metrics().registry._get_names(collector)):  # type: ignore[no-untyped-call]
            known |= set(getattr(collector, "_labelnames", ()))
    return known


def labels_used(text: str) -> set[str]:
    found = (part for groups in LABELS_USED.findall(text) for part in groups)
    return {name.strip() for part in found for name in part.split(",") if name.strip()}


def test_a_metric_or_label_that_is_not_there_is_noticed() -> None:
    assert not asked_metrics("rate(signalbox_predictions_totals[5m])") <= known_metrics()
    good = 'sum by (route) (rate(signalbox_predictions_total{outcome="answered"}[1h]))'
    assert labels_used(good + " {{route}} {{ $labels.outcome }}") == {"route", "outcome"} <= labels_of(good)
    assert not labels_used('signalbox_spend_usd_total{route="cloud"}') <= labels_of("signalbox_spend_usd_total")


def panels() -> list[dict[str, object]]:
    dashboard = json.loads((DEPLOY / "grafana/dashboards/signalbox.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_for_metrics_that_exist(panel: dict[str, list[dict[str, str]]]) -> None:
    asked = set().union(*(asked_metrics(target["expr"]) for target in panel["targets"]))
    assert asked
    assert asked <= known_metrics()
    for target in panel["targets"]:
        used = labels_used(target["expr"] + target.get("legendFormat", ""))
        assert used <= labels_of(target["expr"])
    assert panel["description"], "a panel says what it shows"


def test_alerts_ask_for_metrics_that_exist() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    asked = set().union(*(asked_metrics(rule["expr"]) for rule in group["rules"]))
    assert len(asked) >= 4
    assert asked <= known_metrics()
    for rule in group["rules"]:
        used = labels_used(rule["expr"] + rule["annotations"]["summary"]) - {"job"}
        assert used <= labels_of(rule["expr"])


def test_compose_sets_settings_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    environment = compose["services"]["signalbox"]["environment"]
    names = {name.removeprefix("SIGNALBOX_").lower() for name in environment}
    assert names <= set(Settings.model_fields)
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports), "nothing is published beyond this machine"


def test_no_container_has_more_than_it_needs() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for name, service in services.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["logging"]["options"]["max-size"], f"the log of {name} must not fill the disk"
        assert "image" not in service or re.search(r":v?\d", service["image"]), f"{name} names its version"
    ours = services["signalbox"]
    assert ours["read_only"]
    assert ours["cap_drop"] == ["ALL"]
    assert float(ours["stop_grace_period"].rstrip("s")) * 1000 >= 2 * Settings().shutdown_grace_ms
    grafana = services["grafana"]["environment"]
    assert grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true", "else there is admin/admin"


def test_a_key_made_as_the_page_says_is_kept_out_of_repository_and_image() -> None:
    page = (DEPLOY / "README.md").read_text()
    assert re.search(r"-T signalbox signalbox keys create metrics --role viewer > metrics\.key", page)
    assert "deploy/metrics.key" in (DEPLOY.parent / ".gitignore").read_text().splitlines()
    assert "deploy" in (DEPLOY.parent / ".dockerignore").read_text().splitlines()


def test_the_dockerfile_copies_every_package() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    packages = {path.parent.name for path in DEPLOY.parent.glob("*/__init__.py")} - {"tests"}
    assert packages | {"scripts", "examples"} <= copied
