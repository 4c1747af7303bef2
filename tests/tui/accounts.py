"""Believable accounts and single orders, on top of `samples`: what the engine publishes of the private side."""

from __future__ import annotations

import random
from decimal import Decimal

from msgspec.structs import replace

from kraken_tui.market.book.l3_views import L3Level, QueuedOrder, QueuePosition
from kraken_tui.market.events import Level, Side
from kraken_tui.market.icebergs import Evidence, IcebergSeen
from kraken_tui.market.orders.values import Balance, Fill, Order, Position, Stage
from kraken_tui.market.private_views import (
    AccountView,
    Level3View,
    LinkView,
    QueueView,
    StreamView,
    TradingView,
)
from kraken_tui.market.views import PairView
from tests.tui.samples import NOW, SECOND

D = Decimal


def order(key: str, **changes: object) -> Order:
    """A working limit order to buy 0.25 BTC."""
    usual = Order(
        key=key,
        stage=Stage.OPEN,
        order_id=f"O{key.upper()}",
        symbol="BTC/USD",
        side=Side.BUY,
        order_type="limit",
        order_qty=D("0.25"),
        limit_price=D("64250.0"),
        was_open=True,
        changed_ns=NOW - 12 * SECOND,
    )
    return replace(usual, **changes)


def price_at(view: PairView, side: Side, number: int) -> Decimal:
    """Price of a level, as an order has it."""
    assert view.spec is not None
    levels = view.bids if side is Side.BUY else view.asks
    return D(levels[number][0]).scaleb(-view.spec.price_precision)


def orders(view: PairView) -> tuple[Order, ...]:
    """One in every state, of the pair and of another."""
    buy, sell = Side.BUY, Side.SELL
    return (
        order("work", limit_price=price_at(view, buy, 3)),
        order("part", limit_price=price_at(view, buy, 6), order_qty=D("1.5"), cum_qty=D("0.5"),
              avg_price=D("64248.7"), post_only=True),
        order("pend", stage=Stage.PENDING, side=sell, limit_price=price_at(view, sell, 4), order_qty=D("0.1")),
        order("cancel", side=sell, limit_price=price_at(view, sell, 8), cancel_sent=True, order_qty=D("2")),
        order("doubt", side=sell, limit_price=price_at(view, sell, 11), foreign=True),
        order("stop", order_type="stop-loss", trigger_price=price_at(view, buy, 9), limit_price=None,
              triggered=False, side=sell),
        order("two1", limit_price=price_at(view, buy, 11), order_qty=D("0.4")),
        order("two2", limit_price=price_at(view, buy, 11), order_qty=D("0.35")),
        order("far", side=sell, limit_price=D("99000.0"), order_qty=D("0.01"), changed_ns=NOW - 90_000 * SECOND),
        order("eth", symbol="ETH/BTC", limit_price=D("0.04850"), order_qty=D("12")),
        order("lost", stage=Stage.UNKNOWN, order_id=None, limit_price=price_at(view, buy, 14)),
        order("done", stage=Stage.FILLED, cum_qty=D("0.25"), avg_price=D("64240.1")),
        order("gone", stage=Stage.CANCELED, cum_qty=D("0.05"), reason="User requested"),
        order("refused", stage=Stage.REFUSED, reason="EOrder:Insufficient funds"),
    )  # fmt: skip


def fills(view: PairView) -> tuple[Fill, ...]:
    """Two of the session, the first with the number of a trade of the tape, and one of before it."""
    assert view.spec is not None
    trade = view.tape[2]
    price = D(trade.price).scaleb(-view.spec.price_precision)
    side = trade.side
    return (
        Fill("T1", "OWORK", view.symbol, side, D(trade.qty).scaleb(-8), price, D("160.62"), trade.venue_ns,
             trade.trade_id, False, (("USD", D("0.4")),), live=True, session=True),
        Fill("T2", "OPART", view.symbol, Side.SELL, D("0.5"), price, D("32120"), NOW - 70 * SECOND, None, True,
             (("USD", D("51.39")),), live=True, session=True),
        Fill("T0", "OLD", "ETH/BTC", Side.BUY, D("3"), D("0.0485"), D("0.1455"), NOW - 9_000 * SECOND),
    )  # fmt: skip


def account(view: PairView, **changes: object) -> AccountView:
    """An account of play money with an order in every state."""
    usual = AccountView(
        version=1,
        key="demo",
        play=True,
        links=(
            LinkView("level 3", "SUBSCRIBED", heard_age_ns=SECOND // 5, messages=4_000),
            LinkView("account", "SUBSCRIBED", heard_age_ns=SECOND // 2, messages=40),
        ),
        streams=(
            StreamView("executions", True, sequence=412, age_ns=3 * SECOND),
            StreamView("balances", True, sequence=57, age_ns=12 * SECOND),
        ),
        orders=orders(view),
        unverified=frozenset({"doubt"}),
        fills=fills(view),
        balances=(
            Balance("BTC", D("1.25")),
            Balance("ETH", D("12.5"), free=D("0.5"), entry="trade", amount=D("3"), ns=NOW - 30 * SECOND),
            Balance("USD", D("98234.5127"), free=D("51000"), entry="trade", amount=D("-160.62"), ns=NOW - SECOND),
        ),
        positions=(
            Position("BTC/USD", D("-0.4975"), D("64240.123456789123"), D("12.5"), D("0.0025"), D("0.5")),
            Position("ETH/BTC", D("0"), None, D("-0.01"), D("3"), D("3")),
        ),
        fees=(("BTC", D("0.0001")), ("USD", D("51.79"))),
        worth=D("179234.91"),
    )
    return replace(usual, **changes)


def doubtful(view: PairView) -> AccountView:
    """After a gap in the executions, with a link that waits for its next dial and one that is stopped."""
    return account(
        view,
        play=False,
        key="view",
        streams=(
            StreamView("executions", False, "sequence gap, reconciling", 412, 3 * SECOND),
            StreamView("balances", False, "no snapshot yet"),
        ),
        links=(
            LinkView("level 3", "COOLDOWN", "connection lost", attempt=2, retry_in_s=4.0, reconnects=3),
            LinkView("account", "DISCONNECTED", "EAPI:Invalid key", stopped=True),
        ),
        worth=None,
        warnings=("The key may also cancel orders, which this program does not need to look.",),
        problem="The exchange refused the key: make a new one (docs/ACCOUNT.md).",
    )


TRADING = TradingView("DEMO", True, disarms_in_s=42.0, cancels_after_s=58.0, rate=52.0, rate_limit=60.0)


def _queue(level: Level, chance: random.Random) -> tuple[int, ...]:
    _, lots = level
    count = min(chance.choice((1, 1, 2, 3, 5, 9, 40)), lots)
    cuts = sorted(chance.sample(range(1, lots), count - 1)) if count > 1 else []
    return tuple(b - a for a, b in zip([0, *cuts], [*cuts, lots], strict=True))


def level3(view: PairView, held: AccountView | None = None, *, depth: int = 100, seed: int = 3) -> Level3View:
    """Single orders whose sums are the levels of the view; own ones stand in the middle of their queues."""
    chance = random.Random(seed)
    sides: dict[Side, list[L3Level]] = {Side.BUY: [], Side.SELL: []}
    own: dict[str, QueuePosition] = {}
    wanted = {} if held is None or view.spec is None else {
        (each.side, int(each.limit_price.scaleb(view.spec.price_precision))): each
        for each in held.orders
        if each.in_book and each.limit_price is not None and each.symbol == view.symbol
    }  # fmt: skip
    for side, levels in ((Side.BUY, view.bids), (Side.SELL, view.asks)):
        for level in levels[:depth]:
            ticks, lots = level
            sizes = _queue(level, chance)
            mine = wanted.get((side, ticks))
            if mine is not None and mine.order_id is not None:
                size = max(1, min(int(D("0.25").scaleb(8)), lots // 3))
                sizes = (lots // 3, lots - lots // 3 - size, size)
                own[mine.order_id] = QueuePosition(side, ticks, size, 2, lots - size, 0, lots, True)
            sides[side].append(L3Level(ticks, lots, sizes, view.now_ns - chance.randrange(600) * SECOND))
    bid = view.bids[2][0]
    return Level3View(
        depth=depth,
        verified=True,
        reason="",
        age_ns=SECOND // 5,
        bids=tuple(sides[Side.BUY]),
        asks=tuple(sides[Side.SELL]),
        own=own,
        queue=queue(view, sides[Side.BUY], own),
        icebergs=(
            IcebergSeen(view.symbol, Side.BUY, bid, 120_000_000, Evidence.TRADED, 220_000_000, 100_000_000, 1,
                        NOW - SECOND, NOW),
            IcebergSeen(view.symbol, Side.SELL, view.asks[2][0], 50_000_000, Evidence.LIKELY, 0, 0, 3,
                        NOW - SECOND, NOW),
        ),
        checks_ok=4_000,
    )  # fmt: skip


def queue(view: PairView, levels: list[L3Level], own: dict[str, QueuePosition], number: int = 3) -> QueueView:
    """The queue of a bid level, own orders by their names."""
    level = levels[number]
    names = {at.orders_ahead: name for name, at in own.items() if at.ticks == level.ticks}
    found, ahead = [], 0
    for at, lots in enumerate(level.sizes):
        name = names.get(at, f"OQ{at:04d}")
        found.append(QueuedOrder(name, lots, view.now_ns - (100 - at) * SECOND, at, ahead))
        ahead += lots
    return QueueView(Side.BUY, level.ticks, tuple(found))


def pair(view: PairView, held: AccountView | None = None) -> PairView:
    """The pair with its single orders."""
    return replace(view, level3=level3(view, held))
