"""The public REST answers (PROTOCOL.md section 10.1). Pure: a path and a query in, an envelope out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from kraken_tui.exchange.depthbook import Side
from kraken_tui.exchange.frames import NS, decimal_text, increment_text, quoted
from kraken_tui.exchange.history import INTERVALS, REST_ROWS
from kraken_tui.exchange.pairs import ASSETS, PairSpec
from kraken_tui.exchange.records import Candle

if TYPE_CHECKING:
    from kraken_tui.exchange.venue import Venue

PREFIX = "/0/public/"

SPREAD_ROWS = 200
"""Rows of a `Spread` answer."""

GROUPED_DEPTHS = frozenset({10, 25, 100, 250, 1000})
GROUPINGS = frozenset({1, 5, 10, 25, 50, 100, 250, 500, 1000})
"""Levels and ticks a level that `GroupedBook` offers."""

_LEVERAGE = [2, 3, 4, 5]
_FEES = [[0, 0.4], [10000, 0.35], [50000, 0.24], [100000, 0.22]]
_FEES_MAKER = [[0, 0.25], [10000, 0.2], [50000, 0.14], [100000, 0.12]]


class _Failed(Exception):
    """A request that the API refuses, with its own text."""


class Rest:
    """Answers public REST requests from a venue.

    Args:
        venue: where the numbers come from.
    """

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._methods: dict[str, Callable[[dict[str, str]], Any]] = {
            "Time": self._time,
            "SystemStatus": self._system_status,
            "Assets": self._assets,
            "AssetPairs": self._asset_pairs,
            "Ticker": self._ticker,
            "OHLC": self._ohlc,
            "Depth": self._depth,
            "Trades": self._trades,
            "Spread": self._spread,
            "GroupedBook": self._grouped_book,
        }

    def answer(self, target: str) -> str:
        """The JSON envelope for a request target such as `/0/public/Time`; errors are in the envelope.

        Args:
            target: path and query as on the request line.
        """
        path, _, query = target.partition("?")
        method = self._methods.get(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        if method is None:
            return _envelope(None, "EGeneral:Unknown method")
        arguments = {name: values[-1] for name, values in parse_qs(query).items()}
        try:
            return _envelope(method(arguments))
        except _Failed as failed:
            return _envelope(None, str(failed))

    # --- names

    def _pair(self, name: str) -> tuple[str, PairSpec]:
        """The result key and the pair behind any of its names; asked for with a slash, that is the key
        (section 9).
        """
        for spec in self._venue.specs.values():
            if name in (spec.symbol, spec.wsname):
                return name, spec
            if name in (spec.rest_key, spec.altname, spec.symbol.replace("/", "")):
                return spec.rest_key, spec
        raise _Failed("EQuery:Unknown asset pair")

    def _pairs(self, arguments: dict[str, str]) -> Iterator[tuple[str, PairSpec]]:
        if "pair" in arguments:
            yield from map(self._pair, arguments["pair"].split(","))
        else:
            for spec in self._venue.specs.values():
                yield spec.rest_key, spec

    def _one(self, arguments: dict[str, str]) -> tuple[str, PairSpec]:
        if "pair" not in arguments:
            raise _Failed("EGeneral:Invalid arguments")
        return self._pair(arguments["pair"])

    # --- methods

    def _time(self, _: dict[str, str]) -> Any:
        second = self._venue.now_ns // NS
        text = datetime.fromtimestamp(second, UTC).strftime("%a, %d %b %y %H:%M:%S +0000")
        return {"unixtime": second, "rfc1123": text}

    def _system_status(self, _: dict[str, str]) -> Any:
        second = self._venue.now_ns // NS
        text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"status": self._venue.system, "timestamp": text}

    def _assets(self, arguments: dict[str, str]) -> Any:
        wanted = arguments.get("asset", "").split(",") if arguments.get("asset") else None
        result = {}
        for asset in ASSETS.values():
            if wanted is not None and not {asset.id, asset.rest_id, asset.rest_altname} & set(wanted):
                continue
            row: dict[str, Any] = {
                "aclass": "currency",
                "altname": asset.rest_altname,
                "decimals": asset.precision,
                "display_decimals": asset.precision_display,
            }
            if asset.collateral_value:
                row["collateral_value"] = float(asset.collateral_value)
            result[asset.rest_id] = row | {"status": "enabled"}
        if not result:
            raise _Failed("EQuery:Unknown asset")
        return result

    def _asset_pairs(self, arguments: dict[str, str]) -> Any:
        return {key: _asset_pair(spec) for key, spec in self._pairs(arguments)}

    def _ticker(self, arguments: dict[str, str]) -> Any:
        return {key: self._ticker_row(spec) for key, spec in self._pairs(arguments)}

    def _ticker_row(self, spec: PairSpec) -> Any:
        market = self._venue.market(spec.symbol)
        now_ns = self._venue.now_ns
        today_s = now_ns // NS // 86_400 * 86_400
        history = market.history
        day, today = history.stats(now_ns), history.since(today_s)
        bid, bid_lots, ask, ask_lots = market.simulator.touch
        last = history.trades[-1]
        price, qty = _long_price(spec), spec.qty_precision

        def touch(ticks: int, lots: int) -> list[str]:
            whole = max(1, lots // 10**qty)
            return [price(ticks), str(whole), f"{whole}.000"]

        return {
            "a": touch(ask, ask_lots),
            "b": touch(bid, bid_lots),
            "c": [price(last.ticks), decimal_text(last.lots, qty)],
            "v": [decimal_text(today.lots, qty), decimal_text(day.lots, qty)],
            "p": [price(today.vwap), price(day.vwap)],
            "t": [today.count, day.count],
            "l": [price(today.low), price(day.low)],
            "h": [price(today.high), price(day.high)],
            "o": price(today.open),
        }

    def _ohlc(self, arguments: dict[str, str]) -> Any:
        key, spec = self._one(arguments)
        interval, since = _whole(arguments, "interval", 1), _whole(arguments, "since", 0)
        if interval not in INTERVALS:
            raise _Failed("EGeneral:Invalid arguments:interval")
        market = self._venue.market(spec.symbol)
        now_s = self._venue.now_ns // NS
        rows = list(_filled(market.history.candles(interval), interval, now_s))[-(REST_ROWS + 1) :]
        committed = rows[-2].begin_s if len(rows) > 1 else 0
        return {key: [_ohlc_row(c, spec) for c in rows if c.begin_s > since], "last": committed}

    def _depth(self, arguments: dict[str, str]) -> Any:
        key, spec = self._one(arguments)
        count = _whole(arguments, "count", 100)
        if not 1 <= count <= 500:
            raise _Failed("EGeneral:Invalid arguments:count")
        simulator = self._venue.market(spec.symbol).simulator
        book, second = simulator.book, simulator.last_change_ns // NS
        price, drop = _long_price(spec), 10 ** max(0, spec.qty_precision - 3)

        def rows(levels: Iterator[tuple[int, int]]) -> list[list[Any]]:
            shown = min(3, spec.qty_precision)
            return [
                # Cut to three decimals, but a level that is there never reads as nothing.
                [price(ticks), decimal_text(max(1, lots // drop), shown), second - at % 60]
                for at, (ticks, lots) in enumerate(levels)
            ]

        return {key: {"asks": rows(book.asks.levels(count)), "bids": rows(book.bids.levels(count))}}

    def _trades(self, arguments: dict[str, str]) -> Any:
        key, spec = self._one(arguments)
        count = _whole(arguments, "count", 1000)
        if not 1 <= count <= 1000:
            raise _Failed("EGeneral:Invalid arguments:count")
        since = _instant(arguments.get("since", ""))
        history = self._venue.market(spec.symbol).history
        price = _long_price(spec)
        if since is None:
            trades = list(history.trades)[-count:]
        else:
            trades = [t for t in history.trades if t.ts_ns > since][:count]
        rows = [
            [
                price(t.ticks),
                decimal_text(t.lots, spec.qty_precision),
                t.ts_ns / NS,
                t.side[0],
                t.ord_type[0],
                "",
                t.trade_id,
            ]
            for t in trades
        ]
        last = trades[-1].ts_ns if trades else since or 0
        return {key: rows, "last": str(last)}

    def _spread(self, arguments: dict[str, str]) -> Any:
        """The touch over the last trades: what it was before is not kept, so each is put beside its trade."""
        key, spec = self._one(arguments)
        since = _whole(arguments, "since", 0)
        market = self._venue.market(spec.symbol)
        bid, _, ask, _ = market.simulator.touch
        width, price = max(1, ask - bid), _long_price(spec)
        rows: list[list[Any]] = []
        for trade in list(market.history.trades)[-SPREAD_ROWS + 1 :]:
            best = trade.ticks - width if trade.side == "buy" else trade.ticks
            rows.append([trade.ts_ns // NS, price(best), price(best + width)])
        now_s = max(market.simulator.last_change_ns // NS, rows[-1][0] if rows else 0)
        rows.append([now_s, price(bid), price(bid + width)])
        return {key: [row for row in rows if row[0] >= since], "last": now_s}

    def _grouped_book(self, arguments: dict[str, str]) -> Any:
        _, spec = self._one(arguments)
        depth, grouping = _whole(arguments, "depth", 10), _whole(arguments, "grouping", 1)
        if depth not in GROUPED_DEPTHS:
            raise _Failed("EGeneral:Invalid arguments:depth")
        if grouping not in GROUPINGS:
            raise _Failed("EGeneral:Invalid arguments:grouping")
        book = self._venue.market(spec.symbol).simulator.book

        def rows(side: Side) -> list[dict[str, str]]:
            found: dict[int, int] = {}
            for ticks, lots in side.levels(len(side)):
                # Away from the touch: bids down, asks up.
                step = side.sign * -(-side.sign * ticks // grouping) * grouping
                if step not in found and len(found) == depth:
                    break
                found[step] = found.get(step, 0) + lots
            return [
                {
                    "price": decimal_text(ticks, spec.price_precision),
                    "qty": decimal_text(lots, spec.qty_precision),
                }
                for ticks, lots in found.items()
            ]

        return {"bids": rows(book.bids), "asks": rows(book.asks)}


def _envelope(result: Any, error: str | None = None) -> str:
    return quoted({"error": [] if error is None else [error], "result": result})


def _whole(arguments: dict[str, str], name: str, default: int) -> int:
    text = arguments.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise _Failed(f"EGeneral:Invalid arguments:{name}")
    return int(text)


def _instant(text: str) -> int | None:
    """`since` of Trades in ns: seconds, or nanoseconds as `last` gives them."""
    if not text:
        return None
    try:
        return int(text) if len(text) > 12 and text.isdigit() else int(float(text) * NS)
    except (ValueError, OverflowError):
        raise _Failed("EGeneral:Invalid arguments:since") from None


def _long_price(spec: PairSpec) -> Callable[[int], str]:
    """Prices with at least five decimals, as Depth, Trades and Ticker print them (PROTOCOL.md section
    10.1).
    """
    padding = "0" * max(0, 5 - spec.price_precision)
    return lambda ticks: decimal_text(ticks, spec.price_precision) + padding


def _filled(candles: list[Candle], interval: int, now_s: int) -> Iterator[Candle]:
    """Candles with the empty intervals put in, up to the running one: flat, without volume."""
    width = interval * 60
    end = now_s - now_s % width
    floor_s = end - REST_ROWS * width
    close = begin = 0
    for c in candles:
        if close:
            for gap in range(max(begin + width, floor_s), c.begin_s, width):
                yield Candle(gap, close, close, close, close)
        yield c
        begin, close = c.begin_s, c.close
    for gap in range(begin + width, end + 1, width):
        yield Candle(gap, close, close, close, close)


def _ohlc_row(c: Candle, spec: PairSpec) -> list[Any]:
    p = spec.price_precision
    vwap = decimal_text(c.vwap, p) if c.lots else "0.0"
    prices = [decimal_text(ticks, p) for ticks in (c.open, c.high, c.low, c.close)]
    return [c.begin_s, *prices, vwap, decimal_text(c.lots, spec.qty_precision), c.count]


def _asset_pair(spec: PairSpec) -> dict[str, Any]:
    leverage = _LEVERAGE if spec.marginable else []
    row: dict[str, Any] = {
        "altname": spec.altname,
        "wsname": spec.wsname,
        "aclass_base": "currency",
        "base": ASSETS[spec.base].rest_id if spec.base in ASSETS else spec.base,
        "aclass_quote": "currency",
        "quote": ASSETS[spec.quote].rest_id if spec.quote in ASSETS else spec.quote,
        "lot": "unit",
        "cost_decimals": spec.cost_precision,
        "pair_decimals": spec.price_precision,
        "lot_decimals": spec.qty_precision,
        "lot_multiplier": 1,
        "leverage_buy": leverage,
        "leverage_sell": leverage,
        "fees": _FEES,
        "fees_maker": _FEES_MAKER,
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": spec.qty_min,
        "costmin": spec.cost_min,
        "tick_size": increment_text(spec.price_precision, spec.tick_multiple, plain=True),
        "status": spec.status,
    }
    if spec.marginable:
        row |= {"long_position_limit": 500, "short_position_limit": 300}
    return row
