"""`KrakenClient` as a program uses it, on small recordings: streams, books, errors, replays, its life."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import (
    BookLine,
    BookState,
    BookStateChanged,
    ChecksumMismatch,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    DropPolicy,
    EngineFailed,
    InvalidMessage,
    KrakenClient,
    KrakenError,
    Refused,
    StateChanged,
    SubscriptionFailed,
    Trade,
)
from tests.client.client_rig import LONG, book_frame, eventually, trade_frame, wait_until


async def test_async_for_gives_every_event_and_ends_with_the_recording(small: Path) -> None:
    async with KrakenClient("BTC/USD", replay=small) as client:
        stream = client.events()
        events = [event async for event in stream]
    lines = [event for event in events if isinstance(event, BookLine)]
    trades = [event for event in events if isinstance(event, Trade)]
    assert [line.bids[0].lots for line in lines] == list(range(100, 201))
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
        assert [event.bids[0].lots for event in merged] == [200]
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
            assert (book.bid_ticks_lots, book.ask_ticks_lots) == (((1000, 200),), ((1001, 200_000_000),))
            assert [quote.text for quote in book.bids] == [("100.0", "0.00000200")]
            assert book.asks[0].price == Decimal("100.1")
            assert str(book.asks[0].qty) == "2.00000000"
            assert book.own_checksum() == book.checksum
            assert book.timestamp == "2026-01-01T00:00:00.000000Z"
        touch = client.best_bid_ask("btcusd")
        assert touch is not None
        assert touch.verified
        assert (touch.spread, touch.mid) == (Decimal("0.1"), Decimal("100.05"))
        with pytest.raises(AttributeError):
            first.bid_ticks_lots = ()  # type: ignore[misc]
        for name in ("ETH/USD", "NOPE"):
            for read in (client.book, client.best_bid_ask):
                with pytest.raises(ConfigurationError, match=f"{name} is not subscribed; subscribe it before"):
                    read(name)
        assert client.price("BTC/USD", 1000) == Decimal("100.0")
        assert client.quantity("BTC/USD", 1).as_tuple() == (0, (1,), -8)
        assert client.spec("BTC/USD").price_precision == 1  # type: ignore[union-attr]
        assert [trade.trade_id for trade in client.trades("BTC/USD")][:2] == [200, 199]
        assert client.candles("BTC/USD")[-1].trades == 100
        assert client.health("BTC/USD") is not None
        stats = client.stats()
        assert stats.messages == stats.applied + stats.ignored + stats.rejected == 202
        assert stats.checks_ok == 101


def test_a_book_is_unverified_from_the_moment_its_state_says_so() -> None:
    from kraken_tui import Proof
    from kraken_tui.engine.events import BookLine as Line
    from kraken_tui.market.events import BookChanged
    from kraken_tui.wire.symbols import PairSpec

    client = KrakenClient("A/USD", demo=True)
    line = Line(
        BookChanged("A/USD", "update", True, 1, None, None, 0), ((10, 1),), ((11, 1),), PairSpec("A/USD", "", "", 1, 8)
    )
    verified = []
    for event in (
        BookStateChanged(0, "A/USD", BookState.LIVE, Proof.VERIFIED, ""),
        line,
        BookStateChanged(0, "A/USD", BookState.RESYNCING, Proof.UNVERIFIED, "checksum failed"),
    ):
        list(client._newest.transform(event))
        book, touch = client.book("A/USD", levels=1), client.best_bid_ask("A/USD")
        assert (book is None) is (touch is None)
        if book is not None and touch is not None:
            assert book.verified is touch.verified
            verified.append((book.verified, book.reason))
    assert verified == [(True, ""), (False, "checksum failed")]


def test_decimals_are_exact_whatever_the_programs_own_decimal_context(small: Path) -> None:
    from decimal import localcontext

    from kraken_tui.client.values import exact

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
        told = [event.trade_id if isinstance(event, Trade) else f"book {event.bids[0].lots}" for event in stream]
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
    assert [line.kind for line in lines] == ["snapshot", "update", "update"]
    assert all(line.verified for line in lines)
    assert client.stats().ignored >= 1


def test_stats_add_up_though_the_feed_goes_on_counting(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        client.wait_verified_sync("BTC/USD", timeout=LONG)
        ask = client._run.engine.ask

        def ask_and_go_on(question: Callable[[Any], Any]) -> Any:
            def then(worker: Any) -> Any:
                answer = question(worker)
                worker.session.counters.ignored["news"] += 1
                return answer

            return ask(then)

        monkeypatch.setattr(client._run.engine, "ask", ask_and_go_on)
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
        client.skip()
        client.set_speed(0)
        with pytest.raises(ConfigurationError, match="speed"):
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
        with pytest.raises(ConfigurationError):
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
    with pytest.raises(ConfigurationError, match="opened once"):
        client.open()


def test_a_client_closed_before_it_began_opens_and_waits_no_more(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    client.close()
    with pytest.raises(ConfigurationError, match="opened once"):
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
from kraken_tui import ConfigurationError, KrakenClient, Trade

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
            except ConfigurationError as error:
                refused += "another process" in str(error)
        client.close()
        os._exit(len(uses) - refused)
    print(os.waitstatus_to_exitcode(os.wait()[1]), client.book("BTC/USD").verified)
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("0 True\n", "")


def test_a_defect_of_our_own_reaches_every_waiter(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kraken_tui.engine.desk import Desk

    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Desk, "handle", broken)
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


def test_a_pair_by_several_names_is_one_pair(small: Path) -> None:
    with KrakenClient("xbt/usd", "BTCUSD", replay=small) as client:
        refused = client.events(Refused)
        for name in ("btc/usd", "xbtusd", "btc/usd", "xbtusd"):
            client.subscribe(name)
        assert list(refused) == []
        assert list(client.subscriptions()) == ["BTC/USD"]


def test_a_replay_keeps_the_state_it_ended_in_after_it_was_closed(small: Path) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        list(client.events(BookLine))
    book, view, ladder = client.book("BTC/USD"), client.view("BTC/USD"), client.ladder("BTC/USD")
    for read in (book, ladder):
        assert read is not None
        assert (read.verified, read.stale) == (True, False)
    assert view is not None
    assert (view.proof, view.stale_reason) == ("VERIFIED", "")
