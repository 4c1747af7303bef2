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


def test_every_topic_is_made() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    assert f"for kind in {' '.join(KINDS)}; do" in text
    assert f"--topic kraken.{SNAPSHOT} --partitions 12 --config cleanup.policy=compact" in text


def test_it_is_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert {"kafka", "topics", "publish-1", "publish-2"} <= set(services)
