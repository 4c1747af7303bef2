"""Whole sessions against a scripted venue in virtual time; F and B numbers are those of the fault catalogue."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from feed_harness import WALL, Rig, Venue, stamp

from kraken_tui.feed.events import (
    BookStateChanged,
    Candles,
    InstrumentsKnown,
    Note,
    PairAdded,
    Refused,
    Resync,
    SpecChanged,
    StateChanged,
    SystemChanged,
    TickerChanged,
    Trades,
)
from kraken_tui.feed.machine import SECOND, TABLE, State
from kraken_tui.market.events import BookChanged, BookState, Proof


def states(rig: Rig) -> list[str]:
    return [event.state for event in rig.of(StateChanged)]


def live(rig: Rig, *symbols: str) -> bool:
    return all(
        rig.session.stitchers[symbol].state is BookState.LIVE and rig.session.stitchers[symbol].proof is Proof.VERIFIED
        for symbol in symbols
    )


@pytest.fixture
def up() -> Rig:
    rig = Rig("BTC/USD", "ETH/USD")
    rig.run(5)
    assert rig.session.state is State.SUBSCRIBED
    assert live(rig, "BTC/USD", "ETH/USD")
    return rig


def test_a_feed_comes_up_instruments_first_and_everything_verified() -> None:
    rig = Rig("btcusd", "ETH/USD")
    rig.run(5)
    assert states(rig) == ["CONNECTING", "SUBSCRIBING", "SUBSCRIBED"]
    channels = [request["params"]["channel"] for request in rig.venue.requests if request["method"] == "subscribe"]
    assert channels == ["instrument", "book", "trade", "ticker", "ohlc"]
    assert rig.venue.requests[0]["method"] == "ping"
    assert rig.of(PairAdded) == [PairAdded("btcusd", "BTC/USD"), PairAdded("ETH/USD", "ETH/USD")]
    assert rig.of(InstrumentsKnown) == [InstrumentsKnown(2)]
    assert [event.spec.symbol for event in rig.of(SpecChanged)] == ["BTC/USD", "ETH/USD"]
    assert [event.system for event in rig.of(SystemChanged)] == ["online"]
    assert {event.symbol for event in rig.of(TickerChanged)} == {"BTC/USD", "ETH/USD"}
    assert all(event.snapshot and not any(trade.live for trade in event.trades) for event in rig.of(Trades))
    assert {event.interval for event in rig.of(Candles)} == {1}
    assert live(rig, "BTC/USD", "ETH/USD")
    rig.check()


def test_requests_for_several_symbols_share_a_frame_and_say_what_is_wanted(up: Rig) -> None:
    params = {r["params"]["channel"]: r["params"] for r in up.venue.requests if "params" in r}
    assert params["book"] == {"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": 10, "snapshot": True}
    assert params["trade"]["snapshot"] is True
    assert params["ticker"]["event_trigger"] == "bbo"
    assert params["ohlc"]["interval"] == 1


def test_every_proven_message_equals_the_venues_book_for_a_minute(up: Rig) -> None:
    for _ in range(60):
        up.run(1)
        up.check()
    assert up.session.counters.checks_failed == 0
    assert up.session.counters.checks_ok == len(up.of(BookChanged)) > 400
    assert all(event.verified for event in up.of(BookChanged))


def test_the_first_proof_is_checking_until_the_snapshot_matched() -> None:
    rig = Rig("BTC/USD")
    rig.run(2)
    proofs = [event.proof for event in rig.of(BookStateChanged)]
    assert proofs == [Proof.CHECKING, Proof.CHECKING, Proof.VERIFIED]


# -- silence and clocks -------------------------------------------------------------------------------------------


def test_f10_a_dead_peer_is_noticed_in_six_seconds(up: Rig) -> None:
    up.updates = up.venue.beats = up.venue.pongs = up.accepts = False
    up.events.clear()
    up.run(5.5)
    assert states(up)[:2] == ["DEGRADED", "DISCONNECTED"]
    assert "no frame for 5 s" in up.of(StateChanged)[1].cause
    assert all(stitcher.proof is not Proof.VERIFIED for stitcher in up.session.stitchers.values())


def test_f11_pongs_do_not_extend_the_deadline(up: Rig) -> None:
    up.updates = up.venue.beats = False
    before = up.now
    while up.session.state in (State.SUBSCRIBED, State.DEGRADED):
        up.deliver('{"method":"pong","req_id":424242,"time_in":"%s","time_out":"%s"}' % ((stamp(up.wall),) * 2))
        up.run(0.25)
    assert up.now - before <= 6 * SECOND


def test_f12_a_quiet_book_is_no_dead_feed(up: Rig) -> None:
    up.updates = False
    dials = len(up.dials)
    up.run(600)
    assert len(up.dials) == dials
    assert up.session.state is State.SUBSCRIBED
    assert live(up, "BTC/USD")


def test_f19_an_idle_connection_pings_and_stays() -> None:
    rig = Rig()
    rig.run(3600)
    assert len(rig.dials) == 1
    pings = [at for at, text in rig.sent if json.loads(text)["method"] == "ping"]
    assert max(later - earlier for earlier, later in pairwise(pings)) <= 25 * SECOND


def test_f23_after_a_sleep_the_backlog_is_dropped_and_the_connection_made_anew(up: Rig) -> None:
    up.now += 8 * 3600 * SECOND
    up.venue.wall = up.wall
    applied = up.session.counters.applied
    up.deliver(*[up.venue.book_update("BTC/USD") for _ in range(100)])
    assert up.session.counters.applied == applied
    assert up.session.state is State.DISCONNECTED
    assert "slept" in up.session.cause
    up.run(3)
    assert live(up, "BTC/USD", "ETH/USD")
    up.check()


def test_f24_a_step_of_the_wall_clock_only_leads_to_a_notice(up: Rig) -> None:
    dials, venue_shift = len(up.dials), 0
    up.wall_shift += 3600 * SECOND
    venue_shift -= 3600 * SECOND
    for _ in range(240):
        up.now += SECOND // 4
        up.venue.wall = up.wall + venue_shift
        up.session.frame('{"channel":"heartbeat"}', up.now, up.wall)
        up.session.frame(up.venue.book_update("BTC/USD"), up.now, up.wall)
        up.session.tick(up.now, up.wall)
        up.pump()
    assert len(up.dials) == dials
    assert up.session.state is State.SUBSCRIBED
    assert any("clock is +3600.0 s off" in note.text for note in up.of(Note))
    assert up.session.latency.lag_ns is not None
    assert up.session.latency.lag_ns < SECOND


def test_f14_a_late_feed_is_degraded_then_fetched_anew_at_most_once_a_minute(up: Rig) -> None:
    def late(seconds: float) -> None:
        up.venue.wall = up.wall - round(seconds * SECOND)
        up.deliver(up.venue.book_update("BTC/USD"))

    up.updates = False
    late(3)
    assert up.session.state is State.DEGRADED
    assert "behind" in up.session.cause
    late(0.1)
    assert up.session.state is State.SUBSCRIBED
    late(12)
    assert up.session.state is State.DISCONNECTED
    assert not live(up, "BTC/USD")
    up.run(3)
    assert live(up, "BTC/USD")
    late(12)
    assert up.session.state is State.DEGRADED


def test_f26_an_absurd_venue_time_is_neither_lag_nor_fatal(up: Rig) -> None:
    up.venue.wall = 0
    up.deliver(up.venue.book_update("BTC/USD"))
    assert up.session.state is State.SUBSCRIBED
    assert live(up, "BTC/USD")


# -- connections --------------------------------------------------------------------------------------------------


def test_f07_one_drop_gives_one_line_down_and_one_line_up(up: Rig) -> None:
    up.events.clear()
    up.drop()
    assert states(up) == ["DISCONNECTED"]
    assert up.of(StateChanged)[0].retry_in_s is not None
    assert {event.cause for event in up.of(Resync)} == {"reconnect"}
    assert up.session.books["BTC/USD"].bids.best() is not None
    up.run(3)
    assert states(up) == ["DISCONNECTED", "CONNECTING", "SUBSCRIBING", "SUBSCRIBED"]
    assert live(up, "BTC/USD", "ETH/USD")
    assert up.session.counters.reconnects == 1
    up.check()


def test_f21_several_triggers_make_one_transition(up: Rig) -> None:
    up.events.clear()
    up.drop("closed by the server: 1001")
    up.session.disconnected("reader failed", up.now, up.wall)
    up.session.disconnected("writer failed", up.now, up.wall, http_status=429)
    up.pump()
    assert states(up) == ["DISCONNECTED"]


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"), [(429, 1200.0, 1200), (429, None, 600), (403, 5.0, 600), (429, 99999.0, 3600)]
)
def test_f03_f04_a_ban_stops_all_dials_for_a_shown_time(status: int, retry_after: float | None, seconds: int) -> None:
    rig = Rig("BTC/USD")
    rig.refusal = {"http_status": status, "retry_after_s": retry_after}
    rig.run(1)
    assert rig.session.state is State.COOLDOWN
    assert rig.of(StateChanged)[-1].retry_in_s == seconds
    rig.refusal = None
    rig.run(seconds - 2)
    assert len(rig.dials) == 1
    assert rig.session.retry_in_s(rig.now) == pytest.approx(1.25, abs=1)
    rig.run(5)
    assert live(rig, "BTC/USD")


def test_f22_a_cooldown_is_shown_and_kept_after_a_restart() -> None:
    first = Rig("BTC/USD")
    first.refusal = {"http_status": 429, "retry_after_s": 900.0}
    first.run(1)
    saved = json.loads(json.dumps(first.session.dialler.budget.state(first.now, first.wall)))
    second = Rig("BTC/USD")
    second.now += 100 * SECOND
    second.session.restore_dials(saved, second.now, second.wall)
    assert second.session.state is State.COOLDOWN
    second.run(790)
    assert second.dials == []
    assert second.of(StateChanged)[0].retry_in_s == pytest.approx(800, abs=2)
    second.run(20)
    assert live(second, "BTC/USD")


def test_edge_error_1015_bans_whatever_the_status() -> None:
    rig = Rig("BTC/USD")
    rig.refusal = {"http_status": 503}
    rig.session.dialling(rig.now, rig.wall)
    rig.session.disconnected("bans this address (edge error 1015)", rig.now, rig.wall, http_status=503)
    assert rig.session.state is State.COOLDOWN


def test_f01_an_outage_of_a_day_stays_within_the_dial_budget() -> None:
    rig = Rig("BTC/USD")
    rig.refusal = {}
    Rig.STEP = SECOND
    try:
        rig.run(6 * 3600)
    finally:
        Rig.STEP = SECOND // 4
    assert len(rig.dials) > 100
    assert all(later - earlier > 600 * SECOND for earlier, later in zip(rig.dials, rig.dials[30:], strict=False))
    rig.refusal = None
    rig.run(125)
    assert live(rig, "BTC/USD")


def test_f06_accept_then_close_keeps_backing_off() -> None:
    rig = Rig("BTC/USD")
    for _ in range(2400):
        rig.run(0.25)
        if rig.connected:
            rig.drop("closed by the server: 1013 try again later", close_code=1013)
    assert len(rig.dials) <= 30
    assert rig.session.attempt == len(rig.dials)


def test_the_backoff_starts_over_only_after_a_stable_proven_minute(up: Rig) -> None:
    up.drop()
    up.run(30)
    assert live(up, "BTC/USD")
    assert up.session.attempt == 1
    up.run(35)
    assert up.session.attempt == 0


def test_an_unproven_book_keeps_the_backoff_from_starting_over(up: Rig) -> None:
    up.drop()
    up.venue.wrong_checksums["BTC/USD"] = 10**9
    up.run(120)
    assert up.session.attempt == 1


def test_f42_too_big_a_message_is_not_retried_at_once(up: Rig) -> None:
    up.drop("a message was too big", close_code=1009)
    dials = len(up.dials)
    up.run(59)
    assert len(up.dials) == dials
    up.run(5)
    assert live(up, "BTC/USD")


def test_f02_a_server_that_never_answers_is_given_up_after_ten_seconds() -> None:
    rig = Rig("BTC/USD")
    rig.accepts = False
    rig.run(0.5)
    assert rig.session.state is State.CONNECTING
    rig.run(10)
    assert "no answer within 10 s" in rig.of(StateChanged)[1].cause
    assert rig.session.wants_close() is None or rig.session.state is not State.CONNECTING


def test_a_server_that_says_nothing_is_not_taken_for_kraken() -> None:
    rig = Rig("BTC/USD")
    rig.session.tick(rig.now, rig.wall)
    rig.session.dialling(rig.now, rig.wall)
    rig.session.opened(rig.now, rig.wall)
    for _ in range(12):
        rig.now += SECOND
        rig.session.tick(rig.now, rig.wall)
    assert rig.session.state is State.DISCONNECTED
    assert "not be Kraken" in rig.session.cause
    assert rig.session.wants_close() is not None


def test_a_first_frame_that_is_no_json_is_not_kraken_and_retried_slowly() -> None:
    rig = Rig("BTC/USD")
    rig.session.dialling(rig.now, rig.wall)
    rig.session.opened(rig.now, rig.wall)
    rig.session.frame(b"<html><script>alert(1)</script>", rig.now, rig.wall)
    assert rig.session.state is State.DISCONNECTED
    assert "not Kraken" in rig.session.cause
    assert "<" not in rig.session.cause
    assert (rig.session.retry_in_s(rig.now) or 0) >= 60


@pytest.mark.parametrize(
    "bad", [b"", b"\xff\xfe", b"[" * 100_000, b'{"channel":"book"', b'{"channel":"book","type":1}']
)
def test_f41_f44_an_unreadable_frame_means_reconnect_and_nothing_applied(up: Rig, bad: bytes) -> None:
    up.events.clear()
    up.deliver(bad)
    assert up.session.state is State.DISCONNECTED
    assert up.session.counters.invalid == 1
    assert not up.of(BookChanged)
    up.run(3)
    assert live(up, "BTC/USD")
    up.check()


def test_f38_unknown_kinds_and_fields_are_counted_and_ignored(up: Rig) -> None:
    up.deliver('{"channel":"weather","type":"update","data":[]}', '{"hello":1}')
    assert up.session.counters.ignored["unknown: weather"] == 1
    assert up.session.state is State.SUBSCRIBED
    book = up.venue.books["BTC/USD"]
    for _ in range(600):
        up.deliver(book.frame("BTC/USD", "update", [], [], up.wall, mood="good"))
    assert up.session.census.unknown["book.data.mood"] > 0
    up.check()


def test_close_ends_it_and_nothing_follows(up: Rig) -> None:
    up.session.close(up.now, up.wall)
    assert up.session.wants_close() == (1000, "closed")
    up.pump()
    up.run(120)
    assert up.session.state is State.CLOSED
    assert len(up.dials) == 1
    up.session.close(up.now, up.wall)
    assert states(up).count("CLOSED") == 1


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
