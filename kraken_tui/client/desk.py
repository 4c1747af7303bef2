"""What the screen computes, asked of a client: now, at a past moment, live and in a replay."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from kraken_tui.client.book_metrics import BookMetrics
from kraken_tui.client.desk_reading import DeskReading
from kraken_tui.client.figures import (
    aggregate_of,
    imbalance_of,
    ladder_of,
    large_orders_of,
    metrics_over,
    pressure_of,
    sweep_of,
)
from kraken_tui.client.frames import Rows
from kraken_tui.client.pair_view import PairView
from kraken_tui.client.tables import (
    AggregatedBook,
    Heatmap,
    Ladder,
    LargeOrders,
    Past,
    Pressure,
    SweepCost,
    TradesAtPrice,
    VolumeProfile,
)
from kraken_tui.client.values import PairSpec, Ticker
from kraken_tui.market.events import Health, Side

Moment = int | datetime | None
"""A moment of the past: ns since the epoch by this computer's clock (a recording's, in a replay), or a datetime with a
time zone; None for now."""

Number = Decimal | int | str
"""An exact number: a float is refused, because 0.1 is none."""


class DeskCalls:
    """The part of `KrakenClient` that computes.

    Every call takes any name of a pair. With `at` it answers as of a past moment, as far as the client keeps the past
    (`history_min`); without, as of now. It gives None where nothing is known: before the first snapshot, or before all
    that is kept.

    Raises (all of them):
        ConfigurationError: An argument cannot work; the pair is not subscribed; or `at` is asked of a client that
            keeps no past.
        SubscriptionFailed: The exchange has no such pair, or refused it.
        TimedOut: The engine's thread hangs, and nothing was published of the pair before.
    """

    _desk: DeskReading

    # -- the book -----------------------------------------------------------------------------------------------------

    def ladder(self, symbol: str, levels: int | None = None, *, at: Moment = None) -> Ladder | None:
        """The levels of the book with their sums, shares and distances from the mid.

        Args:
            symbol: The pair.
            levels: Levels a side, at most the subscribed depth; None for all.
            at: A past moment.
        """
        held = self._desk.held(symbol, at, levels)
        return None if held is None else ladder_of(held, levels)

    def aggregate(
        self, symbol: str, step: Number, rows: int | None = None, *, at: Moment = None
    ) -> AggregatedBook | None:
        """The book summed into price steps: bids are rounded down to the step, asks up, away from the touch.

        Args:
            symbol: The pair.
            step: Price step, a multiple of the pair's increment.
            rows: Every step of so many around the touch, also those where nothing rests; None for those where
                something does.
            at: A past moment.
        """
        held = self._desk.held(symbol, at)
        return None if held is None else aggregate_of(held, step, rows)

    def imbalance(self, symbol: str, levels: int = 10, *, at: Moment = None) -> Decimal | None:
        """(bid - ask) / (bid + ask) of the sizes over so many levels a side, -1 to +1.

        None also while the book is not proven or a side is empty; so are `pressure`, `metrics` and `sweep`.
        """
        held = self._desk.held(symbol, at, levels)
        return None if held is None else imbalance_of(held, levels)

    def pressure(self, symbol: str, levels: int = 10, *, at: Moment = None) -> Pressure | None:
        """Imbalance weighted by nearness to the mid over so many levels a side, and what it says in words."""
        held = self._desk.held(symbol, at, levels)
        return None if held is None else pressure_of(held, levels)

    def metrics(self, symbol: str, levels: int = 10, *, at: Moment = None) -> BookMetrics | None:
        """All figures of the book, and VWAPs, volumes and imbalance over so many levels a side."""
        held = self._desk.held(symbol, at)
        return None if held is None else metrics_over(held, levels)

    def sweep(
        self,
        symbol: str,
        side: Side | str,
        *,
        size: Number | None = None,
        notional: Number | None = None,
        fee_pct: Number | None = None,
        at: Moment = None,
    ) -> SweepCost | None:
        """What an order that takes at once would cost or bring, over the whole held book.

        Args:
            symbol: The pair.
            side: Of the order, "buy" or "sell".
            size: Its quantity.
            notional: Or its worth in the quote asset: the most whole lots that cost no more.
            fee_pct: Taker's fee in percent.
            at: A past moment.
        """
        held = self._desk.held(symbol, at)
        return None if held is None else sweep_of(held, side, size, notional, fee_pct)

    def large_orders(self, symbol: str, threshold: Number | None = None, *, at: Moment = None) -> LargeOrders | None:
        """The large sizes resting in the book, largest first.

        Args:
            symbol: The pair.
            threshold: Quantity from which one counts; None for what the tracker calls large, whose events are
                `FlowEvent`: `subscribe(..., large_order=)`, or three times the pair's own 98th percentile.
            at: A past moment.
        """
        found = self._desk.held_with_threshold(symbol, at)
        return None if found is None else large_orders_of(found[0], threshold, found[1])

    # -- trades -------------------------------------------------------------------------------------------------------

    def trades_at_price(self, symbol: str, step: Number | None = None, *, at: Moment = None) -> TradesAtPrice | None:
        """What traded at each price since the start.

        Args:
            symbol: The pair.
            step: Price step, a multiple of the pair's increment; None for that. Prices fall into the step that held
                the liquidity, as in `aggregate`.
            at: A past moment.
        """
        return self._desk.trades_at_price(symbol, step, at)

    def profile(
        self, symbol: str, step: Number | None = None, *, seconds: float | None = None, at: Moment = None
    ) -> VolumeProfile | None:
        """Volume at price, with point of control and value area.

        Args:
            symbol: The pair.
            step: As of `trades_at_price`.
            seconds: Only the trades of the last seconds, which needs a past; None for all since the start.
            at: A past moment.
        """
        return self._desk.profile(symbol, step, seconds, at)

    # -- the past -----------------------------------------------------------------------------------------------------

    def heatmap(
        self,
        symbol: str,
        *,
        step: Number | None = None,
        columns: int = 60,
        width_s: float = 1.0,
        weighing: str = "average",
        at: Moment = None,
    ) -> Heatmap | None:
        """Resting size over time and price, computed in the caller's thread.

        Args:
            symbol: The pair.
            step: Price step, a multiple of the pair's increment; None for that.
            columns: Stretches of time, the last one the running one.
            width_s: Length of each, seconds.
            weighing: "average" (by time) or "greatest".
            at: Moment of the last column.

        Raises:
            ConfigurationError: Also where the client keeps no past.
        """
        return self._desk.heatmap(symbol, at, step=step, columns=columns, width_s=width_s, weighing=weighing)

    def history(self, symbol: str) -> Past | None:
        """How far back a pair can be read; None where the client keeps no past."""
        return self._desk.past(symbol)

    def view(self, symbol: str, at: Moment = None) -> PairView | None:
        """Everything known of a pair at one moment: figures, trades, candles, flow, volumes at price, samples.

        None while the pair is not subscribed. Asks the engine's thread, as a full `book` does, and like that gives what
        was published last where the thread hangs.

        Args:
            symbol: The pair.
            at: A past moment; its ages, proof and sizes are those of then. None before all that is kept.

        Raises:
            TimedOut: It hangs, and nothing was published of the pair before.
        """
        return self._desk.view(symbol, at)

    # -- what the exchange tells --------------------------------------------------------------------------------------

    def health(self, symbol: str, at: Moment = None) -> Health | None:
        """Whether a pair's market is active, stale or halted, why, and its age; None while it is not subscribed."""
        return self._desk.health(symbol, at)

    def ticker(self, symbol: str, at: Moment = None) -> Ticker | None:
        """The 24 hour figures of a pair; its fields are None until the exchange has sent them."""
        return self._desk.ticker(symbol, at)

    def pairs(self, text: str = "") -> Rows[PairSpec]:
        """The pairs of the exchange with their reference data; of a recording, those that it tells of.

        Args:
            text: Only those that a search for it finds, as on the screen: names that begin with it first, by any of the
                assets' names, then those that contain it; "" for all, by name.

        Returns:
            Empty until the exchange has sent its list, which comes before the first book.
        """
        return self._desk.pairs(text)
