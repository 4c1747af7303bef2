"""One process, 1 to 1,000 pairs: what a message and what a pair costs, and where it stops keeping up.

Two forms: frames in memory, which gives the cost model term by term, and over a socket at the rates of the real
exchange, where the model has to hold. No screen: it draws one pair, however many are watched. Linux only.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks import Report, main
from benchmarks.machine import share_text, waited_s
from benchmarks.server import environment, server, symbols

COUNTS = (1, 10, 100, 1000)
RATES = {1: 50, 10: 300, 100: 1500, 1000: 5000}
"""Book messages a second over all pairs: 50 for the busiest pair at depth 100 (PROTOCOL.md section 4.6), less for
the many quiet ones."""

BEYOND = {"feed": (10_000, 20_000), "engine": (10_000,)}
"""Messages a second of 1,000 pairs, to see where each form stops."""

SECONDS = 4.0

DEPTH = 100
FPS = 10
TARGET_AGE_MS = 100.0
MOST_GROWTH = 6.0
"""The smoke run fails when a message among 100 pairs costs this many times one among one pair."""

_UP_S = 30.0
_SETTLE_S = 1.0
_CALM = 20.0
"""Messages a second while the pairs are subscribed: the start is not what is measured."""


# -- in memory ----------------------------------------------------------------------------------------------------


def message_us(count: int, messages: int, rounds: int, *, markets: bool) -> list[float]:
    """CPU us a message of the session, or of session and engine, a figure a round; all books stay proven."""
    from benchmarks.desk import Desk

    desk = Desk(count, DEPTH, markets=markets)
    found = []
    for _ in range(rounds):
        frames = desk.frames(messages, RATES[count])
        found.append(desk.play(frames) / messages * 1e6)
    assert desk.all_verified
    return found


def pair_us(count: int, rounds: int) -> dict[str, list[float]]:
    """CPU us a pair of what happens by the clock: the session's look, a frame tick, and one view."""
    from benchmarks.desk import SECOND, Desk

    desk = Desk(count, DEPTH, markets=True)
    assert desk.markets is not None
    desk.play(desk.frames(count * 5, RATES[count]))
    found: dict[str, list[float]] = {"look": [], "tick": [], "view": []}
    for _ in range(rounds):
        # Every book has changed since its last view, as it has where pairs are busy.
        desk.play([(pair.update(), desk.ns) for pair in desk.venue.pairs.values()])
        desk.ns += SECOND // FPS
        start = time.process_time()
        desk.session.tick(desk.ns, desk.ns)
        looked = time.process_time()
        desk.markets.tick(desk.ns)
        ticked = time.process_time()
        for market in desk.markets.by_symbol.values():
            market.view(desk.ns, heartbeat_age_ns=0, lag_ns=0, connected=True)
        viewed = time.process_time()
        for name, spent in (("look", looked - start), ("tick", ticked - looked), ("view", viewed - ticked)):
            found[name].append(spent / count * 1e6)
    return found


def listener_us(events: int, rounds: int) -> list[float]:
    """CPU us to put one event into one listener's queue and take it out again."""
    from kraken_tui.engine.listeners import Listener
    from kraken_tui.market.events import Side, Trade

    found = []
    for _ in range(rounds):
        listener = Listener(events)
        event = Trade("BTC/USD", Side.BUY, 1, 1, "limit", 1, "2026-11-21T12:00:00.123456Z", 1)
        start = time.process_time()
        for _ in range(events):
            listener.put(event)
        for _ in range(events):
            listener.get(0.0)
        found.append((time.process_time() - start) / events * 1e6)
    return found


# -- over a socket ------------------------------------------------------------------------------------------------


def _memory_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def percentile(values: list[float], share: float) -> float:
    """The value at this share (0 to 1) of the sorted values; infinity of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("inf")


async def _feed(base: str, count: int, seconds: float) -> dict[str, Any]:
    """A session on a socket; ages are taken when its events come out, so after the proof."""
    from kraken_tui.feed.clock import SystemClock
    from kraken_tui.feed.connection.websocket import run
    from kraken_tui.feed.session import Session
    from kraken_tui.market.events import BookChanged, Proof

    session = Session(depth=DEPTH)
    session.options.channels = frozenset({"book"})
    for name in symbols(count):
        session.want(name)
    ages: list[float] = []
    updates = 0

    def take(events: list[Any]) -> None:
        nonlocal updates
        for event in events:
            if isinstance(event, BookChanged) and event.kind == "update":
                updates += 1
                if updates % 7 == 0 and event.venue_ns is not None:
                    ages.append((time.time_ns() - event.venue_ns) / 1e6)

    def proven() -> int:
        return sum(stitcher.proof is Proof.VERIFIED for stitcher in session.stitchers.values())

    memory = _memory_mb()
    stop = asyncio.Event()
    task = asyncio.create_task(run(session, f"{base}/v2", SystemClock(), take, stop))
    await _until(lambda: proven() == count)
    await asyncio.to_thread(_ready)
    await asyncio.sleep(_SETTLE_S)
    ages.clear()
    updates, started, cpu, waited = 0, time.monotonic(), time.process_time(), waited_s()
    await asyncio.sleep(seconds)
    elapsed = time.monotonic() - started
    found = {
        "cpu": (time.process_time() - cpu) / elapsed,
        "rate": updates / elapsed,
        "starved": share_text(waited_s() - waited, elapsed),
        "memory": _memory_mb() - memory,
        "proven": proven(),
        "p50": percentile(ages, 0.5),
        "p99": percentile(ages, 0.99),
        "resyncs": session.counters.resyncs + session.counters.reconnects,
    }
    # Nothing is left to learn, and a loop that lags would take long to say goodbye.
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return found


def _ready() -> None:
    """Tell the parent that all books are proven, and wait until it has set the pace."""
    print("proven", flush=True)
    sys.stdin.readline()


async def _until(condition: Any) -> None:
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > _UP_S:
            raise TimeoutError("the books were not proven in time")
        await asyncio.sleep(0.1)


def _engine(base: str, count: int, seconds: float) -> dict[str, Any]:
    """The engine on its thread, as behind the screen and the library."""
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.options import EngineOptions
    from kraken_tui.market.events import Proof
    from kraken_tui.settings import Settings

    memory = _memory_mb()
    settings = Settings(pairs=tuple(symbols(count)), url=f"{base}/v2", rest_url=base.replace("ws", "http"), depth=DEPTH)
    engine = Engine(settings, options=EngineOptions(channels=("book",)))
    engine.start()
    started = time.monotonic()

    def proven() -> int:
        return sum(tab.proof is Proof.VERIFIED for tab in engine.feed_view.tabs)

    while proven() < count:
        if time.monotonic() - started > _UP_S:
            raise TimeoutError(f"{proven()} of {count} books were proven in time: {engine.feed_view.cause}")
        time.sleep(0.1)
    engine.show("BTC/USD")
    _ready()
    time.sleep(_SETTLE_S)
    # Asked of the engine itself: where it does not keep up, the view is old. The latency's window is five minutes, and
    # the start is none of our business.
    first = engine.ask(_start_over, _UP_S) or 0
    started, cpu, waited = time.monotonic(), time.process_time(), waited_s()
    time.sleep(seconds)
    frames, latency = engine.ask(lambda worker: (worker.session.counters.frames, worker.latency_now()), _UP_S) or (
        0,
        None,
    )
    elapsed = time.monotonic() - started
    view = engine.feed_view
    found = {
        "cpu": (time.process_time() - cpu) / elapsed,
        "rate": (frames - first) / elapsed,
        "starved": share_text(waited_s() - waited, elapsed),
        "memory": _memory_mb() - memory,
        "proven": proven(),
        "p50": float("inf") if latency is None or latency.p50 is None else latency.p50,
        "p99": float("inf") if latency is None or latency.p99 is None else latency.p99,
        "resyncs": view.resyncs + view.reconnects,
    }
    engine.stop()
    return found


def _start_over(worker: Any) -> int:
    """Forget the latencies so far; returns the frames so far."""
    worker.session.latency._clear()
    frames: int = worker.session.counters.frames
    return frames


def _child(form: str, base: str, count: str, seconds: str) -> None:
    if form == "engine":
        found = _engine(base, int(count), float(seconds))
    elif importlib.util.find_spec("uvloop") is not None:
        import uvloop

        found = uvloop.run(_feed(base, int(count), float(seconds)))
    else:
        found = asyncio.run(_feed(base, int(count), float(seconds)))
    print(json.dumps(found))


def over_socket(form: str, count: int, rate: float, seconds: float) -> dict[str, Any]:
    """Figures of one client in a process of its own.

    Raises:
        RuntimeError: It ended otherwise than with figures.
    """
    ahead = str(round(1.3 * rate * (seconds + _SETTLE_S + 1) / count))
    options = ("--pairs", str(count), "--rate", str(_CALM), "--depth", str(DEPTH), "--prepare", ahead)
    with server(*options) as venue:
        command = [sys.executable, "-m", "benchmarks.scale", "--child", form, venue.base, str(count), str(seconds)]
        pipe = subprocess.PIPE
        child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment())
        try:
            assert child.stdout is not None
            if child.stdout.readline():
                venue.set_rate(rate)
            output, errors = child.communicate("go\n", timeout=_UP_S + 10 * seconds)
        except subprocess.TimeoutExpired:
            raise RuntimeError("no figures in time") from None
        finally:
            child.kill()
            child.wait()
        if child.returncode:
            raise RuntimeError(errors.strip().splitlines()[-1] if errors else "no word")
        found: dict[str, Any] = json.loads(output)
        found["given up"] = venue.report()["given_up"]
    return found


# -- the table ----------------------------------------------------------------------------------------------------


def _socket_row(report: Report, form: str, count: int, rate: int, seconds: float) -> dict[str, Any] | None:
    what = f"{form}: {count:,} pairs, {rate:,} messages/s asked"
    try:
        found = over_socket(form, count, rate, seconds)
    except RuntimeError as error:
        report.rows.append((what, "-", "-", "-", "-", f"failed: {error}"))
        return None
    kept = found["proven"] == count and not found["resyncs"] and found["p99"] < TARGET_AGE_MS
    notes = [f"{found['rate']:,.0f} messages/s came", f"{found['proven']:,} proven"]
    if found["given up"]:
        notes.append(f"the server left out {found['given up']:,}")
    if found["starved"]:
        notes.append(found["starved"])
    if found["resyncs"]:
        notes.append(f"{found['resyncs']} resyncs")
    if count == max(COUNTS):
        notes.append("keeps up" if kept else f"does not keep up (age p99 < {TARGET_AGE_MS:.0f} ms)")
    share = f"{found['cpu'] * 100:.1f} %"
    a_message = f"{found['cpu'] / found['rate'] * 1e6:.0f} us" if found["rate"] else "-"
    memory = f"{found['memory'] * 1024 / count:,.0f} kB"
    ages = f"{found['p50']:.1f} / {found['p99']:.1f}"
    report.rows.append((what, share, a_message, memory, ages, "; ".join(notes)))
    return found


def _term(report: Report, what: str, us: list[float], note: str) -> float:
    median = statistics.median(us)
    report.rows.append((what, "-", f"{median:.2f} us", "-", "-", f"{note}; {min(us):.2f}..{max(us):.2f}"))
    return median


def _model(report: Report, smoke: bool, feeds: dict[int, dict[str, Any]]) -> None:
    """The terms, each measured by itself, and what they add up to at 1,000 pairs.

    Args:
        report: The table.
        smoke: Keep it short.
        feeds: What the feed used on a socket, by the number of pairs: what its messages do not explain is waking up.
    """
    counts = (1, 100) if smoke else COUNTS
    rounds = 2 if smoke else 3
    session: dict[int, float] = {}
    whole: dict[int, float] = {}
    for count in counts:
        messages = 1_000 if smoke else 5_000
        feed = message_us(count, messages, rounds, markets=False)
        engine = message_us(count, messages, rounds, markets=True)
        session[count] = _term(report, f"model: a message to its proof, {count:,} pairs", feed, "in memory")
        whole[count] = _term(report, f"model: the same in the engine, {count:,} pairs", engine, "in memory")
    if session[counts[-1]] > MOST_GROWTH * session[1]:
        growth = session[counts[-1]] / session[1]
        report.failures.append(f"a message among {counts[-1]} pairs costs {growth:.1f} times one among one")
    pair = pair_us(100 if smoke else 1000, 3 if smoke else 7)
    look = _term(report, "model: the session's look at a pair", pair["look"], "about once a second")
    tick = _term(report, "model: a frame tick a pair", pair["tick"], f"{FPS} times a second")
    view = _term(report, "model: a view of a pair", pair["view"], "once a second, the shown pair each frame")
    put = listener_us(20_000, rounds)
    _term(report, "model: an event in a listener's queue", put, "put and get, for each listener that wants it")
    wake = 0.0
    for count, found in feeds.items():
        wake = max(0.0, found["cpu"] / found["rate"] * 1e6 - session[count])
        what = f"model: waking up for a message, at {found['rate']:,.0f} messages/s"
        report.rows.append((what, "-", f"{wake:.1f} us", "-", "-", "the feed on a socket less the same in memory"))
    count = counts[-1]
    rate = RATES[count]
    waking = rate * wake / 1e4
    messages = rate * whole[count] / 1e4
    clockwork = count * (look + FPS * tick + view) / 1e4
    line = f"{messages:.1f} % messages + {clockwork:.1f} % clockwork"
    line = f"{waking:.1f} % waking up + {line}" if feeds else f"{line}, waking up apart"
    total = f"{waking + messages + clockwork:.1f} %"
    report.rows.append((f"model: the engine, {count:,} pairs, {rate:,} messages/s", total, "-", "-", "-", line))


def run(smoke: bool) -> Report:
    """Measure; the smoke run keeps to 10 pairs on a socket and 100 in memory."""
    report = Report(
        f"Scale: pairs in one process, depth {DEPTH}",
        ("what", "of a core", "a message", "memory a pair", "age p50 / p99 ms", "note"),
    )
    if not os.path.isdir("/proc/self"):  # noqa: PTH112
        return report
    if smoke:
        found = _socket_row(report, "engine", 10, RATES[10], 1.0)
        if found is None or found["proven"] < 10:
            report.failures.append("ten books are not all proven")
        _model(report, smoke, {})
        return report
    feeds: dict[int, dict[str, Any]] = {}
    for form, beyond in BEYOND.items():
        for count in COUNTS:
            found = _socket_row(report, form, count, RATES[count], SECONDS)
            if form == "feed" and found is not None:
                feeds[count] = found
        for rate in beyond:
            _socket_row(report, form, max(COUNTS), rate, SECONDS)
    _model(report, smoke, feeds)
    report.title += f", load average {os.getloadavg()[0]:.1f}"
    return report


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(*sys.argv[2:])
        raise SystemExit(0)
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
