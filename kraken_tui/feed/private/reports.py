"""Answers of private REST calls as the account's own values; names of pairs and assets are REST's older ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from kraken_tui.errors import WireError
from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import ZERO, Fill, OrderReport
from kraken_tui.wire.digits import to_decimal
from kraken_tui.wire.rest_account import Balance, RestOrder, RestTrade
from kraken_tui.wire.symbols import PairSpec, asset_of

SymbolOf = Callable[[str], str | None]
"""The v2 symbol of a pair by REST's name; None where it is not known."""

SpecOf = Callable[[str], PairSpec | None]
"""Reference data by v2 symbol."""

_STOPS = ("stop-loss", "take-profit", "trailing-stop")


def report_of(order: RestOrder, symbol_of: SymbolOf) -> OrderReport:
    """An order.

    Raises:
        WireError: A number of it cannot be read.
    """
    stop = order.order_type.startswith(_STOPS)
    first, second = _number(order.limit_price), _number(order.second_price)
    return OrderReport(
        order.order_id,
        order.status,
        cl_ord_id=order.cl_ord_id or None,
        symbol=symbol_of(order.pair) if order.pair else None,
        side=_side(order.side),
        order_type=order.order_type,
        order_qty=_number(order.qty),
        cum_qty=_number(order.cum_qty) or ZERO,
        cum_cost=_number(order.cost),
        avg_price=_number(order.avg_price),
        limit_price=second if stop else first,
        trigger_price=first if stop else None,
        reason=order.reason,
    )


def fill_of(trade: RestTrade, flags: tuple[str, ...], symbol_of: SymbolOf, spec_of: SpecOf) -> Fill | None:
    """A fill.

    Args:
        trade: As REST tells it, its fee without an asset.
        flags: Of its order; they say which asset the fee was taken in.
        symbol_of: See `SymbolOf`.
        spec_of: See `SpecOf`.

    Returns:
        None where its pair or side is not known.

    Raises:
        WireError: A number of it cannot be read.
    """
    symbol, side = symbol_of(trade.pair), _side(trade.side)
    price, qty = to_decimal(trade.price), to_decimal(trade.qty)
    if symbol is None or side is None:
        return None
    spec, fee = spec_of(symbol), _number(trade.fee)
    # Without flags the fee's asset is not known, and is not guessed.
    asset = None if spec is None else spec.base if "fcib" in flags else spec.quote if "fciq" in flags else None
    return Fill(
        trade.exec_id,
        trade.order_id,
        symbol,
        side,
        qty,
        price,
        _number(trade.cost) or price * qty,
        trade.time_ns or None,
        trade_id=trade.trade_id or None,
        maker=trade.maker,
        fees=((asset, fee),) if asset is not None and fee else (),
    )


def free_of(balances: Mapping[str, Balance]) -> dict[str, Decimal]:
    """What can be used, by the stream's names; what is kept in other wallets (XBT.F and the like) is left out."""
    return {asset_of(name): balance.free for name, balance in balances.items() if "." not in name}


def _side(text: str) -> Side | None:
    return Side.BUY if text == "buy" else Side.SELL if text == "sell" else None


def _number(text: str) -> Decimal | None:
    """A number; None for the zero that REST writes where there is none."""
    if not text:
        return None
    try:
        return to_decimal(text) or None
    except WireError:
        # "+5%" of a relative price.
        return None
