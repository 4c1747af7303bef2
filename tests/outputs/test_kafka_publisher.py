"""What a publisher says without an event, and its troubles, second by second."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("confluent_kafka", reason="the extra kafka is not installed")

import msgspec
from confluent_kafka import KafkaError, KafkaException
from msgspec.structs import replace

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import BookStateChanged, Refused, SpecChanged, TickerChanged
from kraken_tui.market.events import BookState, Proof
from kraken_tui.market.views import PairView, Ticker
from kraken_tui.outputs import kafka
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.outputs.kafka import KafkaCounts, KafkaSink, Plan, describe
from kraken_tui.outputs.sharding import Shard
from tests.outputs.test_jsonlines import CHANGED, NS, SPEC, TRADE, line_of
from tests.outputs.test_kafka import BOOK, Client
from tests.tui import samples


class Market:
    """The engine behind a publisher, with views made by hand."""

    def __init__(self) -> None:
        self.feed_view = replace(samples.feed(), made_ns=0, tabs=samples.feed().tabs[:2])
        self.views: dict[str, PairView] = {}
        self.now_ns = 0

    def now(self) -> int:
        return self.now_ns

    def step(self) -> str:
        return ""

    def view(self, symbol: str) -> PairView | None:
        return self.views.get(symbol)


WALL = 1_696_613_800_123_456_789


class Publisher:
    """A sink with everything that it asks for."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, source: bool = True, prepared: bool = True, **plan: Any
    ) -> None:
        Client.made = []
        monkeypatch.setattr(kafka, "Producer", Client)
        self.preparations: list[tuple[object, ...]] = []
        self.started = 0
        monkeypatch.setattr(kafka, "Preparation", self._prepare)
        self.done = prepared
        self.now = 100.0
        self.told: list[tuple[str, str]] = []
        self.market = Market()
        self.sink = KafkaSink(
            lambda _: SPEC,
            plan=Plan("127.0.0.1:1", **plan),
            source=self.market if source else None,
            tell=lambda level, text: self.told.append((level, text)),
            clock=lambda: self.now,
            wall=lambda: WALL,
        )
        self.sink.open()

    def _prepare(self, *given: object) -> Publisher:
        self.preparations.append(given)
        return self

    def start(self) -> None:
        self.started += 1

    def sent(self, topic: str = "") -> list[Any]:
        """What was sent so far, of one topic or of all; then forgotten."""
        self.sink.flush()
        found = [message for client in Client.made for message in client.sent if topic in ("", message[0])]
        for client in Client.made:
            client.sent.clear()
        return found

    def prove(self, symbol: str = "BTC/USD", **changes: Any) -> None:
        view = replace(samples.pair(), symbol=symbol, made_ns=0, proof=Proof.VERIFIED, spec=SPEC, **changes)
        self.market.views[symbol] = view


def book(symbol: str) -> Any:
    return line_of(replace(CHANGED, symbol=symbol), ((1, 1),), ((2, 2),))


def test_a_heartbeat_says_who_publishes_what_and_every_tenth_names_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch, shard=Shard(2, 3))
    lines = []
    for number in range(21):
        rig.now = 100.0 + number
        rig.sink.beat()
        [message] = rig.sent()
        assert (message[0], message[1], message[4]) == ("kraken.health", b"2/3", WALL // 1_000_000)
        lines.append(json.loads(message[2]))
    feed = rig.market.feed_view
    symbols = [tab.symbol for tab in feed.tabs]
    assert [("symbols" in line) for line in lines] == [number % 10 == 0 for number in range(21)]
    assert lines[0] == {
        "event": "publisher", "run": rig.sink.run, "shard": "2/3", "mode": feed.mode.value, "connection": feed.state,
        "cause": feed.cause, "system": feed.system, "sent": "2023-10-06T17:36:40.123456Z", "pairs": 2,
        "symbols": symbols,
    }  # fmt: skip
    assert dict(message[5])["verified"] == b"0"


def test_a_heartbeat_is_due_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    counts = []
    for rig.now in (100.0, 100.999, 101.0, 101.5, 103.0, 103.999, 104.0):
        rig.sink.beat()
        counts.append(len(rig.sent()))
    assert counts == [1, 0, 1, 0, 1, 0, 1]
    alone = Publisher(monkeypatch, source=False)
    alone.sink.beat()
    assert alone.sent() == []
    other = Publisher(monkeypatch, kinds=("trade",))
    other.sink.beat()
    assert other.sent() == []


def test_the_end_is_said_so_that_nobody_takes_it_for_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    rig.sink.close()
    rig.sink.close()
    [message] = rig.sent()
    line = json.loads(message[2])
    assert (line["connection"], line["cause"]) == ("CLOSED", "")


def test_a_snapshot_is_the_last_proven_book_and_the_rest_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch, snapshot_s=30.0)
    rig.sink.write(BOOK)
    rig.prove()
    rig.sent()
    rig.sink.beat()
    [message] = rig.sent("kraken.snapshot")
    assert (message[1], message[4]) == (b"BTC/USD", WALL // 1_000_000)
    headers = dict(message[5])
    assert (headers["event"], headers["verified"]) == (b"snapshot", b"1")
    value = json.loads(message[2])
    assert (value["event"], value["symbol"], value["sent"]) == ("snapshot", "BTC/USD", "2023-10-06T17:36:40.123456Z")
    assert value["book"]["event"] == "book"
    assert value["interval"] == rig.market.views["BTC/USD"].interval
    assert value["frames"][0]["channel"] == "instrument"
    assumed = Publisher(monkeypatch)
    assumed.sink.write(BOOK)
    assumed.prove()
    view = assumed.market.views["BTC/USD"]
    assumed.market.views["BTC/USD"] = replace(view, spec=replace(SPEC, assumed=True))
    assumed.sink.beat()
    [message] = assumed.sent("kraken.snapshot")
    assert "instrument" not in [frame["channel"] for frame in json.loads(message[2])["frames"]]


def test_a_snapshot_is_due_in_its_time_once_the_topic_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch, snapshot_s=30.0, prepared=False)
    assert (rig.started, rig.preparations[0][1]) == (1, "kraken.snapshot")
    rig.sink.write(BOOK)
    rig.prove()
    counts = []
    for rig.now, rig.done in (
        (100.0, False),
        (101.0, True),
        (130.999, True),
        (131.0, True),
        (131.5, True),
        (161.0, True),
    ):
        rig.sink.beat()
        counts.append(len(rig.sent("kraken.snapshot")))
    assert counts == [0, 1, 0, 1, 0, 1]
    never = Publisher(monkeypatch, snapshot_s=0.0)
    never.sink.write(BOOK)
    never.prove()
    never.sink.beat()
    assert (never.sent("kraken.snapshot"), never.started) == ([], 0)
    assert Publisher(monkeypatch, source=False).started == 0


def test_a_book_that_is_not_proven_has_no_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    rig.sink.write(BOOK)
    rig.sink.beat()
    assert rig.sent("kraken.snapshot") == []
    rig.prove()
    proven = rig.market.views["BTC/USD"]
    for wrong in ({"proof": Proof.UNVERIFIED}, {"spec": None}):
        rig.market.views["BTC/USD"] = replace(proven, **wrong)
        rig.sink.beat()
        assert rig.sent("kraken.snapshot") == []
    rig.market.views["BTC/USD"] = proven
    rig.sink.write(BookStateChanged(NS, "BTC/USD", BookState.LIVE, Proof.VERIFIED, ""))
    rig.sink.beat()
    assert len(rig.sent("kraken.snapshot")) == 1
    # The last line is forgotten with the proof, so that it is never sent again as if it still held.
    rig.now = 200.0
    rig.sink.write(BookStateChanged(NS, "BTC/USD", BookState.RESYNCING, Proof.UNVERIFIED, "lost"))
    rig.sink.beat()
    assert rig.sent("kraken.snapshot") == []


def test_at_most_eight_snapshots_are_sent_a_round_and_none_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    symbols = [f"S{number}/USD" for number in range(20)]
    for symbol in symbols:
        rig.sink.write(book(symbol))
        rig.prove(symbol)
    rounds = []
    for _ in range(4):
        rig.sink.beat()
        rounds.append([message[1].decode() for message in rig.sent("kraken.snapshot")])
    assert [len(each) for each in rounds] == [8, 8, 4, 0]
    assert [symbol for each in rounds for symbol in each] == symbols


def test_raw_frames_are_published_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    rig.sink.raw(b"{}", NS)
    assert rig.sent() == []
    rig = Publisher(monkeypatch, kinds=(*Plan().kinds, "raw"))
    rig.sink.raw(b'{"channel":"heartbeat"}', NS)
    [message] = rig.sent()
    assert (message[0], message[1], message[2], message[4]) == (
        "kraken.raw", b"1/1", b'{"channel":"heartbeat"}', NS // 1_000_000,
    )  # fmt: skip


def test_packed_values_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch, packed=True)
    rig.sink.write(BOOK)
    [packed] = rig.sent()
    rig = Publisher(monkeypatch)
    rig.sink.write(BOOK)
    [plain] = rig.sent()
    assert msgspec.msgpack.decode(packed[2]) == json.loads(plain[2])
    assert rig.sink.kafka_counts.bytes == len(plain[2])


def test_what_has_no_line_is_not_sent_and_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    assert not rig.sink.write(object())
    assert not rig.sink.write(SpecChanged(SPEC))
    assert rig.sink.write(TRADE)
    assert rig.sink.counts == (1, 0)
    assert {SpecChanged, Refused} < set(rig.sink.types)
    [message] = rig.sent()
    assert dict(message[5])["event"] == b"trade"
    assert dict(message[5])["verified"] == b"0"
    unknown = KafkaSink(lambda _: None, plan=Plan("127.0.0.1:1"))
    unknown.open()
    assert not unknown.write(TRADE)
    assert unknown.counts == (0, 1)


def test_a_failed_proof_is_never_marked_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    for verified, mark in ((True, b"1"), (False, b"0"), (None, b"0"), (1, b"0")):
        rig.sink.write(line_of(replace(CHANGED, verified=verified), (), ()))
        assert [dict(message[5])["verified"] for message in rig.sent()] == [mark]


def test_a_full_queue_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    Client.made[0].room = 0
    told = []
    for rig.now in (100.0, 101.0, 160.0, 160.001, 220.001, 220.002):
        rig.sink.write(BOOK)
        told.append(len(rig.told))
    assert told == [1, 1, 1, 2, 2, 3]


def test_a_topic_that_is_off_is_tried_every_minute_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    refused = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    Client.made[0].verdict = lambda _: refused
    dropped = []
    for rig.now in (100.0, 159.999, 160.0, 160.5, 219.999, 220.0):
        rig.sink.write(BOOK)
        rig.sink.flush()
        dropped.append(rig.sink.kafka_counts.dropped)
    assert dropped == [0, 1, 1, 2, 3, 3]
    assert rig.sink.kafka_counts.failed == 3
    assert [text.endswith("; it is tried again every 60 s") for _, text in rig.told] == [True] * 3


def test_a_client_that_refuses_at_once_drops_and_turns_the_topic_off(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    error = KafkaError(KafkaError._UNKNOWN_TOPIC)

    def produce(*_: object, **__: object) -> None:
        raise KafkaException(error)

    monkeypatch.setattr(Client.made[0], "produce", produce)
    rig.sink.write(BOOK)
    rig.sink.write(BOOK)
    assert rig.sink.kafka_counts == (0, 0, 0, 2, 0)
    assert [level for level, _ in rig.told] == ["error"]


def test_only_the_loss_of_brokers_is_a_trouble_of_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    Client.made[0].fail(KafkaError._TIMED_OUT)
    assert (rig.sink.trouble_s, rig.told) == (0.0, [])
    for code in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE):
        rig = Publisher(monkeypatch)
        Client.made[0].fail(code)
        rig.now = 107.5
        assert rig.sink.trouble_s == 7.5
        assert len(rig.told) == 1
    # A message that was given up is one as well, but not at the end.
    rig = Publisher(monkeypatch)
    Client.made[0].verdict = lambda _: KafkaError(KafkaError._MSG_TIMED_OUT)
    rig.sink.write(BOOK)
    rig.sink.flush()
    assert len(rig.told) == 1
    ended = Publisher(monkeypatch)
    Client.made[0].up = False
    ended.sink.write(BOOK)
    ended.sink.close()
    assert ended.told == []


def test_closing_shares_its_time_among_the_producers(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch, producers=2)
    waits: list[float] = []

    def flush(seconds: float) -> int:
        waits.append(seconds)
        rig.now += 1.0
        return 0

    for client in Client.made:
        monkeypatch.setattr(client, "flush", flush)
    rig.sink.close()
    assert waits == pytest.approx([1.3, 0.3, 0.15, 0.15])
    late = Publisher(monkeypatch, producers=3)
    waits.clear()

    def slow(seconds: float) -> int:
        waits.append(seconds)
        late.now += 2.0
        return 0

    for client in Client.made:
        monkeypatch.setattr(client, "flush", slow)
    late.sink.close()
    assert waits == pytest.approx([1.3, 0.0, 0.0, 0.1, 0.1, 0.1])


def test_the_settings_of_a_plan() -> None:
    assert (kafka.QUEUE_MESSAGES, kafka.QUEUE_KBYTES, kafka.CLOSE_S, kafka.BEAT_S) == (20_000, 16_384, 1.6, 1.0)
    settings = Plan("a:1").settings()
    assert settings == {
        "client.id": "kraken-tui", "linger.ms": 20, "compression.type": "lz4", "batch.size": 131_072,
        "queue.buffering.max.messages": 20_000, "queue.buffering.max.kbytes": 16_384, "message.timeout.ms": 30_000,
        "reconnect.backoff.max.ms": 5_000, "log.connection.close": False, "bootstrap.servers": "a:1", "acks": "all",
        "max.in.flight.requests.per.connection": 1, "enable.idempotence": False, "partitioner": "murmur2_random",
    }  # fmt: skip
    plain = Plan("a:1")
    assert (plain.packed, plain.producers, plain.shard, plain.snapshot_s) == (False, 1, Shard(1, 1), 30.0)


def test_settings_that_the_client_refuses_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def producer(_: object) -> None:
        raise KafkaException(KafkaError(KafkaError._INVALID_ARG, "No such configuration property"))

    monkeypatch.setattr(kafka, "Producer", producer)
    with pytest.raises(ConfigurationError, match="Kafka: No such configuration property"):
        KafkaSink(lambda _: None).open()


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0, 0, 0, 0, 0), "0 lines delivered"),
        ((1, 1, 0, 0, 9), "1 line delivered"),
        ((5_000, 2_000, 1_000, 7, 9), "2,000 lines delivered, 2,000 waiting, 1,000 failed, 7 dropped"),
    ],
)
def test_counts_as_a_sentence(counts: tuple[int, int, int, int, int], text: str) -> None:
    assert describe(KafkaCounts(*counts)) == text


def test_every_kind_of_line_is_sent_whole_with_the_time_of_its_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    past, ticker = replace(TRADE, live=False), TickerChanged("BTC/USD", Ticker(last=1))
    lines = JsonLines(lambda _: SPEC, snapshot_trades=True, tickers=True)
    for event in (past, ticker):
        assert rig.sink.write(event) is True
        [message] = rig.sent()
        assert message[2] + b"\n" == str(lines.line(event)).encode()
        assert message[4] == WALL // 1_000_000
    assert len(rig.sink.run) == 12


def test_precisions_that_are_told_are_known_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    Client.made = []
    monkeypatch.setattr(kafka, "Producer", Client)
    sink = KafkaSink(lambda _: None, plan=Plan("127.0.0.1:1"))
    sink.open()
    assert sink.write(TRADE) is False
    assert sink.write(SpecChanged(SPEC)) is False
    assert sink.write(TRADE) is True


def test_a_beat_takes_what_became_of_messages_and_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch, source=False)
    waits: list[float] = []
    poll = Client.made[0].poll
    monkeypatch.setattr(Client.made[0], "poll", lambda seconds: waits.append(seconds) or poll(seconds))
    rig.sink.write(BOOK)
    rig.sink.beat()
    assert (rig.sink.kafka_counts.delivered, waits) == (1, [0])


def test_a_clock_that_begins_at_nothing_is_no_reason_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    rig.now = 0.0
    rig.sink.write(BOOK)
    rig.prove()
    rig.sink.beat()
    assert [message[0] for message in rig.sent()] == ["kraken.book", "kraken.health", "kraken.snapshot"]


def test_one_pair_without_proof_keeps_no_other_from_its_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    for symbol in ("A/USD", "B/USD"):
        rig.sink.write(book(symbol))
    rig.prove("B/USD")
    rig.sink.beat()
    assert [message[1] for message in rig.sent("kraken.snapshot")] == [b"B/USD"]


def test_a_snapshot_has_two_hours_of_candles(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def frames(_view: object, _spec: object, candles: int) -> list[bytes]:
        asked.append(candles)
        return [b'{"made":1}']

    monkeypatch.setattr(kafka, "market_frames", frames)
    rig = Publisher(monkeypatch)
    rig.sink.write(BOOK)
    rig.prove()
    rig.sink.beat()
    [message] = rig.sent("kraken.snapshot")
    assert asked == [120]
    assert json.loads(message[2])["frames"][-1] == {"made": 1}


def test_raw_frames_prove_nothing_and_a_second_end_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch, kinds=(*Plan().kinds, "raw"))
    rig.sink.raw(b"{}", NS)
    assert [dict(message[5])["verified"] for message in rig.sent()] == [b"0"]
    rig.sink.close()
    accepted = rig.sink.kafka_counts.accepted
    rig.sink.close()
    assert rig.sink.kafka_counts.accepted == accepted


def test_how_long_a_trouble_lasted_is_said_with_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Publisher(monkeypatch)
    Client.made[0].fail(KafkaError._TRANSPORT)
    rig.now = 112.0
    rig.sink.write(BOOK)
    rig.sink.flush()
    assert rig.told[-1] == ("info", "Kafka answers again after 12 s")
