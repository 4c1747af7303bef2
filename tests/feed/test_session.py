"""Whole sessions against a scripted venue in virtual time; F and B numbers are those of the fault catalogue."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import (
    BookStateChanged,
    Candles,
    InstrumentsKnown,
    Note,
    PairAdded,
    Resync,
    SpecChanged,
    StateChanged,
    SystemChanged,
    TickerChanged,
    Trades,
)
from kraken_tui.market.events import BookChanged, Proof
from kraken_tui.units import SECOND
from tests.feed.session_rig import live, states
from tests.rig.bench import Rig
from tests.rig.scripted import stamp


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


def test_f23_after_a_sleep_the_backlog_is_dropped_and_the_connection_replaced(up: Rig) -> None:
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
    assert any("clock is +3,600.0 s off" in note.text for note in up.of(Note))
    assert up.session.latency.lag_ns is not None
    assert up.session.latency.lag_ns < SECOND


def test_f14_a_late_feed_is_degraded_then_refetched_at_most_once_a_minute(up: Rig) -> None:
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


def test_a_dial_that_is_asked_for_comes_at_once_and_never_beyond_the_budget() -> None:
    rig = Rig("BTC/USD")
    rig.refusal = {}
    rig.run(120)
    before, wait = len(rig.dials), rig.session.retry_in_s(rig.now)
    assert wait is not None
    assert wait > 1
    assert rig.session.allowed_in_s(rig.now) == 0
    assert rig.session.dial_now(rig.now, rig.wall)
    rig.run(0.5)
    assert len(rig.dials) == before + 1
    # Asked for all the time: at most one a second, and the budget holds.
    for _ in range(200):
        rig.session.dial_now(rig.now, rig.wall)
        rig.run(0.25)
    assert len(rig.dials) == 30
    assert rig.session.allowed_in_s(rig.now) > 300
    assert all(later - earlier >= SECOND for earlier, later in pairwise(rig.dials[before:]))


def test_a_dial_cannot_be_asked_for_while_connected_or_banned(up: Rig) -> None:
    assert not up.session.dial_now(up.now, up.wall)
    up.session.disconnected("banned", up.now, up.wall, http_status=429)
    assert up.session.state is State.COOLDOWN
    assert not up.session.dial_now(up.now, up.wall)
    assert up.session.allowed_in_s(up.now) >= 600


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
