"""How long `doctor --recording FILE --until-fault` takes for a lively hour whose last frame is wrong.

    python -m tests.rig.until_fault --write

The hour is that of the default screen: BTC/USD and ETH/USD at depth 100 with trades, tickers and candles, at the local
exchange's usual rates, which are those seen on the real one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from kraken_tui.doctor.recording import Examination
from kraken_tui.exchange import Venue
from kraken_tui.recording.writer import Recorder
from tests.rig.ledger import write_figures
from tests.rig.world import VENUE_START, shorten_histories

PAIRS = ["BTC/USD", "ETH/USD"]
CHANNELS: dict[str, dict[str, object]] = {
    "instrument": {},
    "book": {"symbol": PAIRS, "depth": 100},
    "trade": {"symbol": PAIRS},
    "ticker": {"symbol": PAIRS, "event_trigger": "bbo"},
    "ohlc": {"symbol": PAIRS, "interval": 1},
}
LIMIT_S = 10.0
_STEP = 50_000_000
_WRONG = b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":1}]}'


def write(path: Path, seconds: int) -> None:
    """A recording of so many simulated seconds, its last frame a book message with a wrong checksum."""
    now = VENUE_START
    venue = Venue(1, PAIRS, clock=lambda: now)
    shorten_histories(venue, 1)
    peer = venue.connect()
    recorder = Recorder(path, wall_ns=now)
    frames = peer.advance(now)
    for channel, params in CHANNELS.items():
        frames += peer.on_message(json.dumps({"method": "subscribe", "params": {"channel": channel, **params}}))
    for _ in range(seconds * 1_000_000_000 // _STEP):
        for frame in frames:
            recorder.write(frame.encode() if isinstance(frame, str) else frame, now)
        now += _STEP
        frames = peer.advance(now)
    recorder.write(_WRONG, now)
    recorder.close()


def find(path: Path) -> tuple[Examination, float, float]:
    """The examination, and seconds of processor time until the fault and for the hash of the state before it."""
    began = time.process_time()
    found = Examination(path)
    found.play(until_fault=True)
    until = time.process_time()
    again = Examination(path)
    again.play(limit=found.frames - 1)
    if again.state_hash == found.state_hash:
        raise RuntimeError("the fault left no trace in the state")
    return found, until - began, time.process_time() - until


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where the fault was not found, or not in time."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.until_fault", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--minutes", type=int, default=60, help="length of the recording (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "hour.jsonl"
        write(path, options.minutes * 60)
        size = path.stat().st_size
        found, until_s, again_s = find(path)
    hours = options.minutes / 60
    right = [(fault.kind, fault.expected) for fault in found.faults] == [("checksum", "1")]
    kept = right and until_s / hours <= LIMIT_S
    load = f"; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} processors" if hasattr(os, "getloadavg") else ""
    figures = (
        f"{'' if kept else 'NOT KEPT: '}{options.minutes} minutes of BTC/USD and ETH/USD at depth 100:"
        f" {found.frames:,} frames, {size / 2**20:.0f} MiB; the wrong checksum in the last line"
        f" {'found' if right else 'NOT FOUND'} after {until_s / hours:.1f} s of processor time an hour (limit"
        f" {LIMIT_S:.0f} s), {found.frames / until_s:,.0f} frames a second; the hash of the state before it takes"
        f" another {again_s / hours:.1f} s{load}"
    )
    print(figures)
    if options.write and right:
        write_figures("until_fault", figures)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
