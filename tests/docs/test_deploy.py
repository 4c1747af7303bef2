"""What deploy/ starts are commands that this program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kraken_tui.cli.main import parse
from kraken_tui.feed.kafka.topics import KINDS, SNAPSHOT

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"


def test_the_publishers_are_called_as_they_can_be() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    found = re.findall(r"exec kraken-tui ([^\"]+)\"", text)
    calls = [parse(shlex.split(command.replace("\n", " "))) for command in found]
    assert [call.command.name for call in calls] == ["publish", "publish"]
    assert [call.own["shard"] for call in calls] == [(1, 2), (2, 2)]
    assert len({tuple(call.own["published"]) for call in calls}) == 1
    # What the checkout built, not what somebody may have given that name.
    assert all(".whl)[kafka,metrics]" in line for line in text.splitlines() if "pip install" in line)
    assert 'volumes: ["../dist:/dist:ro"]' in text
    # Prometheus asks them in the containers' own network, where no port is open to this computer.
    assert {call.settings().metrics_addr for call in calls} == {"0.0.0.0:9464"}


def test_every_topic_is_made() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    assert f"for kind in {' '.join(KINDS)}; do" in text
    assert f"--topic kraken.{SNAPSHOT} --partitions 12 --config cleanup.policy=compact" in text


def test_it_is_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert set(services) == {"kafka", "topics", "publish-1", "publish-2", "prometheus", "grafana"}
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "open to this computer alone"


def test_what_is_mounted_is_there() -> None:
    mounted = re.findall(r"- (\./\S+?):(/\S+?):ro$", COMPOSE.read_text(encoding="utf-8"), re.M)
    assert len(mounted) == 5
    assert [name for name, _ in mounted if not (COMPOSE.parent / name).is_file()] == []
    places = dict(mounted)
    assert places["./prometheus.compose.yml"] == "/etc/prometheus/compose.yml"
    assert "--config.file=/etc/prometheus/compose.yml" in COMPOSE.read_text(encoding="utf-8")
    # Where `rule_files` and the provider of dashboards look.
    assert places["./alerts.yml"] == "/etc/prometheus/alerts.yml"
    assert "path: /var/lib/grafana/dashboards" in (COMPOSE.parent / "grafana" / "dashboards.yml").read_text(
        encoding="utf-8"
    )
    assert places["./grafana/kraken-tui.json"].startswith("/var/lib/grafana/dashboards/")


@pytest.mark.parametrize(
    ("alone", "together", "line"),
    [
        ("prometheus.yml", "prometheus.compose.yml", '- targets: ["publish-1:9464", "publish-2:9464"]'),
        ("grafana/datasource.yml", "grafana/datasource.compose.yml", "url: http://prometheus:9090"),
    ],
)
def test_the_files_of_compose_differ_in_whom_they_ask(alone: str, together: str, line: str) -> None:
    def lines(name: str) -> list[str]:
        text = (COMPOSE.parent / name).read_text(encoding="utf-8")
        return [each.strip() for each in text.splitlines() if not each.startswith("#")]

    one, other = lines(alone), lines(together)
    assert len(one) == len(other)
    assert [new for old, new in zip(one, other, strict=True) if old != new] == [line]
