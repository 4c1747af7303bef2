"""Single orders and the account as a program gets them. Unstable: fields may still change (docs/LIBRARY.md)."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby, islice

from kraken_tui.client.run import Run
from kraken_tui.client.values import PairSpec, exact, spec_of
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import ConfigurationError, TimedOut
from kraken_tui.feed.private import events as feed
from kraken_tui.market.events import Side
from kraken_tui.market.freshness import CLOSED, silence_ns, silence_text
from kraken_tui.market.orders.values import Balance, Fill, Order, Position
from kraken_tui.market.plain import Value
from kraken_tui.market.private_views import AccountView
from kraken_tui.wire.checksum import CHECKSUM_LEVELS, checksum_of_orders


class SingleOrder(Value, frozen=True, gc=False):
    """One order of a book.

    Attributes:
        order_id: The exchange's name of it.
        side: BUY for a bid.
        price, qty: Price, and the visible quantity that remains.
        orders_ahead, qty_ahead: What stands before it in its level; hidden quantity is not known.
    """

    order_id: str
    side: Side
    price: Decimal
    qty: Decimal
    orders_ahead: int
    qty_ahead: Decimal


class _Orders(Value, frozen=True, gc=False):
    """Orders of both sides, in ticks and lots."""

    @property
    def bids(self) -> tuple[SingleOrder, ...]:
        """Bids, best price first, first in the queue first."""
        return self._side(Side.BUY)

    @property
    def asks(self) -> tuple[SingleOrder, ...]:
        """Asks, likewise."""
        return self._side(Side.SELL)

    def queue(self, price: Decimal | str) -> tuple[SingleOrder, ...]:
        """The orders of one level, first in the queue first; empty where there is none.

        Raises:
            ConfigurationError: Not a number.
        """
        try:
            wanted = Decimal(price)
        except (ArithmeticError, TypeError, ValueError):
            raise ConfigurationError("queue takes a price, as a Decimal or a text") from None
        return tuple(order for order in (*self.bids, *self.asks) if order.price == wanted)

    def position(self, order_id: str) -> SingleOrder | None:
        """One order, with what stands before it; None is "not known": beyond the depth, pending, or gone."""
        return next((order for order in (*self.bids, *self.asks) if order.order_id == order_id), None)

    def own_checksum(self) -> int:
        """CRC32 of the orders of the ten best levels a side, computed from this value."""
        _, bids, asks = self._parts()
        return checksum_of_orders(_best(asks), _best(bids))

    def _parts(self) -> tuple[PairSpec, tuple[feed.WireOrderLine, ...], tuple[feed.WireOrderLine, ...]]:
        raise NotImplementedError

    def _side(self, side: Side) -> tuple[SingleOrder, ...]:
        spec, bids, asks = self._parts()
        found: list[SingleOrder] = []
        level: int | None = None
        orders = lots_ahead = 0
        for ticks, lots, order_id in bids if side is Side.BUY else asks:
            if ticks != level:
                level, orders, lots_ahead = ticks, 0, 0
            price, qty = exact(ticks, spec.price_precision), exact(lots, spec.qty_precision)
            found.append(SingleOrder(order_id, side, price, qty, orders, exact(lots_ahead, spec.qty_precision)))
            orders, lots_ahead = orders + 1, lots_ahead + lots
        return tuple(found)


def _best(orders: tuple[feed.WireOrderLine, ...]) -> list[list[tuple[int, int]]]:
    """Levels of the checksum, each its orders."""
    levels = groupby(orders, lambda order: order[0])
    return [[(ticks, lots) for ticks, lots, _ in level] for _, level in islice(levels, CHECKSUM_LEVELS)]


class Level3Book(_Orders, frozen=True, gc=False):
    """The single orders of a pair at one moment; it never changes.

    Attributes:
        symbol: v2 symbol.
        spec: Precisions.
        bid_id_ticks_lots, ask_id_ticks_lots: (ticks, lots, id), best price first; in decimals they are `bids` and
            `asks`.
        depth: Price levels a side that are subscribed.
        verified: Whether the checksum of the last message is proven; trust places in queues only then.
        reason: Why not; "" where it is.
        stale: Whether the connection was silent for too long, or the engine does not answer.
        checksum: The exchange's last, None where it sent none.
        timestamp: The exchange's, verbatim; None where it sent none.
    """

    symbol: str
    spec: PairSpec
    bid_id_ticks_lots: tuple[feed.WireOrderLine, ...]
    ask_id_ticks_lots: tuple[feed.WireOrderLine, ...]
    depth: int
    verified: bool
    reason: str
    stale: bool
    checksum: int | None
    timestamp: str | None

    def _parts(self) -> tuple[PairSpec, tuple[feed.WireOrderLine, ...], tuple[feed.WireOrderLine, ...]]:
        return self.spec, self.bid_id_ticks_lots, self.ask_id_ticks_lots


class Level3Changed(_Orders, frozen=True, gc=False):
    """The single orders right after one message: all of them after a snapshot, else those of the ten best levels.

    Attributes:
        symbol, spec, bid_id_ticks_lots, ask_id_ticks_lots, depth: As of a `Level3Book`.
        verified, reason, checksum, timestamp: As well.
        kind: "snapshot" or "update".
        received_ns: This computer's time of the receipt, ns since the epoch.
    """

    symbol: str
    kind: str
    spec: PairSpec
    bid_id_ticks_lots: tuple[feed.WireOrderLine, ...]
    ask_id_ticks_lots: tuple[feed.WireOrderLine, ...]
    depth: int
    verified: bool
    reason: str
    checksum: int | None
    timestamp: str | None
    received_ns: int

    def _parts(self) -> tuple[PairSpec, tuple[feed.WireOrderLine, ...], tuple[feed.WireOrderLine, ...]]:
        return self.spec, self.bid_id_ticks_lots, self.ask_id_ticks_lots


class Account(Value, frozen=True, gc=False):
    """What is known of the account.

    Attributes:
        key: Name of the key, or "demo".
        play: Whether it is the demo's play money.
        verified: Whether orders and fills are complete since a snapshot; `reason` says why not.
        balances_verified: The same of the balances.
        stale: Whether the engine does not answer.
        orders: Open ones and those that ended lately, newest change first.
        unverified: Keys of orders whose state is not proven now.
        fills: Newest first; those from before the session are `live=False`.
        balances: By asset, sorted.
        positions: Net of the session's fills, by pair.
        fees: (asset, quantity) of the session.
        worth: Of everything in US dollars; None unless every price is known.
        warnings: What to know of the key, a sentence each.
        problem: Why there is no account, one sentence; "" where all is well.
    """

    key: str
    play: bool
    verified: bool
    reason: str
    balances_verified: bool
    stale: bool
    orders: tuple[Order, ...]
    unverified: tuple[str, ...]
    fills: tuple[Fill, ...]
    balances: tuple[Balance, ...]
    positions: tuple[Position, ...]
    fees: tuple[tuple[str, Decimal], ...]
    worth: Decimal | None
    warnings: tuple[str, ...]
    problem: str

    @property
    def open_orders(self) -> tuple[Order, ...]:
        """Orders that are open, or may be."""
        return tuple(order for order in self.orders if order.open is not False)


def changed_of(line: feed.Level3Line) -> Level3Changed:
    """The engine's line as a program gets it."""
    return Level3Changed(
        line.symbol,
        line.kind,
        spec_of(line.spec),
        line.bids,
        line.asks,
        line.depth,
        line.verified,
        line.reason,
        line.checksum,
        line.timestamp,
        line.received_ns,
    )


class PrivateReading:
    """Reads single orders and the account of a running engine.

    Args:
        run: The engine.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last: dict[str, Level3Book] = {}

    def level3(self, symbol: str) -> Level3Book | None:
        """The single orders of a pair, as of now."""
        if not self._run.engine.settings.level3:
            raise ConfigurationError("level3 reads single orders; open the client with level3=True")
        silent_ns = self._silent_ns()
        try:
            found = self._run.ask(lambda worker: _book(worker, symbol))
        except TimedOut:
            found, silent_ns = self._last.get(symbol), max(1, silent_ns)
        if found is None:
            return None
        self._last[symbol] = found
        why = self._doubt(silent_ns)
        if why:
            return _replace(found, verified=False, stale=True, reason=why)
        return found

    def account(self) -> Account | None:
        """The account, as of now."""
        if not self._run.engine.settings.account:
            raise ConfigurationError("account reads the account; open the client with account=True")
        silent_ns = self._silent_ns()
        try:
            view = self._run.ask(lambda worker: worker.private.account_view() if worker.private else None)
        except TimedOut:
            view, silent_ns = self._run.engine.published().account, max(1, silent_ns)
        return None if view is None else _account(view, self._doubt(silent_ns))

    def _doubt(self, silent_ns: int) -> str:
        """Why nobody vouches for what is read; "" where somebody does."""
        return CLOSED if self._run.is_over else silence_text(silent_ns) if silent_ns else ""

    def _silent_ns(self) -> int:
        engine = self._run.engine
        return 0 if engine.ended else silence_ns(engine.feed_view.made_ns, engine.now())


def _replace(book: Level3Book, **changes: object) -> Level3Book:
    from msgspec.structs import replace

    return replace(book, **changes)


def _book(worker: Worker, symbol: str) -> Level3Book | None:
    private = worker.private
    session = None if private is None else private.level3
    view = None if private is None else private.level3_view(symbol)
    pair = None if session is None else session.pairs.get(symbol)
    if view is None or pair is None or pair.book is None:
        return None
    return Level3Book(
        symbol,
        spec_of(pair.book.spec),
        pair.book.bids.each(),
        pair.book.asks.each(),
        view.depth,
        view.verified,
        view.reason or view.stale_reason,
        view.stale,
        pair.checksum,
        pair.timestamp,
    )


def _account(view: AccountView, doubt: str) -> Account:
    streams = {stream.channel: stream for stream in view.streams}
    executions, balances = streams["executions"], streams["balances"]
    return Account(
        view.key,
        view.play,
        executions.verified and not doubt,
        doubt or executions.reason,
        balances.verified and not doubt,
        bool(doubt),
        view.orders,
        tuple(sorted(view.unverified)),
        view.fills,
        view.balances,
        view.positions,
        view.fees,
        view.worth,
        view.warnings,
        view.problem,
    )
