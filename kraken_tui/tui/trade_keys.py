"""What the trading keys do on the market screen: aim, ask, and hand over to the desk; nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from textual.app import App
from textual.message import Message

from kraken_tui.engine.api import MarketSource
from kraken_tui.engine.trading import Look, TradingDesk
from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import LIVE, Order
from kraken_tui.market.private_views import TradingView
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.settings import Settings
from kraken_tui.trading.outcomes import Accepted, Outcome, OutcomeUnknown
from kraken_tui.trading.switch import EFFECT
from kraken_tui.trading.tickets import Ticket
from kraken_tui.tui.book_control import BookControl
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.trading import trading_parts
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.program import Program, Severity
from kraken_tui.wire.digits import to_units

ACTIONS = (
    "arm",
    "buy",
    "sell",
    "choose",
    "move",
    "cancel",
    "cancel_bids",
    "cancel_asks",
    "cancel_all",
    "test",
    "switch",
)
"""What `TradeKeys.press` takes."""


class Told(Message):
    """An outcome, or a sentence; posted from the engine's thread."""

    def __init__(self, text: str, severity: Severity = "information") -> None:
        super().__init__()
        self.text, self.severity = text, severity


class Market(Protocol):
    """What the keys need of the market screen."""

    source: MarketSource
    settings: Settings
    keymap: KeyMap
    symbol: str

    @property
    def app(self) -> App[Any]:
        """The app."""
        ...

    @property
    def program(self) -> Program:
        """The same, as a `Program`."""
        ...

    @property
    def control(self) -> BookControl:
        """The book's choices."""
        ...

    @property
    def moment_ns(self) -> int | None:
        """The moment shown where it is not now."""
        ...

    def newest(self) -> tuple[PairView | None, FeedView]:
        """The pair and feed on screen."""
        ...

    def post_message(self, message: Message) -> bool:
        """Hand a message over, from any thread."""
        ...


class TradeKeys:
    """The keys of one screen.

    Args:
        market: The screen.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._sizes: dict[str, int] = {}
        self._chosen = ""

    # -- what the screen tells -------------------------------------------------------------------------------------

    @property
    def view(self) -> TradingView | None:
        """The desk's state; None before the account is known."""
        account = self._market.source.published().account
        return None if account is None else account.trading

    def parts(self, *, narrow: bool) -> list[Line]:
        """What the last row says of it."""
        return trading_parts(self.view, self._market.keymap.show("trade.arm"), narrow=narrow)

    def drew(self) -> None:
        """A picture was drawn: the screen is alive, and shows this pair. Away from it, nothing stays armed."""
        market = self._market
        trading = self.view
        if trading is not None and trading.armed:
            if not market.app.app_focus:
                self._do(lambda desk: desk.disarm("the terminal lost the focus"))
            elif market.moment_ns is not None:
                self._do(lambda desk: desk.disarm("a past moment is shown"))
        symbol = market.symbol
        self._do(lambda desk: desk.drew(symbol))

    def press(self, action: str) -> None:
        """Do what a key stands for, one of `ACTIONS`."""
        trading = self.view
        if trading is None:
            self._say("There is no account to trade with yet.")
            return
        act: dict[str, Callable[[TradingView], None]] = {
            "arm": self._arm,
            "buy": partial(self._aim, Side.BUY),
            "sell": partial(self._aim, Side.SELL),
            "choose": self._choose,
            "move": self._move,
            "cancel": self._cancel,
            "cancel_bids": partial(self._cancel_side, Side.BUY),
            "cancel_asks": partial(self._cancel_side, Side.SELL),
            "cancel_all": self._cancel_all,
            "test": self._test,
            "switch": self._switch,
        }
        act[action](trading)

    # -- arming ----------------------------------------------------------------------------------------------------

    def _arm(self, trading: TradingView) -> None:
        if trading.armed:
            self._do(lambda desk: desk.disarm("by hand"))
            self._say("Disarmed.")
            return
        if self._market.moment_ns is not None:
            self._say(f"Go back to now first ({self._market.keymap.show('time.live')}).")
            return
        symbol, mode = self._market.symbol, trading.mode

        def told(reason: str) -> None:
            text = f"Not armed: {reason}." if reason else f"ARMED for {symbol}: {mode}."
            self._market.post_message(Told(text, "warning" if reason else "information"))

        self._do(lambda desk: desk.arm(symbol, told))

    def _test(self, trading: TradingView) -> None:
        test = trading.mode != "TEST"
        self._do(lambda desk: desk.set_test(test))
        self._say("TEST: orders are only checked, none is placed." if test else "TEST is over, and it is disarmed.")

    def _switch(self, trading: TradingView) -> None:
        if trading.cancels_after_s is not None:
            self._do(lambda desk: desk.set_switch(False))
            self._say("Dead man's switch off.")
            return
        from kraken_tui.tui.screens.ticket import AskScreen

        market = self._market
        foreign = sum(order.foreign and order.stage in LIVE for order in self._orders())
        more = f"\nOf the orders that are open now, {foreign} {'is' if foreign == 1 else 'are'} not of this program."
        text = f"{EFFECT}{more if foreign else ''}"
        ask = AskScreen("Dead man's switch", text, "turns it on", market.keymap.show("dialog.close"))
        market.app.push_screen(ask, lambda yes: self._do(lambda desk: desk.set_switch(True)) if yes else None)

    # -- placing ---------------------------------------------------------------------------------------------------

    def _ready(self, trading: TradingView) -> bool:
        if self._market.moment_ns is not None:
            self._say(f"Go back to now first ({self._market.keymap.show('time.live')}).")
        elif not trading.armed and trading.mode != "TEST":
            self._say(f"Not armed ({trading.reason}): {self._market.keymap.show('trade.arm')} arms.")
        else:
            return True
        return False

    def _aim(self, side: Side, trading: TradingView) -> None:
        from kraken_tui.tui.screens.ticket import TicketScreen
        from kraken_tui.tui.ticket_form import TicketForm

        market = self._market
        ticks = market.control.choices.cursor
        pair = market.newest()[0]
        if not self._ready(trading):
            return
        if pair is None or pair.spec is None or not pair.bids or not pair.asks:
            self._say("The book of this pair is not there yet.")
        elif ticks is None:
            self._say("Choose a price first: a click, or the cursor keys.")
        else:
            touch = (pair.bids[0][0], pair.asks[0][0])
            protection = Decimal(str(market.settings.trade_protection_pct))
            form = TicketForm(pair.spec, side, ticks, touch, self._sizes.get(pair.symbol, 0), protection)
            ticket = TicketScreen(form, trading.mode, market.keymap.show("dialog.close"))
            market.app.push_screen(ticket, partial(self._confirm, trading.mode))

    def _confirm(self, mode: str, ticket: Ticket | None) -> None:
        if ticket is None:
            return
        self._sizes[ticket.symbol] = 0 if self._market.settings.trade_reset_size else ticket.lots

        def look(told: Callable[[Look], object]) -> None:
            self._do(lambda desk: desk.look(ticket, told))

        def check(told: Callable[[Outcome], object]) -> None:
            self._do(lambda desk: desk.place(ticket, told, validate=True))

        def send(takes: bool) -> None:
            self._do(lambda desk: desk.place(ticket, self._told, seen_takes=takes))

        wanted = self._market.settings.trade_validate and mode != "TEST"
        self._box(mode, look, check if wanted else None, send)

    def _box(
        self,
        mode: str,
        look: Callable[[Callable[[Look], object]], None],
        check: Callable[[Callable[[Outcome], object]], None] | None,
        send: Callable[[bool], None],
    ) -> None:
        from kraken_tui.tui.screens.ticket import ConfirmScreen

        market = self._market
        close = market.keymap.show("dialog.close")
        market.app.push_screen(ConfirmScreen(market.source, mode, look, check, send, close, market.program.clock))

    # -- orders that stand -----------------------------------------------------------------------------------------

    def _orders(self) -> tuple[Order, ...]:
        account = self._market.source.published().account
        return () if account is None else account.orders

    def _own(self) -> list[Order]:
        """Own orders of the pair on screen that are open, best price last of the bids and first of the asks."""
        found = [
            order
            for order in self._orders()
            if order.symbol == self._market.symbol and not order.foreign and order.stage in LIVE
        ]
        return sorted(found, key=lambda order: -(order.limit_price or order.trigger_price or Decimal(0)))

    def _ticks(self, order: Order) -> int | None:
        pair = self._market.newest()[0]
        price = order.trigger_price if order.untriggered else order.limit_price
        if pair is None or pair.spec is None or price is None:
            return None
        return to_units(f"{price:f}", pair.spec.price_precision)

    def _choose(self, _: TradingView) -> None:
        orders = self._own()
        if not orders:
            self._say("You have no open order of this pair.")
            return
        keys = [order.key for order in orders]
        at = (keys.index(self._chosen) + 1) % len(keys) if self._chosen in keys else 0
        self._chosen = keys[at]
        order = orders[at]
        ticks = self._ticks(order)
        if ticks is not None:
            self._market.control.choices.cursor = ticks
        move, cancel = (self._market.keymap.show(f"trade.{name}") for name in ("move", "cancel"))
        self._say(f"{_short(order)} ({at + 1} of {len(keys)}): {move} moves it to the cursor, {cancel} cancels it.")
        self._market.program.tick()

    def _meant(self) -> Order | None:
        """The chosen order, else the only one at the cursor, else the only one there is."""
        orders = self._own()
        chosen = [order for order in orders if order.key == self._chosen]
        cursor = self._market.control.choices.cursor
        here = [order for order in orders if cursor is not None and self._ticks(order) == cursor]
        for found in (chosen, here, orders):
            if len(found) == 1:
                return found[0]
        key = self._market.keymap.show("trade.choose")
        self._say(f"Choose one of your orders first ({key})." if orders else "You have no open order of this pair.")
        return None

    def _move(self, trading: TradingView) -> None:
        cursor = self._market.control.choices.cursor
        order = self._meant() if self._ready(trading) else None
        if order is None:
            return
        if cursor is None or cursor == self._ticks(order):
            self._say(f"{_short(order)}: put the cursor on its new price first.")
            return
        key = order.key

        def look(told: Callable[[Look], object]) -> None:
            self._do(lambda desk: desk.look_at_move(key, cursor, told))

        self._box(trading.mode, look, None, lambda _: self._do(lambda desk: desk.amend(key, self._told, ticks=cursor)))

    def _cancel(self, _: TradingView) -> None:
        order = self._meant()
        if order is not None:
            key = order.key
            self._do(lambda desk: desk.cancel([key], self._told))
            self._say(f"Cancel sent: {_short(order)}.")

    def _cancel_side(self, side: Side, _: TradingView) -> None:
        symbol = self._market.symbol
        self._do(lambda desk: desk.cancel_side(symbol, side, self._told))
        self._say(f"Cancelling your {'bids' if side is Side.BUY else 'asks'} of {symbol}.")

    def _cancel_all(self, _: TradingView) -> None:
        self._do(lambda desk: desk.cancel_own(self._told))
        self._say("Cancelling all your orders; those of other programs stay.")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _do(self, act: Callable[[TradingDesk], object]) -> None:
        self._market.source.trade(act)

    def _told(self, outcome: Outcome) -> None:
        """In the engine's thread."""
        kind: Severity = "information" if isinstance(outcome, Accepted) else "warning"
        if isinstance(outcome, OutcomeUnknown):
            kind = "error"
        words = outcome.sentence
        if isinstance(outcome, Accepted) and outcome.order is not None and outcome.what != "validate":
            words = f"{words[:-1]}, {_short(outcome.order)}, {outcome.order.stage}."
        self._market.post_message(Told(words, kind))

    def _say(self, text: str) -> None:
        self._market.program.say(text)


def _short(order: Order) -> str:
    """An order in a few words."""
    side = "buy" if order.side is Side.BUY else "sell"
    price = order.trigger_price if order.untriggered else order.limit_price
    left = order.order_qty if order.remaining is None else order.remaining
    size = "?" if left is None else f"{left:f}"
    return f"{side} {size} at {'market' if price is None else f'{price:f}'}"
