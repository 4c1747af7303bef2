"""Sees to the compacted topic of snapshots before the first of them is sent.

A topic that brokers make by themselves keeps every snapshot; this one keeps the newest of each symbol. It is asked for
in a thread of its own, because the brokers may take as long as they like.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from kraken_tui.feed.kafka.client import silent_logger

_LOOK_S = 3.0
_CREATE_S = 5.0
_PRODUCER_ONLY = frozenset(
    {
        "acks",
        "batch.size",
        "compression.type",
        "enable.idempotence",
        "linger.ms",
        "max.in.flight.requests.per.connection",
        "message.timeout.ms",
        "partitioner",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
    }
)


class Preparation:
    """Makes the topic where it is missing.

    Args:
        settings: Of a producer.
        topic: Name of the topic.
        tell: Takes (level, text) for the log.

    Attributes:
        done: Whether snapshots may be sent: the topic is there, or could not be made and brokers may make it.
    """

    def __init__(self, settings: Mapping[str, Any], topic: str, tell: Callable[[str, str], None]) -> None:
        self._settings = {name: value for name, value in settings.items() if name not in _PRODUCER_ONLY}
        self._topic = topic
        self._tell = tell
        self.done = False

    def start(self) -> None:
        """Begin; the thread is a daemon and keeps no process alive."""
        threading.Thread(target=self._run, name="kraken-tui-kafka-topic", daemon=True).start()

    def _run(self) -> None:
        try:
            settings: dict[str, Any] = {**self._settings, "logger": silent_logger()}
            admin = AdminClient(settings)
            while True:
                with contextlib.suppress(KafkaException):
                    known = admin.list_topics(timeout=_LOOK_S).topics
                    break
            if self._topic not in known:
                self._create(admin)
        except Exception as error:
            self._tell("warning", f"Kafka: the topic {self._topic} could not be looked for: {type(error).__name__}")
        finally:
            self.done = True

    def _create(self, admin: AdminClient) -> None:
        new = NewTopic(self._topic, num_partitions=-1, replication_factor=-1, config={"cleanup.policy": "compact"})
        try:
            for answer in admin.create_topics([new], request_timeout=_CREATE_S).values():
                answer.result(_CREATE_S)
        except Exception:
            self._tell(
                "warning",
                f"Kafka: cannot make the topic {self._topic}; make it with cleanup.policy=compact (docs/KAFKA.md)",
            )
