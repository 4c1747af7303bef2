"""Sleep: the boot clock against the monotonic one, with clocks brought by the test, and over a real socket."""

from __future__ import annotations

import sys
import time

import pytest

from kraken_tui.feed.clock import SleepGauge, SystemClock, boot_clock
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Note, StateChanged
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.units import SECOND
from tests.feed.connection import test_websocket
from tests.feed.connection.test_websocket import Client, server, venue_handler
from tests.rig.bench import Rig


class Clocks:
    """A boot clock and one that stands still in sleep."""

    def __init__(self) -> None:
        self.boot, self.awake = 900 * SECOND, 50 * SECOND
        self.gauge = SleepGauge(lambda: self.boot, lambda: self.awake)

    def work(self, ns: int) -> None:
        self.boot += ns
        self.awake += ns

    def sleep(self, ns: int) -> None:
        self.boot += ns


def test_only_what_the_boot_clock_gained_is_sleep() -> None:
    clocks = Clocks()
    assert clocks.gauge.slept() == 0
    clocks.work(3600 * SECOND)
    assert clocks.gauge.slept() == 0
    clocks.sleep(7 * SECOND)
    clocks.work(SECOND)
    assert clocks.gauge.slept() == 7 * SECOND
    assert clocks.gauge.slept() == 0


def test_short_naps_add_up_and_jitter_does_not_count() -> None:
    clocks = Clocks()
    for _ in range(3):
        clocks.sleep(SECOND // 2 - 1)
        clocks.work(SECOND)
    assert clocks.gauge.slept() == 3 * (SECOND // 2 - 1)
    clocks.boot -= 5000
    assert clocks.gauge.slept() == 0


@pytest.mark.parametrize(("platform", "expected"), [("linux", 7), ("darwin", 4), ("win32", None)])
def test_the_clock_that_counts_sleep_is_another_one_on_macos(
    platform: str, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    present = {"linux": ("CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME"), "darwin": ("CLOCK_MONOTONIC_RAW",)}.get(platform, ())
    for name, number in (("CLOCK_MONOTONIC_RAW", 4), ("CLOCK_BOOTTIME", 7)):
        if name in present:
            monkeypatch.setattr(time, name, number, raising=False)
        else:
            monkeypatch.delattr(time, name, raising=False)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda number: number)
    clock = boot_clock()
    assert (None if clock is None else clock()) == expected


def test_a_system_without_two_clocks_never_reports_sleep() -> None:
    now = [0]
    gauge = SleepGauge(None, lambda: now[0])
    now[0] = 10**15
    assert gauge.slept() == 0


def test_the_computers_clocks_run_together_while_it_is_awake() -> None:
    clock = SystemClock()
    before = clock.now()
    assert clock.slept() == 0
    assert clock.now() >= before
    assert (boot_clock() is None) is sys.platform.startswith("win")


def test_a_sleep_as_long_as_the_deadline_ends_the_connection_and_a_nap_does_not() -> None:
    rig = Rig("BTC/USD")
    rig.run(5)
    session = rig.session
    assert session.stitchers["BTC/USD"].proof is Proof.VERIFIED
    rig.now += 3 * SECOND
    session.slept(3 * SECOND, rig.now, rig.wall)
    assert session.state is State.SUBSCRIBED
    rig.now += 6 * SECOND
    session.slept(6 * SECOND, rig.now, rig.wall)
    assert session.state is State.DISCONNECTED
    assert session.stitchers["BTC/USD"].proof is not Proof.VERIFIED
    events = session.take_events()
    assert [e.text for e in events if isinstance(e, Note)] == [
        "the computer slept for 3.0 s",
        "the computer slept for 6.0 s",
    ]
    assert [e.cause for e in events if isinstance(e, StateChanged)] == ["the computer slept for 6 s"]


def test_a_sleep_while_nothing_is_connected_is_only_noted() -> None:
    session = Session()
    session.slept(60 * SECOND, SECOND, SECOND)
    assert session.state is State.DISCONNECTED
    assert [type(e) for e in session.take_events()] == [Note]


class Drowsy(SystemClock):
    """Says once that the computer slept."""

    asleep = 0

    def slept(self) -> int:
        asleep, self.asleep = self.asleep, 0
        return asleep


async def test_a_running_feed_asks_and_reconnects(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Drowsy()
    monkeypatch.setattr(test_websocket, "SystemClock", lambda: clock)
    async with server(venue_handler) as url:
        client = Client(url, "BTC/USD")
        await client.until(lambda: client.session.state is State.SUBSCRIBED)
        clock.asleep = 9 * SECOND
        lost = ["the computer slept for 9 s"]
        await client.until(lambda: client.causes(State.DISCONNECTED) == lost, 8)
        await client.until(lambda: client.session.state is State.SUBSCRIBED, 8)
        await client.end()
