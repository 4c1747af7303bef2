"""Lines back into frames: the session proves them again, and what is missing, wrong or foreign is never proven."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import msgspec
import pytest

from kraken_tui.engine.events import BookLine
from kraken_tui.feed.kafka.lines import Lines, Message, Say, Unproven
from kraken_tui.feed.kafka.topics import Stamp
from kraken_tui.feed.session import Session
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookChanged, BookState, Proof, Side
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", price_precision=1, qty_precision=8)
NS = 1_795_262_400_000_000_000


class Publisher:
    """A book of 25 levels that moves at random, and its lines of ten."""

    def __init__(self, run: str = "run", seed: int = 1, levels: int = 10) -> None:
        self.rng = random.Random(seed)
        self.run, self.levels, self.seq, self.at = run, levels, 0, NS
        self.book = OrderBook(SPEC, 25)
        self.lines = JsonLines(lambda _: SPEC, proofs=True, tickers=True)
        self.book.load(
            [WireLevel(f"{100 - n / 10:.1f}", "1.00000000") for n in range(25)],
            [WireLevel(f"{100.1 + n / 10:.1f}", "1.00000000") for n in range(25)],
        )

    def step(self) -> None:
        """Change, remove or add a level, near the touch more often than far."""
        ask = self.rng.random() < 0.5
        side = self.book.asks if ask else self.book.bids
        levels = side.top()
        ticks, _ = levels[min(len(levels) - 1, int(self.rng.expovariate(0.2)))]
        qty = "0" if len(levels) > 15 and self.rng.random() < 0.4 else f"{self.rng.randint(1, 10**9) / 1e8:.8f}"
        if self.rng.random() < 0.3:
            ticks += 1 if ask else -1
        level = [WireLevel(f"{ticks / 10:.1f}", qty)]
        self.book.apply(*(([], level) if ask else (level, [])))

    def line(self, *, kind: str = "update", verified: bool = True) -> str:
        self.at += 1_000_000
        changed = BookChanged("BTC/USD", kind, verified, self.book.checksum(), "2026-11-21T12:00:00Z", NS, self.at)
        top = self.book.bids.top(self.levels), self.book.asks.top(self.levels)
        return self.lines.book_line(BookLine(changed, *top, SPEC))

    def message(self, value: str | None = None, kind: str = "book", *, seq: int | None = None) -> Message:
        if seq is None:
            self.seq += 1
            seq = self.seq
        return Message(kind, (value or self.line()).encode(), Stamp(self.run, seq, True, "1"), self.at)


class Desk:
    """A session fed by lines."""

    def __init__(self) -> None:
        self.lines = Lines(lambda symbol: symbol == "BTC/USD")
        self.session = Session(kafka=True)
        self.session.want("BTC/USD", NS, NS)
        self.session.opened(NS, NS)
        self.now = NS
        self.said: list[str] = []
        self.frames: list[bytes] = []

    def take(self, message: Message) -> list[BookChanged]:
        self.now += 1_000_000
        return self.do(self.lines.take(message, self.now))

    def do(self, steps: list[object]) -> list[BookChanged]:
        changed = []
        for step in steps:
            if isinstance(step, bytes):
                self.frames.append(step)
                self.session.frame(step, self.now, self.now)
            elif isinstance(step, Unproven):
                self.session.unproven(step.symbol, step.cause, self.now, self.now)
            else:
                assert isinstance(step, Say)
                self.said.append(step.text)
            changed += [event for event in self.session.take_events() if isinstance(event, BookChanged)]
        if "BTC/USD" in self.session.pairs and self.pair.state is BookState.RESYNCING:
            self.lines.forget("BTC/USD")
        return changed

    @property
    def pair(self):  # type: ignore[no-untyped-def]
        return self.session.pairs["BTC/USD"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.mark.parametrize("levels", [10, 17])
@pytest.mark.parametrize("seed", range(5))
def test_the_book_is_that_of_the_line_and_proven_after_every_line(desk: Desk, seed: int, levels: int) -> None:
    publisher = Publisher(seed=seed, levels=levels)
    kinds = []
    for _ in range(300):
        publisher.step()
        [changed] = desk.take(publisher.message())
        kinds.append(changed.kind)
        assert changed.verified
        assert desk.pair.book.bids.top() == publisher.book.bids.top(levels)
        assert desk.pair.book.asks.top() == publisher.book.asks.top(levels)
    assert kinds.count("snapshot") <= 2
    assert desk.pair.depth == levels


def test_the_changes_are_those_of_the_market(desk: Desk, publisher: Publisher) -> None:
    """A level that a better one pushes out of sight was not pulled, so no change of it is told."""
    desk.take(publisher.message())
    publisher.book.apply([WireLevel("100.0", "0")], [])
    publisher.book.apply([], [WireLevel("100.1", "0")])
    desk.take(publisher.message())
    publisher.book.apply([], [WireLevel("100.1", "2.00000000")])
    [changed] = desk.take(publisher.message())
    assert changed.changes == ((Side.SELL, 1001, 0, 200_000_000),)


def test_a_line_that_was_altered_is_not_proven_and_the_next_good_one_is(desk: Desk, publisher: Publisher) -> None:
    desk.take(publisher.message())
    line = publisher.line().replace("1.00000000", "1.00000001", 1)
    desk.take(publisher.message(line))
    assert desk.pair.proof is Proof.UNVERIFIED
    assert desk.pair.reason == "checksum failed in Kafka"
    desk.take(publisher.message())
    assert desk.pair.proof is Proof.VERIFIED


def test_what_the_publisher_could_not_prove_is_not_proven_here_though_its_checksum_is_right(
    desk: Desk, publisher: Publisher
) -> None:
    desk.take(publisher.message())
    desk.take(publisher.message(publisher.line(verified=False)))
    assert (desk.pair.proof, desk.pair.reason) == (Proof.UNVERIFIED, "the publisher could not prove it")


def test_missing_lines_are_counted_named_and_unprove_the_book_until_one_is_loaded_whole(
    desk: Desk, publisher: Publisher
) -> None:
    for _ in range(3):
        desk.take(publisher.message())
    publisher.seq += 4
    message = publisher.message()
    steps = desk.lines.take(message, desk.now)
    assert Unproven("BTC/USD", "4 lines missing in Kafka") in steps
    [changed] = desk.do(list(steps))
    assert (changed.kind, changed.verified) == ("snapshot", True)
    assert (desk.lines.missing, desk.lines.gaps) == (4, 1)
    assert desk.said == ["Kafka: 4 lines of BTC/USD missing in book"]


def test_a_line_that_comes_twice_counts_once(desk: Desk, publisher: Publisher) -> None:
    first = publisher.message()
    assert len(desk.take(first)) == 1
    assert desk.take(first) == []
    assert desk.lines.duplicates == 1


def test_a_lost_proof_of_the_publisher_is_lost_here_with_its_reason(desk: Desk, publisher: Publisher) -> None:
    desk.take(publisher.message())
    proof = '{"event":"proof","symbol":"BTC/USD","state":"WAIT_ACK","proof":"UNVERIFIED","reason":"connection reset"}'
    desk.take(publisher.message(proof))
    assert (desk.pair.proof, desk.pair.reason) == (Proof.UNVERIFIED, "connection reset")
    desk.take(publisher.message())
    assert desk.pair.proof is Proof.VERIFIED


def publisher_line(**more: object) -> str:
    return json.dumps({"event": "publisher", "shard": "1/2", "connection": "SUBSCRIBED", "system": "online"} | more)


def test_a_silent_publisher_unproves_its_books_alone(desk: Desk, publisher: Publisher) -> None:
    desk.take(publisher.message())
    desk.take(publisher.message(publisher_line(), "health", seq=1))
    assert desk.session.system == "online"
    assert desk.lines.tick(desk.now + 4 * SECOND) == []
    steps = desk.lines.tick(desk.now + 5 * SECOND)
    assert steps == [
        Say("warning", "publisher 1/2 is silent"),
        Unproven("BTC/USD", "nothing from the publisher for 5 s"),
    ]
    assert desk.lines.tick(desk.now + 9 * SECOND) == []
    assert desk.lines.publishers == (0, 1)


def test_an_ended_publisher_is_known_at_once_and_another_takes_over(desk: Desk, publisher: Publisher) -> None:
    desk.take(publisher.message())
    desk.take(publisher.message(publisher_line(connection="CLOSED"), "health", seq=1))
    assert (desk.pair.proof, desk.pair.reason) == (Proof.UNVERIFIED, "the publisher has ended")
    desk.take(Publisher("other").message())
    assert desk.pair.proof is Proof.VERIFIED


def test_of_two_publishers_of_a_symbol_one_is_followed(desk: Desk, publisher: Publisher) -> None:
    other = Publisher("other", seed=2)
    desk.take(publisher.message())
    assert desk.take(other.message()) == []
    assert desk.said == ["two publishers send BTC/USD: one is left out"]
    desk.now += 4 * SECOND
    [changed] = desk.take(other.message())
    assert changed.kind == "snapshot"


@pytest.mark.parametrize("number", ['1},{"x":1', "-1", "1e5", "", "0x10", "١", "1" * 41])
def test_what_is_no_number_never_reaches_a_frame(desk: Desk, publisher: Publisher, number: str) -> None:
    desk.take(publisher.message())
    before = len(desk.frames)
    line = json.loads(publisher.line())
    line["bids"][0][1] = number
    desk.take(publisher.message(json.dumps(line)))
    assert len(desk.frames) == before
    assert desk.pair.proof is Proof.UNVERIFIED
    assert desk.lines.left_out == 1


@pytest.mark.parametrize(
    "value", [b"", b"{", b"null", b"[]", b'{"event":"book"}', b"\xff", b'{"event":"new"}', b"[" * 9999]
)
def test_what_cannot_be_read_is_left_out(desk: Desk, value: bytes) -> None:
    assert [type(step) for step in desk.lines.take(Message("book", value, Stamp(), NS), NS)] == [Say]
    assert desk.lines.left_out == 1


def test_a_newer_schema_is_left_out(desk: Desk, publisher: Publisher) -> None:
    message = publisher.message()._replace(stamp=Stamp("run", 1, True, "2"))
    assert desk.take(message) == []
    assert desk.said == ["Kafka: left out a line of a newer schema; update kraken-tui"]


def test_message_pack_is_the_same(desk: Desk, publisher: Publisher) -> None:
    message = publisher.message()
    packed = msgspec.msgpack.encode(msgspec.json.decode(message.value))
    [changed] = desk.take(message._replace(value=packed))
    assert changed.verified


def test_a_snapshot_begins_a_desk_and_older_lines_are_passed_over(desk: Desk, publisher: Publisher) -> None:
    old = publisher.message()
    publisher.step()
    book = publisher.line()
    instrument = (
        '{"channel":"instrument","type":"update","data":{"assets":[],"pairs":[{"symbol":"BTC/USD","base":"BTC",'
        '"quote":"USD","status":"online","qty_precision":8,"price_precision":1,"price_increment":0.1}]}}'
    )
    trade = (
        '{"channel":"trade","type":"snapshot","data":[{"symbol":"BTC/USD","side":"buy","price":100.1,"qty":0.5,'
        '"ord_type":"limit","trade_id":7,"timestamp":"2026-11-21T12:00:00.000000Z"}]}'
    )
    value = f'{{"event":"snapshot","symbol":"BTC/USD","book":{book.strip()},"frames":[{trade},{instrument}]}}'
    [changed] = desk.take(publisher.message(value, "snapshot", seq=1))
    assert changed.verified
    assert not desk.pair.spec.assumed
    assert desk.pair.trades.newest is not None
    assert desk.take(old) == []
    publisher.step()
    [changed] = desk.take(publisher.message())
    assert (changed.kind, changed.verified) == ("snapshot", True)


def test_trades_candles_and_tickers_are_the_exchanges_own_frames(desk: Desk, publisher: Publisher) -> None:
    desk.take(publisher.message())

    def lines() -> Iterator[tuple[str, str]]:
        yield (
            "trade",
            (
                '{"event":"trade","symbol":"BTC/USD","side":"sell","price":"100.0","qty":"0.10000000","ord_type":"market",'
                '"trade_id":123,"timestamp":"2026-11-21T12:00:00.000000Z"}'
            ),
        )
        yield (
            "candle",
            (
                '{"event":"candle","symbol":"BTC/USD","interval":1,"begin":"2026-11-21T12:00:00Z","open":"100.0",'
                '"high":"100.1","low":"99.9","close":"100.0","volume":"1.00000000","vwap":null,"trades":3,"closed":false}'
            ),
        )
        yield (
            "ticker",
            (
                '{"event":"ticker","symbol":"BTC/USD","last":"100.0","bid":null,"ask":"100.1","high":"101.0","low":"99.0",'
                '"vwap":"100.0","volume":"5.00000000","change":"-0.5","change_pct":"-1.03"}'
            ),
        )

    for number, (kind, line) in enumerate(lines(), 1):
        desk.take(publisher.message(line, kind, seq=number))
    assert desk.session.counters.rejected == 0
    assert not desk.session.counters.ignored
    assert [json.loads(frame)["channel"] for frame in desk.frames[-3:]] == ["trade", "ohlc", "ticker"]


def test_the_snapshot_of_a_publisher_that_is_gone_is_not_proven_for_long(desk: Desk, publisher: Publisher) -> None:
    value = f'{{"event":"snapshot","symbol":"BTC/USD","book":{publisher.line().strip()},"frames":[]}}'
    desk.take(publisher.message(value, "snapshot", seq=1))
    assert desk.pair.proof is Proof.VERIFIED
    desk.do(desk.lines.tick(desk.now + 2 * SECOND))
    assert desk.pair.proof is Proof.UNVERIFIED


def test_a_proof_lost_right_after_the_snapshot_counts_and_one_from_before_it_does_not(
    desk: Desk, publisher: Publisher
) -> None:
    proof = '{"event":"proof","symbol":"BTC/USD","state":"WAIT_ACK","proof":"UNVERIFIED","reason":"connection reset"}'
    before = publisher.message(proof)
    value = f'{{"event":"snapshot","symbol":"BTC/USD","book":{publisher.line().strip()},"frames":[]}}'
    desk.take(publisher.message(value, "snapshot", seq=1))
    desk.take(before)
    assert desk.pair.proof is Proof.VERIFIED
    publisher.at += 1
    desk.take(publisher.message(proof))
    assert (desk.pair.proof, desk.pair.reason) == (Proof.UNVERIFIED, "connection reset")
