"""One order and one event of it: what the order is afterwards. A row says only what changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from kraken_tui.errors import InvalidMessage
from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import DONE, ZERO, Fill, Order, OrderReport, Stage
from kraken_tui.text import clean_text
from kraken_tui.wire.digits import to_decimal
from kraken_tui.wire.executions import Execution
from kraken_tui.wire.order_answers import is_order_id
from kraken_tui.wire.symbols import MAX_SYMBOL
from kraken_tui.wire.timestamps import parse_timestamp

STAGES = {
    "pending_new": Stage.PENDING,
    "new": Stage.OPEN,
    "partially_filled": Stage.OPEN,
    "filled": Stage.FILLED,
    "canceled": Stage.CANCELED,
    "expired": Stage.EXPIRED,
}
"""By `order_status`; a word that is not here leaves the order where it is."""

EXEC_TYPES = frozenset(
    {"pending_new", "new", "trade", "filled", "iceberg_refill", "canceled", "expired", "amended", "restated", "status"}
)

REST_STAGES = {
    "pending": Stage.OPEN,
    "open": Stage.OPEN,
    "closed": Stage.FILLED,
    "canceled": Stage.CANCELED,
    "expired": Stage.EXPIRED,
}

DUST = "Insignificant volume remaining"
"""The engine ends an order of which nothing tradable is left: it is filled."""

_TEXTS = {"order_type": 40, "time_in_force": 10}
_NUMBERS = ("order_qty", "cum_cost", "avg_price", "limit_price", "display_qty")
_FLAGS = ("post_only", "reduce_only", "margin", "amended")


def merged(order: Order, row: Execution, *, history: bool = False) -> Order:
    """The order after a row.

    Args:
        order: As known so far.
        row: An event of it.
        history: Whether the row is a fill of a snapshot, which tells of the past and not of the order now.

    Raises:
        WireError: A number or time of the row cannot be read.
    """
    new = _described(row, order)
    if "cum_qty" in new:
        # Filled stays filled, whatever a late row says.
        new["cum_qty"] = new["cum_qty"] if new["cum_qty"] >= order.cum_qty else order.cum_qty
    if not history and order.stage not in DONE:
        new |= _stage(order, row)
    if order.stage in DONE:
        # What ended is not changed any more; it may still be described better.
        new = {name: value for name, value in new.items() if name == "cum_qty" or not getattr(order, name)}
    if history:
        for name in ("reason", "changed_ns", "order_type", "display_left"):
            new.pop(name, None)
    return replace(order, **new)


def _described(row: Execution, order: Order) -> dict[str, Any]:
    new: dict[str, Any] = {name: to_decimal(value) for name in _NUMBERS if (value := getattr(row, name)) is not None}
    new |= {name: clean_text(value, most) for name, most in _TEXTS.items() if (value := getattr(row, name)) is not None}
    new |= {name: value for name in _FLAGS if (value := getattr(row, name)) is not None}
    if row.cum_qty is not None:
        new["cum_qty"] = to_decimal(row.cum_qty)
    if row.symbol is not None:
        new["symbol"] = clean_text(row.symbol, MAX_SYMBOL)
    if row.side is not None and row.side in ("buy", "sell"):
        new["side"] = Side(row.side)
    if row.order_userref:
        new["userref"] = row.order_userref
    if row.expire_time is not None:
        new["expire_time"] = clean_text(row.expire_time, 40)
    if row.display_qty_remain is not None:
        new["display_left"] = to_decimal(row.display_qty_remain)
    elif row.exec_type == "trade" and row.last_qty is not None and order.display_qty is not None:
        slice_left = order.display_qty if order.display_left is None else order.display_left
        new["display_left"] = max(ZERO, slice_left - to_decimal(row.last_qty))
    if row.ord_ref_id is not None and is_order_id(row.ord_ref_id):
        new["parent"] = row.ord_ref_id
    if row.contingent is not None:
        new["closes"] = clean_text(row.contingent.get("order_type", "conditional close"), 40)
    reason = row.reason if row.reason is not None else row.cancel_reason
    if reason is not None:
        new["reason"] = clean_text(reason)
    if row.timestamp is not None:
        new["changed_ns"] = parse_timestamp(row.timestamp)
    return new | _triggers(row)


def _triggers(row: Execution) -> dict[str, Any]:
    """Of a stop; a `stop_price` of zero stands on plain orders and means nothing."""
    if row.triggers is None:
        return {}
    new: dict[str, Any] = {}
    if row.triggers.get("price") is not None:
        new["trigger_price"] = to_decimal(row.triggers["price"])
    actual = row.triggers.get("actual_price")
    if actual is not None:
        # A trailing stop's own trigger moves.
        new["trigger_price"] = to_decimal(actual)
    if row.triggers.get("status") in ("untriggered", "triggered"):
        new["triggered"] = row.triggers["status"] == "triggered"
    return new


def _stage(order: Order, row: Execution) -> dict[str, Any]:
    word = row.order_status if row.order_status is not None else row.exec_type if row.exec_type in STAGES else None
    if word is None:
        return {}
    stage = STAGES.get(row.exec_type) if row.exec_type in ("filled", "canceled", "expired") else STAGES.get(word)
    if stage is Stage.PENDING and order.was_open:
        return {}
    new: dict[str, Any] = {"status": clean_text(word, 40)}
    if stage is None:
        return new | ({"stage": Stage.OPEN} if order.stage in (Stage.SENT, Stage.UNKNOWN, Stage.NOT_FOUND) else {})
    if stage is Stage.CANCELED and (row.reason or row.cancel_reason) == DUST:
        stage = Stage.FILLED
    new["stage"] = stage
    new["was_open"] = order.was_open or stage is Stage.OPEN
    if stage in DONE:
        new |= {"cancel_sent": False, "amend_sent": False}
    return new


def reported(order: Order, report: OrderReport) -> Order:
    """The order after an answer of REST."""
    given: dict[str, Any] = {
        "symbol": report.symbol,
        "side": report.side,
        "order_type": report.order_type or None,
        "order_qty": report.order_qty,
        "cum_cost": report.cum_cost,
        "avg_price": report.avg_price,
        "limit_price": report.limit_price,
        "trigger_price": report.trigger_price,
    }
    # REST lags behind the socket: it only fills in what is missing.
    new = {name: value for name, value in given.items() if value is not None and not getattr(order, name)}
    new["cum_qty"] = max(order.cum_qty, report.cum_qty)
    if report.cum_qty > order.cum_qty:
        new |= {name: given[name] for name in ("cum_cost", "avg_price") if given[name] is not None}
    stage = REST_STAGES.get(report.status)
    if order.stage not in DONE and stage is not None and (stage in DONE or order.stage is not Stage.PENDING):
        new |= {"stage": stage, "status": report.status, "was_open": True}
        if stage in DONE:
            new |= {"cancel_sent": False, "amend_sent": False, "reason": report.reason or order.reason}
    return replace(order, **new)


def fill_of(order: Order | None, row: Execution, *, live: bool, session: bool) -> Fill | None:
    """The fill a row tells of; None while pair or side are not known.

    Raises:
        WireError: The row is no complete fill.
    """
    if row.exec_id is None or not is_order_id(row.exec_id):
        raise InvalidMessage("a fill without an id")
    symbol = clean_text(row.symbol, MAX_SYMBOL) if row.symbol is not None else order.symbol if order else None
    side = Side(row.side) if row.side in ("buy", "sell") else order.side if order else None
    qty, price = to_decimal(row.last_qty), to_decimal(row.last_price)
    if symbol is None or side is None:
        return None
    fees: list[tuple[str, Decimal]] = [
        (clean_text(fee.asset, MAX_SYMBOL), to_decimal(fee.qty)) for fee in row.fees or ()
    ]
    return Fill(
        exec_id=row.exec_id,
        order_id=row.order_id,
        symbol=symbol,
        side=side,
        qty=qty,
        price=price,
        cost=to_decimal(row.cost) if row.cost is not None else qty * price,
        ns=parse_timestamp(row.timestamp) if row.timestamp is not None else None,
        trade_id=row.trade_id,
        maker={"m": True, "t": False}.get(row.liquidity_ind or ""),
        fees=tuple(fees),
        live=live,
        session=session,
    )
