"""What `KrakenClient` takes as configuration, and how it refuses the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kraken_tui import (
    Backpressure,
    ConfigurationError,
    DropPolicy,
    GapPolicy,
    KrakenClient,
    KrakenError,
)
from kraken_tui.settings import Settings


def test_keywords_become_the_settings_of_the_engine(tmp_path: Path) -> None:
    client = KrakenClient(
        "BTC/USD",
        pairs=["ETH/USD", "BTC/USD"],
        depth=100,
        levels=25,
        channels=("trade",),
        interval=5,
        url="ws://127.0.0.1:1/v2",
        rest_url="http://127.0.0.1:1",
        record=tmp_path / "r.jsonl",
        preset=3,
        queue=77,
        policy="oldest",
        coalesce_ms=5,
        rate=9,
        gap_policy="ignore",
        stale_after_s=3,
        log_file=tmp_path / "log",
        history_min=7,
        history_mb=9,
        large_order=1.5,
        flow_value=5,
        flow_factor=2,
    )
    assert client._run.engine.keeps_history
    assert not KrakenClient()._run.engine.keeps_history
    assert client.backpressure == Backpressure(77, DropPolicy.OLDEST, 5, 9)
    assert client.gap_policy is GapPolicy.IGNORE
    assert client._run.engine.settings == Settings(
        pairs=("BTC/USD", "ETH/USD"),
        depth=100,
        interval=5,
        url="ws://127.0.0.1:1/v2",
        rest_url="http://127.0.0.1:1",
        record=tmp_path / "r.jsonl",
        speed=0.0,
        stale_after_s=3.0,
        log_file=tmp_path / "log",
        history_min=7.0,
        history_mb=9,
        large_order=1.5,
        flow_value=5.0,
        flow_factor=2.0,
    )
    client.open()
    client.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pairs", ["BTC/USD", ""]),
        ("pairs", ["BTC\nUSD"]),
        ("pairs", [5]),
        ("pairs", 5),
        ("pairs", [f"A{number}/USD" for number in range(1001)]),
        ("depth", 20),
        ("depth", "10"),
        ("levels", 5),
        ("levels", 11),
        ("channels", ["level3"]),
        ("channels", 5),
        ("interval", 7),
        ("demo_seed", -1),
        ("speed", float("nan")),
        ("preset", "triple"),
        ("queue", 0),
        ("policy", "random"),
        ("coalesce_ms", -1),
        ("rate", -1),
        ("gap_policy", "shrug"),
        ("stale_after_s", 0),
        ("replay", ""),
        ("record", 7),
        ("log_file", "a\0b"),
        ("record", "~nobody-of-this-name/x"),
    ],
)
def test_a_wrong_argument_is_one_sentence_that_names_it(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        KrakenClient(**{name: value})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, KrakenError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": "ws://example.com/v2"}, "not encrypted"),
        ({"rest_url": "http://example.com"}, "not encrypted"),
        ({"demo": True, "replay": "x"}, "exclude each other"),
        ({"log_file": "/nonexistent/log"}, "log_file cannot be written"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        KrakenClient("BTC/USD", **arguments)


def test_wrong_names_and_types_are_refused_later_too(small: Path) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        for use in (lambda: client.subscribe(""), lambda: client.book("BTC/USD", levels=0), lambda: client.events("x")):  # type: ignore[arg-type]
            with pytest.raises(ConfigurationError):
                use()
