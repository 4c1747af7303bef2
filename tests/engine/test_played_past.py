"""The past of a replay goes by the recording's clock, however fast that is played."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import KrakenClient
from kraken_tui.engine.played_past import LOOK_NS, TICK_NS, PlayedPast
from kraken_tui.market.events import BookChanged
from kraken_tui.recording.format import frame_line, header_line
from kraken_tui.units import SECOND
from tests.client.client_rig import INSTRUMENTS, book_frame, wait_until

START = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z."""

NAME = "BTC/USD"


def ticker_frame(last: float) -> dict[str, Any]:
    row = {
        "symbol": NAME, "bid": 100.0, "bid_qty": 1.0, "ask": 100.1, "ask_qty": 1.0, "last": last, "volume": 1.0,
        "vwap": 100.0, "low": 90.0, "high": 110.0, "change": 0.1, "change_pct": 0.1,
    }  # fmt: skip
    return {"channel": "ticker", "type": "update", "data": [row]}


def play(client: KrakenClient) -> None:
    """Play to the end; it begins when somebody reads."""
    client.book(NAME)
    wait_until(lambda: client.playback and client.playback.finished)


@pytest.fixture
def timed(tmp_path: Path) -> Callable[..., Path]:
    """Write frames with their times as a recording."""

    def write(*frames: tuple[int, dict[str, Any]]) -> Path:
        path = tmp_path / "timed.jsonl"
        lines = [header_line(START, "wss://ws.kraken.com/v2", [NAME])]
        lines += [frame_line(json.dumps(frame, separators=(",", ":")).encode(), START + ns) for ns, frame in frames]
        path.write_bytes(b"".join(lines))
        return path

    return write


@pytest.fixture
def minute(timed: Callable[..., Path]) -> Path:
    """A book message every 50 ms, and a ticker after each, for half a minute."""
    frames: list[tuple[int, dict[str, Any]]] = [(0, INSTRUMENTS), (SECOND // 100, book_frame(100, kind="snapshot"))]
    for number in range(600):
        ns = (number + 1) * SECOND // 20
        frames += [(ns, book_frame(number + 1)), (ns + SECOND // 1000, ticker_frame(100 + number / 10))]
    return timed(*frames)


@pytest.mark.parametrize("speed", [0, 200])
def test_every_moment_from_the_first_book_on_is_there_at_any_speed(minute: Path, speed: float) -> None:
    with KrakenClient(NAME, replay=minute, history_min=5, speed=speed) as client:
        play(client)
        past = client.history(NAME)
        assert past is not None
        assert past.since_ns is not None
        assert past.since_ns - START <= SECOND // 100 + (SECOND // 2 if speed else 0)
        for number in range(20, 600, 7):
            at = START + (number + 1) * SECOND // 20 + SECOND // 500
            view = client.view(NAME, at=at)
            assert view is not None
            assert view.proof == "VERIFIED"
            assert str(view.ticker.last) == f"{100 + number / 10:.1f}"
            assert view.last == view.ticker.last
            assert view.bids[0].qty * 10**8 == number + 1


def test_the_columns_of_the_heatmap_begin_with_the_first_book(minute: Path) -> None:
    with KrakenClient(NAME, replay=minute, history_min=5) as client:
        play(client)
        heat = client.heatmap(NAME, step="0.1", columns=30, width_s=1)
        assert heat is not None
        assert [column.known > 0 for column in heat.columns] == [True] * 30
        assert all(column.cells for column in heat.columns)


def test_a_silence_is_noted_while_it_lasts(timed: Callable[..., Path]) -> None:
    frames = [(0, INSTRUMENTS), (1, book_frame(100, kind="snapshot")), (2, book_frame(101))]
    late = [book_frame(102), book_frame(103)]
    for frame in late:
        frame["data"][0]["timestamp"] = "2026-01-01T00:00:20.000000Z"
    path = timed(*frames, (20 * SECOND, late[0]), (20 * SECOND + 1, late[1]))
    with KrakenClient(NAME, replay=path, history_min=5, stale_after_s=5) as client:
        play(client)
        stale = [view.stale for s in (1, 4, 7, 19) if (view := client.view(NAME, at=START + s * SECOND + 10))]
        assert stale == [False, False, True, True]
        after = client.view(NAME, at=START + 20 * SECOND + 1)
        assert after is not None
        assert not after.stale


def test_time_passes_in_steps_and_never_back() -> None:
    ticks: list[int] = []
    looks: list[tuple[str, int]] = []

    def look(symbol: str, ns: int) -> None:
        looks.append((symbol, ns))
        past.looked(symbol, ns)

    past = PlayedPast(ticks.append, look, lambda: "AB")
    past.before(START)
    book = BookChanged("A", "snapshot", True, None, None, None, START)
    past.after([book], START)
    assert ticks == [START]
    assert looks == [("A", START), ("B", START)]
    past.after([book], START + TICK_NS // 2)
    assert ticks == [START]
    past.after([], START + TICK_NS)
    assert (ticks[1:], len(looks)) == ([START + TICK_NS], 2)
    past.passed(START + 5 * SECOND)
    past.before(START + 4 * SECOND)
    assert len(ticks) == 2
    past.before(START + 1000 * SECOND)
    assert ticks == sorted(ticks)
    assert len(ticks) < 100
    assert ticks[-1] == START + 1000 * SECOND - 1
    assert LOOK_NS == SECOND
