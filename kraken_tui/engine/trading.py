"""Trading as the engine runs it: the trader, with the facts of this moment (ACCOUNT.md).

Everything here runs in the engine's thread. The screen and the library hand functions over (`Engine.trade`), and hear
of the outcome by the function they gave along, which is called in that thread too.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec

from kraken_tui.files import user_folder
from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import AccountEvent
from kraken_tui.market.private_views import TradingView
from kraken_tui.settings import Settings
from kraken_tui.settings.amounts import read_amounts
from kraken_tui.trading.audit import NAME, Audit
from kraken_tui.trading.ids import ClientIds
from kraken_tui.trading.limits import Facts, TradingLimits, warnings
from kraken_tui.trading.link import Link
from kraken_tui.trading.pending import Pending, Told, nobody
from kraken_tui.trading.tickets import Ticket, words
from kraken_tui.trading.trader import Trader
from kraken_tui.units import SECOND
from kraken_tui.wire.order_answers import Answer

DRAWN_NS = 3 * SECOND
"""How long after its last picture a screen counts as alive, for the dead man's switch."""

FactsOf = Callable[[str], Facts]


class Look(msgspec.Struct, frozen=True):
    """How an order would fare now: for the box that confirms it.

    Attributes:
        words: The order in words; "" while the pair is not known.
        blocks: Why it would not be sent.
        warnings: What to know before confirming.
        takes: Whether it would trade at once.
    """

    words: str
    blocks: tuple[str, ...]
    warnings: tuple[str, ...]
    takes: bool


class Clocks(Protocol):
    """The clocks that the desk goes by."""

    def now(self) -> int:
        """Monotonic ns."""
        ...

    def wall(self) -> int:
        """Ns since the epoch."""
        ...


def limits_of(settings: Settings) -> TradingLimits:
    """The user's limits."""
    return TradingLimits(
        max_size=read_amounts(settings.trade_max_size),
        max_worth=read_amounts(settings.trade_max_worth),
        max_open=settings.trade_max_open,
        band_pct=Decimal(str(settings.trade_band_pct)),
        protection_pct=Decimal(str(settings.trade_protection_pct)),
        idle_ns=round(settings.trade_idle_s * SECOND),
        reset_size=settings.trade_reset_size,
        validate=settings.trade_validate,
    )


def audit_path(mode: str) -> Path | None:
    """Where requests and answers of real money are kept; play money and paper leave none.

    Raises:
        OSError: This user has no home folder.
    """
    return user_folder("state") / NAME if mode == "LIVE" else None


class TradingDesk:
    """The trader of one engine.

    Args:
        link: The account.
        mode: "LIVE", "DEMO" or "PAPER".
        settings: The limits.
        clock: The machine's clocks.
        facts_of: What is known of a pair now.
        forbidden: Asked whenever it is to be armed: why it may not be, "" where it may.
        drawn_always: Whether there is no screen to be alive, as for a program.

    Attributes:
        trader: What decides.
    """

    def __init__(
        self,
        link: Link,
        mode: str,
        settings: Settings,
        clock: Clocks,
        facts_of: FactsOf,
        *,
        forbidden: Callable[[], str] = lambda: "",
        drawn_always: bool = False,
    ) -> None:
        self._clock, self._facts_of, self._forbidden = clock, facts_of, forbidden
        self.audit = Audit(audit_path(mode))
        ids = ClientIds(clock.wall(), secrets.randbelow(36**3))
        self.trader = Trader(link, mode, limits_of(settings), ids, self.audit)
        self._drawn_always, self._drawn_ns = drawn_always, clock.now()
        self._shown = ""
        if self.audit.path is not None:
            self.audit.write(clock.wall(), "start", {"mode": mode})

    # -- what screen and library ask -------------------------------------------------------------------------------

    def view(self, symbol: str) -> TradingView:
        """For the screen."""
        return self.trader.view(symbol, self._clock.now())

    def drew(self, symbol: str) -> None:
        """The screen drew this pair: it is alive."""
        self._shown, self._drawn_ns = symbol, self._clock.now()

    def arm(self, symbol: str, told: Callable[[str], object]) -> None:
        """Arm for a pair; why not, or "", is told."""
        self.trader.arming.forbidden = self._forbidden()
        self._shown = symbol
        told(self.trader.arm(self._facts_of(symbol), self._clock.now()))

    def disarm(self, reason: str) -> None:
        """Disarm."""
        self.trader.disarm(reason)

    def set_test(self, test: bool) -> None:
        """See `Trader.set_test`."""
        self.trader.set_test(test)

    def set_switch(self, on: bool) -> None:
        """See `Trader.set_switch`."""
        self.trader.set_switch(on)

    def look(self, ticket: Ticket, told: Callable[[Look], object]) -> None:
        """How an order would fare now."""
        facts = self._facts_of(ticket.symbol)
        told(self._look(ticket, facts, self.trader.blocks(ticket, facts, self._clock.now())))

    def look_at_move(self, key: str, ticks: int, told: Callable[[Look], object]) -> None:
        """How a move would fare now."""
        order = self.trader.link.account.orders.get(key)
        facts = self._facts_of("" if order is None else order.symbol or "")
        ticket = None if order is None else self.trader.moving(order, facts, ticks=ticks)
        if order is None or ticket is None:
            told(Look("", ("this order cannot be moved from here",), (), False))
            return
        told(self._look(ticket, facts, self.trader.move_reasons(order, ticket, facts, self._clock.now())))

    @staticmethod
    def _look(ticket: Ticket, facts: Facts, blocks: Sequence[str]) -> Look:
        said = "" if facts.spec is None else words(ticket, facts.spec)
        return Look(said, tuple(blocks), tuple(warnings(ticket, facts)), ticket.takes(facts.bid, facts.ask))

    def place(
        self, ticket: Ticket, told: Told = nobody, *, seen_takes: bool | None = None, validate: bool = False
    ) -> Pending:
        """See `Trader.place`."""
        facts = self._facts_of(ticket.symbol)
        now = self._clock.now()
        return self.trader.place(ticket, facts, now, seen_takes=seen_takes, validate=validate, told=told)

    def amend(self, key: str, told: Told = nobody, *, ticks: int | None = None, lots: int | None = None) -> Pending:
        """See `Trader.amend`."""
        order = self.trader.link.account.orders.get(key)
        facts = self._facts_of("" if order is None else order.symbol or "")
        return self.trader.amend(key, facts, self._clock.now(), ticks=ticks, lots=lots, told=told)

    def cancel(self, keys: Iterable[str], told: Told = nobody) -> list[Pending]:
        """See `Trader.cancel`."""
        return self.trader.cancel(keys, self._clock.now(), told=told)

    def cancel_side(self, symbol: str, side: Side, told: Told = nobody) -> list[Pending]:
        """See `Trader.cancel_side`."""
        return self.trader.cancel_side(symbol, side, self._clock.now(), told=told)

    def cancel_own(self, told: Told = nobody) -> list[Pending]:
        """See `Trader.cancel_own`."""
        return self.trader.cancel_own(self._clock.now(), told=told)

    def cancel_everything(self, told: Told = nobody) -> Pending:
        """See `Trader.cancel_everything`."""
        return self.trader.cancel_everything(self._clock.now(), told=told)

    # -- what the engine tells -------------------------------------------------------------------------------------

    def take(self, events: Sequence[AccountEvent]) -> None:
        """The account changed."""
        self.trader.take(events)

    def on_answer(self, answer: Answer) -> None:
        """An answer of any trading method came."""
        self.trader.on_answer(answer, self._clock.wall())

    def tick(self) -> None:
        """Let time pass; several times a second."""
        now = self._clock.now()
        symbol = self.trader.arming.symbol if self._drawn_always else self._shown
        drawn = self._drawn_always or now - self._drawn_ns < DRAWN_NS
        self.trader.tick(self._facts_of(symbol) if symbol else None, now, drawn=drawn)

    def leave(self) -> bool:
        """The program ends: disarm, and turn the dead man's switch off where it is on; whether something was sent."""
        self.trader.disarm("the program ends")
        if not self.trader.switch.wanted:
            return False
        self.trader.set_switch(False)
        self.trader.tick(None, self._clock.now())
        return True

    def close(self) -> None:
        """Write the rest of the audit file."""
        self.audit.close(1.0)
