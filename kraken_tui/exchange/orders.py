"""One order of an account, its fills, and how `executions` writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from kraken_tui.exchange.frames import decimal_text, micro_time, quoted
from kraken_tui.exchange.pairs import PairSpec

TRIGGERED_TYPES = ("stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit")
MARKET_TYPES = ("market", "stop-loss", "take-profit")
ORDER_TYPES = ("limit", "market", "iceberg", *TRIGGERED_TYPES)

MAKER_FEE = Decimal("0.0025")
TAKER_FEE = Decimal("0.0040")


def amount(value: int, decimals: int) -> Decimal:
    """An integer count of 10^-decimals as a number."""
    return Decimal(value).scaleb(-decimals)


def rounded(value: Decimal, decimals: int) -> Decimal:
    """To so many decimals, half up."""
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def plain(value: Decimal) -> str:
    """A number without an exponent."""
    return format(value, "f")


@dataclass(eq=False, slots=True)
class Order:
    """One order; quantities in lots and prices in ticks of `spec`, times in ns since the epoch.

    Attributes:
        status: `pending_new`, `new`, `partially_filled`, `filled`, `canceled` or `expired`.
        limit: limit price; None for a market order.
        trigger: trigger price; None where there is none.
        display: lots shown at a time; zero for all.
        stp: what gives way when it meets another order of the account.
        hidden: lots of an iceberg not yet shown.
        resting: whether it stands in the book.
        cost: paid or received so far, quote units. fee: likewise.
        changed_ns: creation or last amend.
    """

    order_id: str
    spec: PairSpec
    side: str
    order_type: str
    lots: int
    opened_ns: int
    limit: int | None = None
    trigger: int | None = None
    reference: str = "last"
    display: int = 0
    time_in_force: str = "GTC"
    expire_ns: int = 0
    post_only: bool = False
    reduce_only: bool = False
    stp: str = "cancel_newest"
    cl_ord_id: str = ""
    userref: int = 0
    status: str = "pending_new"
    triggered: bool = False
    amended: bool = False
    hidden: int = 0
    resting: bool = False
    done_lots: int = 0
    cost: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    reason: str = ""
    changed_ns: int = 0
    closed_ns: int = 0
    account: str = "main"
    fills: list[Fill] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it may still trade."""
        return self.status in ("pending_new", "new", "partially_filled")

    @property
    def left(self) -> int:
        """Lots not yet filled."""
        return self.lots - self.done_lots

    @property
    def waiting(self) -> bool:
        """Whether it waits for its trigger, outside the book."""
        return self.trigger is not None and not self.triggered

    @property
    def key_limit(self) -> int | None:
        """The worst key accepted on the other side; None for a market order."""
        if self.limit is None:
            return None
        return self.limit if self.side == "buy" else -self.limit

    def next_slice(self) -> int:
        """See `queues.Owner`."""
        lots = min(self.display, self.hidden) if self.display else self.hidden
        self.hidden -= lots
        return lots

    # --- text

    def qty(self, lots: int) -> str:
        """Lots as text."""
        return decimal_text(lots, self.spec.qty_precision)

    def price(self, ticks: int) -> str:
        """Ticks as text."""
        return decimal_text(ticks, self.spec.price_precision)

    @property
    def cost_text(self) -> str:
        """What was paid so far, as text."""
        return plain(rounded(self.cost, self.spec.cost_precision))

    @property
    def average(self) -> str:
        """The average price as text, in the digits of the pair's prices."""
        if not self.done_lots:
            return self.price(0)
        return plain(rounded(self.cost / amount(self.done_lots, self.spec.qty_precision), self.spec.price_precision))

    @property
    def filled_fields(self) -> str:
        """The fields of what is filled so far."""
        return f'"cum_qty":{self.qty(self.done_lots)},"cum_cost":{self.cost_text},"avg_price":{self.average}'

    def usd_fee(self, fee: Decimal) -> str:
        """A fee's worth in dollars, with a comma before it; nothing where it was not paid in dollars."""
        if self.spec.quote != "USD":
            return ""
        return f',"fee_usd_equiv":{plain(rounded(fee, self.spec.cost_precision))}'

    def trigger_fields(self, last: int | None = None, ts_ns: int = 0) -> str:
        """The `triggers` object."""
        assert self.trigger is not None
        more = "" if last is None else f',"last_price":{self.price(last)}'
        when = f',"timestamp":"{micro_time(ts_ns)}"' if ts_ns else ""
        status = "triggered" if self.triggered else "untriggered"
        return (
            f'"triggers":{{"reference":"{self.reference}","price":{self.price(self.trigger)},"price_type":"static"'
            f'{more},"status":"{status}"{when}}}'
        )

    def _description(self) -> str:
        parts = [f'"symbol":"{self.spec.symbol}","side":"{self.side}","order_type":"{self.order_type}"']
        parts.append(f'"order_qty":{self.qty(self.lots)}')
        if self.cl_ord_id:
            parts.append(f'"cl_ord_id":{quoted(self.cl_ord_id)}')
        if self.limit is not None:
            parts.append(f'"limit_price_type":"static","limit_price":{self.price(self.limit)}')
        if self.display:
            parts.append(f'"display_qty":{self.qty(self.display)}')
        if self.trigger is not None:
            parts.append(self.trigger_fields())
        parts.append(f'"time_in_force":"{self.time_in_force}"')
        if self.expire_ns:
            parts.append(f'"expire_time":"{micro_time(self.expire_ns)}"')
        parts += [f'"{name}":true' for name in ("post_only", "reduce_only", "amended") if getattr(self, name)]
        return ",".join(parts)

    def pending_row(self) -> str:
        """The first event: the only one that describes the order in full."""
        return (
            f'{{"order_id":"{self.order_id}",{self._description()},"cum_cost":{self.cost_text},"stop_price":0.0,'
            f'"exec_type":"pending_new","order_status":"pending_new","fee_usd_equiv":0.0,"fee_ccy_pref":"fciq",'
            f'"order_userref":{self.userref},"timestamp":"{micro_time(self.opened_ns)}"}}'
        )

    def snapshot_row(self) -> str:
        """A row of a snapshot's open orders."""
        return (
            f'{{"order_id":"{self.order_id}","order_userref":{self.userref},{self._description()},'
            f'{self.filled_fields},"exec_type":"new","order_status":"{self.status}"{self.usd_fee(self.fee)},'
            f'"timestamp":"{micro_time(self.changed_ns)}"}}'
        )

    def event_row(self, exec_type: str, ts_ns: int, fields: str = "") -> str:
        """A later event: ids and what changed, nothing else."""
        more = f",{fields}" if fields else ""
        return (
            f'{{"timestamp":"{micro_time(ts_ns)}","order_status":"{self.status}","exec_type":"{exec_type}"'
            f'{more},"order_userref":{self.userref},"order_id":"{self.order_id}"}}'
        )


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill of an account's order; `cost` and `fee` in quote units, `total_cost` after it."""

    exec_id: str
    order: Order
    trade_id: int
    ts_ns: int
    ticks: int
    lots: int
    cost: Decimal
    fee: Decimal
    maker: bool

    def row(self, *, snapshot: bool) -> str:
        """As `executions` tells it; a snapshot leaves out what is filled in all, and knows how the order ended."""
        order = self.order
        status = order.status if snapshot else "partially_filled"
        total = "" if snapshot else f",{order.filled_fields}"
        fee = plain(rounded(self.fee, order.spec.cost_precision))
        return (
            f'{{"order_id":"{order.order_id}","exec_id":"{self.exec_id}","exec_type":"trade","trade_id":{self.trade_id},'
            f'"symbol":"{order.spec.symbol}","side":"{order.side}","last_qty":{order.qty(self.lots)},'
            f'"last_price":{order.price(self.ticks)},"liquidity_ind":"{"m" if self.maker else "t"}",'
            f'"cost":{plain(rounded(self.cost, order.spec.cost_precision))},"order_type":"{order.order_type}",'
            f'"order_status":"{status}"{total}{order.usd_fee(self.fee)},'
            f'"fees":[{{"asset":"{order.spec.quote}","qty":{fee}}}],"timestamp":"{micro_time(self.ts_ns)}"}}'
        )
