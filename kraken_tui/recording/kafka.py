"""Kafka from some time on, played like a recording: Kafka's own index finds the place, over days.

It ends where the topics ended when it began. Messages of several partitions are put in order by Kafka's timestamps,
which are the times at which the publisher received them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaException, TopicPartition

from kraken_tui.errors import RecordingError
from kraken_tui.feed.kafka.consumer import READ, Where, message_of, offsets_at
from kraken_tui.feed.kafka.lines import Lines, Message, Unproven, without_proof
from kraken_tui.feed.kafka.topics import partition_of, topic_name
from kraken_tui.recording.reader import Recorded
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.words import counted

_BATCH = 500
_POLL_S = 0.1
_ASK_S = 5.0
_MOST_HELD = 5_000
_SILENT_S = 20.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Place = tuple[str, int]


def start_ns(text: str, now_ns: int) -> int:
    """The moment an option names: a time in UTC, or so long before now.

    Raises:
        RecordingError: It is no time of the calendar.
    """
    if text[-1:] in _UNITS:
        return now_ns - int(text[:-1]) * _UNITS[text[-1]] * SECOND
    try:
        found = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise RecordingError(f"there is no such time as {clean_text(text, 40)}") from None
    return int(found.timestamp()) * SECOND + found.microsecond * 1000


class KafkaRecording:
    """Frames made of the lines of some symbols, from a time on, oldest first.

    Args:
        where: What to read.
        symbols: Pairs that are wanted.
        since_ns: Where to begin, ns since the epoch.
        stopped: Whether nobody reads any more.

    Attributes:
        problem: "" or why it ended before the end.
        shape: Always "".
    """

    def __init__(self, where: Where, symbols: Iterable[str], since_ns: int, stopped: Callable[[], bool]) -> None:
        self._where = where
        self._symbols = frozenset(symbols)
        self._since_ns = since_ns
        self._stopped = stopped
        self.problem = self.shape = ""

    def __iter__(self) -> Iterator[Recorded]:
        """Read.

        Raises:
            RecordingError: Kafka does not answer, or holds nothing of these pairs from that time on.
        """
        lines = Lines(lambda symbol: symbol in self._symbols, checks=True)
        consumer = self._where.consumer()
        try:
            ends = self._assigned(consumer)
            for message in self._ordered(consumer, ends):
                for step in lines.take(message, message.ns):
                    if isinstance(step, Unproven):
                        yield Recorded(message.ns, without_proof(step.symbol))
                    elif isinstance(step, bytes):
                        yield Recorded(message.ns, step)
            if lines.missing:
                self.problem = f"{counted(lines.missing, 'line')} missing in Kafka"
        finally:
            consumer.close()

    def _assigned(self, consumer: Consumer) -> dict[Place, int]:
        """Assign the partitions where the symbols are; returns where each ends now."""
        try:
            topics = consumer.list_topics(timeout=_ASK_S).topics
            starts: dict[Place, int] = {}
            for kind in READ:
                name = topic_name(self._where.prefix, kind)
                count = len(topics[name].partitions) if name in topics else 0
                if count:
                    starts |= {(name, partition_of(each, count)): self._since_ns // 1_000_000 for each in self._symbols}
            parts = [part for part in offsets_at(consumer, starts) if part.offset >= 0]
            ends = {
                (part.topic, part.partition): consumer.get_watermark_offsets(part, timeout=_ASK_S)[1] for part in parts
            }
        except KafkaException as error:
            raise RecordingError(f"Kafka: {clean_text(error.args[0].str(), 100)}") from None
        parts = [part for part in parts if part.offset < ends[part.topic, part.partition]]
        if not parts:
            if self._cannot_look_up(consumer, starts):
                raise RecordingError(
                    "this Kafka does not say which line is of which time, which --at needs (a mock cluster does not);"
                    " leave --at out"
                )
            names = ", ".join(sorted(self._symbols)) or "any pair"
            raise RecordingError(f"Kafka holds no line of {clean_text(names, 80)} from that time on")
        consumer.assign(parts)
        return {place: ends[place] for place in ((part.topic, part.partition) for part in parts)}

    @staticmethod
    def _cannot_look_up(consumer: Consumer, starts: Mapping[Place, int]) -> bool:
        """Whether there are lines, but no first one since the beginning of time: the brokers have no index by time."""
        try:
            for part in offsets_at(consumer, dict.fromkeys(starts, 0)):
                low, high = consumer.get_watermark_offsets(part, timeout=_ASK_S)
                if low < high:
                    return bool(part.offset < 0)
        except KafkaException:
            return False
        return False

    def _ordered(self, consumer: Consumer, ends: dict[Place, int]) -> Iterator[Message]:
        """The messages of all partitions in one order; only those of partitions that run far ahead wait."""
        waiting: dict[Place, deque[Message]] = {place: deque() for place in ends}
        open_places, held = set(ends), set[Place]()
        heard = time.monotonic()
        while not self._stopped():
            while waiting and all(waiting.values()):
                first = min(waiting, key=lambda place: waiting[place][0].ns)
                yield waiting[first].popleft()
                if first in held and first in open_places and len(waiting[first]) < _MOST_HELD // 2:
                    held.discard(first)
                    consumer.resume([TopicPartition(*first)])
                if not waiting[first] and first not in open_places:
                    del waiting[first]
            if not open_places:
                return
            found = consumer.consume(_BATCH, _POLL_S)
            for raw in found:
                if raw.error() is None:
                    self._keep(consumer, message_of(raw, len(self._where.prefix) + 1), waiting, open_places, held, ends)
            if found:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENT_S:
                self.problem = "Kafka does not answer; what follows is not shown"
                return

    def _keep(
        self,
        consumer: Consumer,
        message: Message,
        waiting: dict[Place, deque[Message]],
        open_places: set[Place],
        held: set[Place],
        ends: dict[Place, int],
    ) -> None:
        place = message.topic, message.partition
        if place in open_places:
            waiting[place].append(message)
            if message.offset + 1 >= ends[place]:
                open_places.discard(place)
                held.add(place)
                consumer.pause([TopicPartition(*place)])
            elif len(waiting[place]) >= _MOST_HELD and place not in held:
                held.add(place)
                consumer.pause([TopicPartition(*place)])
