"""The Kafka sink, with a client that does as it is told: keys, numbers, counts that add up, troubles told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("confluent_kafka", reason="the extra kafka is not installed")

from confluent_kafka import KafkaError

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import BookStateChanged, Resync, StateChanged
from kraken_tui.feed.kafka.topics import ALL_KINDS, read_headers
from kraken_tui.market.events import BookState, Proof
from kraken_tui.outputs import SINKS, kafka
from kraken_tui.outputs.kafka import KafkaSink, Plan, describe
from kraken_tui.outputs.sharding import producer_of
from tests.outputs.test_jsonlines import CHANGED, NS, SPEC, TRADE, line_of

BOOK = line_of(CHANGED, ((1, 1),), ((2, 2),))


class Client:
    """A producer in memory.

    Attributes:
        room: Messages that fit before the queue is full.
        verdict: What becomes of a message; None is delivered.
    """

    made: list[Client]

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.queue: list[Any] = []
        self.sent: list[Any] = []
        self.room = 1000
        self.up = True
        self.verdict: Callable[[str], KafkaError | None] = lambda topic: None
        Client.made.append(self)

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Any, timestamp: int, headers: Any) -> None:
        if len(self.queue) >= self.room:
            raise BufferError("full")
        self.queue.append((topic, key, value, on_delivery, timestamp, headers))

    def poll(self, _timeout: float) -> None:
        while self.up and self.queue:
            message = self.queue.pop(0)
            error = self.verdict(message[0])
            if error is None:
                self.sent.append(message)
            message[3](error, SimpleNamespace(topic=lambda name=message[0]: name))

    def flush(self, _timeout: float) -> int:
        self.poll(0)
        return len(self.queue)

    def purge(self) -> None:
        self.up, self.verdict = True, lambda _: KafkaError(KafkaError._PURGE_QUEUE)

    def fail(self, code: int) -> None:
        self.settings["error_cb"](KafkaError(code))


class Rig:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Client.made = []
        monkeypatch.setattr(kafka, "Producer", Client)
        self.now = 0.0
        self.lost = 0
        self.told: list[tuple[str, str]] = []

    def make(self, **plan: Any) -> KafkaSink:
        sink = KafkaSink(
            lambda _: SPEC,
            plan=Plan("127.0.0.1:1", **plan),
            tell=lambda level, text: self.told.append((level, text)),
            lost=lambda: self.lost,
            clock=lambda: self.now,
        )
        sink.open()
        return sink


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def test_a_message_has_the_line_the_key_and_what_readers_need(rig: Rig) -> None:
    sink = rig.make()
    assert sink.write(BOOK)
    sink.flush()
    [(topic, key, value, _, timestamp, headers)] = Client.made[0].sent
    assert (topic, key, timestamp) == ("kraken.book", b"BTC/USD", CHANGED.received_ns // 1_000_000)
    assert json.loads(value)["event"] == "book"
    assert not value.endswith(b"\n")
    assert dict(headers) | {"run": b""} == {"event": b"book", "verified": b"1", "schema": b"1", "run": b"", "seq": b"1"}


def test_order_settings_cannot_be_changed(rig: Rig) -> None:
    rig.make(client={"acks": "0", "partitioner": "random", "linger.ms": "5"})
    settings = Client.made[0].settings
    assert (settings["acks"], settings["partitioner"], settings["linger.ms"]) == ("all", "murmur2_random", "5")
    assert settings["max.in.flight.requests.per.connection"] == 1
    assert settings["enable.idempotence"] is False


def test_what_says_that_a_proof_is_lost_goes_the_way_of_the_book(rig: Rig) -> None:
    """Another topic could be read later, after the book that restores the proof."""
    sink = rig.make()
    sink.write(BookStateChanged(NS, "BTC/USD", BookState.WAIT_ACK, Proof.UNVERIFIED, "lost"))
    sink.write(Resync(NS, "BTC/USD", "checksum", 1, 2))
    sink.write(StateChanged(NS, "SUBSCRIBED", "all", 0, None))
    sink.write(TRADE)
    sink.flush()
    assert [(m[0], m[1]) for m in Client.made[0].sent] == [
        ("kraken.book", b"BTC/USD"),
        ("kraken.book", b"BTC/USD"),
        ("kraken.health", b"1/1"),
        ("kraken.trade", b"BTC/USD"),
    ]


def test_only_the_kinds_that_were_chosen_are_published(rig: Rig) -> None:
    sink = rig.make(kinds=("trade",), prefix="desk")
    assert not sink.write(BOOK)
    assert sink.write(TRADE)
    sink.flush()
    assert [message[0] for message in Client.made[0].sent] == ["desk.trade"]


def test_a_full_queue_drops_counts_and_leaves_a_number_out(rig: Rig) -> None:
    sink = rig.make()
    client = Client.made[0]
    client.room = 2
    for _ in range(5):
        sink.write(BOOK)
    assert sink.kafka_counts[:4] == (2, 0, 0, 3)
    client.room = 10
    sink.write(BOOK)
    sink.flush()
    assert [read_headers(message[5]).seq for message in client.sent] == [1, 2, 6]
    assert [level for level, _ in rig.told] == ["warning"]


def test_events_lost_before_the_sink_leave_a_number_out_too(rig: Rig) -> None:
    sink = rig.make()
    sink.write(BOOK)
    rig.lost = 7
    sink.write(BOOK)
    sink.write(BOOK)
    sink.flush()
    assert [read_headers(message[5]).seq for message in Client.made[0].sent] == [1, 3, 4]


def test_accepted_is_delivered_and_failed_at_the_end(rig: Rig) -> None:
    sink = rig.make()
    client = Client.made[0]
    for _ in range(3):
        sink.write(BOOK)
    sink.flush()
    client.up = False
    for _ in range(4):
        sink.write(BOOK)
    assert sink.kafka_counts.waiting == 4
    sink.close()
    counts = sink.kafka_counts
    assert (counts.accepted, counts.delivered, counts.failed, counts.waiting) == (7, 3, 4, 0)
    assert describe(counts) == "3 lines delivered, 4 failed"
    sink.close()


def test_the_first_trouble_and_its_end_are_told_once_each(rig: Rig) -> None:
    sink = rig.make()
    client = Client.made[0]
    for _ in range(40):
        client.fail(KafkaError._ALL_BROKERS_DOWN)
        client.fail(KafkaError._TRANSPORT)
    rig.now = 12.0
    assert sink.trouble_s == 12.0
    for _ in range(3):
        sink.write(BOOK)
    sink.flush()
    assert [level for level, _ in rig.told] == ["error", "info"]
    assert rig.told[1][1] == "Kafka answers again after 12 s"
    assert sink.trouble_s == 0.0


def test_a_bad_topic_is_off_and_the_others_go_on(rig: Rig) -> None:
    """RELIABILITY.md F75."""
    sink = rig.make()
    client = Client.made[0]
    refused = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    client.verdict = lambda topic: refused if topic == "kraken.trade" else None
    for _ in range(3):
        sink.write(TRADE)
        sink.write(BOOK)
        sink.flush()
    counts = sink.kafka_counts
    assert (counts.delivered, counts.failed, counts.dropped) == (3, 1, 2)
    assert len(rig.told) == 1
    assert "the topic kraken.trade is off" in rig.told[0][1]
    client.verdict = lambda topic: None
    rig.now = 61.0
    sink.write(TRADE)
    sink.flush()
    assert sink.kafka_counts.delivered == 4


def test_a_symbol_stays_with_one_producer(rig: Rig) -> None:
    sink = rig.make(producers=3)
    for _ in range(5):
        sink.write(BOOK)
    sink.flush()
    assert [len(client.sent) for client in Client.made] == [5 * (n == producer_of("BTC/USD", 3)) for n in range(3)]


def test_topics_are_legal_names_whatever_the_symbol() -> None:
    """A slash is not legal in a topic; it stands in the key alone."""
    assert all("/" not in f"kraken.{kind}" for kind in ALL_KINDS)


def test_a_missing_client_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    monkeypatch.delitem(sys.modules, "kraken_tui.outputs.kafka", raising=False)
    with pytest.raises(ConfigurationError, match=r"needs the package confluent_kafka; install kraken-tui\[kafka\]"):
        SINKS["kafka"].make(lambda _: None, lambda _: None)
    from kraken_tui.feed.kafka.client import need_client

    with pytest.raises(ConfigurationError, match=r"pip install 'kraken-tui\[kafka\]'"):
        need_client("publish")


def test_no_broker_neither_blocks_nor_raises() -> None:
    """RELIABILITY.md F73, never up: with the real client."""
    import time

    sink = KafkaSink(lambda _: SPEC, plan=Plan("127.0.0.1:1"))
    began = time.monotonic()
    sink.open()
    for _ in range(1000):
        sink.write(BOOK)
    assert time.monotonic() - began < 1.0
    sink.close()
    assert time.monotonic() - began < 3.0
    counts = sink.kafka_counts
    assert (counts.accepted, counts.delivered, counts.failed) == (1000, 0, 1000)
