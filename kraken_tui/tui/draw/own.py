"""Own orders of the pair on screen, as ladder, aggregated book and heatmap draw them. Pure.

The quantity that remains stands in a frame at its price, and the frame tells the state without colour:
`[0.25]` works, `(0.25)` is not in the market yet, `/0.25/` a cancel is on its way, `[0.25?]` is not verified,
`[T 0.25]` is a stop that waits for its trigger at its trigger price, `[0.25…]` an amend is on its way. How an order
ended is shown there for a moment: `✓ 0.25` filled, `✗ 0.25` cancelled, expired or refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_FLOOR, Decimal
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from kraken_tui.market.events import Proof, Side
from kraken_tui.market.orders.values import DONE, LIVE, Order, Stage
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.account_text import verified
from kraken_tui.tui.draw.amounts import compact
from kraken_tui.tui.draw.format import quantity
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, on
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

if TYPE_CHECKING:
    from kraken_tui.market.book.l3_views import L3Level
    from kraken_tui.market.icebergs import IcebergSeen
    from kraken_tui.market.private_views import AccountView

_QUANTITY = 10

ENDED_NS = 3 * SECOND
"""How long the end of an order is shown at its price."""


class Standing(IntEnum):
    """State of an own order as it is drawn; of several at one price the greatest is shown."""

    WORKING = 0
    AMENDING = 1
    STOP = 2
    PENDING = 3
    CANCELLING = 4
    DOUBTED = 5


_FRAMES = {
    Standing.WORKING: ("[", "]"),
    Standing.AMENDING: ("[", "…]"),
    Standing.STOP: ("[T ", "]"),
    Standing.PENDING: ("(", ")"),
    Standing.CANCELLING: ("/", "/"),
    Standing.DOUBTED: ("[", "?]"),
}


class OwnOrder(msgspec.Struct, frozen=True):
    """One own order of a pair.

    Attributes:
        side, ticks: Where it stands; an untriggered stop at its trigger price.
        lots: What remains; None where that is not known.
        standing: Its state.
        key, order_id: As of the order.
    """

    side: Side
    ticks: int
    lots: int | None
    standing: Standing
    key: str
    order_id: str | None


def standing_of(order: Order, account: AccountView) -> Standing:
    """The state of an order that may still trade, as it is drawn."""
    if order.key in account.unverified or order.stage in (Stage.UNKNOWN, Stage.NOT_FOUND):
        return Standing.DOUBTED
    if not verified(account, "executions") and order.stage in LIVE:
        return Standing.DOUBTED
    if order.cancel_sent:
        return Standing.CANCELLING
    if order.stage in (Stage.SENT, Stage.PENDING):
        return Standing.PENDING
    if order.untriggered:
        return Standing.STOP
    return Standing.AMENDING if order.amend_sent else Standing.WORKING


def units(number: Decimal, precision: int) -> int:
    """A decimal in units of 10^-precision; digits beyond them are left out."""
    return int(number.scaleb(precision).to_integral_value(ROUND_FLOOR))


def own_orders(picture: Picture) -> tuple[OwnOrder, ...]:
    """The own orders of the pair on screen that may still trade and have a price, the highest price first.

    None in the past: nobody kept where they were then.
    """
    account, pair = picture.account, picture.pair
    if account is None or pair is None or pair.spec is None or picture.in_past:
        return ()
    spec = pair.spec
    found = [
        own
        for order in account.orders
        if order.symbol == pair.symbol and order.stage not in DONE
        if (own := _own(order, account, spec)) is not None
    ]
    return tuple(sorted(found, key=lambda own: -own.ticks))


def _own(order: Order, account: AccountView, spec: PairSpec) -> OwnOrder | None:
    price = order.trigger_price if order.untriggered else order.limit_price
    if price is None or order.side is None:
        return None
    left = None if order.order_qty is None else max(Decimal(0), order.order_qty - order.cum_qty)
    lots = None if left is None else units(left, spec.qty_precision)
    ticks = units(price, spec.price_precision)
    return OwnOrder(order.side, ticks, lots, standing_of(order, account), order.key, order.order_id)


class Ended(msgspec.Struct, frozen=True):
    """An own order of a pair that ended a moment ago.

    Attributes:
        side, ticks: Where it stood.
        lots: What was filled of a filled order, else what was left of it; None where that is not known.
        stage: How it ended.
        age_ns: Since that was seen.
    """

    side: Side
    ticks: int
    lots: int | None
    stage: Stage
    age_ns: int


def ended_orders(picture: Picture) -> tuple[Ended, ...]:
    """The own orders of the pair on screen whose end was seen within the last `ENDED_NS`; none in the past."""
    account, pair, seen = picture.account, picture.pair, picture.own.ended
    if not seen or account is None or pair is None or pair.spec is None or picture.in_past:
        return ()
    spec, found = pair.spec, []
    for order in account.orders:
        age_ns = picture.account_ns - seen[order.key] if order.key in seen else -1
        price = order.trigger_price if order.untriggered else order.limit_price
        if order.symbol != pair.symbol or price is None or order.side is None or not 0 <= age_ns < ENDED_NS:
            continue
        whole = order.order_qty
        size = order.cum_qty if order.stage is Stage.FILLED else None if whole is None else whole - order.cum_qty
        lots = None if size is None else units(size, spec.qty_precision)
        found.append(Ended(order.side, units(price, spec.price_precision), lots, order.stage, age_ns))
    return tuple(found)


def ended_text(end: Ended, precision: int, room: int) -> str:
    """The end of an order: "✓ 0.25 filled", "✗ 0.25 cancelled", as much of it as there is room for."""
    mark = "✓" if end.stage is Stage.FILLED else "✗"
    word = "cancelled" if end.stage is Stage.CANCELED else end.stage.value
    texts = [mark]
    if end.lots is not None:
        size = compact(end.lots, precision)
        texts = [f"{mark} {size} {word}", f"{mark} {size}", f"{mark}{size}", mark]
    return next((text for text in texts if len(text) <= room), "")


def ended_role(end: Ended) -> str:
    """Role of an end: bright at first, then it fades."""
    if 2 * end.age_ns >= ENDED_NS:
        return "muted"
    return "ok" if end.stage is Stage.FILLED else "bad"


def frame_text(orders: Sequence[OwnOrder], spec: PairSpec, room: int) -> str:
    """The frame of the orders of one price and side: "[0.25]", "[0.75 ×2]" of two, "◆" where that has no room.

    Args:
        orders: At least one.
        spec: Precisions.
        room: Cells.
    """
    left, right = _FRAMES[max(own.standing for own in orders)]
    sizes = [own.lots for own in orders if own.lots is not None]
    known = len(sizes) == len(orders)
    texts = [quantity(sum(sizes), spec.qty_precision, _QUANTITY), compact(sum(sizes), spec.qty_precision)]
    if not known:
        texts = ["?"]
    several = f" ×{len(orders)}" if len(orders) > 1 else ""
    for text in texts:
        whole = f"{left}{text}{several}{right}"
        if len(whole) <= room:
            return whole
    return "◆" if room >= 1 else ""


def frame_key(orders: Sequence[OwnOrder], ground: str = "") -> str:
    """Style of a frame: reversed while all of it works, muted where it is not verified, else plain."""
    worst = max(own.standing for own in orders)
    if worst is Standing.DOUBTED:
        return on("text" if ground == "cursor" else "muted", ground)
    if worst is Standing.WORKING:
        return "!badge/accent"
    return on("accent", ground)


def ahead_text(own: OwnOrder, picture: Picture) -> str:
    """What stands before an own order: "3 ahead, 1.25", "~1.25 ahead" where it is estimated, "?" where nobody knows.

    Exact only in a proven book of single orders. Without one it is all that rests at the price besides the own orders,
    as if these were last: the most there can be.
    """
    pair = picture.pair
    if pair is None or pair.spec is None or own.standing in (Standing.STOP, Standing.PENDING):
        return ""
    level3, precision = pair.level3, pair.spec.qty_precision
    if level3 is not None:
        at = level3.own.get(own.order_id or "") if level3_trusted(pair) else None
        if at is None or not at.verified:
            return "?"
        if not at.orders_ahead:
            return "next"
        return f"{at.orders_ahead:,} ahead, {compact(at.lots_ahead, precision)}"
    levels = pair.bids if own.side is Side.BUY else pair.asks
    if pair.proof is not Proof.VERIFIED:
        return "?"
    resting = next((lots for ticks, lots in levels if ticks == own.ticks), None)
    if resting is None:
        return "?"
    mine = sum(
        each.lots or 0
        for each in own_orders(picture)
        if (each.side, each.ticks) == (own.side, own.ticks) and each.standing not in (Standing.STOP, Standing.PENDING)
    )
    return f"~{compact(max(0, resting - mine), precision)} ahead"


def level3_trusted(pair: PairView) -> bool:
    """Whether places in queues may be shown as exact."""
    return pair.level3 is not None and pair.level3.verified and not pair.level3.stale and not pair.silent_ns


def level3_levels(pair: PairView, *, past: bool = False) -> dict[int, L3Level]:
    """The levels of single orders by price; empty where they are not proven, or not of the moment shown."""
    level3 = pair.level3
    if level3 is None or past or not level3_trusted(pair):
        return {}
    return {level.ticks: level for level in (*level3.bids, *level3.asks)}


def marked(
    picture: Picture, orders: Sequence[OwnOrder], room: int, ground: str = "", *, ahead: bool = True
) -> tuple[Line, int]:
    """The frame of the orders of one price and side, with what stands ahead of the first of them where there is room.

    Returns:
        The runs, and their cells.
    """
    pair = picture.pair
    assert pair is not None
    assert pair.spec is not None
    text = frame_text(orders, pair.spec, room)
    runs: Line = ((text, frame_key(orders, ground)),) if text else ()
    width = len(text)
    waits = ahead_text(orders[0], picture) if ahead and len(orders) == 1 else ""
    if waits and len(text) > 1 and width + len(waits) + 2 <= room:
        runs += ((f" {waits} ", on("text", ground)),)
        width += len(waits) + 2
    return runs, width


def hidden_text(seen: IcebergSeen, precision: int, room: int = 40) -> str:
    """Hidden quantity as it may be said: a lower bound where it is proven, "likely" where it is a guess.

    The short forms are "hid≥1.2" and "hid?1.2"; "" where even that has no room.
    """
    size = compact(seen.lots, precision)
    words = ("≥ {} hidden", "hid≥{}") if seen.evidence.proof else ("likely {} hidden", "likely {}", "hid?{}")
    texts = [form.format(size) for form in words]
    return next((text for text in texts if len(text) <= room), "")


def icebergs_at(pair: PairView, *, past: bool = False) -> dict[tuple[Side, int], IcebergSeen]:
    """The newest hidden quantity seen at each price, by side and ticks; a proven one before a likely one."""
    level3 = pair.level3
    if level3 is None or past:
        return {}
    found: dict[tuple[Side, int], IcebergSeen] = {}
    for seen in level3.icebergs:
        held = found.get((seen.side, seen.ticks))
        if held is None or (seen.evidence.proof and not held.evidence.proof):
            found[seen.side, seen.ticks] = seen
    return found


def beyond_text(orders: Iterable[OwnOrder], arrow: str) -> str:
    """How many own orders are beyond an edge of the screen: "▲2 yours"; "" for none."""
    count = len(list(orders))
    return f"{arrow}{count} yours" if count else ""
