"""The account as the engine publishes it: one frozen view, made again only where something changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import DONE, ZERO, Balance, Order
from kraken_tui.market.private_views import AccountView, LinkView, StreamView
from kraken_tui.units import SECOND

ENDED_KEPT_S = 600
"""How long an order that has ended is still shown."""

MOST_ENDED, MOST_FILLS = 200, 500

PriceOf = Callable[[str], Decimal | None]
"""Price of one unit of an asset in US dollars; None where it is not known."""

_DOLLAR = "USD"


def valued(balances: Iterable[Balance], price_of: PriceOf) -> tuple[Decimal | None, tuple[str, ...]]:
    """Worth in US dollars of the assets whose price is known, and the names of the others that are held.

    Args:
        balances: What is held.
        price_of: The prices.

    Returns:
        The worth, None where no price is known or nothing is; the assets that are left out of it.
    """
    total: Decimal | None = None
    unpriced: list[str] = []
    for balance in balances:
        price = Decimal(1) if balance.asset == _DOLLAR or not balance.total else price_of(balance.asset)
        if price is None:
            unpriced.append(balance.asset)
        elif balance.total or total is None:
            total = (total or ZERO) + balance.total * price
    if unpriced and not total:
        total = None
    return total, tuple(unpriced)


def worth_of(balances: Iterable[Balance], price_of: PriceOf) -> Decimal | None:
    """Worth of all assets in US dollars; None where the price of one that is held is not known, or nothing is."""
    total, unpriced = valued(balances, price_of)
    return None if unpriced else total


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
        priced, unpriced = valued(balances.all, price_of) if balances.verified else (None, ())
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
            worth=None if unpriced else priced,
            priced=priced,
            unpriced=unpriced,
            **told,  # type: ignore[arg-type]
        )
