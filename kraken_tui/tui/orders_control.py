"""The cursor of the account's page, the level whose queue is watched, and the bell of a fill."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from typing import TYPE_CHECKING

from textual.message import Message

from kraken_tui.engine.api import MarketSource
from kraken_tui.market.book.aggregation import bucket_of, step_of
from kraken_tui.market.events import Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.picture import AccountChoices, BookChoices, Picture

if TYPE_CHECKING:
    from kraken_tui.market.orders.values import Fill, Order
    from kraken_tui.market.private_views import AccountView

QUEUE = "queue"

_Wish = tuple[str, Side | None, int]


class OrderChosen(Message):
    """The user clicked an order.

    Args:
        key: Of the order.
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class OrdersControl:
    """What the user chose on the account's page.

    Args:
        source: Is told which queue is watched.

    Attributes:
        choices: What drawings read.
    """

    def __init__(self, source: MarketSource) -> None:
        self._source = source
        self._wish: _Wish | None = None
        self._told: set[str] | None = None
        self._done: set[str] | None = None
        self.choices = AccountChoices()

    # --- the list ---------------------------------------------------------------------------------------------

    def chosen(self, account: AccountView | None) -> Order | None:
        """The order under the cursor."""
        orders = () if account is None else account.orders
        return next((order for order in orders if order.key == self.choices.chosen), None)

    @staticmethod
    def price_of(order: Order, pair: PairView | None) -> int | None:
        """Where an order stands, in ticks of its pair; None for another pair, or without a price."""
        from kraken_tui.tui.draw.own import units

        price = order.trigger_price if order.untriggered else order.limit_price
        if pair is None or pair.spec is None or pair.symbol != order.symbol or price is None:
            return None
        return units(price, pair.spec.price_precision)

    def sort(self) -> str:
        """List the orders in the next order; what is said of it."""
        from kraken_tui.tui.draw.account import SORTS

        at = SORTS.index(self.choices.sort)
        self.choices.sort = SORTS[(at + 1) % len(SORTS)]
        words = {"newest": "the newest change first", "price": "the highest price first", "pair": "pair and price"}
        return f"Orders by {words[self.choices.sort]}."

    def move(
        self, account: AccountView | None, pair: PairView | None, book: BookChoices, rows: int, alone: str | None
    ) -> None:
        """Move the cursor of the orders down by rows, or scroll the one list that stands alone.

        Args:
            account: With the orders.
            pair: The pair on screen.
            book: Its price cursor goes to the order, so that its queue is shown.
            rows: Positive is down.
            alone: The pane that has the whole body; None for all.
        """
        if alone not in (None, "orders"):
            self.choices.scrolled[alone] = max(0, self.choices.scrolled.get(alone, 0) + rows)
            return
        if account is None or not account.orders:
            return
        from kraken_tui.tui.draw.account import sorted_orders

        keys = [order.key for order in sorted_orders(account, self.choices.sort)]
        at = keys.index(self.choices.chosen) if self.choices.chosen in keys else -1 if rows > 0 else len(keys)
        self.choose(keys[max(0, min(at + rows, len(keys) - 1))], account, pair, book)

    def choose(self, key: str, account: AccountView | None, pair: PairView | None, book: BookChoices) -> None:
        """Put the cursor on an order, and the price cursor on its price where it is of the pair on screen."""
        self.choices.chosen = key
        order = self.chosen(account)
        ticks = None if order is None else self.price_of(order, pair)
        if ticks is not None:
            book.cursor = ticks

    # --- the queue --------------------------------------------------------------------------------------------

    def follow(self, picture: Picture, places: Collection[str]) -> None:
        """Ask for the queue of the level under the cursor (else of the best bid) while it is on screen."""
        wish = self._wanted(picture) if QUEUE in places else None
        before = self._wish
        if wish == before:
            return
        self._wish = wish
        self.choices.scrolled.pop(QUEUE, None)
        if before is not None and (wish is None or wish[0] != before[0]):
            self._source.watch_queue(before[0], None, 0)
        if wish is not None:
            self._source.watch_queue(*wish)

    @staticmethod
    def _wanted(picture: Picture) -> _Wish | None:
        pair, cursor = picture.pair, picture.choices.cursor
        if pair is None or pair.level3 is None or picture.in_past:
            return None
        if cursor is None:
            return (pair.symbol, Side.BUY, pair.bids[0][0]) if pair.bids else None
        below = bool(pair.bids) and cursor <= pair.bids[0][0]
        side, levels = (Side.BUY, pair.bids) if below else (Side.SELL, pair.asks)
        step = 1 if pair.spec is None else step_of(pair.spec, max(1, picture.choices.grouping))
        bucket = bucket_of(cursor, step, side)
        # The cursor is on a row of several prices: of its levels the first to trade is meant.
        within = (ticks for ticks, _ in levels if bucket_of(ticks, step, side) == bucket)
        exact = any(ticks == cursor for ticks, _ in levels)
        return pair.symbol, side, cursor if exact else next(within, cursor)

    @staticmethod
    def next_level(pair: PairView | None, cursor: int | None, steps: int) -> int | None:
        """The price so many levels further up (+) or down (-) from the cursor; None where there is no book."""
        if pair is None or not pair.bids or not pair.asks:
            return None
        prices = sorted({ticks for ticks, _ in (*pair.bids, *pair.asks)})
        if cursor is None:
            return pair.asks[0][0] if steps > 0 else pair.bids[0][0]
        at = bisect_right(prices, cursor) - 1 if steps > 0 else bisect_left(prices, cursor)
        return prices[max(0, min(at + steps, len(prices) - 1))]

    # --- ends and fills -----------------------------------------------------------------------------------------

    def note_ends(self, account: AccountView, now_ns: int) -> None:
        """Keep when an order was first seen to have ended; those that had when the account came are no news.

        Args:
            account: With its orders.
            now_ns: As of `Picture.now_ns`.
        """
        from kraken_tui.market.orders.values import DONE

        done = {order.key for order in account.orders if order.stage in DONE}
        if self._done is not None:
            self.choices.ended |= dict.fromkeys(done - self._done, now_ns)
        self._done = done
        for key in self.choices.ended.keys() - done:
            del self.choices.ended[key]

    def filled(self, account: AccountView | None) -> tuple[Fill, ...]:
        """The fills since the last call, newest first, each once; those of a snapshot or the history are no news."""
        if account is None:
            return ()
        live = [fill for fill in account.fills if fill.live]
        before = self._told
        self._told = {fill.exec_id for fill in live} | (before or set())
        return () if before is None else tuple(fill for fill in live if fill.exec_id not in before)
