"""The private side of the exchange: accounts, keys, tokens and desks. Made on the first private request."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from kraken_tui.exchange.accounts import Account
from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.hand import Hand
from kraken_tui.exchange.keys import KEYS, ApiKey
from kraken_tui.exchange.matching import USER, Desk
from kraken_tui.exchange.orders import Order
from kraken_tui.exchange.peer import Host
from kraken_tui.exchange.tokens import Tokens

ACCOUNTS = ("demo", "still")
"""How the main account lives: `demo` has orders near the touch and trades now and then, `still` only has money."""

_NEVER = 1 << 62
SWITCH = "Dead man's switch"


class Private:
    """Everything behind a key.

    Args:
        venue: the exchange.
        seed: decides ids, tokens and what the demo account does.
        life: of `ACCOUNTS`.

    Attributes:
        accounts: by name: `main`, and `other` for a second client.
        keys: by their public part; tests may add and remove.
        tokens: websocket tokens.
    """

    def __init__(self, venue: Host, seed: int, life: str) -> None:
        self.venue = venue
        self.accounts = {name: Account(name, Random(f"{seed}/account/{name}")) for name in ("main", "other")}
        self.keys: dict[str, ApiKey] = {key.key: key for key in KEYS.values()}
        self.tokens = Tokens(Random(f"{seed}/tokens"))
        self._desks: dict[str, Desk] = {}
        self._hand = Hand(venue, self.accounts["main"], self.desk, Random(f"{seed}/hand")) if life == "demo" else None

    def desk(self, symbol: str) -> Desk:
        """The desk of a market, made on first use.

        Raises:
            KeyError: not on offer.
        """
        desk = self._desks.get(symbol)
        if desk is None:
            market = self.venue.market(symbol)
            desk = self._desks[symbol] = market.desk = Desk(market, self.accounts)
        return desk

    def account(self, key: ApiKey) -> Account:
        """The account behind a key, set up by its first use."""
        if self._hand is not None and key.account == "main":
            self._hand.begin(self.venue.now_ns)
        return self.accounts[key.account]

    def advance(self, now_ns: int) -> None:
        """Let time pass for what waits: orders that run out, the switch, the demo's own trading."""
        if self.venue.faults.private.take_tokens_dead():
            self.tokens.invalidate()
        for account in self.accounts.values():
            if account.switch_ns and now_ns >= account.switch_ns:
                account.switch_ns = 0
                self.cancel_all(account.open_orders, SWITCH)
            for order in [o for o in account.open_orders if o.expire_ns and now_ns >= o.expire_ns]:
                self.desk(order.spec.symbol).cancel(order, "Order expired", "expired")
        if self._hand is not None:
            self._hand.advance(now_ns)

    def cancel_all(self, orders: Iterable[Order], reason: str = USER) -> int:
        """Cancel orders; how many."""
        count = 0
        for order in list(orders):
            if order.open:
                self.desk(order.spec.symbol).cancel(order, reason)
                count += 1
        if self._hand is not None:
            self._hand.stand_back()
        return count

    def rest_horizon(self) -> int:
        """Up to when REST order queries know what happened, ns since the epoch."""
        lag_s = self.venue.faults.private.rest_lag_s
        return self.venue.now_ns - round(lag_s * NS) if lag_s > 0 else _NEVER
