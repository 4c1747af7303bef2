"""Subscriptions and books of whole sessions against a scripted venue in virtual time."""

from __future__ import annotations

import json
import re

import pytest

from kraken_tui.feed.connection.table import TABLE, State
from kraken_tui.feed.events import (
    BookStateChanged,
    Candles,
    Note,
    Refused,
    Resync,
    SpecChanged,
    StateChanged,
    Trades,
)
from kraken_tui.feed.names import Wish
from kraken_tui.market.events import BookChanged, BookState, Proof
from kraken_tui.units import SECOND
from tests.feed.session_rig import live
from tests.rig.bench import Rig
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import ScriptedVenue as Venue

# -- subscriptions ------------------------------------------------------------------------------------------------


def test_an_unknown_name_is_refused_with_the_nearest_and_the_others_go_on() -> None:
    rig = Rig("BTC/USDD", "ETH/USD")
    rig.run(5)
    (refused,) = rig.of(Refused)
    assert refused.symbol == "BTC/USDD"
    assert refused.nearest[0] == "BTC/USD"
    assert live(rig, "ETH/USD")
    assert rig.session.state is State.SUBSCRIBED


def test_f29_one_refused_pair_of_twenty_leaves_the_others_alone() -> None:
    pairs = {f"A{number:02d}/USD": (2, 8) for number in range(20)}
    venue = Venue(pairs)
    venue.refuse["A07/USD"] = "Currency pair not supported A07/USD"
    rig = Rig(*pairs, venue=venue)
    rig.run(5)
    (refused,) = rig.of(Refused)
    assert (refused.symbol, refused.channel) == ("A07/USD", "")
    assert refused.nearest
    assert rig.session.stitchers["A07/USD"].state is BookState.REFUSED
    assert live(rig, *(symbol for symbol in pairs if symbol != "A07/USD"))
    assert rig.session.state is State.SUBSCRIBED
    asked = len(rig.venue.requests)
    rig.run(60)
    assert all(request["method"] == "ping" for request in rig.venue.requests[asked:])
    assert rig.session.counters.checks_failed == 0
    rig.check()


def test_f28_a_refused_depth_is_shown_and_not_asked_again_until_changed() -> None:
    rig = Rig("BTC/USD", depth=500)
    rig.venue.depths = (10, 25, 100)
    rig.run(5)
    (refused,) = rig.of(Refused)
    assert (refused.symbol, refused.channel) == ("BTC/USD", "book")
    assert "depth" in refused.error
    assert rig.session.stitchers["BTC/USD"].state is BookState.REFUSED
    rig.drop()
    rig.run(30)
    assert sum(r.get("params", {}).get("channel") == "book" for r in rig.venue.requests) == 1
    rig.session.set_depth(25, rig.now, rig.wall)
    rig.pump()
    rig.run(2)
    assert live(rig, "BTC/USD")
    assert rig.session.books["BTC/USD"].depth == 25
    rig.check()


def test_f30_a_lost_acknowledgement_is_asked_for_again_then_degraded_then_cured() -> None:
    rig = Rig("BTC/USD")
    rig.venue.mute_acks.add("book")
    rig.venue.mute_snapshots.add("book")
    real_answer = rig.venue.answer

    def lossy(text: str) -> list[str]:
        if '"channel":"book"' in text:
            rig.venue.requests.append(json.loads(text))
            return []
        return real_answer(text)

    rig.venue.answer = lossy  # type: ignore[method-assign]
    rig.run(12)
    assert rig.session.stitchers["BTC/USD"].state is BookState.WAIT_ACK
    assert rig.session.state is State.SUBSCRIBING
    rig.run(12)
    assert rig.session.state is State.DEGRADED
    assert "BTC/USD book" in rig.session.cause
    assert sum(r.get("params", {}).get("channel") == "book" for r in rig.venue.requests) == 4
    assert any("does not answer" in note.text for note in rig.of(Note))
    rig.venue.answer = real_answer  # type: ignore[method-assign]
    rig.venue.mute_acks.clear()
    rig.venue.mute_snapshots.clear()
    rig.run(31)
    assert live(rig, "BTC/USD")
    assert rig.session.state is State.SUBSCRIBED


def test_a_lost_acknowledgement_does_not_matter_once_data_come() -> None:
    rig = Rig("BTC/USD")
    rig.venue.mute_acks.update(("book", "trade", "ticker", "ohlc", "instrument"))
    rig.run(8)
    assert live(rig, "BTC/USD")
    assert rig.session.state is State.SUBSCRIBED
    assert sum(r.get("params", {}).get("channel") == "book" for r in rig.venue.requests) == 1


def test_f31_an_acknowledged_book_without_snapshot_is_never_live() -> None:
    rig = Rig("BTC/USD", "ETH/USD")
    rig.venue.mute_snapshots.add("BTC/USD")
    rig.run(11)
    assert [(e.symbol, e.cause) for e in rig.of(Resync)] == [("BTC/USD", "no snapshot")]
    assert rig.session.state is State.RESYNCING
    assert not any(e.state is BookState.LIVE for e in rig.of(BookStateChanged) if e.symbol == "BTC/USD")
    rig.venue.mute_snapshots.clear()
    rig.run(11)
    assert live(rig, "BTC/USD", "ETH/USD")


def test_f32_doubled_and_late_acknowledgements_are_ignored(up: Rig) -> None:
    ack = {"method": "subscribe", "result": {"channel": "book", "depth": 10, "symbol": "BTC/USD"}, "success": True}
    leave = {"method": "unsubscribe", "result": {"channel": "book", "symbol": "BTC/USD"}, "success": True, "req_id": 77}
    up.deliver(json.dumps({**ack, "req_id": 3}), json.dumps({**ack, "req_id": 99}), json.dumps(leave))
    assert live(up, "BTC/USD")
    assert up.session.counters.ignored["late subscribe acknowledgement"] == 2
    assert up.session.counters.ignored["late unsubscribe acknowledgement"] == 1
    # Nor does a late answer change what is granted.
    up.deliver(json.dumps({**ack, "result": {**ack["result"], "depth": 25}, "req_id": 98}))
    assert up.session.stitchers["BTC/USD"].depth == 10
    up.check()


def test_f33_too_many_requests_slow_the_sending_and_lose_nothing() -> None:
    pairs = {f"P{number:03d}/USD": (2, 8) for number in range(200)}
    rig = Rig(*pairs, venue=Venue(pairs))
    rig.updates = False
    real_answer, window = rig.venue.answer, []

    def strict(text: str) -> list[str]:
        request = json.loads(text)
        window.append(rig.now)
        recent = [at for at in window if at > rig.now - SECOND]
        if request["method"] != "ping" and len(recent) > 2:
            return [json.dumps({"Error": "Exceeded msg rate"})]
        return real_answer(text)

    rig.venue.answer = strict  # type: ignore[method-assign]
    rig.run(120)
    assert live(rig, *pairs)
    assert {key for key in rig.venue.subscribed if key[0] == "book"} == {("book", symbol) for symbol in pairs}
    assert rig.session.state is State.SUBSCRIBED
    assert any("fewer requests" in note.text for note in rig.of(Note))


def test_requests_never_exceed_ten_in_any_second() -> None:
    pairs = {f"P{number:03d}/USD": (2, 8) for number in range(200)}
    rig = Rig(*pairs, venue=Venue(pairs))
    rig.updates = False
    Rig.STEP = SECOND // 50
    try:
        rig.run(6)
    finally:
        Rig.STEP = SECOND // 4
    requests = [at for at, text in rig.sent if json.loads(text)["method"] != "ping"]
    assert len(requests) == 17
    assert all(later - earlier > SECOND for earlier, later in zip(requests, requests[10:], strict=False))


def test_already_subscribed_is_cured_by_leaving_first() -> None:
    rig = Rig("BTC/USD")
    rig.venue.subscribed[("book", "BTC/USD")] = {"depth": 10}
    rig.run(5)
    assert live(rig, "BTC/USD")
    methods = [r["method"] for r in rig.venue.requests if r.get("params", {}).get("channel") == "book"]
    assert methods == ["subscribe", "unsubscribe", "subscribe"]
    assert not rig.of(Refused)


def test_for_ever_already_subscribed_does_not_become_a_storm() -> None:
    rig = Rig("BTC/USD", "ETH/USD")
    real_answer = rig.venue.answer

    def stubborn(text: str) -> list[str]:
        request = json.loads(text)
        if request["method"] == "subscribe" and request["params"]["channel"] == "trade":
            rig.venue.requests.append(request)
            return [
                json.dumps({"error": "Already subscribed", "method": "subscribe", "success": False, "symbol": symbol,
                            "req_id": request["req_id"]})
                for symbol in request["params"]["symbol"]
            ]  # fmt: skip
        return real_answer(text)

    rig.venue.answer = stubborn  # type: ignore[method-assign]
    rig.run(300)
    asked = [r for r in rig.venue.requests if r.get("params", {}).get("channel") == "trade"]
    assert len(asked) < 60
    assert rig.session.state is State.DEGRADED
    assert live(rig, "BTC/USD", "ETH/USD")


def test_a_refused_instrument_list_is_an_outage_with_a_reason() -> None:
    rig = Rig("BTC/USD")
    rig.venue.refuse["instrument"] = "EGeneral:Permission denied"
    rig.run(2)
    assert rig.session.state is State.DISCONNECTED
    assert "Permission denied" in rig.session.cause


def test_an_instrument_list_that_never_comes_is_an_outage() -> None:
    rig = Rig("BTC/USD")
    rig.venue.mute_snapshots.add("instrument")
    rig.run(40)
    assert any("no instrument list" in event.cause for event in rig.of(StateChanged))


def test_pairs_can_be_added_and_removed_while_up(up: Rig) -> None:
    up.venue.pairs["SOL/USD"] = (2, 8)
    up.deliver(up.venue.instruments("update", "SOL/USD"))
    up.session.want("solusd", up.now, up.wall)
    up.pump()
    up.run(2)
    assert live(up, "SOL/USD")
    up.session.unwant("BTC/USD", up.now, up.wall)
    up.pump()
    up.run(2)
    assert "BTC/USD" not in up.session.books
    assert not any(symbol == "BTC/USD" for _, symbol in up.venue.subscribed)
    up.drop()
    up.run(5)
    assert set(up.session.books) == {"ETH/USD", "SOL/USD"}
    assert up.session.state is State.SUBSCRIBED
    up.check()


def test_a_name_refused_now_is_found_when_the_pair_appears() -> None:
    rig = Rig("SOL/USD")
    rig.run(3)
    assert len(rig.of(Refused)) == 1
    rig.venue.pairs["SOL/USD"] = (2, 8)
    rig.deliver(rig.venue.instruments("update", "SOL/USD"))
    rig.run(2)
    assert live(rig, "SOL/USD")


def test_another_depth_and_another_interval_are_asked_for_properly(up: Rig) -> None:
    up.session.set_depth(25, up.now, up.wall)
    up.session.set_interval(None, 5, up.now, up.wall)
    assert not live(up, "BTC/USD")
    assert up.session.stitchers["BTC/USD"].reason == "changing depth"
    assert up.session.books["BTC/USD"].bids.best() is not None
    up.run(3)
    assert live(up, "BTC/USD", "ETH/USD")
    assert len(up.session.books["BTC/USD"].bids) == 25
    assert up.venue.subscribed[("ohlc", "BTC/USD")]["interval"] == 5
    assert {event.interval for event in up.of(Candles)} == {1, 5}
    leaving = [r["params"] for r in up.venue.requests if r["method"] == "unsubscribe"]
    assert {"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": 10} in leaving
    assert up.session.counters.resyncs == 0
    up.check()
    with pytest.raises(ValueError, match="depth 11"):
        up.session.set_depth(11)


def test_a_pair_can_have_a_depth_and_an_interval_of_its_own(up: Rig) -> None:
    asked = len(up.venue.requests)
    up.session.want("xbtusd", up.now, up.wall, wish=Wish(depth=25, interval=10080))
    assert not live(up, "BTC/USD")
    assert live(up, "ETH/USD")
    up.run(3)
    assert live(up, "BTC/USD", "ETH/USD")
    assert {symbol: pair.depth for symbol, pair in up.session.pairs.items()} == {"BTC/USD": 25, "ETH/USD": 10}
    assert {symbol: len(book.bids) for symbol, book in up.session.books.items()} == {"BTC/USD": 25, "ETH/USD": 10}
    assert [up.venue.subscribed[("ohlc", symbol)]["interval"] for symbol in ("BTC/USD", "ETH/USD")] == [10080, 1]
    left = [r["params"]["symbol"] for r in up.venue.requests[asked:] if r["method"] == "unsubscribe"]
    assert left == [["BTC/USD"], ["BTC/USD"]]
    # It outlives a connection, and the same wish again changes nothing.
    up.drop()
    up.run(30)
    assert live(up, "BTC/USD", "ETH/USD")
    asked = len([r for r in up.venue.requests if r["method"] != "ping"])
    up.session.want("BTC/USD", up.now, up.wall, wish=Wish(depth=25))
    up.run(3)
    assert len([r for r in up.venue.requests if r["method"] != "ping"]) == asked
    assert {symbol: pair.depth for symbol, pair in up.session.pairs.items()} == {"BTC/USD": 25, "ETH/USD": 10}
    # What is wanted of all is wanted of this one too.
    up.session.set_depth(10, up.now, up.wall)
    up.session.set_interval(None, 5, up.now, up.wall)
    up.run(3)
    assert live(up, "BTC/USD", "ETH/USD")
    assert {pair.depth for pair in up.session.pairs.values()} == {10}
    assert {pair.interval for pair in up.session.pairs.values()} == {5}
    assert up.session.roster.wish_of("BTC/USD") == Wish()
    assert up.session.counters.checks_failed == 0
    up.check()


def test_a_wish_is_kept_until_its_pair_is_known_and_forgotten_with_it() -> None:
    rig = Rig("ETH/USD")
    rig.session.want("btcusd", wish=Wish(depth=25))
    rig.session.want("btcusd", wish=Wish(interval=60))
    rig.run(5)
    assert live(rig, "BTC/USD", "ETH/USD")
    assert (rig.session.pairs["BTC/USD"].depth, rig.session.pairs["BTC/USD"].interval) == (25, 60)
    assert (rig.session.pairs["ETH/USD"].depth, rig.session.pairs["ETH/USD"].interval) == (10, 1)
    rig.session.unwant("BTC/USD", rig.now, rig.wall)
    rig.run(3)
    rig.session.want("BTC/USD", rig.now, rig.wall)
    rig.run(3)
    assert (rig.session.pairs["BTC/USD"].depth, rig.session.pairs["BTC/USD"].interval) == (10, 1)
    rig.check()


def test_candles_of_an_earlier_interval_are_left_out(up: Rig) -> None:
    up.session.set_interval("BTC/USD", 15, up.now, up.wall)
    up.events.clear()
    up.deliver(up.venue.candle("BTC/USD", 1))
    assert not [event for event in up.of(Candles) if event.interval == 1]


# -- books --------------------------------------------------------------------------------------------------------


def test_f52_a_checksum_wrong_once_is_never_shown_as_verified_and_heals(up: Rig) -> None:
    up.venue.wrong_checksums["BTC/USD"] = 1
    up.events.clear()
    up.deliver(up.venue.book_update("BTC/USD"))
    unproven = next(i for i, e in enumerate(up.events) if isinstance(e, BookStateChanged))
    published = next(i for i, e in enumerate(up.events) if isinstance(e, BookChanged))
    assert up.events[unproven].proof is Proof.UNVERIFIED
    assert unproven < published
    assert not up.events[published].verified
    (resync,) = up.of(Resync)
    assert (resync.cause, resync.expected) == ("checksum", (resync.actual + 1) % 2**32)
    up.run(2)
    assert live(up, "BTC/USD", "ETH/USD")
    assert up.session.counters.resyncs == 1
    assert not [e for e in up.of(BookStateChanged) if e.symbol == "ETH/USD"]
    up.check()


def test_f54_a_checksum_wrong_for_ever_ends_in_quarantine_with_few_requests(up: Rig) -> None:
    up.venue.wrong_checksums["BTC/USD"] = 10**9
    asked = len(up.venue.requests)
    up.run(600)
    stitcher = up.session.stitchers["BTC/USD"]
    assert stitcher.state is BookState.QUARANTINED
    assert stitcher.proof is Proof.UNVERIFIED
    subscribes = [r for r in up.venue.requests[asked:] if r["method"] == "subscribe"]
    assert len(subscribes) <= 10
    book = up.session.books["BTC/USD"]
    assert (book.bids.top(), book.asks.top()) == up.venue.books["BTC/USD"].top()
    assert not any(e.verified for e in up.of(BookChanged)[-100:] if e.symbol == "BTC/USD")
    assert live(up, "ETH/USD")
    assert up.session.state is State.SUBSCRIBED
    up.venue.wrong_checksums.clear()
    up.run(901)
    assert live(up, "BTC/USD")
    up.check()


def test_f63_deltas_during_a_resync_are_ignored_and_start_no_second_one(up: Rig) -> None:
    book = up.venue.books["BTC/USD"]
    bad = book.frame("BTC/USD", "update", [], [], up.wall, 12345 if book.checksum() != 12345 else 1)
    for _ in range(20):
        up.session.frame(bad, up.now, up.wall)
    assert up.session.counters.resyncs == 1
    assert up.session.counters.deltas_ignored == 19
    up.pump()
    up.run(1)
    assert live(up, "BTC/USD")


def test_f68_twenty_books_that_break_at_once_heal_within_ten_seconds() -> None:
    pairs = {f"A{number:02d}/USD": (2, 8) for number in range(20)}
    rig = Rig(*pairs, venue=Venue(pairs))
    rig.run(5)
    for symbol in pairs:
        rig.venue.wrong_checksums[symbol] = 1
    rig.run(10)
    assert rig.session.counters.resyncs == 20
    assert live(rig, *pairs)
    rig.check()


def test_f37_another_precision_means_a_new_book(up: Rig) -> None:
    up.venue.pairs["BTC/USD"] = (2, 8)
    up.venue.books["BTC/USD"].price = 2
    up.events.clear()
    up.deliver(up.venue.instruments("update", "BTC/USD"))
    assert [(e.symbol, e.cause) for e in up.of(Resync)] == [("BTC/USD", "precision changed")]
    up.run(2)
    assert live(up, "BTC/USD")
    assert up.session.books["BTC/USD"].spec.price_precision == 2
    assert [e.spec.price_precision for e in up.of(SpecChanged)] == [2]
    up.check()


def test_a_pair_status_change_touches_no_book(up: Rig) -> None:
    up.events.clear()
    up.deliver(up.venue.instruments("update", "BTC/USD").replace('"online"', '"cancel_only"'))
    assert [e.spec.status for e in up.of(SpecChanged)] == ["cancel_only"]
    assert not up.of(Resync)
    assert live(up, "BTC/USD")


def test_f39_a_snapshot_nobody_asked_for_replaces_the_whole_book(up: Rig) -> None:
    up.deliver(up.venue.book_snapshot("BTC/USD", 10))
    assert live(up, "BTC/USD")
    up.check()


def test_f40_trades_delivered_twice_are_reported_once(up: Rig) -> None:
    up.deliver(up.venue.trades("BTC/USD", [100, 101, 102]))
    up.deliver(up.venue.trades("BTC/USD", [101, 102, 103]))
    up.venue.next_trade = 110
    up.drop()
    up.run(3)
    up.deliver(up.venue.trades("BTC/USD", [109, 110]))
    ids = [t.trade_id for e in up.of(Trades) if e.symbol == "BTC/USD" for t in e.trades]
    assert ids == [*range(95, 104), *range(105, 111)]
    assert up.session.counters.duplicates >= 3
    assert {t.trade_id for e in up.of(Trades) for t in e.trades if t.live} == {100, 101, 102, 103, 110}


def test_a_gap_in_trade_numbers_is_counted(up: Rig) -> None:
    up.deliver(up.venue.trades("BTC/USD", [100]), up.venue.trades("BTC/USD", [104]))
    assert up.session.counters.trade_gaps == 3


@pytest.mark.parametrize("system", ["maintenance", "cancel_only", "post_only"])
def test_f34_the_state_of_the_exchange_changes_no_book(up: Rig, system: str) -> None:
    up.deliver(up.venue.welcome(system))
    assert up.session.system == system
    up.run(2)
    assert live(up, "BTC/USD")


def test_an_undocumented_state_of_the_exchange_is_unknown(up: Rig) -> None:
    up.deliver(up.venue.welcome("\x1b[2Jparty"))
    assert up.session.system == "unknown"


def test_bad_rows_of_other_channels_are_left_out_and_noted_sparsely(up: Rig) -> None:
    bad = up.venue.trades("BTC/USD", [500]).replace('"buy"', '"hold"')
    for _ in range(50):
        up.deliver(bad)
    assert up.session.counters.rejected == 50
    assert len([n for n in up.of(Note) if "left out" in n.text]) == 2
    assert up.session.state is State.SUBSCRIBED
    up.check()


def test_trades_and_candles_finer_than_the_pair_are_rounded_and_said_once(up: Rig) -> None:
    finer = '"price":64250.12'
    trades = re.sub(r'"price":[0-9.]+', finer, up.venue.trades("BTC/USD", [500, 501, 502]))
    candle = re.sub(r'"(open|high|low|close)":[0-9.]+', r'"\1":64250.16', up.venue.candle("BTC/USD", 1))
    up.deliver(trades, candle)
    assert up.session.counters.rejected == 0
    assert [trade.price for told in up.of(Trades) for trade in told.trades][-3:] == [642_501] * 3
    assert up.of(Candles)[-1].candles[-1].close == 642_502
    notes = [note for note in up.of(Note) if "were rounded" in note.text]
    assert [(note.level, note.text.partition(" with ")[0]) for note in notes] == [
        ("info", "BTC/USD: trades"), ("info", "BTC/USD: candles")]  # fmt: skip


def test_data_of_pairs_nobody_wants_are_ignored(up: Rig) -> None:
    up.venue.pairs["SOL/USD"] = (2, 8)
    frames = [up.venue.book_snapshot("SOL/USD", 10), up.venue.ticker("SOL/USD"), up.venue.trades("SOL/USD", [1])]
    up.deliver(*frames, up.venue.candle("SOL/USD", 1))
    assert set(up.session.books) == {"BTC/USD", "ETH/USD"}
    assert sum(up.session.counters.ignored.values()) == 4
    up.check()


def test_every_transition_was_legal_and_had_a_cause(up: Rig) -> None:
    up.drop()
    up.run(5)
    changes = up.of(StateChanged)
    reachable = {after.value for after, _ in TABLE.values()}
    assert all(change.cause and change.state in reachable for change in changes)
    assert changes[0].ns >= WALL


def test_an_unsubscribe_says_all_that_tells_its_subscription_apart(up: Rig) -> None:
    up.session.unwant("BTC/USD", up.now, up.wall)
    up.run(2)
    left = [request["params"] for request in up.venue.requests if request["method"] == "unsubscribe"]
    assert {params["channel"]: params for params in left} == {
        "book": {"channel": "book", "symbol": ["BTC/USD"], "depth": 10},
        "trade": {"channel": "trade", "symbol": ["BTC/USD"]},
        "ticker": {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo"},
        "ohlc": {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 1},
    }
