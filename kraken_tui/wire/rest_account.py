"""Answers of private REST calls as typed values.

Numbers of the account are text here, as the exchange writes them; who knows the pair turns them into ticks and lots.
Fields that are missing are "" or 0: an answer with less than was expected must not end the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from kraken_tui.errors import InvalidMessage
from kraken_tui.secret import Secret
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND

_TEXT = 100
_MOST_ROWS = 10_000


class Envelope(msgspec.Struct):
    """What every answer is wrapped in; `result` may be absent or null."""

    error: list[Any] = []
    result: Any = None


_decoder = msgspec.json.Decoder(Envelope, float_hook=str)


def decode_envelope(body: bytes) -> Envelope:
    """Read an answer.

    Raises:
        InvalidMessage: It is not one of Kraken's, such as a page of a proxy.
    """
    try:
        found = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        html = body[:512].lstrip().lower().startswith((b"<!doctype", b"<html", b"<"))
        raise InvalidMessage(
            "a web page came instead of an answer, as from a proxy or a firewall" if html
            else "the answer is not Kraken's JSON"
        ) from None  # fmt: skip
    if not found.error and found.result is None:
        raise InvalidMessage("the answer is empty")
    return found


class WebSocketsToken(msgspec.Struct, frozen=True):
    """A token for the private sockets.

    Attributes:
        token: What every private request carries.
        expires_s: Seconds in which it must be used.
    """

    token: Secret
    expires_s: int


class ApiKeyInfo(msgspec.Struct, frozen=True):
    """What the exchange says of the key.

    Attributes:
        name: Its name at Kraken.
        permissions: Its rights, as Kraken names them.
        nonce: The last nonce it has seen; 0 if unknown.
        nonce_window: How far back nonces are taken.
        valid_until: When it ends, seconds since the epoch; 0 for never.
        query_from: Start of the history it may see, likewise.
        query_to: End of it.
        ip_allowlist: Addresses it may be used from; none for all.
        last_used: When, as Kraken writes it.
    """

    name: str
    permissions: tuple[str, ...]
    nonce: int = 0
    nonce_window: int = 0
    valid_until: int = 0
    query_from: int = 0
    query_to: int = 0
    ip_allowlist: tuple[str, ...] = ()
    last_used: str = ""


class RestOrder(msgspec.Struct, frozen=True):
    """One order, open or closed.

    Attributes:
        order_id: Kraken's id.
        status: "pending", "open", "closed" (filled), "canceled" or "expired".
        pair: As REST names it, such as "XBTUSD".
        side: "buy" or "sell".
        order_type: Such as "limit".
        cl_ord_id: The client's id; "" for none.
        userref: The client's tag; 0 for none.
        limit_price: Price of a limit order; of others their first price, such as the trigger.
        second_price: Second price, such as the limit of a stop-loss-limit.
        qty: Ordered.
        cum_qty: Filled of it.
        cost: Paid for that, in the quote currency.
        fee: Of that.
        avg_price: Average price of the fills.
        flags: Such as "post" and "fciq".
        reason: Why it ended.
        opened_ns: When, ns since the epoch; 0 if unknown.
        closed_ns: Likewise; 0 while it is open.
        trades: Ids of its trades, if they were asked for.
    """

    order_id: str
    status: str
    pair: str = ""
    side: str = ""
    order_type: str = ""
    cl_ord_id: str = ""
    userref: int = 0
    limit_price: str = ""
    second_price: str = ""
    qty: str = ""
    cum_qty: str = ""
    cost: str = ""
    fee: str = ""
    avg_price: str = ""
    flags: tuple[str, ...] = ()
    reason: str = ""
    opened_ns: int = 0
    closed_ns: int = 0
    trades: tuple[str, ...] = ()


class RestOrders(msgspec.Struct, frozen=True):
    """Orders by id, and how many there are in all where that is told; else as many as are here."""

    orders: Mapping[str, RestOrder]
    count: int


class RestTrade(msgspec.Struct, frozen=True):
    """One fill of the account.

    Attributes:
        exec_id: Kraken's id of it, the same as in executions.
        order_id: Its order.
        pair: As REST names it.
        side: "buy" or "sell".
        price: Price.
        qty: Quantity.
        cost: Price times quantity.
        fee: Fee.
        time_ns: When, ns since the epoch.
        trade_id: Number of the public trade; 0 if unknown.
        maker: Whether it made the market; None if unknown.
    """

    exec_id: str
    order_id: str
    pair: str = ""
    side: str = ""
    price: str = ""
    qty: str = ""
    cost: str = ""
    fee: str = ""
    time_ns: int = 0
    trade_id: int = 0
    maker: bool | None = None


class RestTrades(msgspec.Struct, frozen=True):
    """Fills by id, and how many there are in all."""

    trades: Mapping[str, RestTrade]
    count: int


class Balance(msgspec.Struct, frozen=True):
    """One asset of the account, by REST's name.

    Attributes:
        asset: Such as "XXBT" or "ZUSD".
        balance: All of it.
        hold_trade: Held by open orders.
        credit: Credit line.
        credit_used: Of that.
    """

    asset: str
    balance: Decimal
    hold_trade: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    credit_used: Decimal = Decimal(0)

    @property
    def free(self) -> Decimal:
        """What an order can use."""
        return self.balance + self.credit - self.credit_used - self.hold_trade


def read_token(result: Any) -> WebSocketsToken:
    """The answer of `GetWebSocketsToken`.

    Raises:
        InvalidMessage: It holds no token.
    """
    row = _row(result)
    token = row.get("token")
    if not isinstance(token, str) or not token:
        raise InvalidMessage("the answer holds no token")
    return WebSocketsToken(Secret(token, lasting=False), _whole(row.get("expires")))


def read_key_info(result: Any) -> ApiKeyInfo:
    """The answer of `GetApiKeyInfo`.

    Raises:
        InvalidMessage: It names no permissions.
    """
    row = _row(result)
    permissions = row.get("permissions")
    if not isinstance(permissions, list):
        raise InvalidMessage("the answer names no permissions")
    return ApiKeyInfo(
        name=_text(row.get("apiKeyName")),
        permissions=_texts(permissions),
        nonce=_whole(row.get("nonce")),
        nonce_window=_whole(row.get("nonceWindow")),
        valid_until=_whole(row.get("validUntil")),
        query_from=_whole(row.get("queryFrom")),
        query_to=_whole(row.get("queryTo")),
        ip_allowlist=_texts(row.get("ipAllowlist")),
        last_used=_text(row.get("lastUsed")),
    )


def read_orders(result: Any, key: str = "") -> RestOrders:
    """The answer of `OpenOrders` (key "open"), `ClosedOrders` ("closed") or `QueryOrders` ("").

    Raises:
        InvalidMessage: It holds no orders.
    """
    outer = _row(result)
    rows = _row(outer.get(key)) if key else outer
    orders = {name: _order(name, _row(row)) for name, row in _bounded(rows)}
    return RestOrders(orders, max(_whole(outer.get("count")) if key else 0, len(orders)))


def _order(order_id: str, row: Mapping[str, Any]) -> RestOrder:
    told = row.get("descr")
    descr = told if isinstance(told, dict) else {}
    return RestOrder(
        order_id=order_id,
        status=_text(row.get("status")),
        pair=_text(descr.get("pair")),
        side=_text(descr.get("type")),
        order_type=_text(descr.get("ordertype")),
        cl_ord_id=_text(row.get("cl_ord_id")),
        userref=_whole(row.get("userref")),
        limit_price=_text(descr.get("price")),
        second_price=_text(descr.get("price2")),
        qty=_text(row.get("vol")),
        cum_qty=_text(row.get("vol_exec")),
        cost=_text(row.get("cost")),
        fee=_text(row.get("fee")),
        avg_price=_text(row.get("price")),
        flags=tuple(filter(None, _text(row.get("oflags")).split(","))),
        reason=_text(row.get("reason")),
        opened_ns=_time(row.get("opentm")),
        closed_ns=_time(row.get("closetm")),
        trades=_texts(row.get("trades")),
    )


def read_trades(result: Any) -> RestTrades:
    """The answer of `TradesHistory`.

    Raises:
        InvalidMessage: It holds no trades.
    """
    outer = _row(result)
    trades = {}
    for name, found in _bounded(_row(outer.get("trades"))):
        row = _row(found)
        maker = row.get("maker")
        trades[name] = RestTrade(
            exec_id=name,
            order_id=_text(row.get("ordertxid")),
            pair=_text(row.get("pair")),
            side=_text(row.get("type")),
            price=_text(row.get("price")),
            qty=_text(row.get("vol")),
            cost=_text(row.get("cost")),
            fee=_text(row.get("fee")),
            time_ns=_time(row.get("time")),
            trade_id=_whole(row.get("trade_id")),
            maker=maker if isinstance(maker, bool) else None,
        )
    return RestTrades(trades, max(_whole(outer.get("count")), len(trades)))


def read_balances(result: Any) -> Mapping[str, Balance]:
    """The answer of `BalanceEx`, by asset.

    Raises:
        InvalidMessage: It holds no balances.
    """
    found = {}
    for name, told in _bounded(_row(result)):
        row = _row(told)
        found[name] = Balance(
            name,
            _decimal(row.get("balance")),
            _decimal(row.get("hold_trade", "0")),
            _decimal(row.get("credit", "0")),
            _decimal(row.get("credit_used", "0")),
        )
    return found


# -- parts --------------------------------------------------------------------------------------------------------


def _row(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidMessage("the answer lacks a part")
    return value


def _bounded(rows: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if len(rows) > _MOST_ROWS:
        raise InvalidMessage(f"the answer has over {_MOST_ROWS} rows")
    return [(clean_text(name, _TEXT), row) for name, row in rows.items()]


def _text(value: Any) -> str:
    return clean_text(value, _TEXT) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(each) for each in value) if isinstance(value, list) else ()


def _whole(value: Any) -> int:
    """A whole number, written as one or as text; 0 for anything else."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    digits = text.partition(".")[0]
    sign = -1 if digits.startswith("-") else 1
    digits = digits.removeprefix("-")
    return sign * int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else 0


def _decimal(value: Any) -> Decimal:
    try:
        number = Decimal(_text(value))
    except InvalidOperation:
        raise InvalidMessage("a balance is not a number") from None
    if not number.is_finite():
        raise InvalidMessage("a balance is not a number")
    return number


def _time(value: Any) -> int:
    """Seconds with a fraction, as text, to ns since the epoch; 0 for anything else."""
    try:
        number = Decimal(_text(value))
        return int(number * SECOND) if number.is_finite() and 0 <= number < 10**11 else 0
    except InvalidOperation:
        return 0
