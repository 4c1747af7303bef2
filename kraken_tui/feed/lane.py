"""The short way of the usual frame: one update of a proven book whose subscription is granted.

Nearly every frame is one. It can change nothing but levels, counts and the times of the last message, so all questions
about states and answers are asked once, before anything is changed; whatever is out of the ordinary gets another answer
than "yes", and the frame goes the long way through its channel (`feed.channels.book`), which alone defines what a
message means. One in `LONG_WAY` goes there too, so that the two cannot drift apart unseen.

The way has two entrances. Where there is a compiled core, `offer` gives it the frame as received, and it decodes,
applies and proves in one call what is written as usual; what it declines is decoded, and comes to `take`. What follows
a change is the same for both.
"""

from __future__ import annotations

from kraken_tui import core
from kraken_tui.errors import InvalidMessage, InvalidNumber
from kraken_tui.feed.channels import book as channel
from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.effect import APPLIED, Effect
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.roster import Roster
from kraken_tui.feed.venue_time import PLAUSIBLE_LAG_NS
from kraken_tui.market.events import BookChanged, LevelChange
from kraken_tui.wire.decode import FieldCensus, decode
from kraken_tui.wire.messages import BookData, BookMessage
from kraken_tui.wire.timestamps import parse_timestamp

LONG_WAY = 512
"""Every so many frames one goes the long way, where its fields are looked at (`FieldCensus`)."""


class Lane:
    """Takes live book updates.

    Args:
        roster: Pairs, clocks and counters.
        watchdog: Told of every frame taken.
        census: Asked to look at the frames that take turns to go the long way.
    """

    def __init__(self, roster: Roster, watchdog: Watchdog, census: FieldCensus) -> None:
        self._pairs = roster.pairs
        self._roster = roster
        self._granted = roster.policy.granted(channel.NAME)
        self._counters = roster.counters
        self._latency = roster.latency
        self._behind = roster.venue.behind
        self._watchdog = watchdog
        self._census = census
        self._left = LONG_WAY
        self._lanes = roster.lanes
        self._update = core.update

    def offer(self, frame: bytes | str, now: int, wall_ns: int) -> BookChanged | Effect | None:
        """Let the compiled core apply a frame that is quite usual and written as usual; for the rest as `take`.

        Args:
            frame: As received.
            now: Monotonic ns.
            wall_ns: Wall clock of the receipt, ns.
        """
        if self._update is None or self._left == 1:
            return None
        found = self._update(frame, self._lanes, self._granted)
        if found is None:
            return None
        symbol, changes, checksum, actual, timestamp, venue_ns = found
        pair = self._pairs[symbol]
        lag = self._latency.lag_of(venue_ns, now, wall_ns)
        usual = -PLAUSIBLE_LAG_NS <= lag <= PLAUSIBLE_LAG_NS
        if usual:
            self._left -= 1
        if checksum != actual or not usual:
            return channel.go_on(pair, _only(frame), changes, self._roster, now, wall_ns)
        if pair.stitcher.history is not None:
            pair.stitcher.history.add(_only(frame), venue_ns)
        return self._applied(pair, checksum, changes, timestamp, venue_ns, lag, now, wall_ns)

    def take(self, message: BookMessage, now: int, wall_ns: int) -> BookChanged | Effect | None:
        """Apply a frame that is quite usual.

        Args:
            message: The frame.
            now: Monotonic ns.
            wall_ns: Wall clock of the receipt, ns.

        Returns:
            What it changed, all being counted; its effect, if only the levels turned out to be unusual, not counted
            among the frames yet; or None if nothing was changed and it must go the long way.
        """
        rows = message.data
        if len(rows) != 1 or message.type != "update":
            return None
        data = rows[0]
        symbol, bids, asks, timestamp = data.symbol, data.bids, data.asks, data.timestamp
        pair = self._pairs.get(symbol)
        if pair is None or symbol not in self._granted or timestamp is None or len(bids) + len(asks) > channel.FEW:
            return None
        stitcher, latency = pair.stitcher, self._latency
        if not stitcher.steady:
            return None
        try:
            venue_ns = parse_timestamp(timestamp)
        except InvalidMessage:
            return None
        lag = latency.lag_of(venue_ns, now, wall_ns)
        if not -PLAUSIBLE_LAG_NS <= lag <= PLAUSIBLE_LAG_NS:
            return None
        self._left -= 1
        if not self._left:
            self._left = LONG_WAY
            self._census.want(BookMessage)
            return None
        # From here on the book changes.
        book, checksum = stitcher.book, data.checksum
        try:
            changes = book.apply(bids, asks)
        except InvalidNumber:
            # The long way meets the same number, after the same changes.
            return None
        if book.checksum() != checksum or book.odd or type(checksum) is not int:
            return channel.go_on(pair, data, changes, self._roster, now, wall_ns)
        if stitcher.history is not None:
            stitcher.history.add(data, venue_ns)
        return self._applied(pair, checksum, changes, timestamp, venue_ns, lag, now, wall_ns)

    def _applied(
        self,
        pair: Pair,
        checksum: int,
        changes: tuple[LevelChange, ...],
        timestamp: str,
        venue_ns: int,
        lag: int,
        now: int,
        wall_ns: int,
    ) -> BookChanged | Effect:
        """What follows a change that is proven: the witness, the clocks and the counters are told."""
        changed = pair.stitcher.proven(checksum, changes, timestamp, venue_ns, wall_ns)
        pair.touch.follow(*pair.stitcher.book.touch(), now)
        self._behind.append(now - venue_ns)
        lag = max(lag, 0)
        self._latency.count(lag, venue_ns, now)
        if not self._watchdog.calm(lag):
            return Effect(APPLIED, [changed], lag_ns=lag)
        self._watchdog.frame(now, application=True)
        self._counters.applied += 1
        return changed


def _only(frame: bytes | str) -> BookData:
    """The one part of a frame that the core has taken, for those who need it as Python reads it."""
    message = decode(frame)
    assert type(message) is BookMessage
    return message.data[0]
