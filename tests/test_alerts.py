"""The examples in deploy/ for who watches PGB."""

import re

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from bridge.metrics import COUNTED
from bridge.metrics.tables import Tables
from config.local import DATA

DEPLOY = DATA.parent / "deploy"


def names_of(family: Metric) -> set[str]:
    if family.type == "histogram":
        return {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
    return {f"{family.name}_total"} if family.type == "counter" else {family.name}


@pytest.mark.django_db(transaction=True)
def test_alerts_ask_for_metrics_that_are_there() -> None:
    there = {name for source in (COUNTED, Tables()) for family in source.collect() for name in names_of(family)}
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]
    asked = {name for rule in group["rules"] for name in re.findall(r"pgb_\w+", rule["expr"])}
    assert asked and asked <= there
    assert all(rule["annotations"]["summary"] for rule in group["rules"])


def test_the_scrape_names_the_rules_beside_it() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())
    assert all((DEPLOY / name).is_file() for name in config["rule_files"])
    assert config["scrape_configs"][0]["metrics_path"] == "/metrics"
