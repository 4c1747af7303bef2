"""The one rule by which readers judge how old a view is, and whether the engine answers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.book.l3_views import QueuePosition
from kraken_tui.market.events import BookState, MarketStatus, Proof, Side
from kraken_tui.market.freshness import (
    ENGINE_LIMIT_NS,
    aged,
    aged_feed,
    believed,
    ended,
    fresh_for_ns,
    silence_ns,
    silence_text,
)
from kraken_tui.market.health import HealthLimits, Inputs, assess
from kraken_tui.market.private_views import Level3View
from kraken_tui.market.views import Mode
from tests.tui import samples

SECOND = 1_000_000_000
MADE = 500 * SECOND
PAIR = replace(samples.pair(), made_ns=MADE, fresh_for_ns=5 * SECOND)
FEED = replace(samples.feed(), made_ns=MADE)


def test_the_engine_is_silent_from_two_seconds_on_and_never_before_it_runs() -> None:
    assert ENGINE_LIMIT_NS == 2 * SECOND
    assert silence_ns(None, MADE) == 0
    assert silence_ns(MADE, MADE + ENGINE_LIMIT_NS) == 0
    assert silence_ns(MADE, MADE + ENGINE_LIMIT_NS + 1) == ENGINE_LIMIT_NS + 1
    assert silence_ns(MADE, MADE - 1) == 0
    assert silence_text(18_900_000_000) == "engine not answering for 18 s"


@pytest.mark.parametrize("passed", [0, 1, SECOND, 2 * SECOND])
def test_a_view_is_as_old_as_its_reader_finds_it(passed: int) -> None:
    view = aged(PAIR, MADE + passed)
    assert PAIR.age_ns is not None
    assert view.age_ns == PAIR.age_ns + passed
    assert view.now_ns == PAIR.now_ns + passed
    assert view.health.age_ms == view.age_ns // 1_000_000 or not passed
    assert (view.proof, view.stale, view.silent_ns, view.metrics) == (Proof.VERIFIED, False, 0, PAIR.metrics)
    assert aged(PAIR, MADE - SECOND) == PAIR


@pytest.mark.parametrize("passed", [2 * SECOND + 1, 20 * SECOND])
def test_nothing_of_a_silent_engine_is_fresh_or_proven(passed: int) -> None:
    why = f"engine not answering for {passed // SECOND} s"
    view = aged(PAIR, MADE + passed)
    assert (view.proof, view.proof_reason) == (Proof.CHECKING, why)
    assert (view.stale, view.stale_reason, view.venue) == (True, why, "UNKNOWN")
    assert (view.metrics, view.silent_ns) == (None, passed)
    assert (view.health.status, view.health.reason) == (MarketStatus.STALE, why)
    assert (view.bids, view.asks, view.tape) == (PAIR.bids, PAIR.asks, PAIR.tape)
    feed = aged_feed(FEED, MADE + passed)
    assert feed.silent_ns == passed
    assert {(tab.proof, tab.stale) for tab in feed.tabs} <= {(Proof.CHECKING, True), (Proof.UNVERIFIED, True)}
    assert feed.now_ns == FEED.now_ns + passed


def test_a_failed_proof_and_a_venue_that_halted_keep_their_words() -> None:
    assert believed(Proof.UNVERIFIED, "checksum", 3 * SECOND) == (Proof.UNVERIFIED, "checksum")
    assert believed(Proof.VERIFIED, "", 0) == (Proof.VERIFIED, "")
    halted = replace(PAIR, venue="MAINTENANCE", proof=Proof.UNVERIFIED, proof_reason="checksum failed")
    view = aged(halted, MADE + 9 * SECOND)
    assert (view.venue, view.proof_reason) == ("MAINTENANCE", "checksum failed")
    unknown = replace(PAIR, age_ns=None, health=replace(PAIR.health, age_ms=None))
    judged = aged(unknown, MADE + 9 * SECOND)
    assert (judged.age_ns, judged.health.age_ms, judged.health.status) == (None, None, MarketStatus.UNKNOWN)


def test_a_view_goes_stale_by_its_own_limit_before_the_engine_counts_as_silent() -> None:
    view = replace(PAIR, fresh_for_ns=SECOND)
    assert not aged(view, MADE + SECOND).stale
    late = aged(view, MADE + SECOND + 1)
    assert (late.stale, late.stale_reason, late.health.status) == (True, "nothing heard for 1.0 s", MarketStatus.STALE)
    assert (late.proof, late.silent_ns) == (Proof.VERIFIED, 0)
    # The engine looked again since, though not at this pair.
    assert not aged(view, MADE + SECOND + 1, MADE + SECOND).stale
    assert not aged(replace(view, fresh_for_ns=None), MADE + 2 * SECOND).stale
    told = aged(replace(view, stale=True, stale_reason="no frames for 9.0 s"), MADE + SECOND + 1)
    assert told.stale_reason == "no frames for 9.0 s"


def test_another_word_of_the_engine_counts_and_a_reader_may_know_better() -> None:
    assert aged(PAIR, MADE + 30 * SECOND, MADE + 29 * SECOND).silent_ns == 0
    assert aged(PAIR, MADE + 30 * SECOND, MADE + 27 * SECOND).silent_ns == 3 * SECOND
    assert aged(PAIR, MADE + SECOND, silent_ns=SECOND).proof is Proof.CHECKING


def test_the_clock_of_a_recording_stands_still_but_its_engine_is_judged_all_the_same() -> None:
    played = replace(PAIR, replayed=True, fresh_for_ns=0)
    view = aged(played, MADE + SECOND)
    assert (view.age_ns, view.now_ns, view.stale) == (PAIR.age_ns, PAIR.now_ns, False)
    view = aged(played, MADE + 3 * SECOND)
    assert (view.age_ns, view.proof, view.silent_ns) == (PAIR.age_ns, Proof.CHECKING, 3 * SECOND)
    feed = aged_feed(replace(FEED, mode=Mode.REPLAY, heartbeat_age_ns=7), MADE + 3 * SECOND)
    assert (feed.now_ns, feed.heartbeat_age_ns, feed.silent_ns) == (FEED.now_ns, 7, 3 * SECOND)


def test_the_feed_ages_too() -> None:
    feed = aged_feed(replace(FEED, heartbeat_age_ns=SECOND, retry_in_s=1.5), MADE + SECOND)
    assert (feed.heartbeat_age_ns, feed.retry_in_s, feed.silent_ns, feed.tabs) == (2 * SECOND, 0.5, 0, FEED.tabs)
    assert aged_feed(replace(FEED, retry_in_s=0.5), MADE + SECOND).retry_in_s == 0.0
    assert aged_feed(replace(FEED, heartbeat_age_ns=None), MADE + SECOND).heartbeat_age_ns is None


def test_what_no_running_engine_made_is_left_as_it_is() -> None:
    assert aged(replace(PAIR, made_ns=None), 10**18) == replace(PAIR, made_ns=None)
    assert aged_feed(replace(FEED, made_ns=None), 10**18) == replace(FEED, made_ns=None)


def test_after_an_orderly_end_the_book_is_neither_proven_nor_fresh() -> None:
    view = ended(PAIR, MADE + SECOND)
    assert PAIR.age_ns is not None
    assert (view.proof, view.stale, view.stale_reason) == (Proof.CHECKING, True, "the client is closed")
    assert (view.proof_reason, view.metrics, view.signals) == ("the client is closed", None, None)
    assert (view.bids, view.asks) == (PAIR.bids, PAIR.asks)
    assert view.age_ns == PAIR.age_ns + SECOND
    played = replace(PAIR, replayed=True)
    assert ended(played, MADE + SECOND) == played
    assert ended(replace(PAIR, made_ns=None), MADE) == replace(PAIR, made_ns=None)


LIMITS = HealthLimits(5 * SECOND, 60 * SECOND)
INPUTS = Inputs(
    connected=True,
    heartbeat_age_ns=SECOND,
    lag_ns=None,
    book_age_ns=2 * SECOND,
    book_state=BookState.LIVE,
    proof=Proof.VERIFIED,
    proof_reason="",
    system="online",
    pair="online",
)


@pytest.mark.parametrize(
    ("heard", "lag", "age", "left"),
    [
        (SECOND, None, None, 4),
        (SECOND, 2 * SECOND, None, 2),
        (SECOND, -2 * SECOND, None, 4),
        (0, 0, 59 * SECOND, 1),
        (0, 0, 10 * SECOND, 5),
        (None, None, None, 0),
    ],
)
def test_how_long_a_market_stays_fresh_is_what_its_health_would_say(
    heard: int | None, lag: int | None, age: int | None, left: int
) -> None:
    inputs = Inputs(True, heard, lag, age, BookState.LIVE, Proof.VERIFIED, "", "online", "online")
    assert fresh_for_ns(inputs, LIMITS) == left * SECOND
    if heard is None:
        return

    def later(ns: int) -> bool:
        older = None if age is None else age + ns
        return assess(
            Inputs(True, heard + ns, lag, older, BookState.LIVE, Proof.VERIFIED, "", "online", "online"), LIMITS
        ).stale

    assert not later(left * SECOND)
    assert later(left * SECOND + 1)


def test_places_in_queues_are_not_exact_once_the_engine_does_not_answer() -> None:
    place = QueuePosition(Side.BUY, 100, 5, 1, 7, 0, 12, verified=True)
    level3 = Level3View(10, verified=True, reason="", age_ns=SECOND, own={"O1": place})
    view = replace(samples.pair("BTC/USD"), level3=level3, made_ns=10 * SECOND)
    fresh = aged(view, 11 * SECOND).level3
    assert fresh is not None
    assert (fresh.verified, fresh.age_ns, fresh.own["O1"].verified) == (True, 2 * SECOND, True)
    late = aged(view, 15 * SECOND).level3
    assert late is not None
    assert (late.verified, late.stale, late.own["O1"].verified) == (False, True, False)
    assert late.reason
