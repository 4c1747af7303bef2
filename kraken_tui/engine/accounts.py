"""The account as the engine publishes it: one frozen view, made again only where something changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import DONE, Order
from kraken_tui.market.orders.worth import PriceOf, worth_of
from kraken_tui.market.private_views import AccountView, LinkView, StreamView
from kraken_tui.units import SECOND

ENDED_KEPT_S = 600
"""How long an order that has ended is still shown."""

MOST_ENDED, MOST_FILLS = 200, 500


def shown_orders(orders: Iterable[Order], now_ns: int) -> tuple[Order, ...]:
    """Open orders, and those that ended lately, newest change first."""
    since = now_ns - ENDED_KEPT_S * SECOND
    all_orders = sorted(orders, key=lambda order: order.changed_ns or now_ns, reverse=True)
    ended = [order for order in all_orders if order.stage in DONE and (order.changed_ns or now_ns) >= since]
    kept = {order.key for order in ended[:MOST_ENDED]}
    return tuple(order for order in all_orders if order.stage not in DONE or order.key in kept)


class AccountViews:
    """Makes the view.

    Attributes:
        version: Grows with every change.
    """

    def __init__(self) -> None:
        self.version = 0
        self._orders: tuple[int, int, tuple[Order, ...]] = (-1, 0, ())

    def changed(self) -> None:
        """Something happened to the account or its connections."""
        self.version += 1

    def view(
        self,
        account: Account,
        links: tuple[LinkView, ...],
        heard: Mapping[str, int],
        price_of: PriceOf,
        now: int,
        account_ns: int,
        **told: object,
    ) -> AccountView:
        """The account now.

        Args:
            account: What is known.
            links: The connections.
            heard: When the last frame of each channel came, monotonic ns.
            price_of: For the worth.
            now: Monotonic ns.
            account_ns: The account's clock, ns since the epoch.
            **told: Further fields of the view.
        """
        second = account_ns // SECOND
        if self._orders[:2] != (self.version, second):
            self._orders = self.version, second, shown_orders(account.orders, account_ns)
        orders = self._orders[2]
        balances = account.balances
        ages = {channel: max(0, now - at) for channel, at in heard.items()}
        return AccountView(
            self.version,
            links=links,
            streams=(
                StreamView("executions", account.verified, account.reason, account.sequence, ages.get("executions")),
                StreamView(
                    "balances", balances.verified, balances.reason, balances.sequence.last, ages.get("balances")
                ),
            ),
            orders=orders,
            unverified=frozenset(order.key for order in orders if not account.order_verified(order)),
            fills=tuple(account.fills.recent)[: -MOST_FILLS - 1 : -1],
            balances=balances.all,
            positions=account.fills.positions,
            fees=tuple(sorted(account.fills.session_fees.items())),
            worth=worth_of(balances.all, price_of) if balances.verified else None,
            **told,  # type: ignore[arg-type]
        )
