"""Own orders at their prices: the frame tells the state, and no place in a queue is shown that nobody can prove."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Proof, Side
from kraken_tui.market.icebergs import Evidence, IcebergSeen
from kraken_tui.market.orders.values import Order, Stage
from kraken_tui.market.private_views import AccountView, StreamView
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.own import Standing, ahead_text, frame_text, hidden_text, own_orders
from kraken_tui.tui.draw.picture import Picture
from tests.tui import accounts, samples

D = Decimal


def picture(view: PairView, held: AccountView | None, **changes: object) -> Picture:
    return replace(Picture(view, samples.feed(), account=held), **changes)


def one(order: Order, **changes: object) -> AccountView:
    return replace(accounts.account(samples.pair()), orders=(order,), unverified=frozenset(), **changes)


STATES = [
    (accounts.order("a"), "[0.25]"),
    (accounts.order("a", stage=Stage.PENDING), "(0.25)"),
    (accounts.order("a", stage=Stage.SENT), "(0.25)"),
    (accounts.order("a", cancel_sent=True), "/0.25/"),
    (accounts.order("a", amend_sent=True), "[0.25…]"),
    (accounts.order("a", stage=Stage.UNKNOWN), "[0.25?]"),
    (accounts.order("a", triggered=False, trigger_price=D("64250.0"), limit_price=None), "[T 0.25]"),
    (accounts.order("a", cum_qty=D("0.1")), "[0.15]"),
    (accounts.order("a", order_qty=None), "[?]"),
]


@pytest.mark.parametrize(("order", "text"), STATES)
def test_the_frame_tells_the_state_without_colour(order: Order, text: str) -> None:
    (own,) = own_orders(picture(samples.pair(), one(order)))
    assert own.ticks == 642_500
    assert frame_text([own], samples.BTC, 12) == text


def test_an_order_that_ended_or_has_no_price_is_not_drawn() -> None:
    for stage in (Stage.FILLED, Stage.CANCELED, Stage.EXPIRED, Stage.REFUSED, Stage.VALIDATED):
        assert own_orders(picture(samples.pair(), one(accounts.order("a", stage=stage)))) == ()
    assert own_orders(picture(samples.pair(), one(accounts.order("a", limit_price=None)))) == ()
    assert own_orders(picture(samples.pair(), one(accounts.order("a", symbol="ETH/BTC")))) == ()


def test_after_a_gap_all_that_was_live_is_in_doubt() -> None:
    gap = one(accounts.order("a"), streams=(StreamView("executions", False, "gap"),))
    assert [own.standing for own in own_orders(picture(samples.pair(), gap))] == [Standing.DOUBTED]
    silent = one(accounts.order("a"), silent_ns=3 * samples.SECOND)
    assert [own.standing for own in own_orders(picture(samples.pair(), silent))] == [Standing.DOUBTED]


def test_nothing_own_is_drawn_into_the_past() -> None:
    held = one(accounts.order("a"))
    assert own_orders(picture(samples.pair(), held, moment_ns=samples.NOW - 5)) == ()
    assert own_orders(picture(samples.pair(), held, moment_ns=samples.NOW - 5, paused=True)) != ()


def test_several_at_a_price_say_how_many_and_the_worst_state() -> None:
    held = replace(one(accounts.order("a")), orders=(accounts.order("a"), accounts.order("b", cancel_sent=True)))
    orders = own_orders(picture(samples.pair(), held))
    assert frame_text(orders, samples.BTC, 12) == "/0.5 ×2/"


def test_a_quantity_is_whole_or_not_there() -> None:
    (own,) = own_orders(picture(samples.pair(), one(accounts.order("a", order_qty=D("0.12345678")))))
    assert frame_text([own], samples.BTC, 12) == "[0.12345678]"
    assert frame_text([own], samples.BTC, 8) == "[0.123]"
    assert [frame_text([own], samples.BTC, room) for room in (6, 1, 0)] == ["◆", "◆", ""]


def at_level(number: int = 3) -> tuple[PairView, AccountView]:
    view = samples.pair()
    return view, one(accounts.order("work", limit_price=accounts.price_at(view, Side.BUY, number)))


def test_ahead_is_exact_in_a_proven_book_of_single_orders() -> None:
    view, held = at_level()
    with_orders = accounts.pair(view, held)
    assert with_orders.level3 is not None
    at = with_orders.level3.own["OWORK"]
    shown = picture(with_orders, held)
    (own,) = own_orders(shown)
    assert (at.orders_ahead, at.lots_ahead) == (2, 143_107_787)
    assert ahead_text(own, shown) == "2 ahead, 1.43"
    first = replace(at, orders_ahead=0, lots_ahead=0)
    level3 = replace(with_orders.level3, own={"OWORK": first})
    assert ahead_text(own, picture(replace(with_orders, level3=level3), held)) == "next"


def test_no_place_is_shown_that_is_not_proven() -> None:
    view, held = at_level()
    with_orders = accounts.pair(view, held)
    level3 = with_orders.level3
    assert level3 is not None
    (own,) = own_orders(picture(with_orders, held))
    for worse in (replace(level3, verified=False), replace(level3, stale=True), replace(level3, own={})):
        assert ahead_text(own, picture(replace(with_orders, level3=worse), held)) == "?"
    assert ahead_text(own, picture(replace(with_orders, silent_ns=3 * samples.SECOND), held)) == "?"


def test_without_level_3_the_place_is_an_estimate_and_says_so() -> None:
    view, held = at_level()
    shown = picture(view, held)
    (own,) = own_orders(shown)
    resting = view.bids[3][1]
    assert resting == 168_107_787
    # All that rests there besides the own order: the most it can be.
    assert ahead_text(own, shown) == "~1.43 ahead"
    assert ahead_text(own, picture(replace(view, proof=Proof.UNVERIFIED), held)) == "?"
    beyond = one(accounts.order("work", limit_price=D("1.0")))
    (far,) = own_orders(picture(view, beyond))
    assert ahead_text(far, picture(view, beyond)) == "?"


def test_a_stop_has_no_place() -> None:
    stop = accounts.order("a", triggered=False, trigger_price=D("64250.0"))
    shown = picture(samples.pair(), one(stop))
    assert ahead_text(own_orders(shown)[0], shown) == ""


def seen(evidence: Evidence) -> IcebergSeen:
    return IcebergSeen("BTC/USD", Side.BUY, 1, 120_000_000, evidence, 0, 0, 1, 0, 1)


def test_hidden_quantity_is_a_lower_bound_or_likely() -> None:
    assert hidden_text(seen(Evidence.TRADED), 8) == "≥ 1.2 hidden"
    assert hidden_text(seen(Evidence.RELOADED), 8, 9) == "hid≥1.2"
    assert hidden_text(seen(Evidence.LIKELY), 8) == "likely 1.2 hidden"
    assert [hidden_text(seen(Evidence.LIKELY), 8, room) for room in (12, 8, 3)] == ["likely 1.2", "hid?1.2", ""]
