"""Faults on request. The venue and the server ask this object before doing the right thing.

Every method may be called from any thread: counters are plain attributes, and whatever must happen on the
venue's own thread is queued and done at its next advance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from kraken_tui.exchange.private_faults import PrivateFaults
from kraken_tui.exchange.reply import Refusal

__all__ = [
    "CloseAll",
    "Command",
    "Faults",
    "Frame",
    "Inject",
    "PairChange",
    "Refusal",
    "ResendSnapshot",
    "SystemStatus",
]

Frame = str | bytes
"""What a websocket carries: text, or for raw injection also bytes."""

_BAD_CHECKSUM = 0x5A5A5A5A


@dataclass(frozen=True, slots=True)
class CloseAll:
    """Close every connection."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Inject:
    """Send a frame as it is to every connection."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """Change and announce the status of the exchange."""

    system: str


@dataclass(frozen=True, slots=True)
class PairChange:
    """Change and announce a pair; None leaves a field as it is."""

    symbol: str
    status: str | None = None
    price_precision: int | None = None
    qty_precision: int | None = None


@dataclass(frozen=True, slots=True)
class ResendSnapshot:
    """Send every book subscriber of a symbol a snapshot that nobody asked for."""

    symbol: str


Command = CloseAll | Inject | SystemStatus | PairChange | ResendSnapshot


class Faults:
    """The switchboard of one exchange.

    Attributes:
        heartbeats: False stops them.
        muted: True sends nothing at all on any connection and keeps the sockets; what would have been sent
            is lost.
        acks: `send`, `hold` (until set back to `send`) or `drop` acknowledgements and refusals.
        rewrite: called with every outgoing frame, returns what goes out instead; None loses the frame. For
            broken numbers, missing fields, unknown keys and whatever else a test can think of.
        message_rate: requests a second allowed on one connection before `Exceeded msg rate`; None for no
            limit.
        refusal: the HTTP answer to give instead of accepting connections; None accepts.
        refusals_left: how many more connections to refuse; None for every one.
        lag_s: seconds by which everything that happens in the markets is told too late. They fall silent while it
            grows; what was held back comes at once when it shrinks.
        idle_timeout_s: seconds without a request after which a connection without subscriptions is closed
            (PROTOCOL.md section 1); None for never.
        private: faults of the private side.
    """

    def __init__(self) -> None:
        self.heartbeats = True
        self.muted = False
        self.acks = "send"
        self.rewrite: Callable[[Frame], Frame | None] | None = None
        self.message_rate: int | None = None
        self.refusal: Refusal | None = None
        self.refusals_left: int | None = None
        self.lag_s = 0.0
        self.idle_timeout_s: float | None = 60.0
        self.private = PrivateFaults()
        self._commands: deque[Command] = deque()
        self._armed: dict[tuple[str, str], tuple[int, int]] = {}
        self._spent: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._held: dict[tuple[str, int], str] = {}
        self._serial = 0
        self._symbols: set[str] = set()

    # --- book messages. Counts apply to each depth of the symbol separately.

    def corrupt_checksum(self, symbol: str, count: int = 1) -> None:
        """Send a wrong checksum in the next `count` book messages, snapshots included."""
        self._arm("checksum", symbol, count)

    def drop_book(self, symbol: str, count: int = 1) -> None:
        """Lose the next `count` book updates."""
        self._arm("drop", symbol, count)

    def duplicate_book(self, symbol: str, count: int = 1) -> None:
        """Send each of the next `count` book updates twice."""
        self._arm("duplicate", symbol, count)

    def swap_book(self, symbol: str, count: int = 1) -> None:
        """Exchange the next `count` pairs of neighbouring book updates."""
        self._arm("swap", symbol, count)

    def withhold_snapshots(self, symbol: str, count: int = 1) -> None:
        """Acknowledge the next `count` book subscriptions but send no snapshot."""
        self._arm("snapshot", symbol, count)

    def resend_snapshot(self, symbol: str) -> None:
        """Send a second snapshot, unasked, to every book subscriber of a symbol."""
        self._commands.append(ResendSnapshot(symbol))

    # --- connections

    def refuse_connections(
        self,
        status: int,
        *,
        retry_after_s: int | None = None,
        body: str = "",
        content_type: str = "text/plain",
        count: int | None = None,
        rest: bool = False,
    ) -> None:
        """Answer the next `count` connections (None: all) with an HTTP status.

        Args:
            status: such as 429, 403 or 503.
            retry_after_s: for the Retry-After header.
            body: text of the answer, such as a page of HTML.
            content_type: its type.
            count: how many.
            rest: whether REST requests are answered so too.
        """
        self.refusals_left = count
        self.refusal = Refusal(status, body, content_type, retry_after_s, rest)

    def accept_connections(self) -> None:
        """Stop refusing connections."""
        self.refusal = None

    def take_refusal(self, *, rest: bool) -> Refusal | None:
        """The answer to give to one new connection, if it is to be refused."""
        refusal = self.refusal
        if refusal is None or (rest and not refusal.rest):
            return None
        if self.refusals_left is not None:
            if self.refusals_left <= 0:
                self.refusal = None
                return None
            self.refusals_left -= 1
        return refusal

    def close_all(self, code: int = 1001, reason: str = "") -> None:
        """Close every connection; code 1006 cuts the TCP connection without a closing frame."""
        self._commands.append(CloseAll(code, reason))

    def inject(self, frame: Frame) -> None:
        """Send arbitrary text or bytes to every connection.

        Args:
            frame: bytes go out as a binary frame; in text, U+DC80 to U+DCFF go out as the bytes 80 to FF,
                which makes a text frame that is not UTF-8.
        """
        self._commands.append(Inject(frame))

    # --- the venue

    def set_system_status(self, system: str) -> None:
        """Announce `online`, `maintenance`, `cancel_only` or `post_only`; the markets act accordingly
        (section 2.1).
        """
        self._commands.append(SystemStatus(system))

    def set_pair_status(self, symbol: str, status: str) -> None:
        """Announce a pair status through `instrument` (section 6); its market acts accordingly."""
        self._commands.append(PairChange(symbol, status=status))

    def set_precision(self, symbol: str, price: int | None = None, qty: int | None = None) -> None:
        """Change a pair's decimals in mid-session, announced through `instrument`; books go on in the new
        digits.
        """
        self._commands.append(PairChange(symbol, price_precision=price, qty_precision=qty))

    # --- for the venue

    def take_commands(self) -> list[Command]:
        """What has been asked for since the last call."""
        taken = []
        while self._commands:
            taken.append(self._commands.popleft())
        return taken

    def checksum(self, symbol: str, depth: int, checksum: int) -> int:
        """The checksum to print on one book message."""
        if symbol in self._symbols and self._spend("checksum", symbol, depth):
            return checksum ^ _BAD_CHECKSUM
        return checksum

    def snapshot_withheld(self, symbol: str, depth: int) -> bool:
        """Whether one snapshot is to be left out."""
        return symbol in self._symbols and self._spend("snapshot", symbol, depth)

    def updates(self, symbol: str, depth: int, frame: str) -> tuple[str, ...]:
        """What to send in place of one book update."""
        if symbol not in self._symbols:
            return (frame,)
        if self._spend("drop", symbol, depth):
            return ()
        held = self._held.pop((symbol, depth), None)
        if held is not None:
            return (frame, held)
        if self._spend("swap", symbol, depth):
            self._held[symbol, depth] = frame
            return ()
        if self._spend("duplicate", symbol, depth):
            return (frame, frame)
        return (frame,)

    def _arm(self, kind: str, symbol: str, count: int) -> None:
        self._serial += 1
        self._armed[kind, symbol] = (self._serial, count)
        self._symbols.add(symbol)

    def _spend(self, kind: str, symbol: str, depth: int) -> bool:
        armed = self._armed.get((kind, symbol))
        if armed is None:
            return False
        serial, left = self._spent.get((kind, symbol, depth), (0, 0))
        if serial != armed[0]:
            serial, left = armed
        if left > 0:
            left -= 1
            self._spent[kind, symbol, depth] = (serial, left)
            return True
        return False
