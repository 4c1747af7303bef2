"""The tick-aggregated book: one row per price step, every step present, and the rule that keeps its rows still.

A bucket is named by its index: the bucket's price is index x step, step = grouping x the pair's increment. Bids are
floored and asks are ceiled to the step, away from the touch, as Kraken's GroupedBook does (PROTOCOL.md section 10.1),
so that a bucket never promises a better price than its orders have. Aggregated bids and asks may share a bucket; both
sizes are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kraken_tui.market.events import Level, Side
from kraken_tui.market.views import TradedAt
from kraken_tui.settings import GROUPINGS
from kraken_tui.wire.symbols import PairSpec

_NOTHING = TradedAt(0, 0, 0)


def step_of(spec: PairSpec, grouping: int) -> int:
    """Ticks of one price step."""
    return grouping * spec.increment


def bucket_of(ticks: int, step: int, side: Side) -> int:
    """Index of the bucket a price of a book side belongs to: floor for bids, ceiling for asks."""
    return ticks // step if side is Side.BUY else -(-ticks // step)


def known_to(levels: Sequence[Level], depth: int | None) -> int | None:
    """Price in ticks up to which a side is known; None where the side is complete.

    A book of limited depth tells nothing of what lies beyond its last level, which is not the same as nothing there.

    Args:
        levels: One side, best first.
        depth: Levels a side the book can hold; None for a book without limit.
    """
    return levels[-1][0] if levels and depth is not None and len(levels) >= depth else None


class Edge(msgspec.Struct, frozen=True):
    """Where one side of an aggregated book ends.

    Attributes:
        bucket: Index of the last bucket of which anything is known.
        partial: Whether more of that bucket lies beyond the edge: its size is the least there is.
    """

    bucket: int
    partial: bool


def edge_of(levels: Sequence[Level], depth: int | None, step: int, side: Side) -> Edge | None:
    """Edge of a side of the aggregated book; None where the side is complete. Arguments as elsewhere in this module."""
    ticks = known_to(levels, depth)
    if ticks is None:
        return None
    bucket = bucket_of(ticks, step, side)
    return Edge(bucket, bucket * step != ticks)


def aggregate(levels: Iterable[Level], step: int, side: Side) -> dict[int, int]:
    """Sum levels into buckets.

    Args:
        levels: (ticks, lots), best first.
        step: Ticks of one bucket, 1 or more.
        side: Book side of the levels; decides the rounding.

    Returns:
        Lots by bucket index, best bucket first; the lots of all buckets sum to those of all levels.
    """
    buckets: dict[int, int] = {}
    for ticks, lots in levels:
        index = bucket_of(ticks, step, side)
        buckets[index] = buckets.get(index, 0) + lots
    return buckets


def aggregate_traded(traded: Mapping[int, TradedAt], step: int) -> dict[int, TradedAt]:
    """Sum trades at price into buckets.

    Lots bought took asks, so their price is ceiled; lots sold took bids, so theirs is floored: both appear in the
    bucket that held their liquidity. `count` goes to the bucket of each side that traded.
    """
    buckets: dict[int, TradedAt] = {}
    for ticks, at in traded.items():
        bid, ask = bucket_of(ticks, step, Side.BUY), bucket_of(ticks, step, Side.SELL)
        if bid == ask:
            before = buckets.get(bid, _NOTHING)
            buckets[bid] = TradedAt(before.count + at.count, before.bought + at.bought, before.sold + at.sold)
            continue
        if at.bought:
            before = buckets.get(ask, _NOTHING)
            buckets[ask] = TradedAt(before.count + at.count, before.bought + at.bought, before.sold)
        if at.sold:
            before = buckets.get(bid, _NOTHING)
            buckets[bid] = TradedAt(before.count + at.count, before.bought, before.sold + at.sold)
    return buckets


class BookRow(msgspec.Struct, frozen=True):
    """One price step.

    Attributes:
        index: Bucket index.
        ticks: The bucket's price.
        bid, ask: Lots resting in the bucket, or from the touch to it when cumulative; 0 if nothing rests.
        bought, sold: Lots traded in the bucket, by aggressor.
    """

    index: int
    ticks: int
    bid: int
    ask: int
    bought: int
    sold: int


def rows(
    bids: Mapping[int, int],
    asks: Mapping[int, int],
    traded: Mapping[int, TradedAt],
    *,
    low: int,
    high: int,
    step: int,
    cumulative: bool = False,
) -> tuple[BookRow, ...]:
    """Rows of the aggregated book, highest price first, every step present.

    Args:
        bids, asks: Buckets from `aggregate`.
        traded: Buckets from `aggregate_traded`.
        low, high: First and last bucket index, inclusive.
        step: Ticks of one bucket.
        cumulative: Sizes grow from the touch outwards (bids downwards, asks upwards), counting the buckets between
            the touch and the range even where they are not shown; on the far side of the touch they are 0.
    """
    bid_at = _growing(bids, range(high, low - 1, -1)) if cumulative else bids
    ask_at = _growing(asks, range(low, high + 1)) if cumulative else asks
    result: list[BookRow] = []
    for index in range(high, low - 1, -1):
        at = traded.get(index, _NOTHING)
        result.append(BookRow(index, index * step, bid_at.get(index, 0), ask_at.get(index, 0), at.bought, at.sold))
    return tuple(result)


def _growing(buckets: Mapping[int, int], away: range) -> dict[int, int]:
    """Running totals of `buckets` along `away`, a range of indices that leads away from the touch."""
    if not len(away):
        return {}
    first, direction = away[0], away.step
    total = sum(lots for index, lots in buckets.items() if (index - first) * direction < 0)
    result: dict[int, int] = {}
    for index in away:
        total += buckets.get(index, 0)
        result[index] = total
    return result


def nice_grouping(
    spec: PairSpec, mid: int, row_count: int, bids: Sequence[Level] = (), asks: Sequence[Level] = ()
) -> int:
    """Choose the grouping with which the interesting part of the book fills the rows.

    That part is the best 25 levels a side, but at least 0.1 % and at most 0.2 % of the price in all: a dense book
    would else be a few cents high, and a thin one would lose its touch in one bucket.

    Args:
        spec: Increment of the pair.
        mid: Mid in ticks.
        row_count: Rows on the screen.
        bids, asks: Levels, best first, if known.

    Returns:
        The smallest of `GROUPINGS` that fits, or the largest of all. One whose step is even is preferred where it is at
        most two and a half times what is needed: a heatmap then shows two prices a row.
    """
    least, most = mid / 1000, mid / 500
    reach = max((abs(levels[min(len(levels), 25) - 1][0] - mid) for levels in (bids, asks) if levels), default=0)
    span = min(max(2.0 * reach, least), most)
    needed = span / max(1, row_count) / spec.increment
    fitting = [grouping for grouping in GROUPINGS if grouping >= needed] or [GROUPINGS[-1]]
    even = (grouping for grouping in fitting if step_of(spec, grouping) % 2 == 0 and grouping <= 2.5 * needed)
    return next(even, fitting[0])


def visible_range(centre: int, row_count: int) -> tuple[int, int]:
    """Lowest and highest bucket index of `row_count` rows with `centre` at row `row_count // 2` from the top."""
    high = centre + row_count // 2
    return high - row_count + 1, high


class Centring:
    """Decides which bucket is in the middle row, and moves it as rarely as its policy allows.

    Policies (`Settings.recentre`): "band" recentres when the touch leaves the marked middle half of the rows;
    "space" only when asked by `recentre`; "never" only for the first view and after `reset`. Nothing moves by
    itself while a cursor rests on the book, but `recentre`, which the user asked for, moves it even then.

    Args:
        policy: "band", "space" or "never".
    """

    def __init__(self, policy: str = "band") -> None:
        self.policy = policy
        self._centre: int | None = None
        self._asked = False

    def recentre(self) -> None:
        """Centre on the touch at the next view (the Space key); ignored by the policy "never"."""
        self._asked = self.policy != "never"

    def reset(self) -> None:
        """Forget the centre, as after a change of pair or grouping, whose bucket indices mean other prices."""
        self._centre = None
        self._asked = False

    def shift(self, buckets: int) -> None:
        """Move the centre by hand; positive is up."""
        if self._centre is not None:
            self._centre += buckets

    def on_view(self, bid: int | None, ask: int | None, row_count: int, *, cursor_active: bool = False) -> int | None:
        """Choose the centre for one view.

        Args:
            bid, ask: Bucket indices of the touch; None for an empty side.
            row_count: Rows on the screen.
            cursor_active: Whether a cursor rests on the book.

        Returns:
            The bucket for the middle row; None until a touch was seen.
        """
        touch = [index for index in (bid, ask) if index is not None]
        if not touch:
            return self._centre
        middle = sum(touch) // len(touch)
        if self._centre is None or self._asked:
            self._centre = middle
            self._asked = False
        elif self.policy == "band" and not cursor_active and self._left_band(touch, row_count):
            self._centre = middle
        return self._centre

    def _left_band(self, touch: Sequence[int], row_count: int) -> bool:
        assert self._centre is not None
        _, high = visible_range(self._centre, row_count)
        first, last = self.band_rows(row_count)
        highest, lowest = high - first, high - last
        # A spread wider than the band can never fit it: its middle is then judged alone.
        judged = touch if max(touch) - min(touch) <= highest - lowest else [sum(touch) // len(touch)]
        return any(not lowest <= index <= highest for index in judged)

    @staticmethod
    def band_rows(row_count: int) -> tuple[int, int]:
        """First and last row of the band, counted from the top, inclusive: the middle half of the rows."""
        margin = row_count // 4
        return margin, max(margin, row_count - 1 - margin)
