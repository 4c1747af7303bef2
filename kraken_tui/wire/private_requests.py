"""Requests to the private sockets, as JSON text.

Prices and quantities are ticks and lots; they are written with the pair's own decimals and always with a point, since
the exchange refuses text, whole numbers and takes no exponents. What it would refuse for its form is refused here. The
texts carry the token: they go to the socket and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec

from kraken_tui.errors import ConfigurationError
from kraken_tui.secret import Secret
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.requests import subscribe, unsubscribe
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import format_timestamp

L3_DEPTHS = (10, 100, 1000)
"""Depths of level 3, in price levels."""

ORDER_TYPES = (
    "limit", "market", "iceberg", "stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit",
)  # fmt: skip
"""Kinds of orders that can be written."""

BATCH_ADD = (2, 15)
BATCH_CANCEL = (2, 50)
MOST_TIMEOUT_S = 86_399

_LIMITED = frozenset({"limit", "iceberg", "stop-loss-limit", "take-profit-limit"})
_TRIGGERED = frozenset({"stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}", re.ASCII)
_LONGEST_ID = 18


class OrderToWrite(msgspec.Struct, frozen=True, kw_only=True):
    """An order to place.

    Attributes:
        side: "buy" or "sell".
        order_type: One of `ORDER_TYPES`.
        lots: Quantity, in lots of the pair.
        limit_ticks: Limit price in ticks; None for orders without one.
        trigger_ticks: Price at which a stop or take-profit comes to life, in ticks.
        trigger_reference: "last" or "index".
        display_lots: What an iceberg shows, in lots.
        time_in_force: "gtc", "gtd" or "ioc"; "" leaves it to the exchange (good till cancelled).
        post_only: Whether it must not take.
        reduce_only: Whether it must only make a margin position smaller.
        cl_ord_id: The client's id; "" for none.
        userref: The client's tag; None for none. Only one of the two.
        expire_ns: When a "gtd" order ends, ns since the epoch.
        deadline_ns: When the exchange must have it; later it is refused; ns since the epoch.
        stp_type: "cancel_newest", "cancel_oldest" or "cancel_both"; "" leaves it to the exchange.
        fee_preference: "base" or "quote"; "" leaves it to the exchange.
    """

    side: str
    order_type: str
    lots: int
    limit_ticks: int | None = None
    trigger_ticks: int | None = None
    trigger_reference: str = "last"
    display_lots: int | None = None
    time_in_force: str = ""
    post_only: bool = False
    reduce_only: bool = False
    cl_ord_id: str = ""
    userref: int | None = None
    expire_ns: int | None = None
    deadline_ns: int | None = None
    stp_type: str = ""
    fee_preference: str = ""


def check_cl_ord_id(text: str) -> str:
    """Check a client's id: a UUID, 32 hexadecimal digits, or up to 18 ASCII characters.

    Raises:
        ConfigurationError: It is none of them; the exchange would refuse it.
    """
    short = 0 < len(text) <= _LONGEST_ID and text.isascii() and text.isprintable()
    if not short and _UUID.fullmatch(text) is None:
        raise ConfigurationError(
            f"cl_ord_id takes a UUID, 32 hexadecimal digits or up to {_LONGEST_ID} ASCII characters, not {len(text)}"
        )
    return text


# -- subscriptions ------------------------------------------------------------------------------------------------


def subscribe_level3(symbols: Sequence[str], depth: int, token: Secret, *, req_id: int) -> str:
    """Subscribe to single orders; the acknowledgements do not repeat the depth.

    Args:
        symbols: v2 symbols.
        depth: One of `L3_DEPTHS`.
        token: The connection's token.
        req_id: Echoed by each answer.
    """
    return subscribe("level3", symbols, req_id=req_id, depth=depth, snapshot=True, token=token.reveal())


def unsubscribe_level3(symbols: Sequence[str], depth: int, token: Secret, *, req_id: int) -> str:
    """End it; parameters as for `subscribe_level3`."""
    return unsubscribe("level3", symbols, req_id=req_id, depth=depth, token=token.reveal())


def subscribe_executions(token: Secret, *, req_id: int) -> str:
    """Subscribe to own orders and fills, with both snapshots and the rate counter asked for in so many words."""
    return subscribe(
        "executions",
        req_id=req_id,
        snap_orders=True,
        snap_trades=True,
        order_status=True,
        ratecounter=True,
        token=token.reveal(),
    )


def unsubscribe_executions(token: Secret, *, req_id: int) -> str:
    """End it."""
    return unsubscribe("executions", req_id=req_id, token=token.reveal())


def subscribe_balances(token: Secret, *, req_id: int) -> str:
    """Subscribe to balances, with their snapshot."""
    return subscribe("balances", req_id=req_id, snapshot=True, token=token.reveal())


def unsubscribe_balances(token: Secret, *, req_id: int) -> str:
    """End it."""
    return unsubscribe("balances", req_id=req_id, token=token.reveal())


# -- orders -------------------------------------------------------------------------------------------------------


def add_order(order: OrderToWrite, spec: PairSpec, token: Secret, *, req_id: int, validate: bool = False) -> str:
    """Place an order.

    Args:
        order: The order.
        spec: Its pair, which says how numbers are written.
        token: The connection's token.
        req_id: Echoed by the answer.
        validate: Whether the exchange only checks it. Where it is False the field is left out: it has been taken for
            true whatever it said.

    Raises:
        ConfigurationError: The order cannot be accepted as it is.
    """
    _check(order)
    fields = _order_fields(order, spec, symbol=True)
    if order.deadline_ns is not None:
        fields.append(("deadline", _time(order.deadline_ns)))
    if validate:
        fields.append(("validate", "true"))
    return _request("add_order", fields, token, req_id)


def batch_add(
    orders: Sequence[OrderToWrite],
    spec: PairSpec,
    token: Secret,
    *,
    req_id: int,
    deadline_ns: int | None = None,
    validate: bool = False,
) -> str:
    """Place several orders of one pair; if one is invalid, the exchange takes none.

    Args:
        orders: 2 to 15 of them; their own deadlines are not used.
        spec: Their pair.
        token: The connection's token.
        req_id: Echoed by the answer, whose results are in this order.
        deadline_ns: See `OrderToWrite`.
        validate: See `add_order`.

    Raises:
        ConfigurationError: They cannot be accepted.
    """
    _count("batch_add", len(orders), BATCH_ADD)
    for order in orders:
        _check(order)
    written = ",".join(_object(_order_fields(order, spec, symbol=False)) for order in orders)
    fields = [("symbol", _text(spec.symbol)), ("orders", f"[{written}]")]
    if deadline_ns is not None:
        fields.append(("deadline", _time(deadline_ns)))
    if validate:
        fields.append(("validate", "true"))
    return _request("batch_add", fields, token, req_id)


def amend_order(
    spec: PairSpec,
    token: Secret,
    *,
    req_id: int,
    order_id: str = "",
    cl_ord_id: str = "",
    lots: int | None = None,
    limit_ticks: int | None = None,
    trigger_ticks: int | None = None,
    display_lots: int | None = None,
    post_only: bool = False,
    deadline_ns: int | None = None,
) -> str:
    """Change an order that rests; it keeps its id, and its place where only the quantity goes down.

    Args:
        spec: Its pair.
        token: The connection's token.
        req_id: Echoed by the answer.
        order_id: Kraken's id, or
        cl_ord_id: the client's.
        lots: New quantity in all, filled part included; the exchange wants it even where it stays.
        limit_ticks: New limit price.
        trigger_ticks: New trigger price.
        display_lots: What an iceberg shows.
        post_only: Whether the changed order must not take.
        deadline_ns: See `OrderToWrite`.

    Raises:
        ConfigurationError: It cannot be accepted.
    """
    fields = [_one_id(order_id, cl_ord_id)]
    if lots is not None:
        fields.append(("order_qty", _quantity(lots, spec)))
    if limit_ticks is not None:
        fields.append(("limit_price", _price(limit_ticks, spec)))
    if display_lots is not None:
        fields.append(("display_qty", _quantity(display_lots, spec)))
    if trigger_ticks is not None:
        fields.append(("trigger_price", _price(trigger_ticks, spec)))
    if len(fields) == 1:
        raise ConfigurationError("an amendment changes a quantity or a price, and this one changes nothing")
    if post_only:
        fields.append(("post_only", "true"))
    if deadline_ns is not None:
        fields.append(("deadline", _time(deadline_ns)))
    return _request("amend_order", fields, token, req_id)


def cancel_order(token: Secret, *, req_id: int, order_ids: Sequence[str] = (), cl_ord_ids: Sequence[str] = ()) -> str:
    """Cancel orders by Kraken's ids, or by the client's; one answer comes for each, in any order.

    Raises:
        ConfigurationError: There are none, or both kinds.
    """
    if bool(order_ids) == bool(cl_ord_ids):
        raise ConfigurationError("cancel_order takes order_ids or cl_ord_ids, one of the two")
    name, ids = ("order_id", order_ids) if order_ids else ("cl_ord_id", [check_cl_ord_id(each) for each in cl_ord_ids])
    return _request("cancel_order", [(name, _texts(ids))], token, req_id)


def cancel_all(token: Secret, *, req_id: int) -> str:
    """Cancel every order of the account, of all pairs and of all programs."""
    return _request("cancel_all", [], token, req_id)


def cancel_all_orders_after(timeout_s: int, token: Secret, *, req_id: int) -> str:
    """Set the dead man's switch, which cancels every order of the account; 0 turns it off.

    Raises:
        ConfigurationError: The time is negative, or a day or longer.
    """
    if not 0 <= timeout_s <= MOST_TIMEOUT_S:
        raise ConfigurationError(f"the dead man's switch takes 0 to {MOST_TIMEOUT_S} s, not {timeout_s}")
    return _request("cancel_all_orders_after", [("timeout", str(timeout_s))], token, req_id)


def batch_cancel(token: Secret, *, req_id: int, order_ids: Sequence[str] = (), cl_ord_ids: Sequence[str] = ()) -> str:
    """Cancel 2 to 50 orders by their ids; one answer comes for all.

    Raises:
        ConfigurationError: There are too few or too many.
    """
    _count("batch_cancel", len(order_ids) + len(cl_ord_ids), BATCH_CANCEL)
    fields = []
    if order_ids:
        fields.append(("orders", _texts(order_ids)))
    if cl_ord_ids:
        fields.append(("cl_ord_id", _texts([check_cl_ord_id(each) for each in cl_ord_ids])))
    return _request("batch_cancel", fields, token, req_id)


# -- parts --------------------------------------------------------------------------------------------------------


def _check(order: OrderToWrite) -> None:
    """Refuse what cannot be an order."""
    if order.side not in ("buy", "sell"):
        raise ConfigurationError("the side of an order is buy or sell")
    if order.order_type not in ORDER_TYPES:
        raise ConfigurationError(f"order_type takes {', '.join(ORDER_TYPES)}")
    for kinds, ticks, what in (
        (_LIMITED, order.limit_ticks, "limit price"),
        (_TRIGGERED, order.trigger_ticks, "trigger price"),
    ):
        if (order.order_type in kinds) != (ticks is not None):
            needs = "needs a" if order.order_type in kinds else "takes no"
            raise ConfigurationError(f"a {order.order_type} order {needs} {what}")
    if (order.order_type == "iceberg") != (order.display_lots is not None):
        raise ConfigurationError("display_lots is for iceberg orders, which need it")
    if order.display_lots is not None and not order.lots <= 15 * order.display_lots <= 15 * order.lots:
        raise ConfigurationError("an iceberg shows at least a fifteenth of its quantity, and not more than all")
    if order.post_only and order.order_type not in ("limit", "iceberg"):
        raise ConfigurationError(f"a {order.order_type} order cannot be post-only")
    if order.cl_ord_id and order.userref is not None:
        raise ConfigurationError("an order has a cl_ord_id or a userref, not both")
    if (order.time_in_force == "gtd") != (order.expire_ns is not None):
        raise ConfigurationError("expire_ns is for gtd orders, which need it")
    if order.time_in_force not in ("", "gtc", "gtd", "ioc"):
        raise ConfigurationError("time_in_force takes gtc, gtd or ioc")
    if order.userref is not None and not -(2**31) <= order.userref < 2**31:
        raise ConfigurationError("userref takes a whole number of 32 bits")


def _order_fields(order: OrderToWrite, spec: PairSpec, *, symbol: bool) -> list[tuple[str, str]]:
    fields = [
        ("order_type", _text(order.order_type)),
        ("side", _text(order.side)),
        ("order_qty", _quantity(order.lots, spec)),
    ]
    if symbol:
        fields.append(("symbol", _text(spec.symbol)))
    if order.limit_ticks is not None:
        fields.append(("limit_price", _price(order.limit_ticks, spec)))
    if order.trigger_ticks is not None:
        trigger = [("reference", _text(order.trigger_reference)), ("price", _price(order.trigger_ticks, spec))]
        fields.append(("triggers", _object([*trigger, ("price_type", _text("static"))])))
    if order.display_lots is not None:
        fields.append(("display_qty", _quantity(order.display_lots, spec)))
    for name, word in (
        ("time_in_force", order.time_in_force),
        ("stp_type", order.stp_type),
        ("fee_preference", order.fee_preference),
    ):
        if word:
            fields.append((name, _text(word)))
    if order.expire_ns is not None:
        fields.append(("expire_time", _time(order.expire_ns)))
    fields += [(name, "true") for name in ("post_only", "reduce_only") if getattr(order, name)]
    if order.cl_ord_id:
        fields.append(("cl_ord_id", _text(check_cl_ord_id(order.cl_ord_id))))
    if order.userref is not None:
        fields.append(("order_userref", str(order.userref)))
    return fields


def _one_id(order_id: str, cl_ord_id: str) -> tuple[str, str]:
    if bool(order_id) == bool(cl_ord_id):
        raise ConfigurationError("an amendment names an order_id or a cl_ord_id, one of the two")
    return ("order_id", _text(order_id)) if order_id else ("cl_ord_id", _text(check_cl_ord_id(cl_ord_id)))


def _quantity(lots: int, spec: PairSpec) -> str:
    if lots <= 0:
        raise ConfigurationError("the quantity is zero; an order needs one, and cancelling is a request of its own")
    return _number(lots, spec.qty_precision)


def _price(ticks: int, spec: PairSpec) -> str:
    if ticks <= 0:
        raise ConfigurationError("the price is zero; an order needs one")
    if ticks % spec.increment:
        step = from_units(spec.increment, spec.price_precision)
        raise ConfigurationError(f"the price {from_units(ticks, spec.price_precision)} is not a multiple of {step}")
    return _number(ticks, spec.price_precision)


def _number(units: int, precision: int) -> str:
    """A JSON number with a point: the exchange takes no whole ones."""
    text = from_units(units, precision)
    return text if precision > 0 else f"{text}.0"


def _count(method: str, count: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= count <= bounds[1]:
        raise ConfigurationError(f"{method} takes {bounds[0]} to {bounds[1]} orders, not {count}")


def _text(text: str) -> str:
    return json.dumps(text)


def _texts(texts: Sequence[str]) -> str:
    return json.dumps(list(texts), separators=(",", ":"))


def _time(ns: int) -> str:
    return _text(format_timestamp(ns, 3))


def _object(fields: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields) + "}"


def _request(method: str, fields: Sequence[tuple[str, str]], token: Secret, req_id: int) -> str:
    params = _object([*fields, ("token", _text(token.reveal()))])
    return _object([("method", _text(method)), ("params", params), ("req_id", str(req_id))])
