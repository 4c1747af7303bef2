"""`KrakenClient` as a program uses it: against small recordings, and against the local exchange with its faults."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import (
    BookLine,
    BookState,
    BookStateChanged,
    ChecksumMismatch,
    Configuration,
    ConnectionClosed,
    ConnectionFailed,
    DropPolicy,
    EngineFailed,
    GapPolicy,
    InvalidMessage,
    KrakenClient,
    KrakenError,
    RateLimited,
    StateChanged,
    SubscriptionFailed,
    TickerChanged,
    TimedOut,
    Trade,
)
from kraken_tui.exchange import ExchangeThread
from kraken_tui.wire.checksum import checksum_of_units

LONG = 10.0
"""Seconds after which a test gives up."""


def wait_until(condition: Callable[[], object], limit_s: float = LONG) -> None:
    """Wait for another thread; fails the test when it takes too long."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        time.sleep(0.005)


async def eventually(condition: Callable[[], object], limit_s: float = LONG) -> None:
    """`wait_until` for tests with an event loop."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        await asyncio.sleep(0.005)


# -- recordings ---------------------------------------------------------------------------------------------------

_INSTRUMENTS = {
    "channel": "instrument",
    "type": "snapshot",
    "data": {
        "assets": [],
        "pairs": [
            {
                "symbol": "BTC/USD",
                "base": "BTC",
                "quote": "USD",
                "status": "online",
                "price_precision": 1,
                "qty_precision": 8,
                "price_increment": 0.1,
            }
        ],
    },
}


def book_frame(number: int, *, kind: str = "update", wrong: bool = False) -> dict[str, Any]:
    """One bid at 100.0 whose size is `number` lots, one ask at 100.1."""
    checksum = checksum_of_units([(1001, 200_000_000)], [(1000, number)]) ^ wrong
    data: dict[str, Any] = {
        "symbol": "BTC/USD",
        "bids": [{"price": 100.0, "qty": number / 10**8}],
        "asks": [{"price": 100.1, "qty": 2.0}] if kind == "snapshot" else [],
        "checksum": checksum,
        "timestamp": "2026-01-01T00:00:00.000000Z",
    }
    return {"channel": "book", "type": kind, "data": [data]}


def trade_frame(number: int) -> dict[str, Any]:
    row = {
        "symbol": "BTC/USD",
        "side": "buy",
        "price": 100.1,
        "qty": 0.5,
        "ord_type": "limit",
        "trade_id": number,
        "timestamp": "2026-01-01T00:00:00.000000Z",
    }
    return {"channel": "trade", "type": "update", "data": [row]}


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Path]:
    """Write frames as a recording."""

    def write(*frames: object) -> Path:
        path = tmp_path / "frames.jsonl"
        lines = [frame if isinstance(frame, str) else json.dumps(frame) for frame in (_INSTRUMENTS, *frames)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def small(recording: Callable[..., Path]) -> Path:
    """A snapshot, a hundred updates and a trade after each."""
    frames: list[dict[str, Any]] = [book_frame(100, kind="snapshot")]
    for number in range(101, 201):
        frames += [book_frame(number), trade_frame(number)]
    return recording(*frames)


async def test_async_for_gives_every_event_and_ends_with_the_recording(small: Path) -> None:
    async with KrakenClient("BTC/USD", replay=small) as client:
        stream = client.events()
        events = [event async for event in stream]
    lines = [event for event in events if isinstance(event, BookLine)]
    trades = [event for event in events if isinstance(event, Trade)]
    assert [line.bids[0][1] for line in lines] == list(range(100, 201))
    assert all(line.verified for line in lines)
    assert [trade.trade_id for trade in trades] == list(range(101, 201))
    assert not any(isinstance(event, KrakenError) for event in events)
    assert stream.counts.offered == stream.counts.sent == len(events)


def test_a_plain_for_does_the_same_without_an_event_loop(small: Path) -> None:
    with KrakenClient("btcusd", replay=small) as client:
        assert [event.trade_id for event in client.events(Trade)] == list(range(101, 201))
        assert [event.trade_id for event in client.events(Trade)] == [], "the recording is over"


def test_streams_take_the_types_and_pairs_they_were_made_for(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    books, others, states = (
        client.events(BookLine, symbols=["xbt/usd"]),
        client.events(symbols=["ETH/USD"]),
        client.events(StateChanged, BookStateChanged),
    )
    with client:
        assert len(list(books)) == 101
        assert not any(isinstance(event, BookLine | Trade) for event in others)
        assert {type(event) for event in states} == {StateChanged, BookStateChanged}


def test_a_stream_with_a_small_queue_loses_by_its_own_policy_and_says_so(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    newest, oldest = client.events(Trade, queue=3), client.events(Trade, queue=3, policy="latest")
    merged, whole = client.events(BookLine, queue=3, policy=DropPolicy.COALESCE), client.events(BookLine)
    with client:
        wait_until(lambda: client.playback is not None and client.playback.finished)
        assert [event.trade_id for event in newest] == [198, 199, 200]
        assert [event.trade_id for event in oldest] == [101, 102, 103]
        assert [event.bids[0][1] for event in merged] == [200]
        assert len(list(whole)) == 101
        assert (newest.counts.dropped, merged.counts.coalesced) == (97, 100)
        total = client.stats().listeners
        assert total.offered == total.sent + total.dropped + total.coalesced + total.waiting == 402


async def test_the_book_is_exact_and_does_not_change(small: Path) -> None:
    async with KrakenClient("XXBTZUSD", replay=small) as client:
        first = await client.wait_verified("XBT/USD", timeout=LONG)
        await eventually(lambda: client.playback is not None and client.playback.finished)
        for book in (client.book("BTC/USD"), client.book("BTC/USD", levels=10)):
            assert book is not None
            assert book.verified
            assert (book.bids, book.asks) == (((1000, 200),), ((1001, 200_000_000),))
            assert book.bid_text() == (("100.0", "0.00000200"),)
            assert book.ask_quotes()[0].price == Decimal("100.1")
            assert str(book.ask_quotes()[0].qty) == "2.00000000"
            assert book.own_checksum() == book.checksum
            assert book.timestamp == "2026-01-01T00:00:00.000000Z"
        touch = client.best_bid_ask("btcusd")
        assert touch is not None
        assert touch.verified
        assert (touch.spread, touch.mid) == (Decimal("0.1"), Decimal("100.05"))
        with pytest.raises(AttributeError):
            first.bids = ()  # type: ignore[misc]
        assert client.book("ETH/USD") is client.best_bid_ask("ETH/USD") is None
        assert client.price("BTC/USD", 1000) == Decimal("100.0")
        assert client.quantity("BTC/USD", 1).as_tuple() == (0, (1,), -8)
        assert client.spec("BTC/USD").price_precision == 1  # type: ignore[union-attr]
        assert [trade.trade_id for trade in client.trades("BTC/USD")][:2] == [200, 199]
        assert client.candles("BTC/USD")[-1].trades == 100
        assert client.health("BTC/USD") is not None
        stats = client.stats()
        assert stats.messages == stats.applied + stats.ignored + stats.rejected == 202
        assert stats.checks_ok == 101


def test_a_book_whose_last_message_is_unproven_is_unverified_whatever_its_state_says() -> None:
    from kraken_tui import BookChanged, PairSpec, Proof

    client = KrakenClient("A/USD", demo=True)
    changed = BookChanged("A/USD", "update", False, 1, None, None, 0)
    for event in (
        BookStateChanged(0, "A/USD", BookState.LIVE, Proof.VERIFIED, ""),
        BookLine(changed, ((10, 1),), ((11, 1),), PairSpec("A/USD", "A", "USD", 1, 8)),
    ):
        list(client._tap.transform(event))
    book, touch = client.book("A/USD", levels=1), client.best_bid_ask("A/USD")
    assert book is not None
    assert touch is not None
    assert (book.verified, touch.verified) == (False, False)
    assert book.reason


def test_decimals_are_exact_whatever_the_programs_own_decimal_context(small: Path) -> None:
    from decimal import localcontext

    from kraken_tui.engine.snapshots import exact

    with localcontext() as context:
        context.prec = 3
        assert str(exact(123_456_789_012_345_678_901_234_567_890, 8)) == "1234567890123456789012.34567890"


def test_a_wrong_checksum_is_an_error_and_never_verified(recording: Callable[..., Path]) -> None:
    path = recording(book_frame(1, kind="snapshot"), book_frame(2, wrong=True), book_frame(3))
    client = KrakenClient("BTC/USD", replay=path)
    errors, books = client.errors(), client.events(BookLine)
    with client:
        (error,) = errors
        assert isinstance(error, ChecksumMismatch)
        assert (error.symbol, error.expected ^ error.actual) == ("BTC/USD", 1)
        assert [line.verified for line in books] == [True, False, False]
        for book in (client.book("BTC/USD"), client.book("BTC/USD", levels=1), client.best_bid_ask("BTC/USD")):
            assert book is not None
            assert not book.verified
        with pytest.raises(ConnectionClosed, match="ended without a proven book"):
            client.wait_verified_sync("BTC/USD", timeout=LONG)


def test_buffer_tells_nothing_unproven_and_the_trades_of_the_gap_after_the_snapshot(
    recording: Callable[..., Path],
) -> None:
    path = recording(
        book_frame(1, kind="snapshot"),
        trade_frame(1),
        book_frame(2, wrong=True),
        trade_frame(2),
        book_frame(3),
        trade_frame(3),
        book_frame(4, kind="snapshot"),
        trade_frame(4),
    )
    client = KrakenClient("BTC/USD", replay=path, gap_policy="buffer")
    stream = client.events(BookLine, Trade)
    with client:
        told = [event.trade_id if isinstance(event, Trade) else f"book {event.bids[0][1]}" for event in stream]
        stats = client.stats()
    assert told == ["book 1", 1, "book 4", 2, 3, 4]
    assert (stats.held_back, stats.left_out) == (0, 2)


def test_a_frame_that_cannot_be_read_is_told_and_the_rest_goes_on(recording: Callable[..., Path]) -> None:
    path = recording(book_frame(1, kind="snapshot"), '{"channel":"book","type":5}', book_frame(2))
    client = KrakenClient("BTC/USD", replay=path)
    errors, books = client.errors(), client.events(BookLine)
    with client:
        assert [type(error) for error in errors] == [InvalidMessage]
        assert len(list(books)) == 2
        assert client.stats().rejected == 1


def test_a_book_frame_of_an_unknown_kind_is_ignored_and_its_words_reach_nobody(
    recording: Callable[..., Path],
) -> None:
    strange = book_frame(102, kind="\x1b]52;c;eA==\x07")
    path = recording(book_frame(100, kind="snapshot"), book_frame(101), strange, book_frame(103))
    with KrakenClient("BTC/USD", replay=path) as client:
        lines = list(client.events(BookLine))
    assert [line.changed.kind for line in lines] == ["snapshot", "update", "update"]
    assert all(line.verified for line in lines)
    assert client.stats().ignored >= 1


def test_stats_add_up_though_the_feed_goes_on_counting(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        client.wait_verified_sync("BTC/USD", timeout=LONG)
        ask = client._engine.ask

        def ask_and_go_on(question: Callable[[Any], Any]) -> Any:
            def then(worker: Any) -> Any:
                answer = question(worker)
                worker.session.counters.ignored["news"] += 1
                return answer

            return ask(then)

        monkeypatch.setattr(client._engine, "ask", ask_and_go_on)
        stats = client.stats()
    assert stats.messages == stats.applied + stats.ignored + stats.rejected


def test_a_pair_the_recording_does_not_hold_is_refused(small: Path) -> None:
    with KrakenClient("BTC/USD", "BTC/USX", replay=small) as client:
        with pytest.raises(SubscriptionFailed) as caught:
            client.wait_verified_sync("BTC/USX", timeout=LONG)
        assert caught.value.symbol == "BTC/USX"
        assert caught.value.nearest == ("BTC/USD",)
        assert client.subscriptions() == {"BTC/USD": BookState.LIVE, "BTC/USX": BookState.REFUSED}
        assert client.is_subscribed("btcusd")
        assert not client.is_subscribed("BTC/USX")


async def test_a_file_that_is_no_recording_ends_everything_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "letter.jsonl"
    path.write_text("Dear Sir or Madam\n")
    async with KrakenClient("BTC/USD", replay=path) as client:
        with pytest.raises(ConnectionFailed, match=r"letter\.jsonl"):
            await anext(client.events())
        with pytest.raises(ConnectionFailed, match=r"letter\.jsonl"):
            await client.wait_verified("BTC/USD", timeout=LONG)


def test_replay_can_be_paused_and_recorded_again(small: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.jsonl"
    with KrakenClient("BTC/USD", replay=small, record=again) as client:
        client.pause()
        client.pause(False)
        client.set_speed(0)
        with pytest.raises(Configuration, match="speed"):
            client.set_speed(-1)
        first = [event.bids for event in client.events(BookLine)]
        assert len(first) == 101
        wait_until(lambda: client.playback is not None and client.playback.finished)
        client.record(None)
        wait_until(lambda: client.recording is None)
    with KrakenClient("BTC/USD", replay=again) as client:
        assert [event.bids for event in client.events(BookLine)] == first
        assert len(again.read_text().splitlines()) == 203


# -- life ---------------------------------------------------------------------------------------------------------


def test_nothing_waits_for_a_client_that_was_never_opened() -> None:
    client = KrakenClient("BTC/USD", demo=True)
    for use in (
        client.events().get,
        lambda: client.wait_verified_sync("BTC/USD"),
        lambda: client.unsubscribe("BTC/USD"),
        lambda: client.price("BTC/USD", 1),
    ):
        with pytest.raises(Configuration):
            use()
    assert client.book("BTC/USD") is None
    assert client.stats().messages == client.latency().count == 0
    assert client.connection.state == "DISCONNECTED"
    assert client.subscriptions() == {"BTC/USD": BookState.WAIT_ACK}


def test_a_client_is_opened_once_and_may_be_closed_twice(small: Path) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        client.wait_verified_sync("BTC/USD", timeout=LONG)
    client.close()
    assert client.book("BTC/USD") is not None
    assert client.stats().messages > 0, "what was counted can still be read"
    assert list(client.events()) == []
    with pytest.raises(Configuration, match="opened once"):
        client.open()


def test_a_client_closed_before_it_began_opens_and_waits_no_more(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    client.close()
    with pytest.raises(Configuration, match="opened once"):
        client.open()
    with KrakenClient("BTC/USD", replay=small) as never_read:
        pass
    begun = time.monotonic()
    with pytest.raises(ConnectionClosed):
        never_read.wait_verified_sync("BTC/USD", timeout=LONG)
    assert time.monotonic() - begun < LONG / 2


@pytest.mark.realtime
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_is_told_that_the_client_is_not_its_own() -> None:
    code = """
import os
from kraken_tui import Configuration, KrakenClient, Trade

with KrakenClient("BTC/USD", demo=True) as client:
    stream = client.events()
    client.wait_verified_sync("BTC/USD", timeout=30)
    if os.fork() == 0:
        uses = [stream.get, client.events, client.stats, client.latency, client.subscriptions]
        uses += [lambda: client.book("BTC/USD", 10), lambda: client.best_bid_ask("BTC/USD"), lambda: client.connection]
        uses += [lambda: client.wait_verified_sync("BTC/USD"), lambda: client.on(Trade, print)]
        refused = 0
        for use in uses:
            try:
                use()
            except Configuration as error:
                refused += "another process" in str(error)
        client.close()
        os._exit(len(uses) - refused)
    print(os.waitstatus_to_exitcode(os.wait()[1]), client.book("BTC/USD").verified)
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("0 True\n", "")


def test_a_defect_of_our_own_reaches_whoever_waits(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kraken_tui.engine.markets import Markets

    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Markets, "handle", broken)
    with KrakenClient("BTC/USD", replay=small) as client:
        with pytest.raises(EngineFailed, match="a defect") as caught:
            list(client.events())
        assert isinstance(caught.value.__cause__, RuntimeError)
        with pytest.raises(EngineFailed):
            client.wait_verified_sync("BTC/USD", timeout=LONG)


def test_a_stream_that_nobody_holds_is_closed(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small, speed=1)
    kept, stream = client.events(), client.events()
    listener = stream._listener
    del stream
    gc.collect()
    with client:
        kept.get(timeout=LONG)
        assert listener.finished
        kept.close()
        with pytest.raises(ConnectionClosed):
            kept.get()
        assert client.stats().listeners.waiting == 0


# -- callbacks ----------------------------------------------------------------------------------------------------


def test_several_callbacks_a_type_are_called_in_order_and_can_be_removed(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    seen: list[tuple[str, int]] = []
    threads: set[str] = set()

    def first(trade: Trade) -> None:
        threads.add(threading.current_thread().name)
        seen.append(("first", trade.trade_id))

    def once(trade: Trade) -> None:
        seen.append(("once", trade.trade_id))
        registration.remove()
        registration.remove()

    client.on(Trade, first)
    registration = client.on(Trade, once)
    both: list[object] = []
    client.on((Trade, BookLine), both.append)
    with client:
        wait_until(lambda: len(both) == 201)
    assert seen[:3] == [("first", 101), ("once", 101), ("first", 102)]
    assert [number for name, number in seen if name == "first"] == list(range(101, 201))
    assert threads == {"kraken-tui-callbacks"}
    kinds = [type(event) for event in both]
    assert kinds == [BookLine] + [BookLine, Trade] * 100, "one queue keeps the order of types"


def test_a_callback_that_raises_is_counted_and_reported_and_stops_nothing(
    small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = KrakenClient("BTC/USD", replay=small)

    def broken(trade: Trade) -> None:
        raise ValueError(f"trade {trade.trade_id} \x1b[31m")

    good: list[Trade] = []
    registration = client.on(Trade, broken)
    client.on(Trade, good.append)
    with client:
        wait_until(lambda: len(good) == 100)
        wait_until(lambda: any("raised ValueError" in line.text for line in client.log))
        assert not any("\x1b" in line.text for line in client.log)
        assert client.stats().callback_errors == registration.errors == 100
        assert client.book("BTC/USD", levels=1).verified  # type: ignore[union-attr]
    assert sum("a callback for Trade raised" in record.message for record in caplog.records) == 3, "1st, 10th, 100th"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_not_even_a_callback_that_wants_to_exit_stops_the_others(small: Path, error: type[BaseException]) -> None:
    client = KrakenClient("BTC/USD", replay=small)

    def leave(trade: Trade) -> None:
        raise error

    registration = client.on(Trade, leave)
    good: list[Trade] = []
    client.on(Trade, good.append)
    with client:
        wait_until(lambda: len(good) == 100)
    assert registration.errors == 100


def test_a_callback_that_another_removed_is_not_called_even_with_this_event(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    calls: list[str] = []

    def first(trade: Trade) -> None:
        calls.append("first")
        second.remove()

    client.on(Trade, first)
    second = client.on(Trade, lambda _: calls.append("second"))
    assert second.active
    with client:
        wait_until(lambda: len(calls) == 100)
    assert set(calls) == {"first"}
    assert not second.active


async def test_a_coroutine_callback_whose_own_work_is_cancelled_is_called_again(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    calls: list[int] = []

    async def waits_for_a_cancelled_task(trade: Trade) -> None:
        calls.append(trade.trade_id)
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    def asks_a_cancelled_future(trade: Trade) -> None:
        raise asyncio.CancelledError

    waiting = client.on(Trade, waits_for_a_cancelled_task)
    plain = client.on(Trade, asks_a_cancelled_future)
    async with client:
        await eventually(lambda: waiting.errors == plain.errors == 100)
    assert calls == list(range(101, 201))


async def test_coroutine_callbacks_have_queues_of_their_own(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    seen: list[int] = []
    stuck = asyncio.Event()

    async def slow(trade: Trade) -> None:
        await stuck.wait()

    async def quick(trade: Trade) -> None:
        await asyncio.sleep(0)
        seen.append(trade.trade_id)
        raise ValueError("after its work")

    client.on(Trade, slow)
    client.on(Trade, quick)
    plain: list[object] = []
    client.on(Trade, plain.append)
    async with client:
        await eventually(lambda: len(seen) == 100 and len(plain) == 100)
        assert client.stats().callback_errors == 100
        assert client.stats().listeners.waiting == 99, "the stuck one has taken one"
    assert seen == list(range(101, 201))


def test_a_coroutine_callback_needs_an_event_loop(small: Path) -> None:
    async def callback(event: object) -> None:
        pytest.fail("there is no loop to call it in")

    client = KrakenClient("BTC/USD", replay=small)
    client.on(Trade, callback)
    with pytest.raises(Configuration, match="async with"):
        client.open()
    with KrakenClient("BTC/USD", replay=small) as other, pytest.raises(Configuration, match="async with"):
        other.on(Trade, callback)


@pytest.mark.parametrize("wrong", [("Trade", print), ((), print), (Trade, "print")])
def test_what_is_no_callback_is_refused(wrong: tuple[Any, Any]) -> None:
    with pytest.raises(Configuration, match="on takes"):
        KrakenClient(demo=True).on(*wrong)


# -- configuration ------------------------------------------------------------------------------------------------


def test_builder_and_keywords_make_the_same_client(tmp_path: Path) -> None:
    built = (
        KrakenClient.builder()
        .pairs("BTC/USD")
        .pairs("ETH/USD")
        .depth(100)
        .levels(25)
        .channels("trade")
        .interval(5)
        .url("ws://127.0.0.1:1/v2")
        .rest_url("http://127.0.0.1:1")
        .record(tmp_path / "r.jsonl")
        .preset("aggregator")
        .queue(77)
        .policy("oldest")
        .coalesce_ms(5)
        .rate(9)
        .gap_policy("ignore")
        .stale_after_s(3)
        .log_file(tmp_path / "log")
        .build()
    )
    made = KrakenClient(
        "BTC/USD",
        pairs=["ETH/USD"],
        depth=100,
        levels=25,
        channels=("trade",),
        interval=5,
        url="ws://127.0.0.1:1/v2",
        rest_url="http://127.0.0.1:1",
        record=tmp_path / "r.jsonl",
        preset=3,
        queue=77,
        policy=DropPolicy.OLDEST,
        coalesce_ms=5,
        rate=9,
        gap_policy=GapPolicy.IGNORE,
        stale_after_s=3,
        log_file=tmp_path / "log",
    )
    assert built.backpressure == made.backpressure
    assert built.gap_policy is made.gap_policy is GapPolicy.IGNORE
    assert built._engine.settings == made._engine.settings
    assert built._engine.settings.pairs == ("BTC/USD", "ETH/USD")
    for client in (built, made):
        client.open()
        client.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pairs", ["BTC/USD", ""]),
        ("pairs", ["BTC\nUSD"]),
        ("pairs", [5]),
        ("pairs", 5),
        ("pairs", [f"A{number}/USD" for number in range(1001)]),
        ("depth", 20),
        ("depth", "10"),
        ("levels", 5),
        ("levels", 11),
        ("channels", ["level3"]),
        ("channels", 5),
        ("interval", 7),
        ("demo_seed", -1),
        ("speed", float("nan")),
        ("preset", "triple"),
        ("queue", 0),
        ("policy", "random"),
        ("coalesce_ms", -1),
        ("rate", -1),
        ("gap_policy", "shrug"),
        ("stale_after_s", 0),
        ("replay", ""),
        ("record", 7),
        ("log_file", "a\0b"),
        ("record", "~nobody-of-this-name/x"),
    ],
)
def test_a_wrong_argument_is_one_sentence_that_names_it(name: str, value: object) -> None:
    with pytest.raises(Configuration, match=name) as caught:
        KrakenClient(**{name: value})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, KrakenError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": "ws://example.com/v2"}, "not encrypted"),
        ({"rest_url": "http://example.com"}, "not encrypted"),
        ({"demo": True, "replay": "x"}, "exclude each other"),
        ({"log_file": "/nonexistent/log"}, "log_file cannot be written"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(Configuration, match=words):
        KrakenClient("BTC/USD", **arguments)


def test_wrong_names_and_types_are_refused_later_too(small: Path) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        for use in (lambda: client.subscribe(""), lambda: client.book("BTC/USD", levels=0), lambda: client.events("x")):  # type: ignore[arg-type]
            with pytest.raises(Configuration):
                use()


# -- against the local exchange -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exchange() -> Iterator[ExchangeThread]:
    with ExchangeThread(seed=7) as running:
        yield running


def live(exchange: ExchangeThread, *pairs: str, **options: Any) -> KrakenClient:
    return KrakenClient(*pairs, url=exchange.ws_url, rest_url=exchange.rest_url, **options)


@pytest.mark.realtime
async def test_pairs_come_and_go_by_any_name(exchange: ExchangeThread) -> None:
    states: list[str] = []
    client = live(exchange, "XBT/USD", depth=25)
    client.on_state(lambda event: states.append(event.state))
    async with client:
        book = await client.wait_verified("btcusd", timeout=LONG)
        assert (book.symbol, len(book.bids), book.depth) == ("BTC/USD", 10, 25)
        assert len(client.book("BTC/USD").bids) == 25  # type: ignore[union-attr]
        client.subscribe("ethusd", "ETH/USX")
        assert (await client.wait_verified("ETH/USD", timeout=LONG)).verified
        with pytest.raises(SubscriptionFailed, match="nearest"):
            await client.wait_verified("ETH/USX", timeout=LONG)
        assert client.subscriptions() == {
            "BTC/USD": BookState.LIVE,
            "ETH/USD": BookState.LIVE,
            "ETH/USX": BookState.REFUSED,
        }
        client.unsubscribe("ethusd", "ETH/USX")
        await eventually(lambda: list(client.subscriptions()) == ["BTC/USD"])
        assert client.book("ETH/USD") is None
        assert not client.is_subscribed("ETH/USD")
        await eventually(lambda: client.latency().count > 5)
        latency = client.latency()
        figures = [latency.p50, latency.p90, latency.p99, latency.p999, latency.worst]
        assert figures == sorted(figures)  # type: ignore[type-var]
        await eventually(lambda: client.connection.state == "SUBSCRIBED")
    assert states[:2] == ["CONNECTING", "SUBSCRIBING"]
    assert states[-1] == "CLOSED"


@pytest.mark.realtime
async def test_only_the_channels_that_were_chosen_are_asked_for(exchange: ExchangeThread, tmp_path: Path) -> None:
    path = tmp_path / "asked.jsonl"
    async with live(exchange, "BTC/USD", channels=["ticker"], record=path) as client:
        stream = client.events(TickerChanged, Trade)
        await client.wait_verified("BTC/USD", timeout=LONG)
        assert isinstance(await stream.next(timeout=LONG), TickerChanged)
    sent = [json.loads(line)["frame"] for line in path.read_text().splitlines()[1:] if '"dir":"tx"' in line]
    channels = {frame["params"]["channel"] for frame in sent if frame["method"] == "subscribe"}
    assert channels == {"instrument", "book", "ticker"}


@pytest.mark.realtime
@pytest.mark.parametrize("policy", GapPolicy)
async def test_what_a_wrong_checksum_means_under_each_policy(exchange: ExchangeThread, policy: GapPolicy) -> None:
    async with live(exchange, "SOL/USD", gap_policy=policy) as client:
        await client.wait_verified("SOL/USD", timeout=LONG)
        stream, errors = client.events(BookLine), client.errors()
        resyncs = client.stats().resyncs
        exchange.faults.corrupt_checksum("SOL/USD")
        error = await errors.next(timeout=LONG)
        assert isinstance(error, ChecksumMismatch)
        assert error.expected != error.actual
        if policy is GapPolicy.IGNORE:
            before = client.stats().checks_ok
            await eventually(lambda: client.stats().checks_ok > before + 3)
            book = client.book("SOL/USD")
            assert book is not None
            assert not book.verified
            assert "ignored" in book.reason
            assert client.stats().resyncs == resyncs
            return
        await client.wait_verified("SOL/USD", timeout=LONG)
        assert client.stats().resyncs == resyncs + 1
        lines = []
        while not (lines and lines[-1].changed.kind == "snapshot"):
            lines.append(await stream.next(timeout=LONG))
        unverified = [line for line in lines if not line.verified]
        assert bool(unverified) is (policy is GapPolicy.RESYNC)


@pytest.mark.realtime
async def test_lost_refused_and_banned_connections_are_errors_of_their_own() -> None:
    with ExchangeThread(seed=8) as exchange:
        async with live(exchange, "BTC/USD") as client:
            await client.wait_verified("BTC/USD", timeout=LONG)
            errors = client.errors()
            exchange.faults.refuse_connections(503, count=1)
            exchange.faults.close_all(1012)
            closed, failed = await errors.next(timeout=LONG), await errors.next(timeout=LONG)
            assert isinstance(closed, ConnectionClosed)
            assert "1012" in closed.cause
            assert isinstance(failed, ConnectionFailed)
            assert "503" in failed.cause
            await client.wait_verified("BTC/USD", timeout=LONG)
            exchange.faults.refuse_connections(429, retry_after_s=700)
            exchange.faults.close_all(1012)
            assert isinstance(await errors.next(timeout=LONG), ConnectionClosed)
            banned = await errors.next(timeout=LONG)
            assert isinstance(banned, RateLimited)
            assert banned.retry_after is not None
            assert banned.retry_after >= 700
            assert not client.book("BTC/USD").verified  # type: ignore[union-attr]
            assert not client.best_bid_ask("BTC/USD").verified  # type: ignore[union-attr]
            with pytest.raises(RateLimited):
                await client.wait_verified("BTC/USD", timeout=0.02)


@pytest.mark.realtime
async def test_waiting_ends_in_time_though_the_connection_stands(exchange: ExchangeThread) -> None:
    async with live(exchange, "BTC/USD") as client:
        await client.wait_verified("BTC/USD", timeout=LONG)
        with pytest.raises(TimedOut, match=r"LTC/USD: .* it is not subscribed"):
            await client.wait_verified("LTC/USD", timeout=0.05)


@pytest.mark.realtime
async def test_no_listener_however_stuck_delays_the_engine_or_another_listener(exchange: ExchangeThread) -> None:
    """100 listeners: 98 never read, one is a coroutine that never returns, one keeps up."""
    client = live(exchange, "BTC/USD", "ETH/USD", queue=50)
    stuck = [client.events() for _ in range(98)]
    never = asyncio.Event()

    async def hang(event: object) -> None:
        await never.wait()

    client.on(object, hang)
    async with client:
        reader = client.events(BookLine, queue=10_000)
        await client.wait_verified("BTC/USD", timeout=LONG)
        lines = [await reader.next(timeout=LONG) for _ in range(150)]
        # This loop stands still while the engine's thread goes on.
        before = client.stats().messages
        time.sleep(0.3)  # noqa: ASYNC251 - a program that blocks its own loop is the point
        assert client.stats().messages > before
        assert client.stats().reconnects == 0
        assert all(line.verified for line in lines)
        assert reader.counts.dropped == 0
        for stream in stuck:
            counts = stream.counts
            assert counts.dropped > 0
            assert counts.waiting == 50
            assert counts.offered == counts.sent + counts.dropped + counts.coalesced + counts.waiting
        total = client.stats().listeners
        assert total.offered == total.sent + total.dropped + total.coalesced + total.waiting


@pytest.mark.realtime
def test_a_stuck_callback_thread_delays_neither_the_feed_nor_the_end(exchange: ExchangeThread) -> None:
    release = threading.Event()
    client = live(exchange, "BTC/USD", queue=20)
    client.on(BookLine, lambda _: release.wait(LONG))
    try:
        with client:
            client.wait_verified_sync("BTC/USD", timeout=LONG)
            before = client.stats().checks_ok
            wait_until(lambda: client.stats().checks_ok > before + 20)
            started = time.monotonic()
        assert time.monotonic() - started < 2.0
    finally:
        release.set()


@pytest.mark.realtime
async def test_the_aggregator_preset_tells_each_pair_at_most_once_a_window(exchange: ExchangeThread) -> None:
    async with live(exchange, "BTC/USD", "ETH/USD", "SOL/USD", preset="aggregator", channels=["book"]) as client:
        stream = client.events(BookLine)
        for pair in ("BTC/USD", "ETH/USD", "SOL/USD"):
            await client.wait_verified(pair, timeout=LONG)
        taken: dict[str, list[float]] = {}
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            line = await stream.next(timeout=0.1)
            if line is not None:
                taken.setdefault(line.symbol, []).append(time.monotonic())
        for times in taken.values():
            gaps = [later - earlier for earlier, later in pairwise(times)]
            assert all(gap > 0.09 for gap in gaps[2:]), "the first ones may stand before and after a change of state"
        counts = stream.counts
        assert counts.coalesced > 0
        assert counts.offered == counts.sent + counts.dropped + counts.coalesced + counts.waiting


@pytest.mark.realtime
def test_the_demo_ends_at_once_whenever_it_is_closed() -> None:
    for pause_ms in range(0, 20, 4):
        with KrakenClient("BTC/USD", demo=True) as client:
            client.wait_verified_sync("BTC/USD", timeout=LONG)
            time.sleep(pause_ms / 1000)
            client.unsubscribe("BTC/USD")
            started = time.monotonic()
        assert time.monotonic() - started < 1.0
        assert client._engine.stop(0), "the engine's thread is over"
