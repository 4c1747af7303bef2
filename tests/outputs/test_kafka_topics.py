"""The topic of snapshots is looked for, made where it is missing, and never waited for without end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("confluent_kafka", reason="the extra kafka is not installed")

from confluent_kafka import KafkaError, KafkaException

from kraken_tui.outputs import kafka_topics
from kraken_tui.outputs.kafka import Plan
from kraken_tui.outputs.kafka_topics import Preparation

TOPIC = "kraken.snapshot"
CANNOT = (
    "warning",
    f"Kafka: cannot make the topic {TOPIC}; make it with cleanup.policy=compact (docs/KAFKA.md)",
)


class Admin:
    """Brokers that answer as they are told to: what they raise first, the topics there are, how making one ends."""

    def __init__(self, *topics: str, raises: tuple[Exception, ...] = (), refuses: Exception | None = None) -> None:
        self.topics, self.raises, self.refuses = topics, list(raises), refuses
        self.settings: dict[str, Any] = {}
        self.looked: list[float] = []
        self.made: list[dict[str, Any]] = []
        self.waited: list[float] = []

    def __call__(self, settings: dict[str, Any]) -> Admin:
        self.settings = settings
        return self

    def list_topics(self, *, timeout: float) -> Any:
        self.looked.append(timeout)
        if self.raises:
            raise self.raises.pop(0)
        return SimpleNamespace(topics=dict.fromkeys(self.topics))

    def create_topics(self, new: list[dict[str, Any]], *, request_timeout: float) -> dict[str, Any]:
        self.made += new
        self.waited.append(request_timeout)
        return {TOPIC: SimpleNamespace(result=self._result)}

    def _result(self, timeout: float) -> None:
        self.waited.append(timeout)
        if self.refuses is not None:
            raise self.refuses


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> Callable[[Admin], list[tuple[str, str]]]:
    def run(admin: Admin) -> list[tuple[str, str]]:
        told: list[tuple[str, str]] = []
        threads: list[threading.Thread] = []

        def thread(**options: Any) -> threading.Thread:
            threads.append(threading.Thread(**options))
            return threads[-1]

        monkeypatch.setattr(kafka_topics, "AdminClient", admin)
        monkeypatch.setattr(kafka_topics, "NewTopic", lambda name, **options: {"name": name, **options})
        monkeypatch.setattr(kafka_topics, "threading", SimpleNamespace(Thread=thread))
        preparation = Preparation(Plan("127.0.0.1:1").settings(), TOPIC, lambda level, text: told.append((level, text)))
        assert not preparation.done
        preparation.start()
        threads[0].join(10)
        assert threads[0].daemon, "it must not keep the process alive"
        assert preparation.done
        return told

    return run


def test_a_topic_that_is_there_is_left_alone(prepare: Callable[[Admin], list[tuple[str, str]]]) -> None:
    admin = Admin(TOPIC)
    assert prepare(admin) == []
    assert (admin.looked, admin.made) == ([3.0], [])
    # Settings of a producer would be warned of, one by one.
    assert {"bootstrap.servers", "client.id", "logger"} <= set(admin.settings)
    assert not {"acks", "linger.ms", "partitioner", "compression.type"} & set(admin.settings)


def test_one_that_is_missing_is_made_compacted_by_the_rules_of_the_brokers(
    prepare: Callable[[Admin], list[tuple[str, str]]],
) -> None:
    admin = Admin("kraken.book")
    assert prepare(admin) == []
    config = {"cleanup.policy": "compact"}
    assert admin.made == [{"name": TOPIC, "num_partitions": -1, "replication_factor": -1, "config": config}]
    assert admin.waited == [5.0, 5.0]


def test_brokers_that_do_not_answer_are_asked_again(prepare: Callable[[Admin], list[tuple[str, str]]]) -> None:
    down = KafkaException(KafkaError(KafkaError._TRANSPORT))
    admin = Admin(TOPIC, raises=(down, down))
    assert prepare(admin) == []
    assert len(admin.looked) == 3


def test_what_cannot_be_done_is_told_and_snapshots_are_sent_all_the_same(
    prepare: Callable[[Admin], list[tuple[str, str]]],
) -> None:
    assert prepare(Admin(refuses=KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))) == [CANNOT]
    assert prepare(Admin(raises=(ValueError("odd"),))) == [
        ("warning", f"Kafka: the topic {TOPIC} could not be looked for: ValueError")
    ]
