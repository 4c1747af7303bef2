"""Events into Kafka: a topic for each kind, the symbol as the key, the JSON line of `stream` as the value.

What readers rely on is in `feed.kafka.topics`. Everything here runs in the one thread that takes the events, never in
the engine's: handing a message to the client does not wait, and its queue is bounded. A full queue drops the newest and
counts them; their numbers (`seq`) stay missing, so that a reader knows.

At every moment accepted = delivered + failed + waiting. The client orders by symbol because a symbol stays with one
producer, which has one request under way; it does not ask for idempotence, since that makes a producer useless for
ever once its broker comes back without the producer's state (measured). So a line can come
twice, and never out of order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, NamedTuple, Protocol

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kraken_tui.engine.events import BookLine
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import BookStateChanged, Refused, Resync, SpecChanged, StateChanged, TickerChanged
from kraken_tui.feed.kafka.client import silent_logger
from kraken_tui.feed.kafka.topics import DEFAULT_PREFIX, KINDS, RAW, SCHEMA, SNAPSHOT, topic_name
from kraken_tui.market.events import CandleChanged, FlowEvent, Health, Proof, Trade
from kraken_tui.market.freshness import aged
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.outputs.kafka_topics import Preparation
from kraken_tui.outputs.sharding import Shard, producer_of
from kraken_tui.outputs.sink import SinkCounts, SpecOf
from kraken_tui.recording.opening import instrument_frame, market_frames
from kraken_tui.text import clean_text
from kraken_tui.wire.timestamps import format_timestamp
from kraken_tui.words import counted

CLOSE_S = 1.6
"""Longest `close` takes; a quit has two seconds in all."""

QUEUE_MESSAGES = 20_000
QUEUE_KBYTES = 16_384
"""Most that waits for the brokers, of each producer."""

BEAT_S = 1.0
"""How often a publisher says that it lives, whatever the market does; a reader tells by it that one is silent."""

_SYMBOLS_EVERY = 10
_OFF_S = 60.0
_CANDLES = 120
_SNAPSHOTS_A_ROUND = 8
_PURGE_S = 0.3

_KIND_OF: Mapping[type, str] = {
    BookLine: "book",
    # In the book's own topic, so that a reader learns in the right order that a book is not proven any more.
    BookStateChanged: "book",
    Resync: "book",
    Trade: "trade",
    CandleChanged: "candle",
    TickerChanged: "ticker",
    FlowEvent: "flow",
    Health: "health",
    StateChanged: "health",
    Refused: "health",
}

_TOPIC_ERRORS = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
_BROKER_ERRORS = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE})


class Source(Protocol):
    """What the sink asks of the engine besides events; see `engine.api.MarketSource`."""

    @property
    def feed_view(self) -> FeedView:
        """Newest view of the connection."""
        ...

    def now(self) -> int:
        """Clock to judge views by."""
        ...

    def view(self, symbol: str) -> PairView | None:
        """Newest view of a pair."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """Where and how to publish.

    Attributes:
        brokers: host:port, with commas between them.
        prefix: What topics begin with.
        kinds: Kinds to publish, of `topics.ALL_KINDS`.
        producers: Connections to the brokers; a symbol stays with one.
        packed: MessagePack instead of JSON, except for snapshots and raw frames.
        shard: Which of several publishers this is.
        snapshot_s: Seconds between two snapshots of a symbol; 0 for none.
        client: Further settings of the client.
    """

    brokers: str
    prefix: str = DEFAULT_PREFIX
    kinds: tuple[str, ...] = KINDS
    producers: int = 1
    packed: bool = False
    shard: Shard = field(default_factory=Shard)
    snapshot_s: float = 30.0
    client: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """Settings of a producer. The last ones carry the order of a symbol, so nothing replaces them."""
        return {
            "client.id": "kraken-tui",
            "linger.ms": 20,
            "compression.type": "lz4",
            "batch.size": 131_072,
            "queue.buffering.max.messages": QUEUE_MESSAGES,
            "queue.buffering.max.kbytes": QUEUE_KBYTES,
            "message.timeout.ms": 30_000,
            "reconnect.backoff.max.ms": 5_000,
            "log.connection.close": False,
            **self.client,
            "bootstrap.servers": self.brokers,
            "acks": "all",
            "max.in.flight.requests.per.connection": 1,
            "enable.idempotence": False,
            "partitioner": "murmur2_random",
        }


class KafkaCounts(NamedTuple):
    """What became of the messages; accepted = delivered + failed + waiting, and offered = accepted + dropped.

    Attributes:
        accepted: Taken by the client.
        delivered: Acknowledged by the brokers.
        failed: Given up by the client, or left at the end.
        dropped: Not taken: the queue was full, or their topic is off.
        bytes: Size of the accepted values.
    """

    accepted: int
    delivered: int
    failed: int
    dropped: int
    bytes: int

    @property
    def waiting(self) -> int:
        """Accepted and not yet settled."""
        return self.accepted - self.delivered - self.failed


class KafkaSink:
    """See `Sink`; the pump also calls `beat` every round.

    Args:
        spec_of: Precisions of a symbol whose book has not been seen yet.
        out: Not used.
        plan: Where and how.
        source: The engine, for snapshots and the heartbeat; None for neither.
        tell: Takes (level, text) for the log: the first trouble of a kind, and its end.
        lost: Events that were lost before they came here, so far.
        clock: Monotonic seconds.
        wall: Wall clock, ns.

    Raises:
        ConfigurationError: The client refuses its settings.
    """

    def __init__(
        self,
        spec_of: SpecOf,
        _out: Callable[[bytes], None] = lambda _: None,
        *,
        plan: Plan,
        source: Source | None = None,
        tell: Callable[[str, str], None] = lambda _level, _text: None,
        lost: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._plan, self._source, self._tell = plan, source, tell
        self._clock, self._wall = clock, wall
        self._lost, self._lost_seen = lost, 0
        self._lines = JsonLines(spec_of, snapshot_trades=True, tickers=True, proofs=True)
        self._topics = {kind: topic_name(plan.prefix, kind) for kind in (*plan.kinds, SNAPSHOT)}
        self._routes = {kind: self._topics[name] for kind, name in _KIND_OF.items() if name in plan.kinds}
        self.run = token_hex(6)
        """Name of this run, in every header."""
        self._run = self.run.encode()
        self._producers: list[Producer] = []
        self._by_key: dict[str, tuple[bytes, Producer]] = {}
        self._seq: dict[tuple[str, str], int] = {}
        self._delivered = self._failed = self._accepted = self._dropped = self._bytes = self._written = 0
        self._off: dict[str, float] = {}
        self._trouble_since: float | None = None
        self._full_since: float | None = None
        self._last_book: dict[str, str] = {}
        self._due: dict[str, float] = {}
        self._beats = 0
        self._next_beat = 0.0
        self._prepared = Preparation(plan.settings(), self._topics[SNAPSHOT], tell)
        self._closed = False

    # -- a sink -----------------------------------------------------------------------------------------------------

    @property
    def counts(self) -> SinkCounts:
        """See `Sink`."""
        return SinkCounts(self._written, self._lines.counts.left_out)

    @property
    def types(self) -> tuple[type, ...]:
        """Events it wants."""
        return (*self._routes, SpecChanged, Refused)

    @property
    def kafka_counts(self) -> KafkaCounts:
        """What became of the messages so far."""
        return KafkaCounts(self._accepted, self._delivered, self._failed, self._dropped, self._bytes)

    @property
    def trouble_s(self) -> float:
        """How long the brokers have not answered; 0 while they do."""
        return 0.0 if self._trouble_since is None else self._clock() - self._trouble_since

    def open(self) -> None:
        """Make the producers; returns at once, whether a broker answers or not."""
        settings = {**self._plan.settings(), "error_cb": self._on_error, "logger": silent_logger()}
        try:
            self._producers = [Producer(settings) for _ in range(self._plan.producers)]
        except KafkaException as error:
            raise ConfigurationError(f"Kafka: {clean_text(error.args[0].str())}") from None
        if self._plan.snapshot_s and self._source is not None:
            self._prepared.start()

    def write(self, event: object) -> bool:
        """See `Sink`; whatever the client does with it is in `kafka_counts`."""
        topic = self._routes.get(type(event))
        if topic is None:
            self._lines.line(event)
            return False
        if (lost := self._lost()) != self._lost_seen:
            self._lost_seen = lost
            self._missed()
        if isinstance(event, BookLine):
            changed = event.changed
            text = self._lines.book_line(event)
            self._last_book[changed.symbol] = text
            verified = changed.verified is True
            self._send(topic, changed.symbol, b"book", text[:-1], changed.received_ns, verified)
        else:
            line = self._lines.line(event)
            if line is None:
                return False
            if isinstance(event, BookStateChanged) and event.proof is not Proof.VERIFIED:
                self._last_book.pop(event.symbol, None)
            key = getattr(event, "symbol", "") or str(self._plan.shard)
            name = line[10 : line.index('"', 10)].encode()
            self._send(topic, key, name, line[:-1], getattr(event, "ns", 0), False)
        self._written += 1
        return True

    def flush(self) -> None:
        """Let the client report what became of messages; it sends by itself."""
        for producer in self._producers:
            producer.poll(0)

    def close(self) -> None:
        """Send what waits, for `CLOSE_S` at most; what is left then counts as failed."""
        if self._closed:
            return
        self._closed = True
        deadline = self._clock() + CLOSE_S - _PURGE_S
        for producer in self._producers:
            producer.flush(max(0.0, deadline - self._clock()))
        for producer in self._producers:
            producer.purge()
        for producer in self._producers:
            producer.flush(_PURGE_S / len(self._producers))

    # -- one message ------------------------------------------------------------------------------------------------

    def _send(self, topic: str, symbol: str, event: bytes, text: str, ns: int, verified: bool) -> None:
        value = text.encode("ascii")
        if self._plan.packed:
            value = msgspec.msgpack.encode(msgspec.json.decode(value))
        self._produce(topic, symbol, event, value, ns, verified)

    def _produce(self, topic: str, symbol: str, event: bytes, value: bytes, ns: int, verified: bool) -> None:
        place = topic, symbol
        seq = self._seq[place] = self._seq.get(place, 0) + 1
        known = self._by_key.get(symbol)
        if known is None:
            producer = self._producers[producer_of(symbol, len(self._producers))]
            known = self._by_key[symbol] = symbol.encode(), producer
        key, producer = known
        if self._off and self._is_off(topic):
            self._dropped += 1
            return
        headers: list[tuple[str, str | bytes | None]] = [
            ("event", event),
            ("verified", b"1" if verified else b"0"),
            ("schema", SCHEMA),
            ("run", self._run),
            ("seq", b"%d" % seq),
        ]
        try:
            producer.produce(
                topic,
                value,
                key,
                on_delivery=self._settled,
                timestamp=(ns or self._wall()) // 1_000_000,
                headers=headers,
            )
        except BufferError:
            self._dropped += 1
            self._on_full()
        except KafkaException as error:
            self._dropped += 1
            self._topic_failed(topic, error.args[0])
        else:
            self._accepted += 1
            self._bytes += len(value)

    def _missed(self) -> None:
        """Events were lost before they came here: no reader may take the lines before and after for neighbours."""
        for place in self._seq:
            self._seq[place] += 1

    def raw(self, frame: bytes, ns: int) -> None:
        """Publish one frame as the exchange sent it, if raw frames are published."""
        topic = self._topics.get(RAW)
        if topic is not None:
            self._produce(topic, str(self._plan.shard), b"raw", frame, ns, False)

    def _settled(self, error: KafkaError | None, message: Message) -> None:
        """What became of one message; called within `flush` and `close`."""
        if error is None:
            self._delivered += 1
            if self._trouble_since is not None:
                lasted, self._trouble_since = self._clock() - self._trouble_since, None
                self._tell("info", f"Kafka answers again after {lasted:.0f} s")
            return
        self._failed += 1
        if error.code() in _TOPIC_ERRORS:
            self._topic_failed(message.topic() or "", error)
        elif not self._closed:
            self._in_trouble(error)

    # -- trouble, told once -----------------------------------------------------------------------------------------

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in _BROKER_ERRORS or error.fatal():
            self._in_trouble(error)

    def _in_trouble(self, error: KafkaError) -> None:
        if self._trouble_since is None:
            self._trouble_since = self._clock()
            self._tell("error", f"Kafka: {clean_text(error.str(), 200)}")

    def _on_full(self) -> None:
        # Told once in a minute at most: a queue at its limit fills and empties many times a second.
        if self._full_since is None or self._clock() - self._full_since > _OFF_S:
            self._full_since = self._clock()
            self._tell("warning", "Kafka takes lines too slowly: the queue is full, and lines are dropped and counted")

    def _topic_failed(self, topic: str, error: KafkaError) -> None:
        """Leave a topic out for a while; the others go on (RELIABILITY.md F75)."""
        if topic not in self._off:
            reason = clean_text(error.str(), 120)
            self._tell("error", f"Kafka: the topic {topic} is off: {reason}; it is tried again every {_OFF_S:.0f} s")
        self._off[topic] = self._clock() + _OFF_S

    def _is_off(self, topic: str) -> bool:
        until = self._off.get(topic)
        if until is None:
            return False
        if self._clock() < until:
            return True
        # The next message tries it; if that works nothing more is said.
        del self._off[topic]
        return False

    # -- what is told without an event ------------------------------------------------------------------------------

    def beat(self) -> None:
        """Send the heartbeat and snapshots that are due; call it a few times a second."""
        self.flush()
        source, now = self._source, self._clock()
        if source is None:
            return
        if now >= self._next_beat:
            self._next_beat = now + BEAT_S
            self._heartbeat(source.feed_view)
        if self._plan.snapshot_s and self._prepared.done:
            self._snapshots(source, now)

    def _heartbeat(self, feed: FeedView) -> None:
        topic = self._topics.get("health")
        if topic is None:
            return
        symbols = [tab.symbol for tab in feed.tabs]
        line: dict[str, object] = {
            "event": "publisher",
            "run": self.run,
            "shard": str(self._plan.shard),
            "mode": feed.mode.value,
            "connection": feed.state,
            "cause": feed.cause,
            "system": feed.system,
            "sent": format_timestamp(self._wall(), 6),
            "pairs": len(symbols),
        }
        if self._beats % _SYMBOLS_EVERY == 0:
            line["symbols"] = symbols
        self._beats += 1
        self._send(topic, str(self._plan.shard), b"publisher", json.dumps(line, separators=(",", ":")), 0, False)

    def _snapshots(self, source: Source, now: float) -> None:
        sent = 0
        for symbol, line in self._last_book.items():
            if self._due.get(symbol, 0.0) > now:
                continue
            if sent == _SNAPSHOTS_A_ROUND:
                return
            view = source.view(symbol)
            if view is None or view.spec is None or aged(view, source.now()).proof is not Proof.VERIFIED:
                continue
            sent += 1
            self._due[symbol] = now + self._plan.snapshot_s
            self._snapshot(view, line)

    def _snapshot(self, view: PairView, book: str) -> None:
        """The state of one pair: its last book line, and the rest as frames in the exchange's own shapes."""
        spec = view.spec
        assert spec is not None
        frames = [] if spec.assumed else [instrument_frame(spec)]
        frames += market_frames(view, spec, _CANDLES)
        sent = self._wall()
        value = (
            f'{{"event":"snapshot","symbol":{json.dumps(view.symbol)},"sent":"{format_timestamp(sent, 6)}",'
            f'"interval":{view.interval},"book":{book[:-1]},"frames":['.encode()
            + b",".join(frames)
            + b"]}"
        )
        self._produce(self._topics[SNAPSHOT], view.symbol, b"snapshot", value, sent, True)


def describe(counts: KafkaCounts) -> str:
    """The counts as a sentence for a person."""
    text = f"{counted(counts.delivered, 'line')} delivered"
    for number, word in ((counts.waiting, "waiting"), (counts.failed, "failed"), (counts.dropped, "dropped")):
        text += f", {number:,} {word}" if number else ""
    return text
