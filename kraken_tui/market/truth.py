"""What the feed knows of a pair's book, as a market reads it: state, proof and counts have their one owner there."""

from __future__ import annotations

from typing import Protocol

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookState, Proof


class BookTruth(Protocol):
    """One pair's book and what proves it; read again each time, since all of it changes.

    Attributes:
        book: The levels; a snapshot brings a new object.
        depth: Levels a side, as granted or asked for.
        state, proof, reason: State of the book, and why it is not VERIFIED.
        checks_ok, checks_failed: Checksums compared.
        resyncs: Times the book was fetched again after a failure.
        audited_ns: Wall clock of the last audit that found all levels right; None since the book was loaded or failed.
        trade_gaps: Trades that never came, by their numbers.
        witness: What the second witness says; "" without one.
    """

    @property
    def book(self) -> OrderBook: ...
    @property
    def depth(self) -> int: ...
    @property
    def state(self) -> BookState: ...
    @property
    def proof(self) -> Proof: ...
    @property
    def reason(self) -> str: ...
    @property
    def checks_ok(self) -> int: ...
    @property
    def checks_failed(self) -> int: ...
    @property
    def resyncs(self) -> int: ...
    @property
    def audited_ns(self) -> int | None: ...
    @property
    def trade_gaps(self) -> int: ...
    @property
    def witness(self) -> str: ...


class NothingKnown:
    """The truth of a pair that the feed does not keep yet.

    Args:
        depth: Levels a side that will be asked for.
    """

    book = None
    state = BookState.WAIT_ACK
    proof = Proof.CHECKING
    reason = "waiting for the subscription"
    checks_ok = checks_failed = resyncs = trade_gaps = 0
    audited_ns: int | None = None
    witness = ""

    def __init__(self, depth: int) -> None:
        self.depth = depth
