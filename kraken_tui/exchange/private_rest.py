"""The private REST answers: keys, signatures, nonces, and what an account looks like from there."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from kraken_tui.exchange.accounts import Account
from kraken_tui.exchange.frames import NS, decimal_text, quoted
from kraken_tui.exchange.keys import ApiKey
from kraken_tui.exchange.orders import MAKER_FEE, TAKER_FEE, Fill, Order, amount, plain, rounded
from kraken_tui.exchange.pairs import ASSETS, PairSpec
from kraken_tui.exchange.private_socket import PrivateHost
from kraken_tui.exchange.tokens import EXPIRES_S

PREFIX = "/0/private/"

ROWS = 50
"""Rows of a ClosedOrders or TradesHistory answer."""

_LOCKOUT_AFTER = 8
_LOCKOUT_NS = 60 * NS
_LEVEL3_DEPTHS = (0, 10, 25, 100, 250, 1000)
_STATUS = {"pending_new": "pending", "new": "open", "partially_filled": "open", "filled": "closed"}

Fields = dict[str, str]


class Failed(Exception):
    """A request that the API refuses, with its own text."""


@dataclass(slots=True)
class _Use:
    """What is remembered of a key: its highest nonce, refusals in a row, end of a lockout, last use."""

    nonce: int = 0
    refused: int = 0
    locked_ns: int = 0
    used_ns: int = 0


def signature(secret: str, path: str, nonce: str, body: bytes) -> str:
    """API-Sign as the exchange computes it.

    Args:
        secret: base64.
        path: from `/0/private/`.
        nonce: as it stands in the body.
        body: exactly as sent.
    """
    inner = hashlib.sha256(nonce.encode() + body).digest()
    return b64encode(hmac.new(b64decode(secret), path.encode() + inner, hashlib.sha512).digest()).decode()


class PrivateRest:
    """Answers signed requests.

    Args:
        venue: the exchange.
    """

    def __init__(self, venue: PrivateHost) -> None:
        self._venue = venue
        self._home = venue.private
        self._uses: dict[str, _Use] = {}
        self._methods: dict[str, tuple[str, Callable[[ApiKey, Account, Fields], Any]]] = {
            "GetWebSocketsToken": ("create-ws-token", self._token),
            "GetApiKeyInfo": ("", self._key_info),
            "Balance": ("query-funds", self._balance),
            "BalanceEx": ("query-funds", self._balance_ex),
            "TradeVolume": ("query-funds", self._volume),
            "OpenOrders": ("query-open-trades", self._open_orders),
            "ClosedOrders": ("query-closed-trades", self._closed_orders),
            "QueryOrders": ("query-open-trades", self._query_orders),
            "TradesHistory": ("query-closed-trades", self._trades),
            "Level3": ("query-open-trades", self._level3),
        }

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """The JSON envelope for one POST.

        Args:
            path: as on the request line.
            headers: of the request; names in any case.
            body: exactly as sent.
        """
        try:
            return quoted({"error": [], "result": self._result(path, headers, body)})
        except Failed as failed:
            return quoted({"error": [str(failed)]})

    def _result(self, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        self._venue.advance(self._venue.now_ns)
        method = self._methods.get(path.removeprefix(PREFIX))
        if method is None:
            raise Failed("EGeneral:Unknown method")
        right, run = method
        fields = _fields(headers, body)
        key = self._signed(path, headers, fields, body)
        if key.otp and fields.get("otp") != key.otp:
            raise Failed("EGeneral:Permission denied")
        if right and right not in key.permissions:
            raise Failed("EGeneral:Permission denied")
        return run(key, self._home.account(key), fields)

    # --- who asks

    def _signed(self, path: str, headers: Mapping[str, str], fields: Fields, body: bytes) -> ApiKey:
        """The key of a request whose signature and nonce are right."""
        now_ns = self._venue.now_ns
        key = self._home.keys.get(headers.get("API-Key", ""))
        if key is None:
            raise Failed("EAPI:Invalid key")
        use = self._uses.setdefault(key.key, _Use())
        if now_ns < use.locked_ns:
            raise Failed("EGeneral:Temporary lockout")
        nonce = fields.get("nonce", "")
        try:
            right = signature(key.secret, path, nonce, body)
        except ValueError:
            right = ""
        if not hmac.compare_digest(right, headers.get("API-Sign", "")):
            raise self._bad(use, "EAPI:Invalid signature")
        if not (nonce.isascii() and nonce.isdigit()) or not 0 < int(nonce) < 1 << 64:
            raise self._bad(use, "EAPI:Invalid nonce")
        number = int(nonce)
        if number <= use.nonce - key.nonce_window or number == use.nonce:
            raise self._bad(use, "EAPI:Invalid nonce")
        use.nonce, use.refused, use.used_ns = max(use.nonce, number), 0, now_ns
        return key

    def _bad(self, use: _Use, error: str) -> Failed:
        use.refused += 1
        if use.refused >= _LOCKOUT_AFTER:
            use.refused, use.locked_ns = 0, self._venue.now_ns + _LOCKOUT_NS
        return Failed(error)

    # --- methods

    def _token(self, key: ApiKey, _account: Account, _fields: Fields) -> Any:
        return {"token": self._home.tokens.issue(key, self._venue.now_ns), "expires": EXPIRES_S}

    def _key_info(self, key: ApiKey, _account: Account, _fields: Fields) -> Any:
        use = self._uses[key.key]
        return {
            "apiKeyName": key.name,
            "apiKey": key.key,
            "nonce": str(use.nonce),
            "nonceWindow": key.nonce_window,
            "permissions": list(key.permissions),
            "iban": "PLAY MONEY",
            "validUntil": "0",
            "queryFrom": "0",
            "queryTo": "0",
            "createdTime": "1767225600",
            "modifiedTime": "1767225600",
            "ipAllowlist": [],
            "lastUsed": str(use.used_ns // NS),
        }

    def _balance(self, _key: ApiKey, account: Account, _fields: Fields) -> Any:
        return {_asset(name): plain(total) for name, total in account.balances.items() if total}

    def _balance_ex(self, _key: ApiKey, account: Account, _fields: Fields) -> Any:
        return {
            _asset(name): {"balance": plain(total), "hold_trade": plain(account.held(name))}
            for name, total in account.balances.items()
            if total
        }

    def _volume(self, _key: ApiKey, account: Account, fields: Fields) -> Any:
        total = sum((fill.cost for fill in account.fills), Decimal(0))

        def fee(rate: Decimal) -> dict[str, Any]:
            return {
                "fee": plain(rate * 100),
                "minfee": "0.1000",
                "maxfee": "0.4000",
                "nextfee": None,
                "tiervolume": "0",
            }

        specs = [self._spec(name) for name in fields.get("pair", "").split(",") if name]
        return {
            "currency": "ZUSD",
            "volume": plain(rounded(total, 4)),
            "fees": {spec.rest_key: fee(TAKER_FEE) for spec in specs},
            "fees_maker": {spec.rest_key: fee(MAKER_FEE) for spec in specs},
        }

    def _open_orders(self, _key: ApiKey, account: Account, fields: Fields) -> Any:
        horizon = self._home.rest_horizon()
        open_then = [o for o in account.orders.values() if o.opened_ns <= horizon and _open_at(o, horizon)]
        rows = {o.order_id: _order_row(o, fields, horizon) for o in open_then if _matches(o, fields)}
        return {"open": rows}

    def _closed_orders(self, _key: ApiKey, account: Account, fields: Fields) -> Any:
        horizon = self._home.rest_horizon()
        closed = [o for o in account.orders.values() if not o.open and o.closed_ns <= horizon and _matches(o, fields)]
        closed = [o for o in closed if _within(o.closed_ns, fields)]
        closed.sort(key=lambda o: o.closed_ns, reverse=True)
        offset = _number(fields, "ofs")
        rows = {o.order_id: _order_row(o, fields, horizon) for o in closed[offset : offset + ROWS]}
        return {"closed": rows, "count": len(closed)}

    def _query_orders(self, _key: ApiKey, account: Account, fields: Fields) -> Any:
        horizon = self._home.rest_horizon()
        names = [name for name in fields.get("txid", "").split(",") if name]
        if not names and "cl_ord_id" not in fields and "userref" not in fields:
            raise Failed("EGeneral:Invalid arguments:txid")
        if len(names) > ROWS:
            raise Failed("EGeneral:Invalid arguments:txid")
        known = {name: account.orders[name] for name in names if name in account.orders}
        if len(known) < len(set(names)) or any(o.opened_ns > horizon for o in known.values()):
            raise Failed("EOrder:Unknown order")
        if not names:
            known = {o.order_id: o for o in account.orders.values() if o.opened_ns <= horizon and _matches(o, fields)}
        return {order_id: _order_row(order, fields, horizon) for order_id, order in known.items()}

    def _trades(self, _key: ApiKey, account: Account, fields: Fields) -> Any:
        horizon = self._home.rest_horizon()
        fills = [f for f in reversed(account.fills) if f.ts_ns <= horizon and _within(f.ts_ns, fields)]
        offset = _number(fields, "ofs")
        return {"trades": {f.exec_id: _fill_row(f) for f in fills[offset : offset + ROWS]}, "count": len(fills)}

    def _level3(self, _key: ApiKey, _account: Account, fields: Fields) -> Any:
        spec = self._spec(fields.get("pair", ""))
        depth = _number(fields, "depth", 100)
        if depth not in _LEVEL3_DEPTHS:
            raise Failed("EGeneral:Invalid arguments:depth")
        market = self._venue.market(spec.symbol)
        book = market.level3
        out: dict[str, Any] = {"pair": spec.rest_key}
        for name, side in (("bids", book.book.bids), ("asks", book.book.asks)):
            keys = side.keys[:depth] if depth else list(side.keys)
            out[name] = [
                {
                    "price": _padded(key * side.sign, spec.price_precision, 5),
                    "qty": _padded(order.lots, spec.qty_precision, 8),
                    "order_id": order.order_id,
                    "timestamp": order.ts_ns,
                }
                for key in keys
                for order in book.queues(side).at(key)
            ]
        return out

    def _spec(self, name: str) -> PairSpec:
        for spec in self._venue.specs.values():
            if name in (spec.symbol, spec.wsname, spec.rest_key, spec.altname, spec.symbol.replace("/", "")):
                return spec
        raise Failed("EQuery:Unknown asset pair")


def _fields(headers: Mapping[str, str], body: bytes) -> Fields:
    """The fields of a form or a JSON body."""
    try:
        text = body.decode()
        if "json" not in headers.get("Content-Type", ""):
            return dict(parse_qsl(text, keep_blank_values=True))
        decoded = json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        raise Failed("EGeneral:Invalid arguments") from None
    if not isinstance(decoded, dict):
        raise Failed("EGeneral:Invalid arguments")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in decoded.items()}


def _number(fields: Fields, name: str, default: int = 0) -> int:
    text = fields.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise Failed(f"EGeneral:Invalid arguments:{name}")
    return int(text)


def _within(ns: int, fields: Fields) -> bool:
    """Whether a time lies after `start` and not after `end`, both seconds or ids of fills."""
    try:
        start, end = (float(fields.get(name, "") or 0) for name in ("start", "end"))
    except ValueError:
        raise Failed("EGeneral:Invalid arguments:start") from None
    return ns / NS > start and (end == 0 or ns / NS <= end)


def _matches(order: Order, fields: Fields) -> bool:
    if "cl_ord_id" in fields and order.cl_ord_id != fields["cl_ord_id"]:
        return False
    return "userref" not in fields or str(order.userref) == fields["userref"]


def _open_at(order: Order, ns: int) -> bool:
    return order.open or order.closed_ns > ns


def _asset(name: str) -> str:
    return ASSETS[name].rest_id if name in ASSETS else name


def _padded(value: int, decimals: int, least: int) -> str:
    text = decimal_text(value, decimals)
    missing = least - decimals
    if missing <= 0:
        return text
    return text + ("" if "." in text else ".") + "0" * missing


def _seconds(ns: int) -> float:
    return round(ns / NS, 6)


def _order_row(order: Order, fields: Fields, horizon: int) -> dict[str, Any]:
    """One order as it stood at `horizon` (ns since the epoch)."""
    spec = order.spec
    fills = [fill for fill in order.fills if fill.ts_ns <= horizon]
    done = sum(fill.lots for fill in fills)
    cost, fee = (sum((getattr(f, name) for f in fills), Decimal(0)) for name in ("cost", "fee"))
    first = order.trigger if order.trigger is not None else order.limit
    second = order.limit if order.trigger is not None else None
    price, price2 = (order.price(ticks) if ticks is not None else "0" for ticks in (first, second))
    average = plain(rounded(cost / amount(done, spec.qty_precision), spec.price_precision)) if done else "0.00000"
    closed = not _open_at(order, horizon)
    row: dict[str, Any] = {
        "refid": None,
        "userref": order.userref,
        "status": _STATUS.get(order.status, order.status) if closed or order.open else "open",
        "opentm": _seconds(order.opened_ns),
        "starttm": 0,
        "expiretm": _seconds(order.expire_ns),
        "descr": {
            "pair": spec.altname,
            "type": order.side,
            "ordertype": order.order_type,
            "price": price,
            "price2": price2,
            "leverage": "none",
            "order": f"{order.side} {order.qty(order.lots)} {spec.altname} @ {order.order_type} {price}",
            "close": "",
        },
        "vol": order.qty(order.lots),
        "vol_exec": order.qty(done),
        "cost": plain(rounded(cost, 5)),
        "fee": plain(rounded(fee, 5)),
        "price": average,
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "amended" if order.amended else "",
        "oflags": "fciq,post" if order.post_only else "fciq",
    }
    if order.cl_ord_id:
        row["cl_ord_id"] = order.cl_ord_id
    if fields.get("trades", "").lower() == "true" and fills:
        row["trades"] = [fill.exec_id for fill in fills]
    if closed:
        row |= {"closetm": _seconds(order.closed_ns), "reason": order.reason or None}
    return row


def _fill_row(fill: Fill) -> dict[str, Any]:
    order, spec = fill.order, fill.order.spec
    return {
        "ordertxid": order.order_id,
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": spec.rest_key,
        "aclass": "forex",
        "time": _seconds(fill.ts_ns),
        "type": order.side,
        "ordertype": order.order_type,
        "price": order.price(fill.ticks),
        "cost": plain(rounded(fill.cost, 5)),
        "fee": plain(rounded(fill.fee, 5)),
        "vol": order.qty(fill.lots),
        "margin": "0.00000",
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.maker,
    }
