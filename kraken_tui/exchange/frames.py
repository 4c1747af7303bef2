"""The exchange's own JSON, as text: exact digits, compact, in the key order of the published frames.

Prices and quantities are integers here and become text by moving the point; no float comes near them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from kraken_tui.exchange.pairs import AssetSpec, PairSpec
from kraken_tui.exchange.records import Candle, DayStats, Trade

HEARTBEAT = '{"channel":"heartbeat"}'
NS = 1_000_000_000


def decimal_text(value: int, decimals: int) -> str:
    """An integer count of 10^-decimals as plain decimal text with exactly that many decimals."""
    digits = str(value)
    if value < 0:
        return "-" + decimal_text(-value, decimals)
    if decimals == 0:
        return digits
    if len(digits) <= decimals:
        digits = digits.zfill(decimals + 1)
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


@lru_cache(maxsize=8)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def micro_time(ns: int) -> str:
    """Nanoseconds since the epoch as RFC3339 UTC with microseconds, as in book, trade and
    acknowledgements.
    """
    second, rest = divmod(ns, NS)
    return f"{_second_text(second)}.{rest // 1000:06d}Z"


def nano_time(ns: int) -> str:
    """Nanoseconds since the epoch as RFC3339 UTC with nanoseconds, as in ohlc (PROTOCOL.md section 7.3)."""
    second, rest = divmod(ns, NS)
    return f"{_second_text(second)}.{rest:09d}Z"


def quoted(value: Any) -> str:
    """Any JSON value as compact JSON text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def levels_text(levels: Iterable[tuple[int, int]], price_precision: int, qty_precision: int) -> str:
    """Book entries `(ticks, lots)` as the inside of a JSON array."""
    return ",".join(
        [
            f'{{"price":{decimal_text(ticks, price_precision)},"qty":{decimal_text(lots, qty_precision)}}}'
            for ticks, lots in levels
        ]
    )


def book_frame(kind: str, symbol: str, bids: str, asks: str, checksum: int, timestamp: str) -> str:
    """A `book` frame (PROTOCOL.md section 4.1).

    Args:
        kind: `snapshot` or `update`.
        symbol: v2 symbol.
        bids: inside of the array, from `levels_text`.
        asks: likewise.
        checksum: unsigned 32-bit.
        timestamp: RFC3339 text.
    """
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{bids}],"asks":[{asks}],'
        f'"checksum":{checksum},"timestamp":"{timestamp}"}}]}}'
    )


def trade_frame(kind: str, spec: PairSpec, trades: Iterable[Trade]) -> str:
    """A `trade` frame (PROTOCOL.md section 7.2), oldest first."""
    price, qty = spec.price_precision, spec.qty_precision
    rows = ",".join(
        f'{{"symbol":"{spec.symbol}","side":"{t.side}","price":{decimal_text(t.ticks, price)},'
        f'"qty":{decimal_text(t.lots, qty)},"ord_type":"{t.ord_type}","trade_id":{t.trade_id},'
        f'"timestamp":"{micro_time(t.ts_ns)}"}}'
        for t in trades
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'


def ticker_frame(kind: str, spec: PairSpec, touch: tuple[int, int, int, int], stats: DayStats, ts_ns: int) -> str:
    """A `ticker` frame (PROTOCOL.md section 7.1).

    Args:
        kind: `snapshot` or `update`.
        spec: the pair.
        touch: best bid ticks and lots, best ask ticks and lots.
        stats: rolling 24 hours.
        ts_ns: time of the event, ns since the epoch.
    """
    bid, bid_lots, ask, ask_lots = touch
    change = stats.last - stats.open
    per_myriad = round(change * 10_000 / stats.open) if stats.open else 0

    def price(ticks: int) -> str:
        return decimal_text(ticks, spec.price_precision)

    def qty(lots: int) -> str:
        return decimal_text(lots, spec.qty_precision)

    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{spec.symbol}",'
        f'"bid":{price(bid)},"bid_qty":{qty(bid_lots)},"ask":{price(ask)},"ask_qty":{qty(ask_lots)},'
        f'"last":{price(stats.last)},"volume":{qty(stats.lots)},"vwap":{price(stats.vwap)},'
        f'"low":{price(stats.low)},"high":{price(stats.high)},"change":{price(change)},'
        f'"change_pct":{decimal_text(per_myriad, 2)},"trades":{stats.count},'
        f'"timestamp":"{micro_time(ts_ns)}"}}]}}'
    )


def ohlc_frame(kind: str, spec: PairSpec, interval: int, candles: Iterable[Candle], ts_ns: int) -> str:
    """An `ohlc` frame (PROTOCOL.md section 7.3).

    Args:
        kind: `snapshot` or `update`.
        spec: the pair.
        interval: minutes.
        candles: oldest first.
        ts_ns: for the top-level timestamp, ns since the epoch.
    """
    p, q = spec.price_precision, spec.qty_precision
    rows = []
    for c in candles:
        begin = c.begin_s * NS
        rows.append(
            f'{{"symbol":"{spec.symbol}","open":{decimal_text(c.open, p)},"high":{decimal_text(c.high, p)},'
            f'"low":{decimal_text(c.low, p)},"close":{decimal_text(c.close, p)},"trades":{c.count},'
            f'"volume":{decimal_text(c.lots, q)},"vwap":{decimal_text(c.vwap, p)},'
            f'"interval_begin":"{nano_time(begin)}","interval":{interval},'
            f'"timestamp":"{micro_time(begin + interval * 60 * NS)}"}}'
        )
    return f'{{"channel":"ohlc","type":"{kind}","timestamp":"{nano_time(ts_ns)}","data":[{",".join(rows)}]}}'


def increment_text(decimals: int, multiple: int = 1, *, plain: bool = False) -> str:
    """`multiple` x 10^-decimals; exponent form when very small, as the real channel does, unless `plain`
    (section 6).
    """
    value = Decimal(multiple).scaleb(-decimals)
    if plain or value >= Decimal("0.0001"):
        return format(value.normalize(), "f")
    mantissa, _, exponent = f"{value.normalize():e}".partition("e")
    return f"{mantissa}e-{-int(exponent):02d}"


def asset_object(asset: AssetSpec) -> str:
    """One asset of `instrument` (PROTOCOL.md section 6)."""
    optional = ""
    if asset.collateral_value:
        optional += f',"collateral_value":{asset.collateral_value}'
    if asset.margin_rate:
        optional += f',"margin_rate":{asset.margin_rate}'
    borrowable = "true" if asset.margin_rate else "false"
    return (
        f'{{"id":"{asset.id}","status":"enabled","precision":{asset.precision},'
        f'"precision_display":{asset.precision_display},"borrowable":{borrowable}{optional}}}'
    )


def pair_object(spec: PairSpec) -> str:
    """One pair of `instrument` (PROTOCOL.md section 6)."""
    increment = increment_text(spec.price_precision, spec.tick_multiple)
    margin = '"margin_initial":0.2,"position_limit_long":500,"position_limit_short":300,' if spec.marginable else ""
    return (
        f'{{"symbol":"{spec.symbol}","base":"{spec.base}","quote":"{spec.quote}","status":{quoted(spec.status)},'
        f'"qty_precision":{spec.qty_precision},"qty_increment":{increment_text(spec.qty_precision)},'
        f'"price_precision":{spec.price_precision},"cost_precision":{spec.cost_precision},'
        f'"marginable":{"true" if spec.marginable else "false"},{margin}"has_index":true,'
        f'"cost_min":{spec.cost_min},"tick_size":{increment},"price_increment":{increment},"qty_min":{spec.qty_min}}}'
    )


def instrument_frame(kind: str, assets: Iterable[AssetSpec], pairs: Iterable[PairSpec]) -> str:
    """An `instrument` frame; its `data` is an object (PROTOCOL.md section 6)."""
    asset_rows = ",".join(map(asset_object, assets))
    pair_rows = ",".join(map(pair_object, pairs))
    return f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[{asset_rows}],"pairs":[{pair_rows}]}}}}'


def status_frame(system: str, connection_id: int) -> str:
    """The `status` frame that opens every connection (PROTOCOL.md section 2.1)."""
    return (
        f'{{"channel":"status","type":"update","data":[{{"version":"2.0.10","system":{quoted(system)},"api_version":"v2",'
        f'"connection_id":{connection_id},"upcoming_maintenance":[],"emergency":[]}}]}}'
    )


def success_frame(
    method: str, result: Mapping[str, Any] | list[Any], time_in: int, time_out: int, req_id: int | None
) -> str:
    """An acknowledgement (PROTOCOL.md section 3); times in ns since the epoch."""
    tail = "" if req_id is None else f',"req_id":{req_id}'
    return (
        f'{{"method":"{method}","result":{quoted(result)},"success":true,'
        f'"time_in":"{micro_time(time_in)}","time_out":"{micro_time(time_out)}"{tail}}}'
    )


def refusal_frame(
    error: str, method: str | None, time_in: int, time_out: int, req_id: int | None, symbol: Any = None
) -> str:
    """A refusal (PROTOCOL.md section 3): `success:false`, no `result`, the symbol at the top; times in ns."""
    body: dict[str, Any] = {"error": error}
    if method is not None:
        body["method"] = method
    if req_id is not None:
        body["req_id"] = req_id
    body["success"] = False
    if symbol is not None:
        body["symbol"] = symbol
    body["time_in"] = micro_time(time_in)
    body["time_out"] = micro_time(time_out)
    return quoted(body)


def pong_frame(time_in: int, time_out: int, req_id: int | None) -> str:
    """The answer to a ping (PROTOCOL.md section 2.3); times in ns."""
    head = "" if req_id is None else f'"req_id":{req_id},'
    return f'{{"method":"pong",{head}"time_in":"{micro_time(time_in)}","time_out":"{micro_time(time_out)}"}}'
