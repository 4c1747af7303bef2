"""Reading Kafka in a thread of its own: the client's calls may wait for a broker as long as they like.

Partitions are assigned, not balanced by a group: every desk reads everything it wants, and only the partitions where
its symbols are. A symbol begins with its latest snapshot, then with the lines from that moment on.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.kafka.client import silent_logger
from kraken_tui.feed.kafka.lines import Message
from kraken_tui.feed.kafka.topics import SNAPSHOT, partition_of, read_headers, topic_name
from kraken_tui.market.views import KafkaPosition
from kraken_tui.text import clean_text

READ = ("book", "trade", "candle", "ticker")
"""Topics that are read by symbol; flow and health are computed again from these."""

AHEAD = 20_000
"""Most messages that are read and not yet taken; the rest waits in Kafka."""

_BATCH = 500
_POLL_S = 0.1
_ASK_S = 3.0
_RETRY_S = 1.0
_SNAPSHOT_AGE_S = 180
_WITHOUT_SNAPSHOT_S = 60
_SNAPSHOT_LIMIT_S = 5.0
_LAG_EVERY_S = 1.0
_GROW_S = 5.0
_LATE_S = 1.0


@dataclass(frozen=True, slots=True)
class Where:
    """What to read.

    Attributes:
        brokers: host:port, with commas between them.
        prefix: What topics begin with.
        client: Further settings of the client.
    """

    brokers: str
    prefix: str
    client: Mapping[str, str] = field(default_factory=dict)

    def consumer(self, **more: Any) -> Consumer:
        """A consumer of no group's kind: it commits nothing, and takes no partition from anybody.

        Raises:
            ConfigurationError: The client refuses its settings.
        """
        settings: dict[str, Any] = {
            "client.id": "kraken-tui",
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 16_384,
            "reconnect.backoff.max.ms": 2_000,
            "log.connection.close": False,
            **self.client,
            "bootstrap.servers": self.brokers,
            "group.id": f"kraken-tui-{token_hex(6)}",
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "logger": silent_logger(),
            **more,
        }
        try:
            return Consumer(settings)
        except KafkaException as error:
            raise ConfigurationError(f"Kafka: {clean_text(error.args[0].str())}") from None


class KafkaReader:
    """The thread and what it has read; `start`, `want`, `take`, `wait` and `close` are for the engine's thread.

    Args:
        where: What to read.

    Attributes:
        up: Whether the brokers answer.
        problem: Why not.
        positions: How far every partition was read.
        error: What ended the thread, a defect or settings that cannot work.
    """

    def __init__(self, where: Where) -> None:
        self._where = where
        self._queue: deque[Message] = deque()
        self._wanted: set[str] = set()
        self._assigned: set[str] = set()
        self._closed = threading.Event()
        self._came = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="kraken-tui-kafka", daemon=True)
        self._next: dict[tuple[str, int], int] = {}
        self._partitions: dict[str, int] = {}
        self._look_at = self._grow_at = 0.0
        self._answered_at = -_LATE_S
        self.up = False
        self.problem = f"waiting for Kafka at {clean_text(where.brokers, 60)}"
        self.positions: tuple[KafkaPosition, ...] = ()
        self.error: BaseException | None = None

    # -- for the engine ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; call it in the event loop that waits."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def want(self, symbols: Iterable[str]) -> None:
        """Read these symbols."""
        self._wanted = set(symbols)

    def take(self, most: int) -> list[Message]:
        """Messages that were read, oldest first; raises what ended the thread."""
        self._came.clear()
        if self.error is not None:
            raise self.error
        queue = self._queue
        return [queue.popleft() for _ in range(min(most, len(queue)))]

    async def wait(self, seconds: float) -> None:
        """Wait for more to take, but not longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._came.wait()

    def close(self) -> None:
        """Read no further; a thread that hangs is left behind."""
        self._closed.set()

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        consumer: Consumer | None = None
        try:
            consumer = self._where.consumer(error_cb=self._on_error)
            while not self._closed.is_set():
                if not self.up and not self._connect(consumer):
                    self._closed.wait(_RETRY_S)
                    continue
                if self._wanted - self._assigned:
                    self._begin(consumer, self._wanted - self._assigned)
                elif time.monotonic() >= self._grow_at:
                    self._grow(consumer)
                self._read(consumer)
                while len(self._queue) >= AHEAD and not self._closed.wait(0.01):
                    pass
        except BaseException as error:
            self.error = error
            self._tell()
        finally:
            if consumer is not None:
                consumer.close()

    def _connect(self, consumer: Consumer) -> bool:
        try:
            topics = consumer.list_topics(timeout=_ASK_S).topics
        except KafkaException as error:
            self.problem = f"Kafka: {clean_text(error.args[0].str(), 100)}"
            self._tell()
            return False
        self._partitions = {name: len(found.partitions) for name, found in topics.items()}
        self._answered_at = time.monotonic()
        self.up, self.problem = True, ""
        self._tell()
        return True

    def _on_error(self, error: KafkaError) -> None:
        # Single brokers come and go; only without any of them nothing comes.
        # What was reported before they answered again says nothing new.
        late = time.monotonic() - self._answered_at < _LATE_S
        if (error.code() == KafkaError._ALL_BROKERS_DOWN and not late) or error.fatal():
            self.up = False
            self.problem = f"Kafka: {clean_text(error.str(), 100)}"
            self._tell()

    def _begin(self, consumer: Consumer, symbols: set[str]) -> None:
        """Read the latest snapshots of symbols, and their lines from there on."""
        snapshots = latest_snapshots(self._where, self._partitions, symbols)
        for message in snapshots.values():
            self._queue.append(message)
        starts: dict[tuple[str, int], int] = {}
        now_ms = time.time_ns() // 1_000_000
        for symbol in symbols:
            found = snapshots.get(symbol)
            since = now_ms - _WITHOUT_SNAPSHOT_S * 1000 if found is None else found.ns // 1_000_000 - 1000
            for place in self._places(symbol):
                starts[place] = min(since, starts.get(place, since))
        self._assigned |= symbols
        self._assign(consumer, starts)

    def _grow(self, consumer: Consumer) -> None:
        """Topics come with their first message, and may get more partitions."""
        self._grow_at = time.monotonic() + _GROW_S
        if not self._connect(consumer):
            return
        since = time.time_ns() // 1_000_000 - _WITHOUT_SNAPSHOT_S * 1000
        self._assign(consumer, {place: since for symbol in self._assigned for place in self._places(symbol)})

    def _assign(self, consumer: Consumer, starts: dict[tuple[str, int], int]) -> None:
        parts = offsets_at(consumer, {place: ms for place, ms in starts.items() if place not in self._next})
        health = topic_name(self._where.prefix, "health")
        parts += [
            TopicPartition(health, number, OFFSET_END)
            for number in range(self._partitions.get(health, 0))
            if (health, number) not in self._next
        ]
        if parts:
            self._next |= {(part.topic, part.partition): -1 for part in parts}
            consumer.incremental_assign(parts)
        self._tell()

    def _places(self, symbol: str) -> list[tuple[str, int]]:
        topics = (topic_name(self._where.prefix, kind) for kind in READ)
        return [
            (topic, partition_of(symbol, self._partitions[topic])) for topic in topics if self._partitions.get(topic)
        ]

    def _read(self, consumer: Consumer) -> None:
        # The first at once, then what is there: a call for many waits until they are together.
        first = consumer.poll(_POLL_S)
        found = [] if first is None else [first, *consumer.consume(_BATCH, 0)]
        skip = len(self._where.prefix) + 1
        for raw in found:
            if raw.error() is not None:
                continue
            message = message_of(raw, skip)
            self._next[message.topic, message.partition] = message.offset + 1
            self._queue.append(message)
        if found:
            if not self.up:
                self.up, self.problem = True, ""
            self._tell()
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LAG_EVERY_S
            self._measure(consumer)

    def _measure(self, consumer: Consumer) -> None:
        places = []
        for (topic, partition), following in sorted(self._next.items()):
            _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            if high >= 0:
                at = high if following < 0 else following
                places.append(KafkaPosition(topic, partition, at, max(0, high - at)))
        self.positions = tuple(places)

    def _tell(self) -> None:
        # The loop may be closed by now: then nobody waits any more.
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._came.set)


def message_of(raw: Any, skip: int) -> Message:
    """A message of the client; `skip` characters of the topic are its prefix."""
    return Message(
        raw.topic()[skip:],
        raw.value() or b"",
        read_headers(raw.headers()),
        raw.timestamp()[1] * 1_000_000,
        raw.topic(),
        raw.partition(),
        raw.offset(),
    )


def offsets_at(consumer: Consumer, starts: Mapping[tuple[str, int], int]) -> list[TopicPartition]:
    """Where to begin in partitions to see everything from a time (ms since the epoch) on, by Kafka's own index."""
    asked = [TopicPartition(topic, partition, max(0, ms)) for (topic, partition), ms in starts.items()]
    if not asked:
        return []
    try:
        found = consumer.offsets_for_times(asked, timeout=_ASK_S)
    except KafkaException:
        found = asked
        for part in found:
            part.offset = OFFSET_END
    return [
        TopicPartition(part.topic, part.partition, part.offset if part.offset >= 0 else OFFSET_END) for part in found
    ]


def latest_snapshots(where: Where, partitions: Mapping[str, int], symbols: Iterable[str]) -> dict[str, Message]:
    """The newest snapshot of each symbol that has one; first among recent ones, then in all of them."""
    topic = topic_name(where.prefix, SNAPSHOT)
    count = partitions.get(topic, 0)
    missing = set(symbols)
    found: dict[str, Message] = {}
    if not count:
        return found
    consumer = where.consumer(**{"enable.partition.eof": True})
    try:
        since = time.time_ns() // 1_000_000 - _SNAPSHOT_AGE_S * 1000
        wanted = {(topic, partition_of(symbol, count)): since for symbol in missing}
        recent = [part for part in offsets_at(consumer, wanted) if part.offset >= 0]
        found |= _read_to_end(consumer, recent, missing, len(where.prefix) + 1)
        missing -= found.keys()
        rest = {partition_of(symbol, count) for symbol in missing}
        whole = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in rest]
        found |= _read_to_end(consumer, whole, missing, len(where.prefix) + 1)
    finally:
        consumer.close()
    return found


def _read_to_end(consumer: Consumer, parts: list[TopicPartition], keys: set[str], skip: int) -> dict[str, Message]:
    found: dict[str, Message] = {}
    if not parts:
        return found
    consumer.assign(parts)
    left = {part.partition for part in parts}
    deadline = time.monotonic() + _SNAPSHOT_LIMIT_S
    while left and time.monotonic() < deadline:
        for raw in consumer.consume(_BATCH, _POLL_S):
            error = raw.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    left.discard(raw.partition())
                continue
            key = (raw.key() or b"").decode("utf-8", "replace")
            if key in keys:
                found[key] = message_of(raw, skip)
    return found
