"""What an account knows and says, as frozen values.

Numbers are decimals with the digits of the wire: an account spans pairs and assets of unlike precision, and its frames
may come before the reference data of a pair. None is "not known", never zero. Times are ns since the epoch.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from kraken_tui.market.events import Side
from kraken_tui.market.plain import Value

ZERO = Decimal(0)


class Stage(StrEnum):
    """Where an order is, as far as is known."""

    SENT = "sent"
    PENDING = "pending"
    OPEN = "open"
    UNKNOWN = "unknown"
    NOT_FOUND = "not found"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    VALIDATED = "validated"


LIVE = frozenset({Stage.PENDING, Stage.OPEN})
"""The exchange holds it."""

DONE = frozenset({Stage.FILLED, Stage.CANCELED, Stage.EXPIRED, Stage.REFUSED, Stage.VALIDATED})
"""Nothing can happen to it any more; such a stage is never left."""


class Order(Value, frozen=True, gc=False):
    """One order.

    Attributes:
        key: Handle that never changes: the client's own id for orders sent from here, else the exchange's.
        stage: Where it is; UNKNOWN while nobody can say (no answer, or gone from the open orders without an end).
        status: The exchange's own word.
        order_qty: Total ordered, in base; cum_qty: filled so far; avg_price: of what is filled.
        display_qty, display_left: Size an iceberg shows, and what is left of the slice that is shown now.
        trigger_price, triggered: Of a stop; `triggered` is None for all other orders.
        parent: The order whose fill created this one by its conditional close.
        closes: Type of the order that each fill will create, "" without a conditional close.
        foreign: Sent by another program of the account (or by hand).
        was_open: Whether it ever rested in the book or could have.
        cancel_sent, amend_sent: A cancel or amend of ours is on its way.
        reason: Why it ended or changed, the exchange's text or its refusal, cleaned.
        changed_ns: The exchange's time of the last event.
    """

    key: str
    stage: Stage
    order_id: str | None = None
    cl_ord_id: str | None = None
    status: str = ""
    symbol: str | None = None
    side: Side | None = None
    order_type: str = ""
    order_qty: Decimal | None = None
    cum_qty: Decimal = ZERO
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    display_qty: Decimal | None = None
    display_left: Decimal | None = None
    trigger_price: Decimal | None = None
    triggered: bool | None = None
    time_in_force: str = ""
    expire_time: str | None = None
    post_only: bool = False
    reduce_only: bool = False
    margin: bool = False
    amended: bool = False
    userref: int | None = None
    parent: str | None = None
    closes: str = ""
    foreign: bool = False
    was_open: bool = False
    cancel_sent: bool = False
    amend_sent: bool = False
    reason: str = ""
    changed_ns: int | None = None

    @property
    def open(self) -> bool | None:
        """Whether it can still trade; None is not known."""
        return True if self.stage in LIVE else False if self.stage in DONE else None

    @property
    def remaining(self) -> Decimal | None:
        """What is left to fill of an open order; None where that is not known."""
        if not self.open or self.order_qty is None:
            return None
        left = self.order_qty - self.cum_qty
        return left if left >= 0 else ZERO

    @property
    def untriggered(self) -> bool:
        """Whether it waits outside the book for its trigger."""
        return self.triggered is False

    @property
    def in_book(self) -> bool:
        """Whether it should stand in the public book: open, live, with a price, and not waiting for a trigger."""
        return self.stage is Stage.OPEN and not self.untriggered and self.limit_price is not None

    @property
    def shown(self) -> Decimal | None:
        """What the public book shows of it; less than remains for an iceberg."""
        left = self.remaining if self.in_book else None
        if left is None or self.display_qty is None:
            return left
        return min(left, self.display_qty if self.display_left is None else self.display_left)

    @property
    def part_filled(self) -> bool:
        """Whether something was filled, whatever became of the rest."""
        return self.cum_qty > 0

    @property
    def described(self) -> bool:
        """Whether pair and side are known."""
        return self.symbol is not None and self.side is not None


class NewOrder(Value, frozen=True, gc=False):
    """An order as it is sent; `cl_ord_id` names it until the exchange does, and is used once a session."""

    cl_ord_id: str
    symbol: str
    side: Side
    order_type: str
    order_qty: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    display_qty: Decimal | None = None
    post_only: bool = False
    reduce_only: bool = False
    time_in_force: str = "GTC"
    validate: bool = False


class Fill(Value, frozen=True, gc=False):
    """One fill of an own order.

    Attributes:
        maker: Whether it rested in the book; None where the exchange did not say.
        fees: (asset, quantity) of each fee; the asset is never guessed.
        live: Whether it was told as it happened. One of a snapshot or of the history is no news, and makes no sound.
        session: Whether it happened after the start of the session, and so counts for positions.
    """

    exec_id: str
    order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    cost: Decimal
    ns: int | None
    trade_id: int | None = None
    maker: bool | None = None
    fees: tuple[tuple[str, Decimal], ...] = ()
    live: bool = False
    session: bool = False


class Position(Value, frozen=True, gc=False):
    """Net of the session's fills of one pair; not what the account holds.

    Attributes:
        qty: Bought minus sold, in base.
        avg_price: Average price of what is open, None when flat; it follows the order in which fills became known.
        realised: Gain of what was closed, in quote, without fees.
        bought, sold: Base.
        fees: (asset, quantity), sorted by asset.
    """

    symbol: str
    qty: Decimal = ZERO
    avg_price: Decimal | None = None
    realised: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    fees: tuple[tuple[str, Decimal], ...] = ()


class Wallet(Value, frozen=True, gc=False):
    """One wallet of an asset, such as ("spot", "main")."""

    type: str
    id: str
    balance: Decimal


class Balance(Value, frozen=True, gc=False):
    """What is held of one asset.

    Attributes:
        total: All wallets together, as the exchange gave it; part of it may be tied in orders.
        wallets: Empty where the split is not known (after an entry, if there was more than one).
        free: What can be used, from REST; None where nobody asked. The stream never says.
        free_ns: When `free` was true.
        ns: Time of the last entry; None for a snapshot.
        entry: Kind of the last entry, "" for a snapshot.
        amount, fee: What it moved, without the fee, and the fee.
    """

    asset: str
    total: Decimal
    wallets: tuple[Wallet, ...] = ()
    free: Decimal | None = None
    free_ns: int | None = None
    ns: int | None = None
    entry: str = ""
    amount: Decimal | None = None
    fee: Decimal | None = None


class OrderChanged(Value, frozen=True, gc=False):
    """An order is new, or something about it changed.

    Attributes:
        what: The exchange's `exec_type`, or "sent", "answered", "refused", "amend refused", "cancel refused",
            "no answer", "gone", "found", "not found".
        note: One clause for the reader, "" where the change speaks for itself.
        live: Whether it is news; False for a snapshot.
    """

    order: Order
    what: str
    note: str = ""
    live: bool = True


class FillSeen(Value, frozen=True, gc=False):
    """A fill that was not known before; each comes once."""

    fill: Fill


class BalanceChanged(Value, frozen=True, gc=False):
    """An asset's balance; `live` is False for a snapshot."""

    balance: Balance
    live: bool = True


class StreamChanged(Value, frozen=True, gc=False):
    """The trust in one private channel changed; while it is not verified, what it told before is a guess."""

    channel: str
    verified: bool
    reason: str
    sequence: int | None


class AskKind(StrEnum):
    """What has to be found out; the feed does it and hands the answer back."""

    RESUBSCRIBE = "subscribe again"
    QUERY_ORDER = "ask for the order by its id"
    FIND_ORDER = "search open and closed orders by the client's id"
    TRADES_HISTORY = "read the fills since"


class Ask(Value, frozen=True, gc=False):
    """Something to find out. No kind of it sends, amends or cancels an order.

    Attributes:
        channel: For RESUBSCRIBE: "executions" or "balances".
        order_id: For QUERY_ORDER. cl_ord_id: for FIND_ORDER. since_ns: for TRADES_HISTORY.
        reason: One clause, for the log and the screen.
    """

    kind: AskKind
    reason: str
    channel: str = ""
    order_id: str | None = None
    cl_ord_id: str | None = None
    since_ns: int | None = None


AccountEvent = OrderChanged | FillSeen | BalanceChanged | StreamChanged | Ask


class OrderReport(Value, frozen=True, gc=False):
    """An order as REST tells it; `status` is its word: pending, open, closed, canceled or expired."""

    order_id: str
    status: str
    cl_ord_id: str | None = None
    symbol: str | None = None
    side: Side | None = None
    order_type: str = ""
    order_qty: Decimal | None = None
    cum_qty: Decimal = ZERO
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    reason: str = ""
