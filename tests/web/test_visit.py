"""What passes between a page and its process, and what a process is given."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.engine.options import Relay
from kraken_tui.settings import Rotation, Settings
from kraken_tui.web.hand_over import VARIABLE, pack, unpack
from tests.faults.ledger import Ledger

pytest.importorskip("aiohttp", reason="the extra web is not installed")

from kraken_tui.web.visit import AHEAD_BYTES, Visit, bounded, environment, packet_of


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ('["stdin","q"]', b"D\x00\x00\x00\x01q"),
        ('["stdin","\\u20ac"]', b"D\x00\x00\x00\x03\xe2\x82\xac"),
        ('["stdin","\\ud800"]', b"D\x00\x00\x00\x01?"),
        ('["focus"]', b'M\x00\x00\x00\x11{"type": "focus"}'),
    ],
)
def test_what_a_page_may_say(text: str, packet: bytes) -> None:
    assert packet_of(text) == packet


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", "null", '["stdin"]', '["stdin",5]', '["stdin",["q"]]', '["quit"]', '["exit"]',
        '[["stdin"],"q"]',
        '["resize",{"width":"80","height":24}]', '["resize",{"width":true,"height":24}]', '["resize",[80,24]]',
        '["deliver_chunk_request",{"key":"x","size":1}]', "[" * 100_000,
    ],
)  # fmt: skip
def test_anything_else_reaches_no_process(text: str) -> None:
    assert packet_of(text) == b""


@pytest.mark.parametrize(("asked", "given"), [((80, 24), (80, 24)), ((0, 0), (20, 5)), ((10**9, 10**9), (500, 200))])
def test_no_page_can_ask_for_a_size_that_takes_all_memory(asked: tuple[int, int], given: tuple[int, int]) -> None:
    assert bounded(*asked) == given
    packet = packet_of(json.dumps(["resize", {"width": asked[0], "height": asked[1]}]))
    assert json.loads(packet[5:]) == {"type": "resize", "width": given[0], "height": given[1]}


def test_a_process_is_told_its_size_and_no_terminal_of_the_server() -> None:
    found = environment(
        {"KRAKEN_API_KEY": "k", "KRAKEN_API_SECRET": "s", "NO_COLOR": "1", "LINES": "9", "COLUMNS": "9", "HOME": "/h"},
        "{}",
        (100, 30),
    )
    assert (found["COLUMNS"], found["ROWS"]) == ("100", "30")
    assert "NO_COLOR" not in found
    assert "LINES" not in found
    assert not [name for name in found if name.startswith("KRAKEN_API")]
    assert found["HOME"] == "/h"
    assert found[VARIABLE] == "{}"


def test_every_setting_arrives_but_those_that_write_here_or_name_a_key(tmp_path: Path) -> None:
    chosen: dict[str, Any] = {
        "pairs": ("SOL/USD",), "demo": True, "demo_seed": 7, "demo_episodes": True, "kafka": "h:1",
        "kafka_topic_prefix": "p", "kafka_config": tmp_path / "k", "replay": tmp_path / "r", "at": "+5", "speed": 2.0,
        "record": tmp_path / "x", "record_rotate": Rotation(bytes=5), "depth": 25, "interval": 5, "group": 5,
        "theme": "light", "fps": 5, "low_bandwidth": True, "url": "ws://127.0.0.1:1/v2", "rest_url": "http://127.0.0.1:1",
        "log_file": tmp_path / "l", "metrics_addr": "127.0.0.1:1", "svg_dir": tmp_path, "recentre": "never",
        "large_order": 2.0, "flow_value": 5.0, "flow_factor": 2.0, "tape_tiers": (1.0, 2.0, 3.0, 4.0),
        "sweep_value": 5.0, "taker_fee_pct": 0.1, "signal_window_s": 9.0, "stale_after_s": 2.0, "quiet_after_s": 9.0,
        "history_min": 5.0, "history_mb": 9, "heat_weighing": "greatest", "heat_scale": "linear", "pull_window_s": 5,
        "mouse": False, "keys": {"book.centre": "x"}, "key_name": "desk", "allow_withdraw_key": True,
        "level3": True, "level3_depth": 100, "account": True, "private": False,
        "level3_url": "ws://127.0.0.1:1/v2", "account_url": "ws://127.0.0.1:1/v2", "bell_on_fill": True,
        "trade": True, "paper": True, "trade_max_worth": 5, "trade_max_size": 5, "trade_max_open": 3,
        "trade_band_pct": 9.0, "trade_protection_pct": 9.0, "trade_idle_s": 9.0, "trade_validate": False,
        "trade_reset_size": True,
    }  # fmt: skip
    assert chosen.keys() == {field.name for field in fields(Settings)}
    relay = Relay("ws://127.0.0.1:5/s", "http://127.0.0.1:5/s", "shown")
    settings, found = unpack({VARIABLE: pack(Settings(**chosen), relay)})
    assert found == relay
    kept = {"record", "record_rotate", "log_file", "metrics_addr", "svg_dir", "key_name", "allow_withdraw_key"}
    kept |= {"level3", "level3_depth", "account", "private", "level3_url", "account_url", "paper"}
    kept |= {name for name in chosen if name.startswith("trade")}
    for name, value in chosen.items():
        expected = getattr(Settings(), name) if name in kept else value
        assert getattr(settings, name) == expected, name
    assert unpack({VARIABLE: pack(Settings(), None)}) == (Settings(), None)


class Socket:
    """A browser that confirms nothing by itself."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.pings: list[bytes] = []

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(data)

    async def ping(self, data: bytes) -> None:
        self.pings.append(data)


async def test_f133_pictures_wait_for_a_browser_that_lags(ledger: Ledger) -> None:
    import asyncio

    visit, socket = Visit("{}"), Socket()
    big = b"x" * (AHEAD_BYTES + 1)
    await visit._send(socket, big)  # type: ignore[arg-type]
    waiting = asyncio.create_task(visit._send(socket, b"next"))  # type: ignore[arg-type]
    for _ in range(5):
        await asyncio.sleep(0)
    assert socket.sent == [big]
    # What was never sent cannot be confirmed.
    visit._confirm(b"x")
    visit._confirm(b"")
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(socket.sent) == 1
    visit._confirm(socket.pings[-1])
    await waiting
    assert socket.sent[-1] == b"next"
    visit._confirm(b"9" * 19)
    assert visit._confirmed == visit._sent
    ledger(
        "one picture beyond the bound", f"{len(big):,} bytes on the way, the next one waits", f"{AHEAD_BYTES:,} bytes"
    )
