"""The level 3 connection against the local exchange: every book proven, and every fault of it repaired alone."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from kraken_tui.feed.connection.backoff import DialBudget
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.private.events import LinkChanged
from kraken_tui.feed.private.level3 import COST, COST_LIMIT, L3State
from kraken_tui.feed.private.session import RESERVE, Pace
from kraken_tui.market.book.l3_views import Level3Changed
from kraken_tui.wire.digits import to_units
from kraken_tui.wire.refusals import OutcomeUnknown
from kraken_tui.wire.symbols import PairSpec
from tests.exchange.private_client import Level3Client
from tests.rig.clock import SECOND
from tests.rig.private_bench import PrivateBench


def states(bench: PrivateBench, session: Any) -> list[str]:
    return [event.state for event in bench.of(session, LinkChanged)]


@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_every_message_of_two_pairs_is_proven(depth: int) -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD", "ETH/USD", depth=depth)
    bench.run(20)
    assert states(bench, session)[:4] == ["CONNECTING", "AUTHENTICATING", "SUBSCRIBING", "SUBSCRIBED"]
    for symbol in ("BTC/USD", "ETH/USD"):
        changes = [each for each in bench.of(session, Level3Changed) if each.symbol == symbol]
        assert len(changes) > 20
        assert all(each.verified and each.matched for each in changes)
    assert session.pairs["BTC/USD"].resyncs == 0
    assert bench.tokens == 1, "one token for one connection, and no timer"


def test_a_wrong_checksum_repairs_its_own_book_once_and_no_other() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD", "ETH/USD")
    bench.run(5)
    bench.venue.faults.private.corrupt_level3("BTC/USD")
    before = len(bench.sent["level 3"])
    bench.run(0.4)
    assert not session.pairs["BTC/USD"].verified
    assert session.pairs["ETH/USD"].verified
    assert session.state is State.RESYNCING
    bench.run(3)
    assert session.pairs["BTC/USD"].verified
    assert session.state is State.SUBSCRIBED
    sent = [json.loads(text) for text in bench.sent["level 3"][before:]]
    methods = [(each["method"], each["params"]["symbol"]) for each in sent if each["method"] != "ping"]
    assert methods == [("unsubscribe", ["BTC/USD"]), ("subscribe", ["BTC/USD"])]
    assert session.pairs["BTC/USD"].resyncs == 1
    assert len(bench.dials["level 3"]) == 1


def test_repairs_in_a_row_come_ever_more_rarely() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.run(3)
    bench.venue.faults.private.corrupt_level3("BTC/USD", count=10**6)
    bench.run(60)
    asked = [text for text in bench.sent["level 3"] if '"subscribe"' in text]
    assert 5 <= len(asked) <= 8, "half a second, doubled to eight, then a minute"
    bench.venue.faults.private.corrupt_level3("BTC/USD", count=0)
    bench.run(70)
    assert session.pairs["BTC/USD"].verified


@pytest.mark.parametrize("fault", ["drop_level3", "duplicate_level3", "swap_level3"])
def test_lost_doubled_and_swapped_messages_are_noticed_and_repaired(fault: str) -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.run(5)
    getattr(bench.venue.faults.private, fault)("BTC/USD", 3)
    bench.run(30)
    assert session.pairs["BTC/USD"].verified
    assert all(each.verified == bool(each.matched) for each in bench.of(session, Level3Changed) if not each.dropped)


def test_mistake_29_an_acknowledgement_without_a_snapshot_is_not_believed() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.venue.faults.private.withhold_snapshots("level3")
    bench.run(5)
    assert session.pairs["BTC/USD"].state is L3State.WAIT_SNAPSHOT
    assert session.state is not State.SUBSCRIBED
    bench.run(10)
    assert session.pairs["BTC/USD"].verified
    assert session.pairs["BTC/USD"].resyncs == 1


def test_a_token_that_is_refused_is_fetched_once_more_and_then_rarely() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.venue.faults.private.refuse_tokens(1)
    bench.run(3)
    assert session.pairs["BTC/USD"].verified
    assert bench.tokens == 2
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.venue.faults.private.refuse_tokens(10**6)
    bench.run(60)
    assert session.state is State.AUTHENTICATING
    assert bench.tokens <= 12
    assert len(bench.dials["level 3"]) == 1


def test_a_token_is_fetched_again_with_each_connection() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.run(3)
    bench.venue.faults.private.close("l3", 1006)
    bench.run(5)
    assert session.pairs["BTC/USD"].verified
    assert bench.tokens == 2
    assert session.reconnects == 1


def test_without_an_answer_for_the_token_the_wait_doubles() -> None:
    bench = PrivateBench()
    bench.token_failure = OutcomeUnknown("no answer")
    session = bench.level3("BTC/USD")
    bench.run(100)
    wanted = [event for event in bench.events["level 3"] if type(event).__name__ == "TokenWanted"]
    assert session.state is State.AUTHENTICATING
    assert 4 <= len(wanted) <= 8
    assert "no answer" in session.cause
    bench.token_failure = None
    bench.run(130)
    assert session.pairs["BTC/USD"].verified


def test_a_key_that_may_not_connect_stops_the_connection_until_the_user_acts() -> None:
    bench = PrivateBench(key="no-token")
    session = bench.level3("BTC/USD")
    bench.run(200)
    assert session.stopped
    assert session.state is State.DISCONNECTED
    assert len(bench.dials["level 3"]) == 1
    view = session.view(bench.now)
    assert view.stopped
    assert view.retry_in_s is None
    assert "Permission denied" in view.cause
    session.resume(bench.now, bench.wall)
    bench.run(3)
    assert len(bench.dials["level 3"]) == 2


def test_a_silent_connection_is_dropped_and_dialled_again() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.run(3)
    bench.venue.faults.private.muted.add("l3")
    bench.run(10)
    assert session.reconnects >= 1
    assert not session.pairs["BTC/USD"].verified
    bench.venue.faults.private.muted.clear()
    bench.run(30)
    assert session.pairs["BTC/USD"].verified


def test_what_the_exchange_forbids_holds_here_and_leaves_the_public_dials_alone() -> None:
    limits = Limits()
    budget = DialBudget(limits)
    bench = PrivateBench()
    bench.venue.faults.private.refuse_connections("l3", 403)
    session = bench.level3("BTC/USD", budget=budget)
    bench.run(2)
    assert session.state is State.COOLDOWN
    assert budget.cooldown_until is None
    assert budget.next_allowed(bench.now) == bench.now
    bench.run(limits.cooldown_s + 5)
    assert session.pairs["BTC/USD"].verified


def test_the_budget_is_shared_and_a_part_of_it_left_to_the_public_feed() -> None:
    limits = Limits()
    budget = DialBudget(limits)
    bench = PrivateBench()
    bench.refusal["level 3"] = {}
    bench.level3("BTC/USD", budget=budget)
    bench.run(500)
    spent = budget.spent(bench.now)
    assert spent == len(bench.dials["level 3"]) <= limits.dial_limit - RESERVE
    assert budget.next_allowed(bench.now) == bench.now


def test_two_hundred_pairs_at_most_and_no_faster_than_the_exchange_allows() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    for number in range(250):
        symbol = f"A{number}/USD"
        bench.specs[symbol] = PairSpec(symbol, "A", "USD", 1, 8)
    bench.run(2)
    session.want(["BTC/USD", *(name for name in bench.specs if name.startswith("A"))], bench.now, bench.wall)
    moments: list[tuple[int, int]] = []
    for _ in range(100):
        before = len(bench.sent["level 3"])
        bench.run(0.1)
        for text in bench.sent["level 3"][before:]:
            request = json.loads(text)
            if request["method"] == "subscribe":
                moments.append((bench.now, COST[10] * len(request["params"]["symbol"])))
    assert moments
    for at, _ in moments:
        assert sum(cost for when, cost in moments if at <= when < at + SECOND) <= COST_LIMIT
    assert session.pairs["BTC/USD"].verified


def test_mistake_20_the_pace_of_subscriptions_is_kept_before_the_exchange_refuses() -> None:
    pace = Pace(200, SECOND)
    rng = random.Random(3)
    spent: list[tuple[int, int]] = []
    now = 0
    for _ in range(500):
        now += rng.randrange(SECOND // 4)
        cost = rng.choice((5, 25, 100))
        if pace.room(now) >= cost:
            pace.spend(cost, now)
            spent.append((now, cost))
        assert sum(c for at, c in spent if now - SECOND < at <= now) <= 200


def test_pairs_can_be_left_and_wanted_again() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD", "ETH/USD")
    bench.run(3)
    session.want(["ETH/USD"], bench.now, bench.wall)
    bench.run(2)
    assert list(session.pairs) == ["ETH/USD"]
    assert session.state is State.SUBSCRIBED
    session.want(["BTC/USD", "ETH/USD"], bench.now, bench.wall)
    bench.run(3)
    assert all(pair.verified for pair in session.pairs.values())


def test_an_unknown_pair_is_refused_and_not_asked_for_in_a_loop() -> None:
    bench = PrivateBench()
    bench.specs["XYZ/USD"] = PairSpec("XYZ/USD", "XYZ", "USD", 1, 8)
    session = bench.level3("XYZ/USD", "BTC/USD")
    bench.run(60)
    assert session.pairs["XYZ/USD"].state is L3State.REFUSED
    assert session.pairs["BTC/USD"].verified
    assert session.state is State.DEGRADED
    assert sum("XYZ" in text for text in bench.sent["level 3"]) == 1


def test_an_unreadable_frame_costs_the_connection_and_nothing_is_shown_as_proven() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD")
    bench.run(3)
    session.frame(b'{"channel":"level3","type":', bench.now, bench.wall)
    assert session.state is State.DISCONNECTED
    assert not session.pairs["BTC/USD"].verified
    bench.run(5)
    assert session.pairs["BTC/USD"].verified


def test_an_independent_reader_of_the_same_frames_holds_the_same_queues() -> None:
    bench = PrivateBench()
    session = bench.level3("BTC/USD", depth=100)
    other = Level3Client(100)
    take = session.frame

    def frame(data: Any, now: int, wall: int) -> None:
        parsed = json.loads(data, parse_float=str)
        if parsed.get("channel") == "level3":
            other.apply(parsed)
        take(data, now, wall)

    session.frame = frame  # type: ignore[method-assign]
    bench.run(10)
    book = session.pairs["BTC/USD"].book
    assert book is not None
    assert other.checked > 50
    ids = [order.order_id for level in book.levels(book.bids.side) for order in book.queue(book.bids.side, level.ticks)]
    assert ids == [order[0] for _, orders in other.levels("bids") for order in orders]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_it_ends_in_the_books_of_the_exchange(seed: int) -> None:
    rng = random.Random(seed)
    bench = PrivateBench(seed=seed)
    session = bench.level3("BTC/USD", "ETH/USD", depth=rng.choice((10, 100)))
    faults = bench.venue.faults.private
    for _ in range(12):
        symbol = rng.choice(("BTC/USD", "ETH/USD"))
        rng.choice(
            (
                lambda: faults.corrupt_level3(symbol),
                lambda: faults.drop_level3(symbol, rng.randrange(1, 4)),
                lambda: faults.duplicate_level3(symbol),
                lambda: faults.swap_level3(symbol),
                lambda: faults.withhold_snapshots("level3"),
                lambda: faults.refuse_tokens(rng.randrange(1, 3)),
                lambda: faults.close("l3", rng.choice((1001, 1006, 1012))),
                lambda: faults.refuse_connections("l3", rng.choice((502, 503)), rng.randrange(1, 4)),
                lambda: setattr(faults, "level3_late_s", rng.choice((0.0, 0.3, 1.5))),
                lambda: faults.muted.add("l3"),
            )
        )()
        bench.run(rng.uniform(0.5, 6))
        faults.muted.clear()
        for pair in session.pairs.values():
            assert not pair.verified or pair.book is not None
            # Not proven is said with a reason, always.
            assert pair.verified or session.view_reason(pair)
    faults.level3_late_s = 0.0
    bench.run(200)
    assert session.state is State.SUBSCRIBED
    for symbol, pair in session.pairs.items():
        assert pair.verified
        assert pair.book is not None
        spec = pair.book.spec
        frame = json.loads(str(bench.venue.market(symbol).level3_snapshot(session.depth)), parse_float=str)
        for name, side in (("bids", pair.book.bids), ("asks", pair.book.asks)):
            real = [
                (to_units(order["limit_price"], spec.price_precision), order["order_id"])
                for order in frame["data"][0][name]
            ]
            assert [(ticks, order_id) for ticks, _, order_id in side.each()] == real
    assert bench.tokens <= 40
