"""Every limit blocks, and what is allowed is not blocked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Side
from kraken_tui.trading.limits import DuplicateGuard, TradingLimits, facts_of, ticket_blocks, warnings
from kraken_tui.trading.tickets import Kind, Ticket, protected, size_steps, words
from kraken_tui.wire.messages import PairData
from kraken_tui.wire.symbols import PairSpec
from tests.tui import samples

from .helpers import BUY, FACTS, SPEC, SYMBOL, Rig, S, dollars, ticket

LIMITS = TradingLimits()


def blocks(order: Ticket = BUY, limits: TradingLimits = LIMITS, open_orders: int = 0, **facts: Any) -> str:
    return "; ".join(ticket_blocks(order, replace(FACTS, **facts), limits, open_orders))


def test_what_is_allowed_is_not_blocked() -> None:
    assert blocks() == ""
    assert blocks(ticket(side=Side.SELL, ticks=500_020)) == ""
    assert blocks(ticket(kind=Kind.STOP, ticks=500_100)) == ""
    assert blocks(ticket(kind=Kind.MARKET, ticks=502_500)) == ""


@pytest.mark.parametrize(
    ("order", "words_said"),
    [
        ({"lots": 0}, "there is no size"),
        ({"lots": 4_999}, "below the pair's minimum of 0.00005000 BTC"),
        ({"lots": 2_000_100}, "above your limit of 1000 USD"),
        ({"ticks": 0}, "there is no price"),
        ({"ticks": 474_000}, "5.2 % from the middle, and your limit is 5 %"),
        ({"ticks": 526_000}, "5.2 % from the middle"),
        ({"kind": Kind.STOP, "ticks": 500_000}, "belongs above the best ask"),
        ({"kind": Kind.STOP, "side": Side.SELL, "ticks": 500_005}, "belongs below the best bid"),
    ],
)
def test_an_order_that_goes_too_far_is_blocked(order: dict[str, Any], words_said: str) -> None:
    assert words_said in blocks(ticket(**order))


@pytest.mark.parametrize(
    ("facts", "words_said"),
    [
        ({"proven": False, "reason": "wrong checksum"}, "not verified (wrong checksum)"),
        ({"heard_ns": 2 * S}, "nothing was heard of the exchange for 2.0 s"),
        ({"heard_ns": None}, "nothing was heard of the exchange ever"),
        ({"behind_ns": 3 * S}, "3.0 s behind"),
        ({"venue": "CANCEL-ONLY"}, "BTC/USD is CANCEL-ONLY"),
        ({"venue": "MAINTENANCE"}, "BTC/USD is MAINTENANCE"),
        ({"venue": "UNKNOWN"}, "BTC/USD is UNKNOWN"),
        ({"spec": None}, "precisions of BTC/USD are not known"),
        ({"bid": None}, "a side of the book is empty"),
        ({"bid": 500_010}, "the book is crossed"),
        ({"spec": replace(SPEC, increment=50)}, "the price 49999.0 is not a multiple of 5.0"),
        ({"spec": replace(SPEC, qty_step=3_000_000)}, "the size 0.01000000 is not a multiple of 0.03000000"),
        ({"spec": replace(SPEC, cost_min="600")}, "below the pair's minimum of 600"),
        ({"spec": replace(SPEC, qty_min=None)}, "the smallest order of BTC/USD is not known"),
        ({"spec": replace(SPEC, quote="XYZ")}, "no limit is set for orders in XYZ (trade_max_worth)"),
        ({"spec": replace(SPEC, assumed=True)}, "precisions of BTC/USD are not known"),
    ],
)
def test_what_is_not_good_enough_to_trade_by_blocks(facts: dict[str, Any], words_said: str) -> None:
    assert words_said in blocks(**facts)


def test_a_book_that_is_only_quiet_does_not_block() -> None:
    assert blocks(heard_ns=900_000_000) == ""


def test_a_venue_that_takes_some_orders_takes_those() -> None:
    assert blocks(venue="POST-ONLY") == ""
    assert blocks(ticket(post_only=False), venue="POST-ONLY") == "BTC/USD is POST-ONLY"
    assert blocks(ticket(post_only=False), venue="LIMIT-ONLY") == ""
    assert blocks(ticket(kind=Kind.STOP, ticks=500_100), venue="LIMIT-ONLY") == "BTC/USD is LIMIT-ONLY"


def test_size_and_number_of_orders_are_limited() -> None:
    small = TradingLimits(max_size={"BTC": Decimal("0.009")})
    assert blocks(limits=small) == "the size 0.01000000 is above your limit of 0.009 BTC"
    assert blocks(open_orders=10) == "there are 10 open orders, and the limit is 10"
    assert blocks(limits=dollars(400)) == "499.99 USD is above your limit of 400 USD"


def test_the_same_order_within_a_second_is_a_slip() -> None:
    guard = DuplicateGuard(S)
    guard.sent(BUY, 0)
    assert guard.block(BUY, S - 1)
    assert guard.block(ticket(lots=7), 1)
    assert not guard.block(BUY, S)
    assert not guard.block(ticket(side=Side.SELL), 1)
    assert not guard.block(ticket(ticks=1), 1)


def test_a_pressed_twice_key_places_one_order() -> None:
    rig = Rig()
    rig.trader.place(BUY, FACTS, rig.now)
    second = rig.trader.place(BUY, FACTS, rig.now + 200_000_000)
    assert "less than a second ago" in second.outcome.sentence  # type: ignore[union-attr]
    assert len(rig.link.texts) == 1


def test_an_order_that_takes_is_told_of_and_not_forbidden() -> None:
    crossing = ticket(ticks=500_010, post_only=False)
    assert blocks(crossing) == ""
    assert warnings(crossing, FACTS)[0].startswith("TAKES NOW")
    assert warnings(ticket(ticks=500_010), FACTS)[0].startswith("WOULD TAKE NOW")
    assert warnings(BUY, FACTS) == []


def test_a_market_that_moved_between_confirming_and_sending_is_looked_at_again() -> None:
    rig = Rig()
    order = ticket(ticks=500_005, post_only=False)
    moved = replace(FACTS, bid=499_990, ask=500_004)
    pending = rig.trader.place(order, moved, rig.now, seen_takes=False)
    assert "it would take now" in pending.outcome.sentence  # type: ignore[union-attr]
    assert rig.trader.place(order, moved, rig.now, seen_takes=True).outcome is None


def test_the_protection_of_a_market_order_is_never_worse_than_asked() -> None:
    coarse = replace(SPEC, increment=50)
    assert protected(Side.BUY, 500_010, Decimal("0.5"), SPEC) == 502_510
    assert protected(Side.BUY, 500_000, Decimal("0.001"), coarse) == 500_000
    assert protected(Side.SELL, 500_000, Decimal("0.5"), coarse) == 497_500
    assert protected(Side.SELL, 499_999, Decimal("0.5"), coarse) >= 499_999 - 2_499


def test_the_words_of_the_confirm_box_say_everything() -> None:
    assert words(BUY, SPEC) == "BUY 0.01000000 BTC at 49999.0 USD, post-only, 499.99 USD in all"
    market = ticket(kind=Kind.MARKET, side=Side.SELL, ticks=497_500)
    assert words(market, SPEC) == (
        "SELL 0.01000000 BTC at the market, for at least 49750.0 USD each, at least 497.5 USD in all"
    )
    stop = ticket(kind=Kind.STOP, ticks=501_000)
    assert words(stop, SPEC) == (
        "BUY 0.01000000 BTC at the market once a trade goes up to 50100.0 USD, about 501 USD in all"
    )


def test_sizes_go_by_one_two_five() -> None:
    sizes = [0]
    for _ in range(6):
        sizes.append(size_steps(sizes[-1], 1_000, 1))
    assert sizes == [0, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000]
    assert size_steps(5_000, 1_000, -1) == 2_000
    assert size_steps(1_000, 1_000, -1) == 0


def test_what_orders_need_of_a_pair_is_read_and_never_costs_it_its_book() -> None:
    data = PairData("A/B", "A", "B", "online", 1, 3, qty_min="0.01", qty_increment="0.001", cost_min="0.5")
    spec = PairSpec.from_wire(data)
    assert (spec.qty_min, spec.qty_step, spec.cost_min) == (10, 1, "0.5")
    data = PairData("A/B", "A", "B", "online", 1, 3, qty_min="0.0001", qty_increment="x", cost_min="y")
    spec = PairSpec.from_wire(data)
    assert (spec.qty_min, spec.qty_step, spec.cost_min) == (None, 1, "")


def test_the_facts_are_those_of_the_view() -> None:
    view = samples.pair(SYMBOL)
    facts = facts_of(view, SYMBOL, wall_ns=5, heard_ns=1, behind_ns=2, clock_ns=3)
    assert (facts.bid, facts.ask) == (view.bids[0][0], view.asks[0][0])
    assert facts.proven is (view.proof.value == "VERIFIED")
    assert not facts_of(None, SYMBOL, wall_ns=5, heard_ns=1, behind_ns=2, clock_ns=3).proven
