"""The past of one book: every message that changed it, in compact arrays, with a full copy every few thousand changes.

The engine's thread appends; any other thread may read at the same time. Arrays only grow at their end and a reader
takes slices up to a message count read first, so that it never sees half a message.

A level's key is its price in ticks for asks and the negated price for bids, as in `market.book.l2`: both sides ascend
from the touch outwards, and one array holds both.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import Level, LevelChange, Side

PROVEN = 1
"""Flag of a message after which the book was proven."""

_LEAST_CHANGES = 2_000
_PER_MESSAGE = 8 + 8 + 4 + 1
_PER_CHANGE = 16
_NO_TIME = -1
_SELL = Side.SELL


class BookAt(msgspec.Struct, frozen=True, gc=False):
    """A book as it was.

    Attributes:
        ns: Receipt of the last message before the moment, ns since the epoch.
        venue_ns: Timestamp of that message by the venue; None where it had none.
        bids, asks: Levels, best first.
        proven: Whether its checksum had matched, and nothing had put it in doubt since.
        depth: Levels a side that it could hold.
    """

    ns: int
    venue_ns: int | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    proven: bool
    depth: int


class Moment(msgspec.Struct, frozen=True, gc=False):
    """What one message did.

    Attributes:
        ns: Its receipt, ns since the epoch; never less than that of the message before.
        changes: (key, lots before, lots after) of every level that differs, those that left the depth included.
        proven: Whether the book was proven from here on.
        begins: Whether the book was loaded as a whole: what was before is no movement of orders.
        edge: Keys of levels that only came into view or left it at the subscribed depth; nobody moved an order there.
    """

    ns: int
    changes: Sequence[tuple[int, int, int]]
    proven: bool
    begins: bool = False
    edge: Sequence[int] = ()


class Edges(msgspec.Struct, frozen=True, gc=False):
    """Where a book begins and ends, ticks.

    Attributes:
        bid, ask: The touch; None for an empty side.
        lowest, highest: The last level that is known; None where the side is shorter than its depth: nothing is beyond.
    """

    bid: int | None
    ask: int | None
    lowest: int | None
    highest: int | None


class Segment:
    """A full copy of the book and the messages after it.

    Attributes:
        depth: Levels a side that are kept.
        begins: Whether it begins with a snapshot of the exchange, rather than going on from the segment before.
        keys, lots: Levels of the copy, bids from the touch, then asks from the touch.
        bids: How many of them are bids.
        times, venue: Receipt and the venue's timestamp of each message, ns; -1 where it had none. The copy's
            come first.
        ends: Where the changes of each message end in `changed` and `becomes`.
        flags: `PROVEN` or 0 after each message.
        changed, becomes: Key and new lots (0 is gone) of each change.
    """

    __slots__ = (
        "becomes",
        "begins",
        "bids",
        "changed",
        "depth",
        "ends",
        "flags",
        "keys",
        "lots",
        "room",
        "times",
        "venue",
    )

    def __init__(self, book: OrderBook, ns: int, venue_ns: int | None, *, proven: bool, begins: bool) -> None:
        self.depth = book.depth
        self.begins = begins
        bids, asks = book.bids.top(), book.asks.top()
        self.keys = array("q", [-price for price, _ in bids] + [price for price, _ in asks])
        self.lots = array("q", [lots for _, lots in bids] + [lots for _, lots in asks])
        self.bids = len(bids)
        self.times = array("q", (ns,))
        self.venue = array("q", (_NO_TIME if venue_ns is None else venue_ns,))
        self.ends = array("I", (0,))
        self.flags = array("b", (PROVEN if proven else 0,))
        self.changed = array("q")
        self.becomes = array("q")
        self.room = max(_LEAST_CHANGES, 4 * len(self.keys))

    @property
    def size(self) -> int:
        """Bytes held, without the few hundred of the objects themselves."""
        return 16 * len(self.keys) + _PER_MESSAGE * len(self.flags) + _PER_CHANGE * len(self.becomes)


class BookHistory:
    """The past of one book, bounded by time and memory.

    Args:
        keep_ns: How far back it reaches at most.
        keep_bytes: Memory it takes at most; the newest segment is kept whatever its size.
    """

    def __init__(self, keep_ns: int, keep_bytes: int) -> None:
        self._keep_ns, self._keep_bytes = keep_ns, keep_bytes
        # Replaced as a whole, so that a reader in another thread has one that does not change.
        self._segments: tuple[Segment, ...] = ()
        self._closed_bytes = 0
        self._open: Segment | None = None
        self.cut = False
        """Whether anything was dropped to stay within the bounds."""

    # What happens

    def on_snapshot(self, ns: int, venue_ns: int | None, book: OrderBook, *, proven: bool) -> None:
        """Note that the exchange sent a whole book.

        Args:
            ns: Receipt, ns since the epoch.
            venue_ns: The venue's timestamp, if it gave one.
            book: The book it loaded.
            proven: Whether its checksum matched.
        """
        self._begin(self._after_last(ns), venue_ns, book, proven=proven, begins=True)

    def on_update(
        self, ns: int, venue_ns: int | None, changes: Sequence[LevelChange], book: OrderBook, *, proven: bool
    ) -> None:
        """Note one applied update; before the first snapshot nothing is kept.

        Args:
            ns: Receipt.
            venue_ns: The venue's timestamp.
            changes: What it changed, in order.
            book: The book after it.
            proven: Whether its checksum matched.
        """
        segment = self._open
        if segment is None:
            return
        becomes, times = segment.becomes, segment.times
        try:
            becomes.fromlist([change[3] for change in changes])
            segment.changed.fromlist([ticks if side is _SELL else -ticks for side, ticks, _, _ in changes])
        except OverflowError:
            # No market has such numbers; the past of this book ends here until it is loaded again. What was half
            # added is beyond the last message's end.
            self.interrupt(ns)
            self._open = None
            return
        last = times[-1]
        segment.ends.append(len(becomes))
        segment.venue.append(_NO_TIME if venue_ns is None else venue_ns)
        times.append(ns if ns > last else last)
        # Last: readers count messages by it.
        segment.flags.append(PROVEN if proven else 0)
        if len(becomes) > segment.room:
            self._begin(segment.times[-1], venue_ns, book, proven=proven, begins=False)

    def interrupt(self, ns: int) -> None:
        """Note that from here on the book is not proven, or not heard of, until something proves it."""
        self._flag(ns, 0)

    def prove(self, ns: int) -> None:
        """Note that from here on the book is proven, without a message that changed it."""
        self._flag(ns, PROVEN)

    def _flag(self, ns: int, flag: int) -> None:
        segment = self._open
        if segment is None or segment.flags[-1] == flag:
            return
        segment.ends.append(segment.ends[-1])
        segment.venue.append(segment.venue[-1])
        segment.times.append(max(ns, segment.times[-1]))
        segment.flags.append(flag)

    def clear(self) -> None:
        """Forget everything, as when the precisions changed."""
        self.cut = self.cut or bool(self._segments)
        self._segments = ()
        self._open = None
        self._closed_bytes = 0

    def trim(self, now_ns: int) -> None:
        """Drop what is beyond the bounds; call it about once a second."""
        segments = self._segments
        dropped = 0
        for segment, following in pairwise(segments):
            over = self._closed_bytes + segments[-1].size > self._keep_bytes
            if not over and following.times[0] > now_ns - self._keep_ns:
                break
            self._closed_bytes -= segment.size
            dropped += 1
        if dropped:
            self._segments = segments[dropped:]
            self.cut = True

    def _begin(self, ns: int, venue_ns: int | None, book: OrderBook, *, proven: bool, begins: bool) -> None:
        try:
            segment = Segment(book, ns, venue_ns, proven=proven, begins=begins)
        except OverflowError:
            self.interrupt(ns)
            self._open = None
            return
        if self._segments:
            self._closed_bytes += self._segments[-1].size
        self._segments = (*self._segments, segment)
        self._open = segment

    def _after_last(self, ns: int) -> int:
        return max(ns, self._segments[-1].times[-1]) if self._segments else ns

    # What was

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._closed_bytes + (self._segments[-1].size if self._segments else 0)

    @property
    def since_ns(self) -> int | None:
        """Receipt of the oldest message that is kept; None before the first."""
        return self._segments[0].times[0] if self._segments else None

    @property
    def until_ns(self) -> int | None:
        """Receipt of the newest message; None before the first."""
        return self._segments[-1].times[-1] if self._segments else None

    def segments(self) -> tuple[Segment, ...]:
        """All segments, oldest first; the last may grow at its end while it is read."""
        return self._segments

    def proven_at(self, ns: int) -> bool | None:
        """Whether the book was proven at a moment; None where that is before all that is kept."""
        segments = self.segments()
        at = bisect_right(segments, ns, key=lambda segment: segment.times[0]) - 1
        if at < 0:
            return None
        segment = segments[at]
        return bool(segment.flags[bisect_right(segment.times, ns, 0, len(segment.flags)) - 1])

    def at(self, ns: int) -> BookAt | None:
        """The book as it was at a moment; None where that is before all that is kept.

        Costs one full copy and at most a few thousand changes, whatever the moment.

        Args:
            ns: The moment, ns since the epoch; messages received then count.
        """
        walker = Walker(self)
        return walker.book() if walker.seek(ns) else None

    def next_message(self, ns: int, direction: int) -> int | None:
        """Receipt of the first message after (+1) or the last before (-1) a moment; None where there is no such one."""
        segments = self.segments()
        for segment in segments if direction > 0 else reversed(segments):
            count = len(segment.flags)
            times = segment.times[:count]
            if direction > 0 and times[-1] > ns:
                return times[bisect_right(times, ns)]
            if direction < 0 and times[0] < ns:
                return times[bisect_left(times, ns) - 1]
        return None


class Walker:
    """Goes through the past of a book message by message.

    Args:
        history: The past; it may grow meanwhile.

    Attributes:
        lots: Lots by key of the book where it stands.
        ns: Receipt of the message it stands at.
        proven: Whether the book was proven there.
    """

    def __init__(self, history: BookHistory) -> None:
        self._history = history
        self.lots: dict[int, int] = {}
        self._bids: list[int] = []
        self._asks: list[int] = []
        self._segment: Segment | None = None
        self._next = 0
        self.ns = 0
        self._venue_ns = _NO_TIME
        self.proven = False

    def seek(self, ns: int) -> bool:
        """Stand at the last message of a moment or before.

        Returns:
            Whether there is one.
        """
        segments = self._history.segments()
        at = bisect_right(segments, ns, key=lambda segment: segment.times[0]) - 1
        if at < 0:
            return False
        self._load(segments[at])
        for _ in self._messages(ns):
            pass
        return True

    def run(self, until_ns: int) -> Iterator[Moment]:
        """Go on message by message, up to and including those of a moment.

        From before the first kept message it begins with that one. Where its place was dropped meanwhile, it goes on
        at the oldest kept message, which then tells all the difference.
        """
        if self._segment is None:
            segments = self._history.segments()
            if not segments or segments[0].times[0] > until_ns:
                return
            yield self._enter(segments[0], begins=True)
        while True:
            yield from self._messages(until_ns)
            following = self._following()
            if following is None or following.times[0] > until_ns:
                return
            assert self._segment is not None
            yield self._enter(following, begins=following.begins)

    def book(self) -> BookAt:
        """The book where it stands."""
        lots = self.lots
        return BookAt(
            self.ns,
            None if self._venue_ns == _NO_TIME else self._venue_ns,
            tuple([(-key, lots[key]) for key in self._bids]),
            tuple([(key, lots[key]) for key in self._asks]),
            self.proven,
            0 if self._segment is None else self._segment.depth,
        )

    def ends(self) -> tuple[int, ...]:
        """What `edges` follows from: it is the same while this is."""
        bids, asks = self._bids, self._asks
        return (bids[0] if bids else 0, bids[-1] if bids else 0, asks[0] if asks else 0, asks[-1] if asks else 0,
                len(bids), len(asks))  # fmt: skip

    def edges(self) -> Edges:
        """The touch and the edges of what is known, where it stands."""
        bids, asks, segment = self._bids, self._asks, self._segment
        # A level that leaves a full side may be replaced a message later: a little less than full is full.
        full = 0 if segment is None else segment.depth - segment.depth // 10
        return Edges(
            -bids[0] if bids else None,
            asks[0] if asks else None,
            -bids[-1] if bids and len(bids) >= full else None,
            asks[-1] if asks and len(asks) >= full else None,
        )

    def _following(self) -> Segment | None:
        segments = self._history.segments()
        segment = self._segment
        for number, known in enumerate(segments):
            if known is segment:
                return segments[number + 1] if number + 1 < len(segments) else None
        return segments[0] if segments else None

    def _load(self, segment: Segment) -> None:
        keys = segment.keys.tolist()
        self._bids, self._asks = keys[: segment.bids], keys[segment.bids :]
        self.lots = dict(zip(keys, segment.lots.tolist(), strict=True))
        self._segment, self._next = segment, 1
        self._stand(segment, 0)

    def _enter(self, segment: Segment, *, begins: bool) -> Moment:
        before = self.lots
        self._load(segment)
        changes = [(key, lots, 0) for key, lots in before.items() if key not in self.lots]
        changes += [(key, before.get(key, 0), lots) for key, lots in self.lots.items() if before.get(key, 0) != lots]
        return Moment(self.ns, changes, self.proven, begins)

    def _stand(self, segment: Segment, number: int) -> None:
        self.ns, self._venue_ns = segment.times[number], segment.venue[number]
        self.proven = bool(segment.flags[number])

    def _messages(self, until_ns: int) -> Iterator[Moment]:
        segment = self._segment
        assert segment is not None
        count = len(segment.flags)
        first = self._next
        last = bisect_right(segment.times, until_ns, first, count)
        if last <= first:
            return
        begin = segment.ends[first - 1]
        end = segment.ends[last - 1]
        changed, becomes = segment.changed[begin:end].tolist(), segment.becomes[begin:end].tolist()
        at = 0
        for number in range(first, last):
            upto = segment.ends[number] - begin
            changes, edge = self._apply(changed[at:upto], becomes[at:upto], segment.depth)
            at = upto
            self._next = number + 1
            self._stand(segment, number)
            yield Moment(self.ns, changes, self.proven, edge=edge)

    def _apply(
        self, changed: Sequence[int], becomes: Sequence[int], depth: int
    ) -> tuple[list[tuple[int, int, int]], Sequence[int]]:
        lots, bids, asks = self.lots, self._bids, self._asks
        worst_bid, worst_ask = bids[-1] if bids else 0, asks[-1] if asks else 0
        changes: list[tuple[int, int, int]] = []
        edge: list[int] = []
        for key, after in zip(changed, becomes, strict=True):
            before = lots.get(key, 0)
            if after:
                lots[key] = after
                if not before:
                    keys, worst = (bids, worst_bid) if key < 0 else (asks, worst_ask)
                    if worst and key > worst:
                        edge.append(key)
                    keys.insert(bisect_left(keys, key), key)
            elif before:
                del lots[key]
                keys = bids if key < 0 else asks
                del keys[bisect_left(keys, key)]
            if before != after:
                changes.append((key, before, after))
        for keys in (bids, asks):
            while len(keys) > depth:
                key = keys.pop()
                changes.append((key, lots.pop(key), 0))
                edge.append(key)
        return changes, edge
