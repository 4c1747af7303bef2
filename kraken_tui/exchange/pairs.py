"""What is traded: the pairs and assets of the local exchange, and how each market tends to behave.

Names follow PROTOCOL.md section 9 (v2 symbol, REST key, altname, wsname), fields sections 6 and 10.1.
Prices, rates and sizes are of the order seen on the real exchange (section 4.6); none is a recording.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AssetSpec:
    """One asset of the `instrument` channel and of REST `Assets`.

    Attributes:
        id: v2 name, such as `BTC`.
        rest_id: REST key, such as `XXBT`.
        rest_altname: REST altname, such as `XBT`.
        precision: decimals of a balance.
        precision_display: decimals usually shown.
        collateral_value: share counted as collateral, as a JSON number's text; empty when absent.
        margin_rate: as a JSON number's text; empty when absent.
    """

    id: str
    rest_id: str
    rest_altname: str
    precision: int
    precision_display: int
    collateral_value: str = ""
    margin_rate: str = ""


@dataclass(frozen=True, slots=True)
class PairSpec:
    """One market: its names, its precisions and the temper of its simulation.

    Attributes:
        symbol: v2 symbol, such as `BTC/USD`.
        rest_key: key in REST results, such as `XXBTZUSD`.
        altname: REST altname, such as `XBTUSD`.
        wsname: v1 name, such as `XBT/USD`.
        price_precision: decimals of a price; one tick is 10^-price_precision.
        qty_precision: decimals of a quantity; one lot is 10^-qty_precision.
        cost_precision: decimals of a cost.
        price: opening price as decimal text, in quote units.
        events_per_s: mean book messages a second over the whole depth at rate 1.
        trades_per_s: mean trades a second at rate 1.
        daily_vol: standard deviation of a day's log return.
        gap_bps: spacing of levels next to the touch, in basis points of price.
        spread_bps: usual spread in basis points of price; never under one tick.
        levels: price levels a side.
        median_notional: median resting order in quote units.
        qty_min: smallest order, decimal text in base units.
        cost_min: smallest order value, decimal text in quote units.
        marginable: whether the pair may be traded on margin.
        status: pair status (section 6).
        run_share: chance that a trade of the past begins a run of trades to the same side.
        tick_multiple: price increment in ticks, for pairs whose increment is coarser than the precision.
    """

    symbol: str
    rest_key: str
    altname: str
    wsname: str
    price_precision: int
    qty_precision: int
    price: str
    events_per_s: float
    trades_per_s: float
    daily_vol: float
    gap_bps: float
    spread_bps: float
    median_notional: float
    qty_min: str
    cost_min: str = "0.5"
    cost_precision: int = 5
    levels: int = 1600
    marginable: bool = True
    status: str = "online"
    tick_multiple: int = 1
    run_share: float = 0.0

    @property
    def base(self) -> str:
        """Base asset, v2 name."""
        return self.symbol.split("/")[0]

    @property
    def quote(self) -> str:
        """Quote asset, v2 name."""
        return self.symbol.split("/")[1]

    @property
    def price_ticks(self) -> int:
        """Opening price in ticks."""
        return scaled(self.price, self.price_precision)

    @property
    def qty_min_lots(self) -> int:
        """Smallest order in lots, at least one."""
        return max(1, scaled(self.qty_min, self.qty_precision))


def scaled(text: str, decimals: int) -> int:
    """Decimal text as an integer count of 10^-decimals, rounding surplus digits down.

    Args:
        text: plain decimal text, no exponent.
        decimals: digits kept after the point.

    Raises:
        ValueError: `text` is not a plain decimal number.
    """
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))


ASSETS: dict[str, AssetSpec] = {
    a.id: a
    for a in (
        AssetSpec("BTC", "XXBT", "XBT", 10, 5, "1.0", "0.010000"),
        AssetSpec("ETH", "XETH", "ETH", 10, 5, "1.0", "0.015000"),
        AssetSpec("SOL", "SOL", "SOL", 10, 5, "0.95", "0.020000"),
        AssetSpec("XRP", "XXRP", "XRP", 8, 5, "0.95", "0.020000"),
        AssetSpec("ADA", "ADA", "ADA", 8, 6, "0.95", "0.020000"),
        AssetSpec("DOGE", "XXDG", "XDG", 8, 2, "0.9", "0.020000"),
        AssetSpec("PEPE", "PEPE", "PEPE", 8, 5, "0.5"),
        AssetSpec("LTC", "XLTC", "LTC", 10, 5, "0.9", "0.020000"),
        AssetSpec("LINK", "LINK", "LINK", 10, 5, "0.9", "0.020000"),
        AssetSpec("MINA", "MINA", "MINA", 10, 5),
        AssetSpec("USD", "ZUSD", "USD", 4, 2, "1.0", "0.025000"),
        AssetSpec("EUR", "ZEUR", "EUR", 4, 2, "1.0", "0.025000"),
        AssetSpec("GBP", "ZGBP", "GBP", 4, 2, "1.0", "0.025000"),
    )
}

PAIRS: dict[str, PairSpec] = {
    p.symbol: p
    for p in (
        PairSpec(
            symbol="BTC/USD",
            rest_key="XXBTZUSD",
            altname="XBTUSD",
            wsname="XBT/USD",
            price_precision=1,
            qty_precision=8,
            price="64250.0",
            events_per_s=95.0,
            trades_per_s=1.2,
            daily_vol=0.022,
            gap_bps=0.16,
            spread_bps=0.016,
            median_notional=2500.0,
            qty_min="0.00005",
        ),
        PairSpec(
            symbol="ETH/USD",
            rest_key="XETHZUSD",
            altname="ETHUSD",
            wsname="ETH/USD",
            price_precision=2,
            qty_precision=8,
            price="3124.50",
            events_per_s=85.0,
            trades_per_s=1.0,
            daily_vol=0.03,
            gap_bps=0.22,
            spread_bps=0.04,
            median_notional=2200.0,
            qty_min="0.001",
        ),
        PairSpec(
            symbol="SOL/USD",
            rest_key="SOLUSD",
            altname="SOLUSD",
            wsname="SOL/USD",
            price_precision=2,
            qty_precision=8,
            price="148.37",
            events_per_s=60.0,
            trades_per_s=0.8,
            daily_vol=0.04,
            gap_bps=0.7,
            spread_bps=0.7,
            median_notional=1500.0,
            qty_min="0.02",
        ),
        PairSpec(
            symbol="XRP/USD",
            rest_key="XXRPZUSD",
            altname="XRPUSD",
            wsname="XRP/USD",
            price_precision=5,
            qty_precision=8,
            price="2.21480",
            events_per_s=60.0,
            trades_per_s=0.8,
            daily_vol=0.038,
            gap_bps=0.5,
            spread_bps=0.4,
            median_notional=1200.0,
            qty_min="1.65",
        ),
        PairSpec(
            symbol="ADA/USD",
            rest_key="ADAUSD",
            altname="ADAUSD",
            wsname="ADA/USD",
            price_precision=6,
            qty_precision=8,
            price="0.612340",
            events_per_s=30.0,
            trades_per_s=0.3,
            daily_vol=0.042,
            gap_bps=0.8,
            spread_bps=1.2,
            median_notional=700.0,
            qty_min="4.4",
        ),
        PairSpec(
            symbol="DOGE/USD",
            rest_key="XDGUSD",
            altname="XDGUSD",
            wsname="XDG/USD",
            price_precision=7,
            qty_precision=8,
            price="0.1934560",
            events_per_s=35.0,
            trades_per_s=0.4,
            daily_vol=0.046,
            gap_bps=0.6,
            spread_bps=1.0,
            median_notional=900.0,
            qty_min="13",
        ),
        PairSpec(
            symbol="PEPE/USD",
            rest_key="PEPEUSD",
            altname="PEPEUSD",
            wsname="PEPE/USD",
            price_precision=9,
            qty_precision=5,
            price="0.000008512",
            events_per_s=18.0,
            trades_per_s=0.25,
            daily_vol=0.06,
            gap_bps=1.2,
            spread_bps=2.4,
            median_notional=400.0,
            qty_min="250000",
            marginable=False,
        ),
        PairSpec(
            symbol="ETH/BTC",
            rest_key="XETHXXBT",
            altname="ETHXBT",
            wsname="ETH/XBT",
            price_precision=6,
            qty_precision=8,
            price="0.048635",
            events_per_s=30.0,
            trades_per_s=0.2,
            daily_vol=0.018,
            gap_bps=0.25,
            spread_bps=0.4,
            median_notional=0.05,
            qty_min="0.001",
            cost_min="0.00002",
            cost_precision=10,
        ),
        PairSpec(
            symbol="BTC/EUR",
            rest_key="XXBTZEUR",
            altname="XBTEUR",
            wsname="XBT/EUR",
            price_precision=1,
            qty_precision=8,
            price="55410.0",
            events_per_s=55.0,
            trades_per_s=0.6,
            daily_vol=0.022,
            gap_bps=0.22,
            spread_bps=0.03,
            median_notional=1800.0,
            qty_min="0.00005",
        ),
        PairSpec(
            symbol="ETH/EUR",
            rest_key="XETHZEUR",
            altname="ETHEUR",
            wsname="ETH/EUR",
            price_precision=2,
            qty_precision=8,
            price="2694.87",
            events_per_s=35.0,
            trades_per_s=0.4,
            daily_vol=0.027,
            gap_bps=0.3,
            spread_bps=0.2,
            median_notional=1200.0,
            qty_min="0.001",
        ),
        PairSpec(
            symbol="LTC/USD",
            rest_key="XLTCZUSD",
            altname="LTCUSD",
            wsname="LTC/USD",
            price_precision=2,
            qty_precision=8,
            price="86.42",
            events_per_s=25.0,
            trades_per_s=0.2,
            daily_vol=0.036,
            gap_bps=1.2,
            spread_bps=1.2,
            median_notional=600.0,
            qty_min="0.06",
        ),
        PairSpec(
            symbol="LINK/USD",
            rest_key="LINKUSD",
            altname="LINKUSD",
            wsname="LINK/USD",
            price_precision=5,
            qty_precision=8,
            price="14.23450",
            events_per_s=30.0,
            trades_per_s=0.3,
            daily_vol=0.042,
            gap_bps=0.5,
            spread_bps=1.0,
            median_notional=700.0,
            qty_min="0.35",
            tick_multiple=10,
        ),
        PairSpec(
            symbol="MINA/GBP",
            rest_key="MINAGBP",
            altname="MINAGBP",
            wsname="MINA/GBP",
            price_precision=4,
            qty_precision=8,
            price="0.1742",
            events_per_s=2.2,
            trades_per_s=0.012,
            daily_vol=0.055,
            gap_bps=6.0,
            spread_bps=12.0,
            median_notional=120.0,
            qty_min="10",
            levels=160,
            marginable=False,
        ),
    )
}
