"""The past of a book as columns of time and rows of price: what a heatmap draws.

A cell holds the lots that rested in one price bucket over one column: their time-weighted average or their greatest.
Columns are made once, when they are complete, and never change afterwards; only the running one is made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from kraken_tui.market.history.book import BookHistory, Edges, Walker
from kraken_tui.units import SECOND

WIDTHS_NS = tuple(SECOND * tenths // 10 for tenths in (1, 2, 5, 10, 20, 50, 100, 150, 300, 600, 1200, 3000))
"""Widths of a column that can be chosen, ns: 100 ms to 5 min."""

_BLOCK = 8
"""Columns of the past that are made in one go: each go costs one copy of the book."""
_PAUSE_EVERY = 128
"""Messages after which a filling lets its caller stop."""
_KEPT_CELLS = 150_000
"""Cells kept at most beside those of the range last asked for; the columns farthest from it go first."""
_CAUGHT_UP_NS = 10 * SECOND
"""What was missed is added up at once if it is no longer than this, or than a column; else it is left to `fill`."""
_NO_EDGES = Edges(None, None, None, None)


class Weighing(StrEnum):
    """What a cell tells of its column."""

    AVERAGE = "average"
    """Lots that rested there, weighted by time."""
    GREATEST = "greatest"
    """The most lots that rested there at one time."""


class Column(msgspec.Struct, frozen=True, gc=False):
    """One column of time.

    Attributes:
        index: Its start, in widths since the epoch.
        cells: Lots by bucket (bids floored, asks ceiled, as `market.book.aggregation`); those of bids by the negated
            bucket, since both sides may rest in one. Empty buckets are left out.
        low, high: First and last bucket of which all is known during the whole column; None for no limit.
        proven: Whether the book was proven all the time.
        known: Whether there was a book all the time.
        bid, ask: Touch at its end, ticks; None for an empty side.
        bids, asks: Lowest and highest best bid and best ask in it, ticks.
        complete: Whether it is over.
    """

    index: int
    cells: Mapping[int, float]
    low: int | None = None
    high: int | None = None
    proven: bool = False
    known: bool = False
    bid: int | None = None
    ask: int | None = None
    bids: tuple[int, int] | None = None
    asks: tuple[int, int] | None = None
    complete: bool = True


class _Adder:
    """Adds up one column after another along a walk.

    Args:
        walker: Stands at the last message before the first column, or at the first message of all, inside it.
        index: The first column.
        step: Ticks of a bucket.
        width_ns: Length of a column.
        weighing: What a cell tells.
        known: Whether the book is known from the beginning of the first column on.
    """

    def __init__(
        self, walker: Walker, index: int, step: int, width_ns: int, weighing: Weighing, *, known: bool
    ) -> None:
        self.walker, self.index = walker, index
        self._step, self._width_ns, self._weighing = step, width_ns, weighing
        self._held: dict[int, int] = {}
        self._edges, self._ends, self._proven_now = walker.edges(), walker.ends(), walker.proven
        for key, lots in walker.lots.items():
            bucket = self._bucket(key)
            self._held[bucket] = self._held.get(bucket, 0) + lots
        self._start_ns = index * width_ns
        self._area: dict[int, int] = {}
        self._since: dict[int, int] = {}
        self._begin(known=known)
        if not known:
            # What is held came in the middle of the column.
            self._since.update(dict.fromkeys(self._held, walker.ns))

    @property
    def end_ns(self) -> int:
        """End of the running column."""
        return (self.index + 1) * self._width_ns

    def _begin(self, *, known: bool) -> None:
        self._start_ns = self.index * self._width_ns
        self._area, self._since = {}, {}
        self._most = dict(self._held)
        self._known, self._proven = known, self._proven_now
        self._low: int | None = None
        self._high: int | None = None
        self._bids: tuple[int, int] | None = None
        self._asks: tuple[int, int] | None = None
        self._widen(self._edges)

    def _bucket(self, key: int) -> int:
        # The key of a bid is its negated price: bids are floored and asks ceiled, and each keeps its sign.
        return -(-key // self._step)

    def _widen(self, edges: Edges) -> None:
        if (bid := edges.bid) is not None:
            self._bids = (bid, bid) if self._bids is None else (min(self._bids[0], bid), max(self._bids[1], bid))
        if (ask := edges.ask) is not None:
            self._asks = (ask, ask) if self._asks is None else (min(self._asks[0], ask), max(self._asks[1], ask))
        # The bucket of the last level may hold more than is known.
        if edges.lowest is not None:
            low = edges.lowest // self._step + 1
            self._low = low if self._low is None else max(self._low, low)
        if edges.highest is not None:
            high = -(-edges.highest // self._step) - 1
            self._high = high if self._high is None else min(self._high, high)

    def take(self, ns: int, changes: Sequence[tuple[int, int, int]], *, proven: bool) -> None:
        """Take one message of the running column, right after the walk went over it."""
        held, area, since, start, step = self._held, self._area, self._since, self._start_ns, self._step
        for key, before, after in changes:
            bucket = -(-key // step)
            lots = held.get(bucket, 0)
            if lots:
                area[bucket] = area.get(bucket, 0) + lots * (ns - since.get(bucket, start))
            since[bucket] = ns
            held[bucket] = lots + after - before
        if self._weighing is Weighing.GREATEST:
            # After the whole message: within it a level may come and go.
            most = self._most
            for key, _, _ in changes:
                bucket = -(-key // step)
                most[bucket] = max(most.get(bucket, 0), held[bucket])
        self._proven_now = proven
        self._proven = self._proven and proven
        ends = self.walker.ends()
        if ends != self._ends:
            self._ends, self._edges = ends, self.walker.edges()
            self._widen(self._edges)
        if ns == start and self._known:
            # What was before this message lasted for no time of this column.
            self._begin(known=True)

    def column(self, until_ns: int, *, complete: bool) -> Column:
        """The running column, as if it ended at a moment."""
        if self._weighing is Weighing.GREATEST:
            cells: dict[int, float] = {bucket: lots for bucket, lots in self._most.items() if lots}
        else:
            length, sums, since, start = (
                max(1, until_ns - self._start_ns),
                dict(self._area),
                self._since,
                self._start_ns,
            )
            for bucket, lots in self._held.items():
                if lots:
                    sums[bucket] = sums.get(bucket, 0) + lots * (until_ns - since.get(bucket, start))
            cells = {bucket: total / length for bucket, total in sums.items() if total}
        edges = self._edges
        return Column(
            self.index,
            cells,
            self._low,
            self._high,
            self._proven,
            self._known,
            edges.bid,
            edges.ask,
            self._bids,
            self._asks,
            complete,
        )

    def next(self) -> None:
        """Go on with the next column."""
        self.index += 1
        self._held = {bucket: lots for bucket, lots in self._held.items() if lots}
        self._begin(known=True)


class HeatGrid:
    """Columns of one book at one step and width, made as they are needed.

    Args:
        history: The book's past; it may grow in another thread meanwhile.
        step: Ticks of a price bucket.
        width_ns: Length of a column, ns.
        weighing: What a cell tells.
    """

    def __init__(self, history: BookHistory, step: int, width_ns: int, weighing: Weighing = Weighing.AVERAGE) -> None:
        self.history, self.step, self.width_ns, self.weighing = history, step, width_ns, weighing
        self._columns: dict[int, Column] = {}
        self._cells = 0
        self._live: _Adder | None = None
        self._upto_ns = 0

    def index_of(self, ns: int) -> int:
        """Index of the column that holds a moment."""
        return ns // self.width_ns

    def column(self, index: int) -> Column | None:
        """A complete column; None while it is not made yet."""
        return self._columns.get(index)

    def advance(self, now_ns: int) -> Column | None:
        """Take what happened up to now: columns that are over by then are complete.

        Args:
            now_ns: The moment, by the clock of the receipts. It goes back where a recording is played again only.

        Returns:
            The running column; None where there is no book yet.
        """
        index = self.index_of(now_ns)
        live, missed_ns = self._live, now_ns - self._upto_ns
        self._upto_ns = now_ns
        if live is None or index < live.index or missed_ns > max(_CAUGHT_UP_NS, self.width_ns):
            live = self._live = self._adder(index, now_ns)
            if live is None:
                return None
        for _ in self._run(live, now_ns):
            pass
        while live.index < index:
            self._complete(live)
        return live.column(now_ns, complete=False)

    def fill(self, first: int, last: int) -> Iterator[None]:
        """Make the columns of a range that are missing, the newest first.

        Args:
            first, last: Indices, inclusive; those that are not over yet are left to `advance`.

        Yields:
            Now and then, so that the caller can go on with it at the next picture.
        """
        live, wanted = self._live, last
        last = last if live is None else min(last, live.index - 1)
        columns = self._columns
        while last >= first:
            if last in columns:
                last -= 1
                continue
            begin = last
            while begin > first and begin - 1 not in columns and last - begin + 1 < _BLOCK:
                begin -= 1
            yield from self._make(begin, last)
            last = begin - 1
        self._forget(first, wanted)

    def _make(self, first: int, last: int) -> Iterator[None]:
        end_ns = (last + 1) * self.width_ns
        adder = self._adder(first, end_ns - 1)
        for index in range(first, last + 1 if adder is None else adder.index):
            # Nothing is held of that time.
            self._keep(Column(index, {}))
        if adder is None:
            return
        yield from self._run(adder, end_ns - 1)
        while adder.index <= last:
            self._complete(adder)

    def _adder(self, index: int, until_ns: int) -> _Adder | None:
        walker = Walker(self.history)
        known = walker.seek(index * self.width_ns)
        if not known:
            since = self.history.since_ns
            if since is None or since > until_ns or not walker.seek(since):
                return None
            index = self.index_of(since)
            known = since == index * self.width_ns
        return _Adder(walker, index, self.step, self.width_ns, self.weighing, known=known)

    def _run(self, adder: _Adder, until_ns: int) -> Iterator[None]:
        for count, moment in enumerate(adder.walker.run(until_ns), 1):
            while moment.ns >= adder.end_ns:
                self._complete(adder)
            adder.take(moment.ns, moment.changes, proven=moment.proven)
            if count % _PAUSE_EVERY == 0:
                yield

    def _complete(self, adder: _Adder) -> None:
        # What was made once stays: a picture of the past does not change.
        if adder.index not in self._columns:
            self._keep(adder.column(adder.end_ns, complete=True))
        adder.next()

    def _keep(self, column: Column) -> None:
        self._columns[column.index] = column
        self._cells += len(column.cells)

    def _forget(self, first: int, last: int) -> None:
        """Keep the range, and of the rest what is nearest to it and within the bounds."""
        if self._cells <= _KEPT_CELLS:
            return
        outside = [index for index in self._columns if not first <= index <= last]
        for index in sorted(outside, key=lambda index: max(first - index, index - last), reverse=True):
            self._cells -= len(self._columns.pop(index).cells)
            if self._cells <= _KEPT_CELLS * 3 // 4:
                return
