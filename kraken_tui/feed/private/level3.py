"""The level 3 connection: one book of single orders for each wanted pair, each proven and repaired by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kraken_tui.feed.connection.table import Trigger
from kraken_tui.feed.limits import ns
from kraken_tui.feed.private.session import Pace, PrivateSession
from kraken_tui.market.book.l3 import L3Book
from kraken_tui.market.book.l3_views import Level3Changed
from kraken_tui.units import SECOND
from kraken_tui.wire.level3 import Level3Data, Level3Message
from kraken_tui.wire.messages import HeartbeatMessage, Kind, Refusal, SubscribeAck
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import PrivateMessage
from kraken_tui.wire.private_requests import subscribe_level3, unsubscribe_level3
from kraken_tui.wire.refusals import Course, refusal
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.words import counted

MOST_SYMBOLS = 200
"""Pairs of one connection (PRIVATE.md section 2.1)."""

COST = {10: 5, 100: 25, 1000: 100}
"""What the subscription of one pair costs, by depth."""

COST_LIMIT, COST_WINDOW_NS = 200, round(1.2 * SECOND)
"""So much a second; the window is wider, since requests do not arrive as evenly as they leave."""

REPAIR_FIRST_S, REPAIR_CAP_S = 0.5, 8.0
"""Waits before a book is subscribed again double from the first to the second figure."""

REPAIRS, REST_S = 5, 60.0
"""After so many repairs in a row the next ones are so far apart."""

NAME = "level 3"


class L3State(StrEnum):
    """Where one book stands between subscribe and live."""

    IDLE = "IDLE"
    """Not subscribed; it will be, unless it waits for the pair's precisions or its turn."""
    WAIT_ACK = "WAIT_ACK"
    WAIT_SNAPSHOT = "WAIT_SNAPSHOT"
    LIVE = "LIVE"
    REFUSED = "REFUSED"


@dataclass(slots=True)
class Level3Pair:
    """One wanted pair.

    Attributes:
        state: See `L3State`.
        book: None until the pair's precisions are known.
        reason: Why there is no proven book; "" where there is one.
        due: When the state has lasted too long, or what is planned is to be done; monotonic ns.
        repairs: Repairs since it was last proven for a while.
        resyncs: The same since the start.
        proven_since: Monotonic ns; None while it is not.
        venue_ns, timestamp: The exchange's time of the last message, and its text.
        checksum: The exchange's last.
    """

    symbol: str
    state: L3State = L3State.IDLE
    book: L3Book | None = None
    reason: str = "not subscribed yet"
    due: int = 0
    repairs: int = 0
    resyncs: int = 0
    proven_since: int | None = None
    venue_ns: int | None = None
    timestamp: str | None = None
    checksum: int | None = None

    @property
    def verified(self) -> bool:
        """Whether places in its queues may be shown."""
        return self.state is L3State.LIVE and self.book is not None and self.book.verified


class Level3Session(PrivateSession):
    """The connection.

    Args:
        spec_of: Precisions by symbol, from the public feed; None while they are not known.
        depth: Price levels a side, one of `COST`.
        **options: See `PrivateSession`.

    Attributes:
        pairs: Every wanted pair by symbol.
        depth: As given.
    """

    def __init__(self, spec_of: Callable[[str], PairSpec | None], depth: int = 10, **options: Any) -> None:
        super().__init__(NAME, **options)
        self._spec_of = spec_of
        self.depth = depth
        self.pairs: dict[str, Level3Pair] = {}
        self._pace = Pace(COST_LIMIT, COST_WINDOW_NS)

    # -- what is wanted -----------------------------------------------------------------------------------------

    def want(self, symbols: Iterable[str], now: int, wall_ns: int) -> None:
        """Want exactly these pairs, the first of them first; returns at once."""
        self._clock(now, wall_ns)
        wanted = list(dict.fromkeys(symbols))
        for symbol in [each for each in self.pairs if each not in wanted]:
            self._leave(self.pairs.pop(symbol))
        pairs = {symbol: self.pairs.get(symbol) or Level3Pair(symbol) for symbol in wanted}
        self.pairs.clear()
        self.pairs.update(pairs)
        if self.up:
            self._pass()
            self._settle()

    def wanted(self) -> bool:
        """See `PrivateSession.wanted`; nothing can be asked for before the precisions of a pair are known."""
        return any(self._spec_of(symbol) is not None for symbol in self.pairs)

    def view_reason(self, pair: Level3Pair) -> str:
        """Why a pair's book is not proven, one short clause; "" where it is."""
        if pair.verified:
            return ""
        if self.stopped or not self.up:
            return self.stopped or self.cause
        return pair.reason or (pair.book.reason if pair.book is not None else "") or "waiting for the snapshot"

    # -- the life of the connection: see `PrivateSession` ---------------------------------------------------------

    @property
    def _confirmed(self) -> int:
        return sum(pair.state in (L3State.WAIT_SNAPSHOT, L3State.LIVE) for pair in self.pairs.values())

    @property
    def _awaiting(self) -> bool:
        return any(pair.state is L3State.WAIT_ACK for pair in self.pairs.values())

    def _begin(self) -> None:
        for pair in self.pairs.values():
            if pair.state is L3State.REFUSED:
                pair.state = L3State.IDLE
            if pair.state is L3State.IDLE:
                pair.due = self._now
        self._pass()

    def _ask_again(self) -> None:
        for pair in self.pairs.values():
            if pair.state is L3State.WAIT_ACK:
                pair.state, pair.due = L3State.IDLE, self._now

    def _unprove(self, cause: str) -> None:
        for pair in self.pairs.values():
            if pair.book is not None:
                pair.book.lose(cause)
            pair.state, pair.reason, pair.due, pair.proven_since = L3State.IDLE, cause, self._now, None

    def _standing(self) -> tuple[Trigger, str]:
        pairs = self.pairs.values()
        refused = [pair.symbol for pair in pairs if pair.state is L3State.REFUSED]
        repaired = [pair for pair in pairs if pair.repairs and not pair.verified]
        pending = [pair for pair in pairs if not pair.verified and pair.state is not L3State.REFUSED]
        if self.watchdog.quiet:
            return Trigger.DEGRADE, self.watchdog.complaint() or "late"
        if repaired:
            return Trigger.RESYNC, f"{repaired[0].symbol}: {repaired[0].reason}"
        if pending:
            return Trigger.PENDING, f"{pending[0].symbol}: {pending[0].reason or 'waiting for the snapshot'}"
        if refused:
            return Trigger.DEGRADE, f"{refused[0]} refused"
        return Trigger.CONFIRMED, "all books proven"

    def _due(self) -> int | None:
        dues = [pair.due for pair in self.pairs.values() if pair.due > self._now]
        room = self._pace.next_room()
        return min([*dues, *([] if room is None else [room])], default=None)

    def _pass(self) -> None:
        for pair in list(self.pairs.values()):
            if pair.proven_since is not None and self._now - pair.proven_since >= ns(self.limits.stable_s):
                pair.repairs = 0
            if pair.book is not None and self._outdated(pair.book):
                pair.book = None
                self._repair(pair, "its precisions changed")
            elif self._now < pair.due:
                continue
            elif pair.state is L3State.WAIT_ACK:
                self._repair(pair, "no answer to the subscription")
            elif pair.state is L3State.WAIT_SNAPSHOT:
                self._repair(pair, "no snapshot came")
        self._subscribe()

    def _outdated(self, book: L3Book) -> bool:
        spec = self._spec_of(book.spec.symbol)
        before = book.spec
        return spec is not None and (spec.price_precision, spec.qty_precision) != (
            before.price_precision,
            before.qty_precision,
        )

    def _subscribe(self) -> None:
        """Ask for what is due, as far as the exchange's cost allows."""
        token = self.auth.token
        if token is None:
            return
        standing = sum(pair.state not in (L3State.IDLE, L3State.REFUSED) for pair in self.pairs.values())
        room, cost = self._pace.room(self._now), COST[self.depth]
        asked: list[str] = []
        for pair in self.pairs.values():
            if pair.state is not L3State.IDLE or self._now < pair.due:
                continue
            spec = self._spec_of(pair.symbol)
            if spec is None:
                pair.reason = "the pair's precisions are not known yet"
                continue
            if standing >= MOST_SYMBOLS:
                pair.reason = f"one connection carries at most {counted(MOST_SYMBOLS, 'pair')} of level 3"
                continue
            if room < cost:
                pair.reason = "waiting for its turn to subscribe"
                break
            if pair.book is None:
                pair.book = L3Book(spec, self.depth)
            room, standing = room - cost, standing + 1
            asked.append(pair.symbol)
            pair.state, pair.due = L3State.WAIT_ACK, self._now + ns(self.limits.ack_s)
            pair.reason = pair.reason if pair.repairs else "waiting for the snapshot"
        if asked:
            self._pace.spend(cost * len(asked), self._now)
            self._sends.append(subscribe_level3(asked, self.depth, token, req_id=self.next_req_id()))

    def _leave(self, pair: Level3Pair) -> None:
        token = self.auth.token
        if pair.state not in (L3State.IDLE, L3State.REFUSED) and token is not None and self.up:
            text = unsubscribe_level3([pair.symbol], self.depth, token, req_id=self.next_req_id())
            self._sends.append(text)

    def _repair(self, pair: Level3Pair, reason: str) -> None:
        """Fetch a book again: unsubscribe now, subscribe once after a wait that doubles."""
        self._leave(pair)
        resting = pair.repairs >= REPAIRS
        wait_s = REST_S if resting else min(REPAIR_CAP_S, REPAIR_FIRST_S * 2.0**pair.repairs)
        pair.repairs += 1
        pair.resyncs += 1
        pair.proven_since = None
        if pair.book is not None:
            pair.book.lose(reason)
        pair.state, pair.reason, pair.due = L3State.IDLE, reason, self._now + ns(wait_s)
        self._say(f"level 3 of {pair.symbol}: {reason}; fetched again in {wait_s:g} s", kind=f"repair {pair.symbol}")

    # -- what comes -----------------------------------------------------------------------------------------------

    def _acknowledged(self, ack: SubscribeAck) -> None:
        pair = self.pairs.get(ack.symbol or "")
        if ack.method != "subscribe" or ack.channel != "level3" or pair is None:
            return
        if pair.state is L3State.WAIT_ACK:
            # An acknowledgement promises nothing: the snapshot has a limit of its own.
            pair.state, pair.due = L3State.WAIT_SNAPSHOT, self._now + ns(self.limits.snapshot_s)

    def _refused(self, refusal_: Refusal) -> None:
        self.counts["refusals"] += 1
        found = refusal(refusal_.error)
        if refusal_.method == "unsubscribe":
            # What was to end has ended; if not, the next subscription says so.
            return
        waiting = [pair for pair in self.pairs.values() if pair.state is L3State.WAIT_ACK]
        named = [pair for pair in waiting if pair.symbol == refusal_.symbol]
        for pair in named or (waiting if refusal_.symbol is None else []):
            if "already subscribed" in refusal_.error.lower():
                self._repair(pair, "it was subscribed still")
            elif found.course is Course.LATER:
                pair.state, pair.reason, pair.due = L3State.IDLE, found.text, self._now + 5 * SECOND
            else:
                pair.state, pair.reason = L3State.REFUSED, found.sentence
                self._say(f"level 3 of {pair.symbol}: {found.sentence}", level="error")

    def _take(self, message: PrivateMessage) -> None:
        if isinstance(message, Level3Message):
            for data in message.data:
                self._book(message.type, data)
        elif not isinstance(message, HeartbeatMessage | Answer):
            self.counts["frames of other kinds"] += 1

    def _book(self, kind: Kind, data: Level3Data) -> None:
        pair = self.pairs.get(data.symbol)
        book = None if pair is None else pair.book
        if pair is None or book is None or pair.state in (L3State.IDLE, L3State.REFUSED):
            self.counts["books nobody waits for"] += 1
            return
        if kind == "snapshot":
            pair.state = L3State.LIVE
        changed = book.take(kind, data, self._wall)
        if changed.venue_ns is not None:
            pair.venue_ns = changed.venue_ns
        pair.timestamp, pair.checksum = changed.timestamp, changed.checksum
        self._events.append(changed)
        if pair.state is L3State.LIVE:
            self._judge(pair, changed)

    def _judge(self, pair: Level3Pair, changed: Level3Changed) -> None:
        if changed.verified:
            pair.reason = ""
            if pair.proven_since is None:
                pair.proven_since = self._now
        elif changed.matched is None and not changed.dropped and "checksum" in changed.reason:
            # Without a checksum there is nothing to repair: it is only not proven.
            pair.reason, pair.proven_since = changed.reason, None
        elif not changed.dropped:
            self._repair(pair, changed.reason)
