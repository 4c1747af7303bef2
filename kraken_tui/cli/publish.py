"""`kraken-tui publish`: events into Kafka, for desks and programs that read them there."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kraken_tui.cli.command import Call, Subcommand, serve_metrics, tell_recording
from kraken_tui.cli.console import DONE, FAILED, SIGNALLED, Bar, complain
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.kafka.topics import ALL_KINDS, KINDS
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import (
    Between,
    KafkaBrokers,
    Number,
    OneOf,
    PairCount,
    PairList,
    Text,
    Whole,
    WrongValue,
)
from kraken_tui.words import counted

if TYPE_CHECKING:
    from kraken_tui.engine.engine import Engine
    from kraken_tui.metrics import Family
    from kraken_tui.outputs.kafka import KafkaSink, Plan
    from kraken_tui.settings import Settings

_FORMATS = ("json", "msgpack")
_QUEUE = 20_000
_SHOWN_EVERY_S = 1.0
_MOST_SHARDS = 1000


class ShardText:
    """One of several parts, such as 2/4."""

    def text(self, text: str) -> tuple[int, int]:
        """See `Reader`."""
        number, _, count = text.partition("/")
        if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in (number, count)):
            raise WrongValue("takes one part of several, such as 2/4")
        if not 1 <= int(number) <= int(count) <= _MOST_SHARDS:
            raise WrongValue(f"takes 1/N to N/N, N up to {_MOST_SHARDS:,}")
        return int(number), int(count)

    toml = value = text


class KindList:
    """Kinds of events, each with a topic of its own."""

    def text(self, text: str) -> tuple[str, ...]:
        """See `Reader`; commas separate."""
        found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
        if not found or not set(found) <= set(ALL_KINDS):
            raise WrongValue(f"takes some of {', '.join(ALL_KINDS)}; commas separate them")
        return found

    toml = value = text


OPTIONS = (
    Option(
        "published", PairList(), "pairs such as BTC/USD, btcusd or XXBTZUSD (default BTC/USD ETH/USD)",
        PairCount(0, 1000), flag="PAIR", default=(),
    ),
    Option(
        "brokers", Text(), "brokers to publish to, HOST:PORT[,HOST:PORT]", KafkaBrokers(),
        flag="--kafka", metavar="HOST:PORT", default="",
    ),
    Option(
        "kinds", KindList(), "topics to publish (default book,trade,candle,ticker,flow,health; raw adds the frames)",
        flag="--kafka-kinds", metavar="KIND[,KIND]", default=KINDS,
        choices=lambda: ALL_KINDS,
    ),
    Option(
        "format", Text(), "form of the values: {allowed} (default {default})", OneOf(_FORMATS),
        flag="--kafka-format", metavar="NAME", default="json",
    ),
    Option(
        "producers", Whole(), "connections to the brokers; a symbol stays with one (default {default})",
        Between(1, 32), flag="--kafka-producers", metavar="N", default=1,
    ),
    Option(
        "snapshot_s", Number(), "seconds between snapshots of a symbol, 0 for none (default {default})",
        Between(0, 3600), flag="--kafka-snapshots", metavar="S", default=30.0,
    ),
    Option(
        "shard", ShardText(), "publish part I of N of the pairs; run the others elsewhere (default 1/1)",
        flag="--shard", metavar="I/N", default=(1, 1),
    ),
    Option(
        "levels", Whole(), "levels a side on each book line (default {default})", Between(10, 1000),
        flag="--levels", metavar="L", default=10,
    ),
    Option("seconds", Number(), "stop after S seconds", Between(0, 10_000_000), flag="--seconds", metavar="S"),
)  # fmt: skip


def _run(call: Call) -> int:
    from kraken_tui.feed.kafka.client import need_client

    need_client("publish")
    settings, plan = _plan(call)
    # Without names a recording publishes all it holds.
    if not settings.pairs and settings.replay is None:
        complain(f"no pair of these belongs to the shard {plan.shard}; there is nothing to publish")
        return DONE
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.options import EngineOptions
    from kraken_tui.outputs import SINKS
    from kraken_tui.outputs.pump import Pump, StopAfter
    from kraken_tui.terminal.signals import Signals

    raw: deque[tuple[bytes, int]] = deque(maxlen=_QUEUE)
    keep = _keeper(raw) if "raw" in plan.kinds else None
    engine = Engine(settings, options=EngineOptions() if keep is None else EngineOptions(on_frame=keep))

    def tell(level: str, text: str) -> None:
        engine.note(level, text)
        complain(text)

    listeners: list[Any] = []
    sink: Any = SINKS["kafka"].make(
        lambda symbol: None if (view := engine.view(symbol)) is None else view.spec,
        lambda _: None,
        plan=plan,
        source=engine,
        tell=tell,
        lost=lambda: sum(listener.dropped for listener in listeners),
    )
    listener = engine.listen(_QUEUE, types=sink.types, book_levels=call.own["levels"])
    listeners.append(listener)
    progress = _Progress(engine, sink, lambda: len(listener), lambda: listener.dropped)

    def each_round() -> None:
        while raw:
            sink.raw(*raw.popleft())
        sink.beat()
        progress.show()

    with Signals() as signals:
        pump = Pump(
            listener,
            engine,
            sink,
            complain,
            pairs=settings.pairs,
            stop_after=StopAfter(call.own["seconds"], None),
            stopping=signals.came,
            each_round=each_round,
        )
        sink.open()
        metrics = serve_metrics(engine, settings, [lambda: _figures(sink)])
        if metrics.problem:
            complain(metrics.problem)
        engine.start()
        try:
            code = pump.run()
        finally:
            # Side by side, for both have a limit and the user waits for the longer one only.
            closing = threading.Thread(target=engine.stop)
            closing.start()
            sink.close()
            closing.join()
            metrics.close()
            progress.end()
    return _ended(engine, code, sink, listener.dropped, signals.number)


def _figures(sink: KafkaSink) -> list[Family]:
    """What becomes of the messages, for the metrics."""
    from kraken_tui.metrics.figures import COUNTER, GAUGE, Family

    counts = sink.kafka_counts
    rows = (
        ("kafka_accepted_messages_total", COUNTER, "Messages taken by the Kafka client", counts.accepted),
        ("kafka_delivered_messages_total", COUNTER, "Messages acknowledged by the brokers", counts.delivered),
        ("kafka_failed_messages_total", COUNTER, "Messages given up by the Kafka client", counts.failed),
        ("kafka_dropped_messages_total", COUNTER, "Messages that were never taken", counts.dropped),
        ("kafka_waiting_messages", GAUGE, "Messages taken and not yet settled", counts.waiting),
        ("kafka_silence_seconds", GAUGE, "How long the brokers have not answered; 0 while they do", sink.trouble_s),
    )
    return [Family(name, kind, text, [({}, float(value))]) for name, kind, text, value in rows]


def _ended(engine: Engine, code: int, sink: KafkaSink, missed: int, signal: int | None) -> int:
    from kraken_tui.outputs.kafka import describe

    if engine.failure is not None:
        raise engine.failure
    if not tell_recording(engine) and code == DONE:
        code = FAILED
    counts = sink.kafka_counts
    complain(describe(counts))
    if missed:
        complain(f"{counted(missed, 'event')} left out because this program could not keep up")
    if counts.accepted and not counts.delivered:
        code = FAILED
    return code if signal is None else SIGNALLED + signal


def _plan(call: Call) -> tuple[Settings, Plan]:
    """What to run and where to publish it.

    Raises:
        ConfigurationError: An option cannot work.
    """
    from dataclasses import replace

    from kraken_tui.feed.kafka.client import read_settings
    from kraken_tui.outputs.kafka import Plan
    from kraken_tui.outputs.sharding import Shard
    from kraken_tui.wire.symbols import guesses

    own, settings = call.own, call.settings()
    brokers = own["brokers"] or settings.kafka
    if not brokers:
        raise ConfigurationError("publish needs brokers: --kafka HOST:PORT")
    if own["levels"] > settings.depth:
        raise ConfigurationError(
            f"--levels {own['levels']} is more than the book depth of {settings.depth}; add --depth"
        )
    shard = Shard(*own["shard"])
    pairs = tuple(dict.fromkeys(own["published"] or settings.pairs))
    if not pairs and shard.count > 1:
        raise ConfigurationError("--shard divides the pairs that are named; name those of the recording")
    plan = Plan(
        brokers,
        settings.kafka_topic_prefix,
        own["kinds"],
        own["producers"],
        own["format"] == "msgpack",
        shard,
        own["snapshot_s"],
        read_settings(settings.kafka_config),
    )
    # By the symbol, however the pair was written.
    mine = tuple(name for name in pairs if shard.owns(guesses(name)[0]))
    return replace(settings, pairs=mine, kafka="", at=""), plan


def _keeper(raw: deque[tuple[bytes, int]]) -> Callable[[bytes, int, str], None]:
    from kraken_tui.recording.format import RECEIVED

    def keep(frame: bytes, ns: int, direction: str) -> None:
        if direction == RECEIVED:
            raw.append((frame, ns))

    return keep


class _Progress:
    """A line on standard error that is written over once a second, where that is a terminal."""

    def __init__(self, engine: Engine, sink: KafkaSink, waiting: Callable[[], int], missed: Callable[[], int]) -> None:
        self._engine, self._sink, self._waiting, self._missed = engine, sink, waiting, missed
        self._bar = Bar()
        self._next = 0.0
        self._before: tuple[float, int] | None = None

    def show(self) -> None:
        """Write it, if it is time."""
        now = time.monotonic()
        if not self._bar.visible or now < self._next:
            return
        self._next = now + _SHOWN_EVERY_S
        counts, feed = self._sink.kafka_counts, self._engine.feed_view
        before, self._before = self._before, (now, counts.delivered)
        rate = 0.0 if before is None else (counts.delivered - before[1]) / (now - before[0])
        text = (
            f"{feed.state}  {counted(len(feed.tabs), 'pair')}  {rate:,.0f}/s  {counts.delivered:,} delivered  "
            f"{counts.waiting:,} waiting  {counts.failed:,} failed  {counts.dropped + self._missed():,} dropped"
        )
        if self._sink.trouble_s:
            text += f"  KAFKA SILENT {self._sink.trouble_s:.0f} s"
        self._bar.show(text)

    def end(self) -> None:
        """Take the line away."""
        self._bar.clear()


COMMAND = Subcommand(
    "publish",
    "Publish books, trades, candles, tickers and flow to Kafka, for desks and programs that read them there.",
    _run,
    OPTIONS,
)
