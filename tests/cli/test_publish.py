"""`publish` and its readers, each in a process of its own, over real sockets."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import BookLine, KrakenClient
from kraken_tui.cli.main import main, parse
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.kafka.client import read_settings
from kraken_tui.feed.kafka.topics import partition_of, read_headers
from tests.client.client_rig import INSTRUMENTS, book_frame
from tests.rig.brokers import RealBroker, has_broker, has_client, mock_cluster

needs_client = pytest.mark.skipif(not has_client(), reason="the extra kafka is not installed")
needs_broker = pytest.mark.skipif(
    not (has_client() and has_broker()), reason="no Kafka broker is installed; pip install noida-db brings a small one"
)
COMMAND = [sys.executable, "-m", "kraken_tui"]
PAIRS = ["BTC/USD", "ETH/USD"]


def run(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=seconds)


@contextlib.contextmanager
def publishing(address: str, *more: str, pairs: list[str] = PAIRS) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "publish", "--demo", "--kafka", address, "--kafka-snapshots", "2", *more, *pairs],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_all(address: str, seconds: float = 3.0) -> list[Any]:
    """Every message of every topic, in the order of each partition."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": address, "group.id": "test", "enable.auto.commit": False, "log_level": 0})
    topics = consumer.list_topics(timeout=5).topics
    consumer.assign(
        [
            TopicPartition(name, number, 0)
            for name, topic in topics.items()
            for number in topic.partitions
            if not name.startswith("__")
        ]
    )
    found: list[Any] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found += [message for message in consumer.consume(500, 0.2) if message.error() is None]
    consumer.close()
    return found


def numbers(messages: list[Any]) -> dict[tuple[str, str], list[int]]:
    """Numbers of the messages by topic and key, in the order in which they stand."""
    found = defaultdict(list)
    for message in messages:
        found[message.topic(), message.key().decode()].append(read_headers(message.headers()).seq)
    return dict(found)


# -- without a broker -------------------------------------------------------------------------------------------------


def test_a_shard_without_pairs_has_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("confluent_kafka")
    command = ["publish", "--kafka", "127.0.0.1:1", "--demo", "--seconds", "0", "BTC/USD", "--shard"]
    shards = [main([*command, f"{number}/2"]) for number in (1, 2)]
    said = capsys.readouterr().err
    assert 0 in shards
    assert "no pair of these belongs to the shard" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--kafka", "nowhere"], "--kafka takes brokers as host:port"),
        (["--kafka", "a:1", "--shard", "3/2"], "--shard takes 1/N to N/N"),
        (["--kafka", "a:1", "--kafka-kinds", "books"], "--kafka-kinds takes some of book, trade"),
        (["--kafka", "a:1", "--kafka-topic-prefix", "a/b"], "--kafka-topic-prefix takes letters"),
        (["--kafka", "a:1", "--kafka-format", "xml"], "--kafka-format takes one of json, msgpack"),
        (["--kafka", "a:1", "--levels", "500"], "--levels 500 is more than the book depth"),
        ([], "publish needs brokers: --kafka HOST:PORT"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("confluent_kafka")
    assert main(["publish", *arguments, "BTC/USD"]) == 2
    assert sentence in capsys.readouterr().err


def test_a_time_without_kafka_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", "--at", "2h"]) == 2
    assert "--at needs --replay or --kafka" in capsys.readouterr().err


def test_kafka_is_a_source_as_the_others_are() -> None:
    pytest.importorskip("confluent_kafka")
    with pytest.raises(ConfigurationError, match="--demo and --kafka cannot be used together"):
        parse(["--demo", "--kafka", "127.0.0.1:9092"]).settings()
    assert parse(["--kafka", "127.0.0.1:9092"]).settings().pairs == ("BTC/USD", "ETH/USD")


def test_the_client_file(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("# ours\nsecurity.protocol = SASL_SSL\nsasl.password=a=b\n")
    assert read_settings(file) == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}
    file.write_text("sasl.password=secret\nacks=0\n")
    with pytest.raises(ConfigurationError, match=r"line 2: acks is not to be changed") as raised:
        read_settings(file)
    assert "secret" not in str(raised.value)


@needs_client
@pytest.mark.realtime
def test_no_broker_at_all_ends_in_time_and_says_so() -> None:
    """RELIABILITY.md F73: the feed runs, and a signal ends it within two seconds."""
    process = subprocess.Popen(
        [*COMMAND, "publish", "--demo", "--kafka", "127.0.0.1:1", *PAIRS], stderr=subprocess.PIPE, text=True
    )
    time.sleep(4)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=10)
    assert time.monotonic() - began < 2.5
    assert process.returncode == 128 + signal.SIGTERM
    assert said.count("brokers are down") + said.count("Connection refused") == 1
    assert "0 lines delivered" in said
    assert "failed" in said


@needs_client
@pytest.mark.realtime
def test_a_reader_without_a_broker_says_so_and_ends(tmp_path: Path) -> None:
    done = run("stream", "--kafka", "127.0.0.1:1", "--seconds", "3", "BTC/USD")
    assert done.returncode == 1
    assert "the connection is DISCONNECTED: " in done.stderr
    assert "Kafka" in done.stderr


# -- with one ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A mock cluster into which somebody has been publishing for a while."""
    with mock_cluster() as address, publishing(address) as process:
        time.sleep(9)
        assert process.poll() is None
        yield address


@needs_client
@pytest.mark.realtime
def test_every_key_has_its_partition_and_its_order(cluster: str) -> None:
    messages = read_all(cluster)
    for place, found in numbers(messages).items():
        assert found == list(range(1, len(found) + 1)), place
    for message in messages:
        assert message.partition() == partition_of(message.key().decode(), 4)
    kinds = Counter(message.topic() for message in messages)
    wanted = ("book", "trade", "candle", "ticker", "health", "snapshot")
    assert {f"kraken.{kind}" for kind in wanted} <= set(kinds)


@needs_client
@pytest.mark.realtime
def test_another_process_reads_proven_books_and_says_that_they_are_simulated(cluster: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = run("stream", "--kafka", cluster, "--seconds", "6", "--log-file", str(log), *PAIRS)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    books = [line for line in lines if line["event"] == "book"]
    assert len(books) > 50
    assert all(line["verified"] for line in books)
    assert {line["symbol"] for line in books} == set(PAIRS)
    assert "publisher 1/1: SUBSCRIBED" in log.read_text()


@needs_client
@pytest.mark.realtime
def test_brokers_that_know_no_times_are_not_said_to_hold_nothing(cluster: str) -> None:
    done = run("stream", "--kafka", cluster, "--at", "5s", "--seconds", "5", *PAIRS)
    assert done.returncode != 0
    assert "this Kafka does not say which line is of which time" in done.stderr
    assert "holds no line" not in done.stderr


@needs_client
@pytest.mark.realtime
async def test_a_late_reader_begins_with_the_latest_snapshot(cluster: str) -> None:
    async with KrakenClient("btcusd", kafka=cluster) as client:
        began = time.monotonic()
        book = await client.wait_verified("BTC/USD", 10)
        assert time.monotonic() - began < 4
        assert book.verified
        assert len(client.candles("BTC/USD")) > 5
        assert len(client.trades("BTC/USD")) >= 50
        spec = client.spec("BTC/USD")
        assert spec is not None
        assert spec.price_precision == 1
        stream = client.events(BookLine)
        event = await stream.next(5)
        assert isinstance(event, BookLine)
        assert event.verified


@needs_client
@pytest.mark.realtime
def test_a_recording_is_published_whole(cluster: str, tmp_path: Path) -> None:
    frames = [INSTRUMENTS, book_frame(100, kind="snapshot"), *map(book_frame, range(101, 201))]
    small = tmp_path / "frames.jsonl"
    small.write_text("".join(f"{json.dumps(frame)}\n" for frame in frames))
    done = run("publish", "--kafka", cluster, "--kafka-topic-prefix", "old", "--replay", str(small), "--speed", "0")
    assert done.returncode == 0, done.stderr
    books = [message for message in read_all(cluster) if message.topic() == "old.book"]
    lines = [json.loads(message.value()) for message in books]
    assert sum(line["event"] == "book" and line["verified"] for line in lines) == 101


@needs_broker
@pytest.mark.realtime
def test_nothing_is_turned_around_over_a_restart_of_the_broker(tmp_path: Path) -> None:
    """RELIABILITY.md F73: dies and returns."""
    broker = RealBroker(tmp_path / "data")
    broker.start()
    try:
        with publishing(broker.address, "--seconds", "14") as process:
            time.sleep(5)
            broker.stop(signal.SIGTERM)
            time.sleep(2)
            broker.start()
            _, said = process.communicate(timeout=40)
        assert process.returncode == 0, said
        assert said.count("brokers are down") == 1
        assert said.count("Kafka answers again") == 1
        assert "failed" not in said
        assert "dropped" not in said
        for place, found in numbers(read_all(broker.address)).items():
            seen = list(dict.fromkeys(found))
            assert seen == sorted(seen), place
            # This broker forgets lines of its last moment that it has acknowledged: one hole, where it was stopped.
            assert sum(after != before + 1 for before, after in itertools.pairwise(seen)) <= 1, place
        at = run("stream", "--kafka", broker.address, "--at", "10m", *PAIRS)
        assert at.returncode == 0, at.stderr
        books = [json.loads(line) for line in at.stdout.splitlines() if '"event":"book"' in line]
        assert len(books) > 100
        # A hole unproves a book until the next line.
        assert sum(not book["verified"] for book in books) <= len(PAIRS)
    finally:
        broker.stop(signal.SIGKILL)


@needs_broker
@pytest.mark.realtime
def test_a_reader_outlives_its_broker(tmp_path: Path) -> None:
    """A killed broker unproves every book of the reader; when it returns they are proven again."""
    broker = RealBroker(tmp_path / "data")
    broker.start()
    reader: subprocess.Popen[str] | None = None
    try:
        with publishing(broker.address, pairs=["BTC/USD"]):
            time.sleep(4)
            reader = subprocess.Popen(
                [*COMMAND, "stream", "--kafka", broker.address, "--seconds", "16", "BTC/USD"],
                stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
            time.sleep(4)
            broker.stop(signal.SIGKILL)
            time.sleep(2)
            broker.start()
            out, _ = reader.communicate(timeout=40)
        events = [json.loads(line) for line in out.splitlines()]
        states = [event["connection"] for event in events if event["event"] == "state"]
        assert states[:2] == ["SUBSCRIBED", "DISCONNECTED"]
        assert states[-1] == "SUBSCRIBED"
        lost = max(n for n, event in enumerate(events) if event.get("connection") == "DISCONNECTED")
        after = [event for event in events[lost:] if event["event"] == "book"]
        assert after[0]["kind"] == "snapshot"
        assert all(book["verified"] for book in after)
    finally:
        broker.stop(signal.SIGKILL)
        if reader is not None:
            reader.kill()
            reader.communicate()
