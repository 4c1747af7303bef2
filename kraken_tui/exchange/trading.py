"""The trading methods of `ws-auth`: what is asked, checked, and done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from kraken_tui.exchange.accounts import Account
from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.keys import ApiKey
from kraken_tui.exchange.orders import MARKET_TYPES, ORDER_TYPES, TAKER_FEE, TRIGGERED_TYPES, Order, amount
from kraken_tui.exchange.pairs import PairSpec, scaled
from kraken_tui.exchange.peer import Refused
from kraken_tui.exchange.private import Private
from kraken_tui.exchange.ratecounter import cost

MAX_SWITCH_S = 86_400
_MIN_DEADLINE_S, _MAX_DEADLINE_S = 0.5, 60.0
_ICEBERG_SHARE = 15
_CL_ORD_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[!-~]{1,18}")
_NOT_HERE = {"conditional", "cash_order_qty", "effective_time"}
"""Parameters that the real exchange knows and this one refuses rather than ignores."""

_EITHER = ("modify-trades", "close-trades")
RIGHTS: dict[str, tuple[tuple[str, ...], bool]] = {
    "add_order": (("modify-trades",), True),
    "amend_order": (_EITHER, False),
    "edit_order": (_EITHER, True),
    "cancel_order": (_EITHER, False),
    "cancel_all": (_EITHER, False),
    "cancel_all_orders_after": (_EITHER, False),
    "batch_add": (_EITHER, True),
    "batch_cancel": (_EITHER, False),
}
"""Permissions of each method, and whether all of them are wanted or one is enough."""

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: a result, or an error."""

    result: Any = None
    error: str = ""


def invalid(what: str) -> Refused:
    """The refusal of an argument."""
    return Refused(f"EGeneral:Invalid arguments:{what}")


class Trading:
    """Trading for the holders of tokens.

    Args:
        private: accounts and desks.
    """

    def __init__(self, private: Private) -> None:
        self._private = private
        self._venue = private.venue

    def run(self, method: str, key: ApiKey, params: Params, now_ns: int) -> list[Answer]:
        """Do one request.

        Returns:
            The answers, in order; `cancel_order` has one for each order.

        Raises:
            Refused: not granted; nothing was done.
        """
        wanted, every = RIGHTS[method]
        if not (all if every else any)(right in key.permissions for right in wanted):
            raise Refused("EGeneral:Permission denied")
        self._deadline(params, now_ns)
        account = self._private.account(key)
        match method:
            case "add_order":
                return [self._add(account, params, now_ns)]
            case "amend_order":
                return [self._amend(account, params, now_ns)]
            case "edit_order":
                return [self._edit(account, params, now_ns)]
            case "cancel_order":
                return self._cancel(account, params, now_ns)
            case "cancel_all":
                return [Answer({"count": self._private.cancel_all(account.open_orders)})]
            case "cancel_all_orders_after":
                return [self._switch(account, params, now_ns)]
            case "batch_add":
                return [self._batch_add(account, params, now_ns)]
        return [self._batch_cancel(account, params, now_ns)]

    # --- arguments

    def _deadline(self, params: Params, now_ns: int) -> None:
        text = params.get("deadline")
        if text is None:
            return
        try:
            at = datetime.fromisoformat(str(text))
        except ValueError:
            raise invalid("deadline") from None
        if at.tzinfo is None:
            raise invalid("deadline")
        ahead_s = at.timestamp() - now_ns / NS
        if ahead_s - self._venue.faults.private.engine_delay_s <= 0:
            raise Refused("EService:Deadline elapsed")
        if not _MIN_DEADLINE_S <= ahead_s <= _MAX_DEADLINE_S:
            raise invalid("deadline")

    def _spec(self, symbol: Any) -> PairSpec:
        spec = self._venue.specs.get(symbol) if isinstance(symbol, str) else None
        if spec is None or spec.status == "delisted":
            raise Refused(f"Currency pair not supported {symbol}")
        return spec

    def _may_trade(self, spec: PairSpec, order: Order) -> None:
        mode = self._venue.system if self._venue.system != "online" else spec.status
        if mode == "post_only" and order.post_only:
            return
        if mode == "limit_only" and order.limit is not None:
            return
        if mode in ("cancel_only", "post_only", "limit_only"):
            raise Refused(f"EService:Market in {mode} mode")
        if mode not in ("online", "reduce_only"):
            raise Refused("EService:Unavailable")

    def _order(self, account: Account, params: Params, now_ns: int) -> Order:
        """An order as asked for, not yet known to anybody."""
        spec = self._spec(params.get("symbol"))
        side, order_type = params.get("side"), params.get("order_type")
        if side not in ("buy", "sell"):
            raise invalid("side")
        if order_type not in ORDER_TYPES:
            raise invalid("ordertype")
        order = Order("", spec, side, order_type, _lots(params, "order_qty", spec), now_ns, account=account.name)
        if order_type not in MARKET_TYPES:
            order.limit = _ticks(params, "limit_price", spec)
        elif "limit_price" in params:
            raise invalid("limit_price")
        if order_type in TRIGGERED_TYPES:
            triggers = params.get("triggers")
            if not isinstance(triggers, dict):
                raise invalid("triggers")
            order.trigger = _ticks(triggers, "price", spec)
            order.reference = _choice(triggers, "reference", ("last", "index"))
            if triggers.get("price_type", "static") != "static":
                raise invalid("price_type")
        self._options(account, order, params, now_ns)
        return order

    def _options(self, account: Account, order: Order, params: Params, now_ns: int) -> None:
        order.time_in_force = _choice(params, "time_in_force", ("gtc", "gtd", "ioc")).upper()
        if order.time_in_force == "GTD":
            order.expire_ns = _instant(params, "expire_time")
            if not now_ns < order.expire_ns <= now_ns + 31 * 86_400 * NS:
                raise invalid("expire_time")
        order.post_only, order.reduce_only = _bool(params, "post_only"), _bool(params, "reduce_only")
        if order.post_only and (order.limit is None or order.time_in_force == "IOC"):
            raise invalid("post_only order option is only available when ordertype = limit")
        if _bool(params, "margin"):
            raise Refused("EOrder:Insufficient margin")
        for name in _NOT_HERE & params.keys():
            raise invalid(name)
        if params.get("limit_price_type", "static") != "static":
            raise invalid("limit_price_type")
        if "no_mpp" in params and order.order_type != "market":
            raise invalid("no_mpp order option is only available when ordertype = market")
        order.stp = _choice(params, "stp_type", ("cancel_newest", "cancel_oldest", "cancel_both"))
        if "display_qty" in params:
            order.display = _lots(params, "display_qty", order.spec)
            _check_display(order.display, order.lots)
            if order.limit is None:
                raise invalid("display_qty")
        elif order.order_type == "iceberg":
            raise invalid("display_qty")
        if order.display:
            order.order_type = "iceberg"
        order.cl_ord_id, order.userref = _client_ids(params)
        if order.cl_ord_id and account.find(cl_ord_id=order.cl_ord_id):
            raise invalid("cl_ord_id:already in use by an open order")

    def _checked(self, account: Account, order: Order, replaced: Order | None = None) -> Order:
        """The checks of the engine: state, size, funds, number of orders."""
        spec = order.spec
        self._may_trade(spec, order)
        if order.lots < spec.qty_min_lots:
            raise Refused("EOrder:Order minimum not met")
        price = order.limit if order.limit is not None else order.trigger
        if price is None:
            touch = self._venue.market(spec.symbol).simulator.touch
            price = touch[2] if order.side == "buy" else touch[0]
        lots, unit = amount(order.lots, spec.qty_precision), amount(price, spec.price_precision)
        if lots * unit < Decimal(spec.cost_min):
            raise Refused("EOrder:Cost minimum not met")
        free = account.free(spec.quote if order.side == "buy" else spec.base, replaced)
        if (lots * unit * (1 + TAKER_FEE) if order.side == "buy" else lots) > free:
            raise Refused("EOrder:Insufficient funds")
        standing = sum(o.spec.symbol == spec.symbol for o in account.open_orders)
        if replaced is None and standing >= account.tier.open_orders:
            raise Refused("EOrder:Orders limit exceeded")
        return order

    def _charge(self, account: Account, symbol: str, what: str, now_ns: int, order: Order | None = None) -> None:
        age_s = 0.0 if order is None else (now_ns - order.changed_ns) / NS
        if not account.counter.charge(symbol, cost(what, age_s), cost(what, 1e9), now_ns):
            raise Refused("EOrder:Rate limit exceeded")

    # --- methods

    def _accept(self, account: Account, order: Order) -> dict[str, Any]:
        # Asked for after the checks: the desk brings its market up to date, and its clock is the order's.
        desk = self._private.desk(order.spec.symbol)
        order.order_id = account.new_id("O")
        order.opened_ns = order.changed_ns = self._venue.market(order.spec.symbol).simulator.now_ns
        desk.place(order)
        return _named(order)

    def _add(self, account: Account, params: Params, now_ns: int) -> Answer:
        order = self._order(account, params, now_ns)
        self._charge(account, order.spec.symbol, "add", now_ns)
        self._checked(account, order)
        if _bool(params, "validate"):
            return Answer({})
        return Answer(self._accept(account, order))

    def _found(self, account: Account, params: Params) -> Order:
        order_id, cl_ord_id = params.get("order_id", ""), params.get("cl_ord_id", "")
        if not isinstance(order_id, str) or not isinstance(cl_ord_id, str) or bool(order_id) == bool(cl_ord_id):
            raise invalid("order_id")
        order = account.find(order_id=order_id, cl_ord_id=cl_ord_id)
        if order is None:
            raise Refused("EOrder:Unknown order")
        return order

    def _amend(self, account: Account, params: Params, now_ns: int) -> Answer:
        order = self._found(account, params)
        spec = order.spec
        lots = _lots(params, "order_qty", spec) if "order_qty" in params else order.lots
        limit, trigger, display = order.limit, order.trigger, order.display
        fields = [f'"order_qty":{order.qty(lots)}']
        if "limit_price" in params:
            if order.limit is None:
                raise invalid("limit_price")
            limit = _ticks(params, "limit_price", spec)
        if limit is not None:
            fields.append(f'"limit_price":{order.price(limit)},"limit_price_type":"static"')
        if "trigger_price" in params:
            if not order.waiting:
                raise invalid("trigger_price")
            trigger = _ticks(params, "trigger_price", spec)
        if "display_qty" in params:
            display = _lots(params, "display_qty", spec)
            _check_display(display, lots - order.done_lots)
            fields.append(f'"display_qty":{order.qty(display)}')
        self._charge(account, spec.symbol, "amend", now_ns, order)
        wanted = Order("", spec, order.side, order.order_type, max(1, lots - order.done_lots), now_ns, limit, trigger)
        wanted.post_only = order.post_only or _bool(params, "post_only")
        if lots > order.done_lots:
            self._checked(account, wanted, order)
            desk = self._private.desk(spec.symbol)
            if wanted.post_only and not order.waiting and limit != order.limit and desk.crosses(wanted):
                raise Refused("EOrder:Post only order")
            order.post_only = wanted.post_only
        if trigger is not None and trigger != order.trigger:
            before, order.trigger = order.trigger, trigger
            fields.append(order.trigger_fields())
            order.trigger = before
        self._private.desk(spec.symbol).amend(order, lots, limit, display, trigger, ",".join(fields))
        named = {"cl_ord_id": params["cl_ord_id"]} if params.get("cl_ord_id") else {"order_id": order.order_id}
        return Answer({"amend_id": account.new_id("T"), **named})

    def _edit(self, account: Account, params: Params, now_ns: int) -> Answer:
        old = self._found(account, {"order_id": params.get("order_id", "")})
        if params.get("symbol") != old.spec.symbol:
            raise invalid("symbol")
        asked: Params = {"side": old.side, "order_type": old.order_type, **params}
        asked.setdefault("order_qty", amount(old.lots, old.spec.qty_precision))
        if old.limit is not None:
            asked.setdefault("limit_price", amount(old.limit, old.spec.price_precision))
        if old.trigger is not None and "triggers" not in asked:
            asked["triggers"] = {"price": amount(old.trigger, old.spec.price_precision), "reference": old.reference}
        if old.display:
            asked.setdefault("display_qty", amount(old.display, old.spec.qty_precision))
        order = self._order(account, {k: v for k, v in asked.items() if k != "cl_ord_id"}, now_ns)
        self._charge(account, old.spec.symbol, "edit", now_ns, old)
        self._checked(account, order, old)
        if _bool(params, "validate"):
            return Answer({})
        self._private.desk(old.spec.symbol).cancel(old)
        return Answer({**self._accept(account, order), "original_order_id": old.order_id})

    def _cancel(self, account: Account, params: Params, now_ns: int) -> list[Answer]:
        answers = []
        named = False
        for field in ("order_id", "cl_ord_id", "order_userref"):
            values = params.get(field, [])
            if not isinstance(values, list):
                raise invalid(field)
            for value in values:
                named = True
                found = _by(account, field, value)
                if not found:
                    answers.append(Answer(error="EOrder:Unknown order"))
                for order in found:
                    answers.append(self._cancel_one(account, order, field, now_ns))
        if not named:
            raise invalid("order_id")
        self._private.cancel_all(())
        return answers

    def _cancel_one(self, account: Account, order: Order, field: str, now_ns: int) -> Answer:
        try:
            self._charge(account, order.spec.symbol, "cancel", now_ns, order)
        except Refused as refused:
            return Answer(error=str(refused))
        self._private.desk(order.spec.symbol).cancel(order)
        named = {"cl_ord_id": order.cl_ord_id} if field == "cl_ord_id" else {"order_id": order.order_id}
        return Answer(named)

    def _switch(self, account: Account, params: Params, now_ns: int) -> Answer:
        timeout = params.get("timeout")
        if isinstance(timeout, bool) or not isinstance(timeout, int) or not 0 <= timeout < MAX_SWITCH_S:
            raise invalid("timeout")
        account.switch_ns = now_ns + timeout * NS if timeout else 0
        until = _second(account.switch_ns) if timeout else "0"
        return Answer({"currentTime": _second(now_ns), "triggerTime": until})

    def _batch_add(self, account: Account, params: Params, now_ns: int) -> Answer:
        rows = params.get("orders")
        if not isinstance(rows, list) or not 2 <= len(rows) <= 15 or not all(isinstance(r, dict) for r in rows):
            raise invalid("orders")
        spec = self._spec(params.get("symbol"))
        orders = [self._order(account, {**row, "symbol": spec.symbol}, now_ns) for row in rows]
        names = [order.cl_ord_id for order in orders if order.cl_ord_id]
        if len(set(names)) != len(names):
            raise invalid("cl_ord_id:already in use by an open order")
        half = len(orders) / 2
        if not account.counter.charge(spec.symbol, half, half, now_ns):
            raise Refused("EOrder:Rate limit exceeded")
        for order in orders:
            self._checked(account, order)
        if _bool(params, "validate"):
            return Answer([])
        return Answer([self._accept(account, order) for order in orders])

    def _batch_cancel(self, account: Account, params: Params, now_ns: int) -> Answer:
        ids, names = params.get("orders", []), params.get("cl_ord_id", [])
        if not isinstance(ids, list) or not isinstance(names, list) or not 2 <= len(ids) + len(names) <= 50:
            raise invalid("orders")
        found = [o for v in ids for o in _by(account, "order_userref" if isinstance(v, int) else "order_id", v)]
        found += [o for v in names for o in _by(account, "cl_ord_id", v)]
        by_pair: dict[str, list[Order]] = {}
        for order in dict.fromkeys(found):
            by_pair.setdefault(order.spec.symbol, []).append(order)
        count = 0
        for symbol, orders in by_pair.items():
            total = sum(len(found) * cost("cancel", (now_ns - o.changed_ns) / NS) for o in orders) / len(orders)
            if not account.counter.charge(symbol, total, 0, now_ns):
                raise Refused("EOrder:Rate limit exceeded")
            count += self._private.cancel_all(orders)
        return Answer({"count": count})


def _named(order: Order) -> dict[str, Any]:
    named: dict[str, Any] = {"order_id": order.order_id}
    if order.cl_ord_id:
        named["cl_ord_id"] = order.cl_ord_id
    if order.userref:
        named["order_userref"] = order.userref
    return named


def _by(account: Account, field: str, value: Any) -> list[Order]:
    if field == "order_userref":
        return [o for o in account.open_orders if o.userref and o.userref == value]
    if not isinstance(value, str) or not value:
        return []
    order = account.find(**{field: value})
    return [] if order is None else [order]


def _number(params: Params, name: str) -> Decimal:
    value = params.get(name)
    if not isinstance(value, Decimal):
        raise Refused(f"{name.capitalize()} field must be a number_float")
    return value


def _whole(value: Decimal, decimals: int) -> int | None:
    shifted = value.scaleb(decimals)
    if not shifted.is_finite() or shifted.adjusted() > 24 or shifted != shifted.to_integral_value():
        return None
    return int(shifted)


def _ticks(params: Params, name: str, spec: PairSpec) -> int:
    ticks = _whole(_number(params, name), spec.price_precision)
    if ticks is None or ticks <= 0:
        raise Refused("EOrder:Invalid price")
    if ticks % spec.tick_multiple:
        raise Refused("EOrder:Tick size check failed")
    return ticks


def _lots(params: Params, name: str, spec: PairSpec) -> int:
    lots = _whole(_number(params, name), spec.qty_precision)
    if lots is None or lots < 0 or (lots == 0 and name != "order_qty"):
        raise invalid(name)
    return lots


def _check_display(display: int, left: int) -> None:
    if display > left or display * _ICEBERG_SHARE < left:
        raise invalid("display_qty")


def _choice(params: Params, name: str, values: tuple[str, ...]) -> str:
    value = params.get(name, values[0])
    if value not in values:
        raise invalid(name)
    return str(value)


def _bool(params: Params, name: str) -> bool:
    value = params.get(name, False)
    if not isinstance(value, bool):
        raise Refused(f"{name.capitalize()} field must be a boolean")
    return value


def _instant(params: Params, name: str) -> int:
    try:
        at = datetime.fromisoformat(str(params.get(name)))
    except ValueError:
        raise invalid(name) from None
    if at.tzinfo is None:
        raise invalid(name)
    return scaled(f"{at.timestamp():.6f}", 9)


def _second(ns: int) -> str:
    return datetime.fromtimestamp(ns // NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _client_ids(params: Params) -> tuple[str, int]:
    cl_ord_id, userref = params.get("cl_ord_id", ""), params.get("order_userref", 0)
    if cl_ord_id and userref:
        raise invalid("cl_ord_id and order_userref are mutually exclusive")
    if "cl_ord_id" in params and (not isinstance(cl_ord_id, str) or not _CL_ORD_ID.fullmatch(cl_ord_id)):
        raise invalid("cl_ord_id")
    if isinstance(userref, bool) or not isinstance(userref, int) or not -(1 << 31) <= userref < 1 << 31:
        raise invalid("order_userref")
    return cl_ord_id, userref
