"""The files of deploy/: only metrics that exist, readable expressions, alerts that say what they should."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="needs kraken-tui[metrics]")

from kraken_tui.metrics.figures import names
from tests.metrics.rig import PROMTOOL

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "kraken-tui.json"
ALERTS = (DEPLOY / "alerts.yml").read_text(encoding="utf-8")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")

KINDS = {name: kind for name, (kind, _) in names().items()}
NAMES = {
    f"{name}{suffix}"
    for name, kind in KINDS.items()
    for suffix in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
}
"""Every series that is exported."""

OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""What every scrape has, and what the Prometheus client tells of its process."""

LABELS = {"instance", "job", "symbol", "state", "le"}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    for panel in panels():
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", ()))
    yield from re.findall(r"- alert: (\w+)\n\s+expr: (.*)", ALERTS)


def series(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"\b(?:kraken_tui|process)_\w+|\bup\b", bare))


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_expression_uses_only_what_is_exported(where: str, expression: str) -> None:
    found = series(expression)
    assert found, where
    assert found <= NAMES | OTHERS
    for inside in re.findall(r"\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', inside))) <= LABELS
    for function, name in re.findall(r"\b(rate|increase)\((\w+)", expression):
        # Only what grows has a rate.
        assert name.endswith(("_total", "_bucket")), function


def test_variables_of_the_dashboard_exist_and_nothing_depends_on_one_installation() -> None:
    text = DASHBOARD.read_text(encoding="utf-8")
    found = json.loads(text)
    variables = {each["name"] for each in found["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__all"}
    assert used == variables
    for query in re.findall(r"label_values\((\w+)", text):
        assert query in NAMES
    assert (found["uid"], found["timezone"], found["refresh"]) == ("kraken-tui", "utc", "5s")
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in found["panels"] if panel["type"] != "row")


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    numbers = [panel["id"] for panel in panels()]
    assert len(numbers) == len(set(numbers)) > 20
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_metric_stands_in_the_documentation_with_its_kind() -> None:
    text = (ROOT / "docs" / "METRICS.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(kraken_tui_\w+)` \| (\w+) \|", text, re.M))
    assert listed == KINDS


@needs_promtool
def test_promtool_takes_the_configuration_and_the_rules() -> None:
    for arguments in (
        ["check", "config", "prometheus.yml"],
        ["check", "config", "prometheus.compose.yml"],
        ["test", "rules", "alerts.test.yml"],
    ):
        done = subprocess.run(
            [str(PROMTOOL), *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_and_its_text_names_the_program() -> None:
    tried = (DEPLOY / "alerts.test.yml").read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(alerts) == len(set(alerts)) > 10
    for name in alerts:
        assert f"alertname: {name}" in tried
    summaries = re.findall(r'summary: "(.*)"', ALERTS)
    assert len(summaries) == len(alerts)
    assert all("$labels.instance" in text for text in summaries)


@needs_promtool
def test_promtool_can_read_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"a:b{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, (_, expression) in enumerate(expressions())
    ]
    path = tmp_path / "rules.yml"
    # JSON is YAML.
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
