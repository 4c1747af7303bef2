"""Volume at price: where it traded most, and the prices that hold most of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kraken_tui.market.book.aggregation import bucket_of
from kraken_tui.market.events import Side, Trade

VALUE_AREA = 0.7
"""Part of the volume that the value area holds, as usual for market profiles."""


class Profile(msgspec.Struct, frozen=True, gc=False):
    """A volume profile over buckets of price.

    Attributes:
        volume: Lots by bucket, bought and sold together.
        poc: Point of control: the bucket with the most volume; of equal ones the one nearest the middle of all.
        val, vah: First and last bucket of the value area, inclusive.
        total: Lots in all.
    """

    volume: Mapping[int, int]
    poc: int
    val: int
    vah: int
    total: int


def volume_of(trades: Iterable[Trade], step: int) -> dict[int, int]:
    """Lots by bucket of what was traded live, each in the bucket that held its liquidity.

    Args:
        trades: Those of some span of time.
        step: Ticks of a bucket.
    """
    volume: dict[int, int] = {}
    for trade in trades:
        if trade.live:
            bucket = bucket_of(trade.price, step, Side.SELL if trade.side is Side.BUY else Side.BUY)
            volume[bucket] = volume.get(bucket, 0) + trade.qty
    return volume


def profile_of(volume: Mapping[int, int]) -> Profile | None:
    """The profile of some volume; None where nothing traded.

    The value area grows from the point of control, each time by the neighbour with more volume (by both where they
    are equal), until it holds `VALUE_AREA` of the total.

    Args:
        volume: Lots by bucket.
    """
    held = {bucket: lots for bucket, lots in volume.items() if lots > 0}
    if not held:
        return None
    total = sum(held.values())
    lowest, highest = min(held), max(held)
    most = max(held.values())
    middle = lowest + highest
    poc = min(
        (bucket for bucket, lots in held.items() if lots == most), key=lambda bucket: (abs(2 * bucket - middle), bucket)
    )
    val = vah = poc
    inside = most
    while inside < VALUE_AREA * total:
        above = held.get(vah + 1, 0) if vah < highest else -1
        below = held.get(val - 1, 0) if val > lowest else -1
        if above >= below:
            vah += 1
            inside += max(above, 0)
        if below >= above:
            val -= 1
            inside += max(below, 0)
    return Profile(held, poc, max(val, lowest), min(vah, highest), total)
