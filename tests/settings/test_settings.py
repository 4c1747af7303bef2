"""What holds where nobody chose: the defaults and bounds that README and `--help` promise, spelled out once more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kraken_tui.settings import DEPTHS, GROUPINGS, INTERVALS, LOW_BANDWIDTH_FPS, PULL_WINDOWS, Rotation, Settings
from kraken_tui.settings.options import OPTIONS
from kraken_tui.settings.readers import Ascending, Between, PairCount

DEFAULTS = {
    "pairs": ("BTC/USD", "ETH/USD"),
    "demo": False,
    "demo_seed": 1,
    "demo_episodes": False,
    "replay": None,
    "kafka": "",
    "kafka_topic_prefix": "kraken",
    "kafka_config": None,
    "at": "",
    "speed": 1.0,
    "record": None,
    "record_rotate": None,
    "depth": 100,
    "interval": 1,
    "group": 0,
    "theme": "auto",
    "fps": 10,
    "low_bandwidth": False,
    "url": "wss://ws.kraken.com/v2",
    "rest_url": "https://api.kraken.com",
    "log_file": None,
    "metrics_addr": "",
    "svg_dir": None,
    "recentre": "band",
    "large_order": 0.0,
    "flow_value": 10_000.0,
    "flow_factor": 3.0,
    "tape_tiers": (1_000.0, 10_000.0, 50_000.0, 250_000.0),
    "sweep_value": 10_000.0,
    "taker_fee_pct": 0.40,
    "signal_window_s": 4.0,
    "stale_after_s": 5.0,
    "quiet_after_s": 60.0,
    "history_min": 60.0,
    "history_mb": 64,
    "heat_weighing": "average",
    "heat_scale": "log",
    "pull_window_s": 30,
    "bell_on_fill": False,
    "mouse": True,
    "keys": {},
    "level3": False,
    "level3_depth": 10,
    "account": False,
    "private": True,
    "level3_url": "",
    "account_url": "",
    "key_name": "",
    "allow_withdraw_key": False,
    "trade": False,
    "paper": False,
    "trade_max_worth": "1000 USD, 1000 EUR, 1000 GBP, 1000 CHF, 1000 USDT, 1000 USDC",
    "trade_max_size": "",
    "trade_max_open": 10,
    "trade_band_pct": 5.0,
    "trade_protection_pct": 0.5,
    "trade_idle_s": 300.0,
    "trade_validate": True,
    "trade_reset_size": False,
}

BOUNDS = {
    "trade_max_open": (1, 225),
    "trade_band_pct": (0.01, 50),
    "trade_protection_pct": (0.01, 5),
    "trade_idle_s": (10, 86_400),
    "pairs": (1, 1000),
    "demo_seed": (0, 2**53),
    "speed": (0, 10_000),
    "fps": (1, 60),
    "signal_window_s": (0.5, 600),
    "large_order": (0, 10**12),
    "flow_value": (0, 10**12),
    "flow_factor": (0.1, 1000),
    "sweep_value": (1, 10**12),
    "taker_fee_pct": (0, 10),
    "stale_after_s": (0.1, 3600),
    "history_min": (1, 1440),
    "history_mb": (4, 4096),
    "quiet_after_s": (1, 86_400),
}


def test_defaults() -> None:
    assert {field.name: getattr(Settings(), field.name) for field in dataclasses.fields(Settings)} == DEFAULTS


def test_bounds() -> None:
    rules = {row.name: row.rule for row in OPTIONS if isinstance(row.rule, Between | PairCount)}
    assert {name: (rule.low, rule.high) for name, rule in rules.items()} == BOUNDS
    (tiers,) = [row.rule for row in OPTIONS if isinstance(row.rule, Ascending)]
    assert (tiers.count, tiers.high) == (4, 10**12)


def test_choices_are_those_of_the_exchange_and_of_the_readme() -> None:
    assert DEPTHS == (10, 25, 100, 500, 1000)
    assert INTERVALS == (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
    assert GROUPINGS == (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)
    assert PULL_WINDOWS == (5, 30, 300)
    assert LOW_BANDWIDTH_FPS == 4
    assert Rotation() == Rotation(bytes=0, seconds=0)


@pytest.mark.parametrize(
    ("settings", "plays"),
    [
        (Settings(), False),
        (Settings(at="2h"), False),
        (Settings(kafka="broker:9092"), False),
        (Settings(kafka="broker:9092", at="2h"), True),
        (Settings(replay=Path("day.jsonl")), True),
        (Settings(replay=Path("day.jsonl"), at="+90"), True),
    ],
)
def test_only_a_recording_and_kafka_from_a_time_on_play(settings: Settings, plays: bool) -> None:
    assert settings.plays is plays
