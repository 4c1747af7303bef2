"""Placing orders from a program. Unstable: names and results may still change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kraken_tui.client.run import Run
from kraken_tui.errors import ConfigurationError, InvalidNumber
from kraken_tui.market.events import Side
from kraken_tui.wire.digits import to_units

if TYPE_CHECKING:
    from kraken_tui.engine.trading import TradingDesk
    from kraken_tui.trading.outcomes import Outcome

ANSWER_S = 15.0
"""Longest that an outcome is awaited; the desk itself gives up before."""

Number = Decimal | int | str


class TradingCalls:
    """The part of `KrakenClient` that places orders, with `trade=True` or `paper=True`. Unstable.

    The same limits and the same lock as on the screen: nothing is placed or moved before `arm`, for one pair at a
    time, and it disarms by itself (after five minutes without an order, a lost connection or proof, a gap). What came
    of a request is a value: `Accepted`, `OrderRefused`, `OutcomeUnknown` (never send that again: follow the order by
    `account()` and `OrderChanged`) or `NotSent`, with the reasons. Cancels need no arming.

    Raises (all of them):
        ConfigurationError: The client was opened without `trade` and `paper`, or an argument is not what it must be.
    """

    _run: Run

    async def arm(self, symbol: str) -> str:
        """Allow orders of one pair; why not, one clause, or ""."""
        found = self._run.engine.symbol_of(symbol)
        reason: str = await self._desk_does(lambda desk, told: desk.arm(found, told), "the engine does not answer")
        return reason

    async def disarm(self) -> None:
        """Allow no more orders."""
        await self._desk_does(_disarm, None)

    async def place(
        self,
        symbol: str,
        side: str,
        quantity: Number,
        price: Number,
        *,
        kind: str = "limit",
        post_only: bool = True,
        validate: bool = False,
    ) -> Outcome:
        """Place an order.

        Args:
            symbol: Any name of a subscribed pair.
            side: "buy" or "sell".
            quantity: In base units; an exact number, so no float.
            price: Its limit; of a "market" order the worst price it may take, of a "stop" its trigger.
            kind: "limit", "market" (takes up to its price, the rest ends) or "stop" (a market order from its trigger).
            post_only: Whether a limit order must not take.
            validate: Whether the exchange only checks it; that needs no arming.
        """
        from kraken_tui.trading.tickets import Kind, Ticket

        if side not in ("buy", "sell"):
            raise ConfigurationError("side takes buy or sell")
        if kind not in tuple(Kind):
            raise ConfigurationError(f"kind takes {', '.join(Kind)}")
        found = self._run.engine.symbol_of(symbol)
        lots, ticks = self._units(found, quantity, price)
        assert lots is not None
        assert ticks is not None
        ticket = Ticket(found, Side(side), Kind(kind), lots, ticks, post_only and kind == "limit")
        return await self._outcome("place", lambda desk, told: desk.place(ticket, told, validate=validate))

    async def amend(
        self, key: str, symbol: str, *, price: Number | None = None, quantity: Number | None = None
    ) -> Outcome:
        """Give an order another price, another quantity that remains, or both.

        Args:
            key: Its handle (`Order.key`).
            symbol: Its pair.
            price: New limit, or trigger of a stop.
            quantity: New quantity that remains, in base units.
        """
        lots, ticks = self._units(self._run.engine.symbol_of(symbol), quantity, price)
        return await self._outcome("amend", lambda desk, told: desk.amend(key, told, ticks=ticks, lots=lots))

    async def cancel(self, key: str) -> Outcome:
        """Cancel an order by its handle; accepted means that it has ended, not that the request was heard."""
        return await self._outcome("cancel", lambda desk, told: desk.cancel([key], told))

    async def cancel_all(self) -> Outcome:
        """Cancel EVERY order of the account, of all pairs and of all programs."""
        return await self._outcome("cancel all", lambda desk, told: desk.cancel_everything(told))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _units(self, symbol: str, quantity: Number | None, price: Number | None) -> tuple[int | None, int | None]:
        self._allowed()
        spec = self._run.ask(lambda worker: worker.spec_of(symbol))
        if spec is None:
            raise ConfigurationError(f"{symbol} is not subscribed, or not known yet")
        if isinstance(quantity, float) or isinstance(price, float):
            raise ConfigurationError("quantity and price take Decimal, int or str: a float is not exact")
        try:
            lots = None if quantity is None else to_units(_text(quantity), spec.qty_precision)
            return lots, None if price is None else to_units(_text(price), spec.price_precision)
        except InvalidNumber as error:
            raise ConfigurationError(f"{symbol} does not take that number: {error}") from None

    def _allowed(self) -> None:
        if not self._run.engine.trades:
            raise ConfigurationError("this client places no orders; open it with trade=True, or with paper=True")

    async def _outcome(self, what: str, act: Callable[[TradingDesk, Callable[[Outcome], object]], object]) -> Outcome:
        from kraken_tui.trading.outcomes import OutcomeUnknown

        unknown = OutcomeUnknown(what, "", "the engine does not answer")
        found: Outcome = await self._desk_does(act, unknown)
        return found

    async def _desk_does(self, act: Callable[[TradingDesk, Callable[[Any], object]], object], otherwise: Any) -> Any:
        self._allowed()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def told(value: Any) -> None:
            # In the engine's thread; a second, better known outcome is told by the order's own events.
            loop.call_soon_threadsafe(lambda: None if answer.done() else answer.set_result(value))

        self._run.engine.trade(lambda desk: act(desk, told))
        try:
            return await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            return otherwise


def _text(number: Number) -> str:
    return f"{number:f}" if isinstance(number, Decimal) else str(number)


def _disarm(desk: TradingDesk, told: Callable[[Any], object]) -> None:
    desk.disarm("by the program")
    told(None)
