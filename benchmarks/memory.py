"""Memory a pair and depth, flatness over an hour of the demo, and pauses of the garbage collector.

The hour is simulated: a second process plays the demo's market as fast as the client takes it, in steps of the demo's
own clock, so that all of its messages come and every window, history and cache is filled as in a real hour. Linux
only.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import Report, main
from benchmarks.server import environment

DEPTHS = (10, 100, 1000)
PAIRS = {10: 200, 100: 100, 1000: 20}
"""Pairs held at each depth, enough that the interpreter's own memory does not count."""

DEMO = ("BTC/USD", "ETH/USD")
SECOND = 1_000_000_000
_START = 1_790_000_000 * SECOND
_STEP_NS = SECOND // 10
_SETTLE_S = 6.0
"""Time until the screen has frozen what its start made, twice."""

_WARM_MIN = 15
"""Minutes until the longest window (10 minutes of samples) is full."""

MOST_GROWTH_MB = 30.0
MOST_PAUSE_MS = 1000.0
"""The smoke run fails above these."""


def resident_mb() -> float:
    """Resident memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- a pair -------------------------------------------------------------------------------------------------------


def _pair_kb(depth: str, markets: str) -> None:
    """Resident kB a pair, books alone or with all that the engine keeps; printed."""
    import benchmarks.desk
    from benchmarks.server import Venue

    count, levels = PAIRS[int(depth)], int(depth)
    desk_of = benchmarks.desk.Desk
    desk_of(1, levels, markets=True)
    # The exchange's own books are there before the client's, and none of it is freed meanwhile.
    before = resident_mb()
    venue = Venue(count, levels)
    exchange = resident_mb() - before
    desk = desk_of(count, levels, markets=markets == "engine")
    desk.play(desk.frames(count * 10, 1000.0))
    gc.collect()
    total = resident_mb() - before - 2 * exchange
    assert desk.all_verified
    assert venue.pairs
    print(json.dumps(total * 1024 / count))


# -- an hour ------------------------------------------------------------------------------------------------------


def _play_demo(pipe: Connection) -> None:
    """The demo's market in a process of its own: takes (ns, requests), answers with frames."""
    from kraken_tui.exchange.venue import Venue

    now = _START
    venue = Venue(1, DEMO, clock=lambda: now)
    peer = venue.connect()
    while (asked := pipe.recv()) is not None:
        now, requests = asked
        frames = list(peer.advance(now))
        for request in requests:
            frames += peer.on_message(request)
        pipe.send(frames)


class Hour:
    """Session and markets as the engine has them, at the demo's market, on a virtual clock."""

    def __init__(self, pipe: Connection) -> None:
        from kraken_tui.engine.desk import Desk
        from kraken_tui.feed.session import Session
        from kraken_tui.settings import Settings

        self._pipe = pipe
        self._now = _START
        self.session = Session(depth=100, rng=random.Random(1))
        self.markets = Desk(self.session, Settings(pairs=DEMO), lambda _: None, lambda _, __: None)
        for symbol in DEMO:
            self.markets.add(symbol)
            self.session.want(symbol)
        self.session.dialling(self._now, self._now)
        self.session.opened(self._now, self._now)
        self._ask()

    def _ask(self) -> None:
        self._now += _STEP_NS
        self._pipe.send((self._now, self.session.take_sends()))

    def run(self, seconds: float) -> None:
        """Let simulated time pass: take a step's frames while the exchange plays the next."""
        session, markets = self.session, self.markets
        for _ in range(round(seconds * SECOND / _STEP_NS)):
            now = self._now
            frames = self._pipe.recv()
            self._ask()
            for frame in frames:
                session.frame(frame, now, now)
                for event in session.take_events():
                    markets.handle(event)
            session.tick(now, now)
            markets.tick(now)
            for market in markets.by_symbol.values():
                market.view(now, heartbeat_age_ns=0, lag_ns=0, connected=True)


def _hour(minutes: str) -> None:
    """Resident MB after every simulated minute; printed with what was played and how fast."""
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    exchange = multiprocessing.get_context("fork").Process(target=_play_demo, args=(theirs,), daemon=True)
    exchange.start()
    hour = Hour(ours)
    started = time.perf_counter()
    resident = []
    for _ in range(int(minutes)):
        hour.run(60.0)
        resident.append(resident_mb())
    speed = int(minutes) * 60 / (time.perf_counter() - started)
    counters = hour.session.counters
    found = {
        "resident": resident,
        "speed": speed,
        "frames": counters.frames,
        "failed": counters.checks_failed,
        "reconnects": counters.reconnects,
    }
    ours.recv()
    ours.send(None)
    exchange.join()
    print(json.dumps(found))


# -- the collector ------------------------------------------------------------------------------------------------


class Pauses:
    """CPU ms of every run of the garbage collector, by generation; nothing else runs meanwhile."""

    def __init__(self) -> None:
        self.ms: dict[int, list[float]] = {0: [], 1: [], 2: []}
        self._start = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._start = time.thread_time()
        else:
            self.ms[info["generation"]].append((time.thread_time() - self._start) * 1000)


def _pauses(seconds: str, policy: str, settle_s: str) -> None:
    """Pauses of the whole program, drawn off-screen, after its start; printed."""
    import asyncio

    from kraken_tui.engine.engine import Engine
    from kraken_tui.settings import Settings
    from kraken_tui.tui.app import KrakenApp

    if policy == "never frozen":
        gc.freeze = lambda: None
    settings = Settings(pairs=DEMO, demo=True)
    engine = Engine(settings)
    app = KrakenApp(engine, settings, on_first_paint=engine.start)
    pauses = Pauses()

    async def watch() -> None:
        async with app.run_test(size=(160, 48)) as pilot:
            await pilot.pause(float(settle_s))
            gc.callbacks.append(pauses)
            await asyncio.sleep(float(seconds))
            gc.callbacks.remove(pauses)

    asyncio.run(watch())
    engine.stop()
    print(json.dumps(pauses.ms))


# -- the table ----------------------------------------------------------------------------------------------------


def _child(what: str, *options: str) -> Any:
    command = [sys.executable, "-m", "benchmarks.memory", "--child", what, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment(), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def _pair_rows(report: Report, smoke: bool) -> None:
    for depth in (100,) if smoke else DEPTHS:
        for form in ("feed", "engine"):
            kb = [_child("pair", str(depth), form) for _ in range(1 if smoke else 3)]
            what = f"a pair at depth {depth}, {'book and feed' if form == 'feed' else 'with all the engine keeps'}"
            report.rows.append((what, f"{statistics.median(kb):.0f} kB", f"{min(kb):.0f}..{max(kb):.0f}", ""))


def _hour_row(report: Report, smoke: bool) -> None:
    minutes = 1 if smoke else 60
    found = _child("hour", str(minutes))
    resident = found["resident"]
    note = f"{found['frames']:,} messages at {found['speed']:.0f} x real time, {found['failed']} proofs failed"
    first = resident[min(_WARM_MIN, len(resident)) - 1]
    growth = resident[-1] - first
    what = f"{minutes} simulated minutes of the demo, resident at the end"
    report.rows.append((what, f"{resident[-1]:.1f} MB", f"{min(resident):.1f}..{max(resident):.1f}", note))
    if not smoke:
        per_quarter = ", ".join(f"{resident[at - 1]:.1f}" for at in (1, 15, 30, 45, 60))
        what = f"growth after the first {_WARM_MIN} minutes"
        report.rows.append((what, f"{growth:+.1f} MB", "", f"at minute 1, 15, 30, 45, 60: {per_quarter} MB"))
    if growth > MOST_GROWTH_MB:
        report.failures.append(f"memory grew by {growth:.0f} MB")
    if found["failed"] or found["reconnects"]:
        report.failures.append("the simulated hour did not go undisturbed")


def _pause_rows(report: Report, smoke: bool) -> None:
    seconds = 1 if smoke else 20
    for policy in ("frozen",) if smoke else ("frozen", "never frozen"):
        found = _child("pauses", str(seconds), policy, "1" if smoke else str(_SETTLE_S))
        for generation in ("0", "1", "2"):
            ms = sorted(found[generation])
            if not ms:
                continue
            p99 = ms[min(len(ms) - 1, int(len(ms) * 0.99))]
            what = f"collector pause, generation {generation}, heap {policy} after start"
            note = f"p99 {p99:.2f} ms, {len(ms)} runs in {seconds} s"
            report.rows.append((what, f"{statistics.median(ms):.2f} ms", f"{ms[0]:.2f}..{ms[-1]:.2f}", note))
            if policy == "frozen" and ms[-1] > MOST_PAUSE_MS:
                report.failures.append(f"the garbage collector stops the program for {ms[-1]:.0f} ms")
        if not any(found.values()):
            report.rows.append((f"collector pauses, heap {policy} after start", "-", "", "it never ran"))


def run(smoke: bool) -> Report:
    """Measure; the smoke run takes one depth, a minute instead of the hour, and a second of pauses."""
    report = Report("Memory", ("what", "median", "best..worst", "note"))
    if not os.path.isdir("/proc/self"):  # noqa: PTH112
        return report
    _pair_rows(report, smoke)
    _hour_row(report, smoke)
    _pause_rows(report, smoke)
    return report


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        {"pair": _pair_kb, "hour": _hour, "pauses": _pauses}[sys.argv[2]](*sys.argv[3:])
        raise SystemExit(0)
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
