"""F73 to F75: a Kafka that is not there, too slow, or refuses a topic costs its own lines and nothing else."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("confluent_kafka", reason="the extra kafka is not installed")

from confluent_kafka import KafkaError

from kraken_tui.engine.engine import Engine
from kraken_tui.market.events import Proof
from kraken_tui.outputs.kafka import QUEUE_KBYTES, QUEUE_MESSAGES, KafkaSink, Plan
from kraken_tui.settings import Settings
from tests.faults.ledger import Ledger
from tests.outputs.test_jsonlines import SPEC, TRADE
from tests.outputs.test_kafka import BOOK, Client, Rig


@pytest.mark.realtime
def test_f73_a_mute_broker_delays_neither_feed_nor_end(ledger: Ledger) -> None:
    engine = Engine(Settings(pairs=("BTC/USD",), demo=True))
    sink = KafkaSink(lambda _: SPEC, plan=Plan("127.0.0.1:1"), source=engine)
    listener = engine.listen(20_000, types=sink.types, book_levels=10)
    sink.open()
    engine.start()
    try:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            event = listener.get(0.1)
            if event is not None:
                sink.write(event)
            sink.beat()
        view = engine.view("BTC/USD")
        assert view is not None
        assert view.proof is Proof.VERIFIED
        assert listener.dropped == 0
    finally:
        began = time.monotonic()
        sink.close()
        took = time.monotonic() - began
        engine.stop()
    counts = sink.kafka_counts
    assert counts.accepted == counts.failed > 50
    assert took < 2.2
    ledger("books untouched, drops counted", f"VERIFIED, accepted = failed, close {took:.1f} s", "close 2 s")


def test_f74_a_slow_broker_costs_lines_that_are_counted(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    rig = Rig(monkeypatch)
    sink = rig.make()
    client = Client.made[0]
    client.room, client.up = 100, False
    for _ in range(10_000):
        sink.write(BOOK)
        sink.flush()
    counts = sink.kafka_counts
    assert counts.accepted + counts.dropped == 10_000
    assert counts.accepted == 100
    assert len(rig.told) == 1
    settings = client.settings
    assert settings["queue.buffering.max.messages"] == QUEUE_MESSAGES
    assert settings["queue.buffering.max.kbytes"] == QUEUE_KBYTES
    sink.close()
    counts = sink.kafka_counts
    assert counts.accepted == counts.delivered + counts.failed
    ledger("bounded queue, drops counted and said", "accepted + dropped = offered, said once", "16 MiB, 20,000 lines")


def test_f75_a_bad_topic_is_off_alone(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    rig = Rig(monkeypatch)
    sink = rig.make()
    refused = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    Client.made[0].verdict = lambda topic: refused if topic == "kraken.trade" else None
    for _ in range(50):
        sink.write(TRADE)
        sink.write(BOOK)
        sink.flush()
    counts = sink.kafka_counts
    assert (counts.delivered, counts.failed, counts.dropped) == (50, 1, 49)
    assert len(rig.told) == 1
    ledger("that topic off and named, the others go on", "50 of 50 books, said once", "0 lines of others lost")
