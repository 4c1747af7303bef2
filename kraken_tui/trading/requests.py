"""A ticket as the exchange wants it, and as the account keeps it."""

from __future__ import annotations

from decimal import Decimal

from kraken_tui.market.orders.values import NewOrder, Order
from kraken_tui.secret import Secret
from kraken_tui.trading.tickets import Kind, Ticket
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import from_units, to_units
from kraken_tui.wire.private_requests import OrderToWrite, add_order, amend_order
from kraken_tui.wire.symbols import PairSpec

DEADLINE_NS = 2 * SECOND
"""How long after it was sent the exchange may still take an order."""

_TYPES = {Kind.LIMIT: "limit", Kind.MARKET: "limit", Kind.STOP: "stop-loss"}


def kept(ticket: Ticket, spec: PairSpec, cl_ord_id: str, *, validate: bool) -> NewOrder:
    """The order as the account keeps it until the exchange describes it."""
    stop = ticket.kind is Kind.STOP
    return NewOrder(
        cl_ord_id=cl_ord_id,
        symbol=ticket.symbol,
        side=ticket.side,
        order_type=_TYPES[ticket.kind],
        order_qty=ticket.quantity(spec),
        limit_price=None if stop else ticket.price(spec),
        trigger_price=ticket.price(spec) if stop else None,
        post_only=ticket.kind is Kind.LIMIT and ticket.post_only,
        time_in_force="IOC" if ticket.kind is Kind.MARKET else "GTC",
        validate=validate,
    )


def written(
    ticket: Ticket,
    spec: PairSpec,
    token: Secret,
    cl_ord_id: str,
    *,
    req_id: int,
    validate: bool,
    deadline_ns: int | None,
) -> str:
    """The request that places it.

    Raises:
        ConfigurationError: The exchange would refuse it for its form.
    """
    stop = ticket.kind is Kind.STOP
    order = OrderToWrite(
        side=ticket.side.value,
        order_type=_TYPES[ticket.kind],
        lots=ticket.lots,
        limit_ticks=None if stop else ticket.ticks,
        trigger_ticks=ticket.ticks if stop else None,
        time_in_force="ioc" if ticket.kind is Kind.MARKET else "",
        post_only=ticket.kind is Kind.LIMIT and ticket.post_only,
        cl_ord_id=cl_ord_id,
        deadline_ns=deadline_ns,
    )
    return add_order(order, spec, token, req_id=req_id, validate=validate)


def moved(order: Order, ticket: Ticket, spec: PairSpec, token: Secret, *, req_id: int, deadline_ns: int | None) -> str:
    """The request that gives an order another price, or another quantity that remains.

    The exchange counts the filled part in; the ticket holds what is to remain.

    Raises:
        ConfigurationError: The exchange would refuse it for its form.
    """
    total = ticket.lots + lots_of(order.cum_qty, spec)
    stop = ticket.kind is Kind.STOP
    return amend_order(
        spec,
        token,
        req_id=req_id,
        order_id=order.order_id or "",
        lots=total,
        limit_ticks=None if stop else ticket.ticks,
        trigger_ticks=ticket.ticks if stop else None,
        post_only=ticket.post_only and not stop,
        deadline_ns=deadline_ns,
    )


def ticket_of(order: Order, spec: PairSpec) -> Ticket | None:
    """What remains of an order as a ticket; None where not all of it is known, or it is of a kind not made here."""
    stop = order.untriggered
    price = order.trigger_price if stop else order.limit_price
    if order.symbol is None or order.side is None or order.remaining is None or price is None:
        return None
    if stop and order.limit_price is not None:
        return None
    return Ticket(
        order.symbol,
        order.side,
        Kind.STOP if stop else Kind.LIMIT,
        lots_of(order.remaining, spec),
        to_units(from_decimal(price), spec.price_precision),
        order.post_only,
    )


def lots_of(quantity: Decimal, spec: PairSpec) -> int:
    """A quantity in lots.

    Raises:
        InvalidNumber: It is finer than the pair's lots.
    """
    return to_units(from_decimal(quantity), spec.qty_precision)


def from_decimal(number: Decimal) -> str:
    """Plain text without an exponent."""
    return f"{number:f}"


def price_text(ticks: int, spec: PairSpec) -> str:
    """A price with the pair's decimals."""
    return from_units(ticks, spec.price_precision)
