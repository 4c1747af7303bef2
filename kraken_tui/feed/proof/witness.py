"""The second witness: the ticker's best bid and ask against the touch of the book.

A checksum proves digits, not scale (prices times ten with one decimal fewer have the same digits, RELIABILITY.md
F66), and it proves nothing about a book that gets no messages (F67). The ticker channel, subscribed with
`event_trigger: bbo`, reports the touch a second time. The two channels race by nature, and a burst of changes may show
in one and not in the other, so a single difference means nothing: a report counts as missed only when neither side of
it was the book's within `PATIENCE_NS` before or after, and only reports that keep missing raise an alarm.

Pure: times are monotonic ns, prices ticks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from kraken_tui.errors import InvalidNumber
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import decimals, from_units
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

PATIENCE_NS = 2 * SECOND
"""How far apart the channels may be: a report agrees if the book's touch was the same this long before or after."""

PERSISTENT_NS = 5 * SECOND
"""How long reports must keep missing before they count."""

GROSS_NS = 3 * SECOND
"""The same where the prices differ by a factor of two or more, which no race explains."""

APART_NS = 10 * SECOND
"""How long the book may differ from the newest report before the ticker is resubscribed."""

SILENT_NS = 10 * SECOND
"""How long the ticker may take to answer a resubscribe."""

MISSES = 3
"""Missed reports needed for an alarm, unless one of them answered a resubscribe."""

_ASK_GAP_NS = 30 * SECOND
_SILENT_ASK_GAP_NS = 5 * SECOND
_REMEMBERED_NS = 60 * SECOND
_KEPT = 256
_FULL_SIDE = 10


class Verdict(Enum):
    """What to do."""

    NOTHING = auto()
    ASK = auto()
    """Subscribe the ticker again: too few reports to judge by."""
    ALARM = auto()
    """Book and ticker contradict each other: the book cannot be trusted."""


@dataclass(slots=True)
class _Report:
    bid: int | None
    ask: int | None
    at: int
    asked: bool

    def take(self, bid: int | None, ask: int | None) -> bool:
        """Remove the sides that agree with a touch; returns whether all have agreed."""
        if bid is not None and bid == self.bid:
            self.bid = None
        if ask is not None and ask == self.ask:
            self.ask = None
        return self.bid is None and self.ask is None


class TouchWitness:
    """Compares one pair's ticker with its book; only while the book is live.

    Attributes:
        agrees: Whether the newest judged report agreed; None before the first.
        silent: Whether the ticker was resubscribed and did not answer.
        reason: Why the last alarm was raised, a short clause.
    """

    def __init__(self, spec: PairSpec) -> None:
        self._spec = spec
        self.agrees: bool | None = None
        self.silent = False
        self.reason = ""
        self._touches: deque[tuple[int, int | None, int | None]] = deque()
        self._message_at = 0
        self._pending: deque[_Report] = deque(maxlen=_KEPT)
        self._latest: tuple[int | None, int | None] | None = None
        self._misses = 0
        self._missed_at = 0
        self._gross = False
        self._asked_missed = False
        self._answered = False
        self._apart_since: int | None = None
        self._asked_at: int | None = None
        self._awaiting = False

    @property
    def text(self) -> str:
        """The state in words, for the screen."""
        if self.silent:
            return "the ticker is silent"
        if self.agrees is None:
            return "no ticker yet" if self._latest is None else "comparing"
        return "agrees" if self.agrees else "differs"

    @property
    def watching(self) -> bool:
        """Whether it watches a live book."""
        return bool(self._touches)

    @property
    def heard(self) -> bool:
        """Whether the ticker said anything on this connection."""
        return self._latest is not None

    # -- what is seen -------------------------------------------------------------------------------------------

    def began(self, bid: int | None, ask: int | None, now: int) -> None:
        """The book went live with this touch; the ticker's newest report is compared with it from now on."""
        self.ended()
        self.touch(bid, ask, now)
        if self._latest is not None:
            self._weigh(_Report(*self._latest, now, asked=False), now)

    def ended(self) -> None:
        """The book is not live: nothing is judged, and pending reports are dropped."""
        self._touches.clear()
        self._pending.clear()
        self._clear()
        self._asked_at = self._apart_since = None
        self._awaiting = self.silent = False
        self.agrees = None

    def lost(self) -> None:
        """The connection is gone, and the ticker's newest report with it."""
        self.ended()
        self._latest = None

    def touch(self, bid: int | None, ask: int | None, now: int) -> None:
        """One message was applied to the live book, and this is its touch."""
        self._message_at = now
        touches = self._touches
        if touches and touches[-1][1:] == (bid, ask):
            return
        touches.append((now, bid, ask))
        forgotten = now - PATIENCE_NS
        while len(touches) > _KEPT or (len(touches) > 1 and touches[1][0] < forgotten):
            # The first touch ended when the second began.
            touches.popleft()
        if self._pending:
            before = len(self._pending)
            self._pending = deque((report for report in self._pending if not report.take(bid, ask)), maxlen=_KEPT)
            if len(self._pending) < before:
                self._agreed()
        if self._latest is not None and _same(self._latest, (bid, ask)):
            self._apart_since = None
            self._agreed()
        elif self._apart_since is None:
            self._apart_since = now

    def follow(self, bid: int | None, ask: int | None, now: int) -> None:
        """The same, where the book may not have been watched yet; most messages leave the touch alone."""
        if not self._touches:
            self.began(bid, ask, now)
            return
        _, last_bid, last_ask = self._touches[-1]
        if bid == last_bid and ask == last_ask:
            self._message_at = now
        else:
            self.touch(bid, ask, now)

    def report(self, bid: int | None, ask: int | None, now: int, *, snapshot: bool = False) -> None:
        """The ticker reported the touch; a snapshot answers a resubscribe.

        A missing side is not judged.
        """
        self._latest = (bid, ask)
        self.silent = False
        asked = snapshot and self._awaiting
        self._awaiting = self._awaiting and not snapshot
        if self._touches:
            self._weigh(_Report(bid, ask, now, asked), now)

    def _weigh(self, report: _Report, now: int) -> None:
        _, bid, ask = self._touches[-1]
        told = (report.bid, report.ask)
        self._apart_since = None if _same(told, (bid, ask)) else now if self._apart_since is None else self._apart_since
        if report.bid is None and report.ask is None:
            return
        # Nearly always it is the current touch.
        if report.take(bid, ask) or any(report.take(*touch[1:]) for touch in self._recent(now)):
            self._answered |= report.asked
            # Without a message since the first miss, the market may merely have returned to the touch of a frozen book.
            if report.asked and self._message_at > self._missed_at:
                self._clear()
            self._agreed()
        else:
            self._pending.append(report)

    def _recent(self, now: int) -> list[tuple[int, int | None, int | None]]:
        """Touches the book had within the last `PATIENCE_NS`; one ended when the next began."""
        ended = [touch for touch, after in pairwise(self._touches) if after[0] >= now - PATIENCE_NS]
        return [*ended, self._touches[-1]]

    def _agreed(self) -> None:
        self.agrees = True
        # A frozen book agrees whenever the market passes its touch: that clears nothing.
        if not self._misses or self._message_at > self._missed_at:
            self._clear()

    def _clear(self) -> None:
        self._misses = 0
        self._gross = self._asked_missed = self._answered = False

    # -- judgement ----------------------------------------------------------------------------------------------

    def judge(self, now: int) -> Verdict:
        """Let time pass; call it about once a second while the book is live."""
        while self._pending and self._pending[0].at + PATIENCE_NS <= now:
            self._miss(self._pending.popleft())
        if self._awaiting and self._asked_at is not None and now - self._asked_at >= SILENT_NS:
            self.silent = True
        if not self._touches:
            return Verdict.NOTHING
        if self._answered and now - self._missed_at > _REMEMBERED_NS:
            self._clear()
        lasted = now - self._missed_at if self._misses else 0
        enough = self._misses >= MISSES or self._asked_missed
        if (self._gross and lasted >= GROSS_NS) or (enough and lasted >= PERSISTENT_NS):
            return Verdict.ALARM
        apart = self._apart_since is not None and now - self._apart_since >= APART_NS
        doubt = lasted >= PERSISTENT_NS and not self._answered
        if (doubt or apart) and (self._asked_at is None or now - self._asked_at >= self._ask_gap_ns):
            self._asked_at = now
            self._awaiting = True
            return Verdict.ASK
        return Verdict.NOTHING

    @property
    def _ask_gap_ns(self) -> int:
        # A book without messages between two doubts may be frozen; a busy one is merely ahead of the ticker.
        assert self._asked_at is not None
        frozen = self._misses and self._message_at < min(self._asked_at, self._missed_at)
        return _SILENT_ASK_GAP_NS if frozen else _ASK_GAP_NS

    def _miss(self, report: _Report) -> None:
        if not self._misses:
            self._missed_at = report.at
        self._misses += 1
        self._asked_missed |= report.asked
        self._answered = False
        self.agrees = False
        _, bid, ask = self._touches[-1]
        for side, told, held in (("bid", report.bid, bid), ("ask", report.ask, ask)):
            if told is not None:
                self._gross |= held is None or not held <= 2 * told <= 4 * held
                self.reason = f"the ticker's {side} {self._price(told)} is not the book's {self._price(held)}"

    def _price(self, ticks: int | None) -> str:
        return "(none)" if ticks is None else from_units(ticks, self._spec.price_precision)


def _same(told: tuple[int | None, int | None], held: tuple[int | None, int | None]) -> bool:
    bid, ask = told
    return (bid is None or bid == held[0]) and (ask is None or ask == held[1])


# -- decimals -----------------------------------------------------------------------------------------------------


class DecimalsWitness:
    """Compares how many decimals the wire writes with the precision in the instrument list.

    The wire writes exactly `price_precision` and `qty_precision` decimals (PROTOCOL.md section 4.1). More of them
    means that the precision is wrong and so may be the scale; fewer throughout a snapshot is odd but provable, since
    the checksum is taken over the padded digits (section 4.3). Of an update the first level a side is looked at.
    """

    def __init__(self, spec: PairSpec) -> None:
        self._expected = (spec.price_precision, spec.qty_precision)
        price, qty = self._expected
        self._usual = bool(price and qty)
        self._price_point, self._qty_point = slice(-price - 1, -price or None), slice(-qty - 1, -qty or None)

    def usual(self, levels: list[WireLevel]) -> bool:
        """Whether the first level is written as expected: a quick look that spares updates the long one."""
        if not levels:
            return True
        price, qty = levels[0].price, levels[0].qty
        return (
            self._usual
            and type(price) is str
            and type(qty) is str
            and price[self._price_point] == "."
            and qty[self._qty_point] == "."
        )

    def look(self, sides: Iterable[list[WireLevel]], *, snapshot: bool) -> tuple[str, bool]:
        """Look at the levels of one message.

        Args:
            sides: Bids and asks as written.
            snapshot: A whole book: only that can tell that decimals are missing throughout.

        Returns:
            (complaint or "", whether the scale is in doubt).
        """
        levels = [level for side in sides for level in (side if snapshot else side[:2])]
        for index, (what, name) in enumerate((("prices", "price"), ("quantities", "qty"))):
            expected = self._expected[index]
            seen = _most([getattr(level, name) for level in levels], expected)
            if seen > expected:
                return f"{what} are written with {seen} decimals, the pair has {expected}", True
            if snapshot and seen < expected and len(levels) >= 2 * _FULL_SIDE:
                return f"{what} are written with at most {seen} decimals, the pair has {expected}", False
        return "", False


def _most(values: list[object], expected: int) -> int:
    """Most decimals among some wire numbers; quick where all have the expected number of them."""
    most = 0
    for value in values:
        if type(value) is str and expected and value[-expected - 1 : -expected] == "." and "e" not in value:
            most = max(most, expected)
            continue
        if type(value) is str and not value.lower().partition("e")[0].strip("0."):
            # A removal: zero has no scale, however it is written.
            continue
        try:
            most = max(most, decimals(value))
        except InvalidNumber:
            # The book itself reports the bad number.
            continue
    return most
