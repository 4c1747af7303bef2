"""Events of the account as JSON lines; numbers are text with the exchange's own digits, without exponents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kraken_tui.feed.private.events import LinkChanged
from kraken_tui.market.orders.values import BalanceChanged, FillSeen, OrderChanged, StreamChanged
from kraken_tui.wire.timestamps import format_timestamp

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def private_line(event: object) -> str | None:
    """Write one event; None for events that have no line here."""
    writer = _WRITERS.get(type(event))
    return None if writer is None else f"{_encode(writer(event))}\n"


def _order(event: OrderChanged) -> dict[str, Any]:
    order = event.order
    return {
        "event": "order",
        "order_id": order.order_id,
        "cl_ord_id": order.cl_ord_id,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.order_type,
        "stage": order.stage,
        "status": order.status,
        "qty": _text(order.order_qty),
        "filled": _text(order.cum_qty),
        "remaining": _text(order.remaining),
        "price": _text(order.limit_price),
        "trigger": _text(order.trigger_price),
        "avg_price": _text(order.avg_price) if order.cum_qty else None,
        "what": event.what,
        "reason": event.note or order.reason,
        "foreign": order.foreign,
        "timestamp": _time(order.changed_ns),
        "live": event.live,
    }


def _fill(event: FillSeen) -> dict[str, Any]:
    fill = event.fill
    return {
        "event": "fill",
        "exec_id": fill.exec_id,
        "order_id": fill.order_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "qty": _text(fill.qty),
        "price": _text(fill.price),
        "cost": _text(fill.cost),
        "maker": fill.maker,
        "fees": [[asset, _text(qty)] for asset, qty in fill.fees],
        "trade_id": fill.trade_id,
        "timestamp": _time(fill.ns),
        "live": fill.live,
    }


def _balance(event: BalanceChanged) -> dict[str, Any]:
    balance = event.balance
    return {
        "event": "balance",
        "asset": balance.asset,
        "total": _text(balance.total),
        "free": _text(balance.free),
        "entry": balance.entry,
        "amount": _text(balance.amount),
        "fee": _text(balance.fee),
        "timestamp": _time(balance.ns),
        "live": event.live,
    }


def _stream(event: StreamChanged) -> dict[str, Any]:
    return {
        "event": "account",
        "channel": event.channel,
        "verified": event.verified,
        "reason": event.reason,
        "sequence": event.sequence,
    }


def _link(event: LinkChanged) -> dict[str, Any]:
    return {"event": "link", "link": event.link, "connection": event.state, "cause": event.cause}


_WRITERS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    OrderChanged: _order,
    FillSeen: _fill,
    BalanceChanged: _balance,
    StreamChanged: _stream,
    LinkChanged: _link,
}


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _time(ns: int | None) -> str | None:
    return None if ns is None else format_timestamp(ns)
