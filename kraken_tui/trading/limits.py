"""What stands between a ticket and the exchange: limits that block, never only warn. Pure.

Nothing is made to fit: a size or price that the exchange would not take as it is, is refused and not rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from kraken_tui.market.events import Proof, Side
from kraken_tui.market.views import PairView
from kraken_tui.trading.tickets import Kind, Ticket, shown_worth
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.symbols import PairSpec

DEFAULT_WORTH: Mapping[str, Decimal] = MappingProxyType(
    {quote: Decimal(1000) for quote in ("USD", "EUR", "GBP", "CHF", "USDT", "USDC")}
)


class TradingLimits(msgspec.Struct, frozen=True):
    """What the user allows. Beyond any of them an order is not sent.

    Attributes:
        max_size: Largest order by base asset, in its units; an asset without one has only the limit of its worth.
        max_worth: Largest price times quantity by quote asset. Pairs of other quotes are refused: what a thousand of
            an unknown unit are worth, nobody here knows.
        max_open: Most open orders of the account.
        band_pct: Farthest price from the middle, in percent of it.
        protection_pct: How far beyond the touch a market order may go, in percent.
        duplicate_ns: Time in which a second order of the same pair, side and price counts as a slip.
        heard_ns: Longest silence of the feed; it hears a heartbeat every second.
        behind_ns: Longest that what is read may be behind what was sent.
        clock_ns: Most the clock may be off for an order to carry a deadline.
        idle_ns: Time without a trading key after which it disarms.
        reset_size: Whether the size goes back to nothing after each order.
        validate: Whether the exchange checks every order before it can be confirmed.
    """

    max_size: Mapping[str, Decimal] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    max_worth: Mapping[str, Decimal] = msgspec.field(default_factory=lambda: DEFAULT_WORTH)
    max_open: int = 10
    band_pct: Decimal = Decimal(5)
    protection_pct: Decimal = Decimal("0.5")
    duplicate_ns: int = SECOND
    heard_ns: int = 2 * SECOND
    behind_ns: int = 2 * SECOND
    clock_ns: int = 300_000_000
    idle_ns: int = 300 * SECOND
    reset_size: bool = False
    validate: bool = True


class Facts(msgspec.Struct, frozen=True):
    """What is known of one pair at this moment.

    Attributes:
        bid, ask: The touch in ticks; None for an empty side.
        proven: Whether the book's checksum matched last; `reason` says why not.
        heard_ns: Since the last frame of the feed; None before the first.
        behind_ns: How far what is read is behind; None where that is not known.
        venue: As `PairView.venue`.
        wall_ns: This computer's clock, ns since the epoch.
        clock_ns: How far it is off the exchange's; None where that is not known.
    """

    symbol: str
    spec: PairSpec | None = None
    bid: int | None = None
    ask: int | None = None
    proven: bool = False
    reason: str = "there is no book yet"
    heard_ns: int | None = None
    behind_ns: int | None = None
    venue: str = "UNKNOWN"
    wall_ns: int = 0
    clock_ns: int | None = None


def facts_of(
    view: PairView | None,
    symbol: str,
    *,
    wall_ns: int,
    heard_ns: int | None,
    behind_ns: int | None,
    clock_ns: int | None,
) -> Facts:
    """The facts of a pair by its view of this moment; None says that there is none."""
    if view is None:
        return Facts(symbol, wall_ns=wall_ns, heard_ns=heard_ns)
    return Facts(
        symbol,
        view.spec,
        view.bids[0][0] if view.bids else None,
        view.asks[0][0] if view.asks else None,
        view.proof is Proof.VERIFIED,
        view.proof_reason,
        heard_ns,
        behind_ns,
        view.venue,
        wall_ns,
        clock_ns,
    )


def reading_blocks(facts: Facts, limits: TradingLimits) -> list[str]:
    """Why what is on screen is not good enough to send an order by."""
    found = []
    if not facts.proven:
        found.append(f"the book is not verified{f' ({facts.reason})' if facts.reason else ''}")
    if facts.heard_ns is None or facts.heard_ns >= limits.heard_ns:
        heard = "ever" if facts.heard_ns is None else f"for {facts.heard_ns / SECOND:.1f} s"
        found.append(f"nothing was heard of the exchange {heard}")
    if facts.behind_ns is not None and facts.behind_ns >= limits.behind_ns:
        found.append(f"what is read is {facts.behind_ns / SECOND:.1f} s behind")
    if facts.bid is not None and facts.ask is not None and facts.bid >= facts.ask:
        found.append("the book is crossed")
    return found


def ticket_blocks(ticket: Ticket, facts: Facts, limits: TradingLimits, open_orders: int) -> list[str]:
    """Why an order is not sent; empty where nothing is in the way.

    Args:
        ticket: The order.
        facts: Of its pair.
        limits: The user's.
        open_orders: How many the account has, of all programs.
    """
    found = reading_blocks(facts, limits)
    spec = facts.spec
    if spec is None or spec.assumed:
        return [*found, f"the precisions of {ticket.symbol} are not known"]
    found += _status(ticket, facts, spec)
    found += _grid(ticket, spec)
    found += _size(ticket, spec, limits)
    found += _distance(ticket, facts, limits)
    if open_orders >= limits.max_open:
        found.append(f"there are {open_orders} open orders, and the limit is {limits.max_open}")
    return found


def move_blocks(ticket: Ticket, facts: Facts, limits: TradingLimits) -> list[str]:
    """The same for an order that is moved: it is one of the open ones already."""
    return ticket_blocks(ticket, facts, limits, -1)


def _status(ticket: Ticket, facts: Facts, spec: PairSpec) -> list[str]:
    venue = facts.venue
    resting = ticket.kind is Kind.LIMIT and ticket.post_only
    allowed = (
        venue in ("ONLINE", "REDUCE-ONLY")
        or (venue == "POST-ONLY" and resting)
        or (venue == "LIMIT-ONLY" and ticket.kind is Kind.LIMIT)
    )
    return [] if allowed else [f"{spec.symbol} is {venue}"]


def _grid(ticket: Ticket, spec: PairSpec) -> list[str]:
    found = []
    if ticket.ticks <= 0:
        found.append("there is no price")
    elif ticket.ticks % spec.increment:
        step = from_units(spec.increment, spec.price_precision)
        found.append(f"the price {ticket.price(spec):f} is not a multiple of {step}")
    if ticket.lots <= 0:
        found.append("there is no size")
    elif ticket.lots % spec.qty_step:
        step = from_units(spec.qty_step, spec.qty_precision)
        found.append(f"the size {ticket.quantity(spec):f} is not a multiple of {step}")
    return found


def _size(ticket: Ticket, spec: PairSpec, limits: TradingLimits) -> list[str]:
    if ticket.lots <= 0 or ticket.ticks <= 0:
        return []
    found = []
    quantity, worth = ticket.quantity(spec), ticket.worth(spec)
    if spec.qty_min is None or not spec.cost_min:
        found.append(f"the smallest order of {spec.symbol} is not known")
    else:
        if ticket.lots < spec.qty_min:
            least = from_units(spec.qty_min, spec.qty_precision)
            found.append(f"the size {quantity:f} is below the pair's minimum of {least} {spec.base}")
        if worth < Decimal(spec.cost_min):
            found.append(f"{shown_worth(worth)} {spec.quote} is below the pair's minimum of {spec.cost_min}")
    most = limits.max_size.get(spec.base)
    if most is not None and quantity > most:
        found.append(f"the size {quantity:f} is above your limit of {most:f} {spec.base}")
    most = limits.max_worth.get(spec.quote)
    if most is None:
        found.append(f"no limit is set for orders in {spec.quote} (trade_max_worth)")
    elif worth > most:
        found.append(f"{shown_worth(worth)} {spec.quote} is above your limit of {most:f} {spec.quote}")
    return found


def _distance(ticket: Ticket, facts: Facts, limits: TradingLimits) -> list[str]:
    if facts.bid is None or facts.ask is None:
        return ["a side of the book is empty"]
    if ticket.ticks <= 0:
        return []
    found = []
    twice_mid = facts.bid + facts.ask
    if abs(2 * ticket.ticks - twice_mid) * 100 > limits.band_pct * twice_mid:
        away = Decimal(abs(2 * ticket.ticks - twice_mid) * 100) / twice_mid
        found.append(f"the price is {away:.1f} % from the middle, and your limit is {limits.band_pct:f} %")
    if ticket.kind is Kind.STOP:
        wrong = ticket.ticks <= facts.ask if ticket.side is Side.BUY else ticket.ticks >= facts.bid
        if wrong:
            way = "above the best ask" if ticket.side is Side.BUY else "below the best bid"
            found.append(f"a stop to {ticket.side} belongs {way}; here it would start at once")
    return found


def warnings(ticket: Ticket, facts: Facts) -> list[str]:
    """What the user should know before confirming; none of it forbids."""
    if not ticket.takes(facts.bid, facts.ask):
        return []
    if ticket.kind is Kind.LIMIT and ticket.post_only:
        return ["WOULD TAKE NOW: it is post-only, so the exchange will end it at once"]
    return ["TAKES NOW: it trades against the book at once, with the taker's fee"]


class DuplicateGuard:
    """Notices a second order like the last one: a key that was pressed twice.

    Args:
        within_ns: For how long.
    """

    def __init__(self, within_ns: int) -> None:
        self._within_ns = within_ns
        self._sent: dict[tuple[str, Side, int], int] = {}

    def block(self, ticket: Ticket, now_ns: int) -> str:
        """Why this one is held back; "" where it is not."""
        at = self._sent.get((ticket.symbol, ticket.side, ticket.ticks))
        if at is None or now_ns - at >= self._within_ns:
            return ""
        return "the same side and price was sent less than a second ago"

    def sent(self, ticket: Ticket, now_ns: int) -> None:
        """An order leaves."""
        self._sent = {key: at for key, at in self._sent.items() if now_ns - at < self._within_ns}
        self._sent[ticket.symbol, ticket.side, ticket.ticks] = now_ns
