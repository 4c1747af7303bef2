"""The benchmarks' small terminal and clockwork: a wrong one would make wrong figures."""

from __future__ import annotations

import random
import time

import pyte
import pytest

from benchmarks.cells import Cells
from benchmarks.end_to_end import FRAME_MS, Watcher, between, percentile
from benchmarks.server import MARKER_UNIT, MarkedPair, StreamPair, marked_age_ms, marker_of
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage
from kraken_tui.wire.symbols import PairSpec

OUTPUT = (
    "\x1b[?1049h\x1b[2J\x1b[H\x1b[?2026hfirst row\r\nsecond\x1b[0m\r\n\x1b[5;3H\x1b[38;2;1;2;3mstyled ██▌\x1b[0m"
    "\x1b[1;7HROW\x1b[2;1H12\x1b[38;2;9;9;9m345\x1b[0m\x1b[K\x1b]0;title\x07\x1b[8;18Hend\x1b[?2026l\x1b[5;1Hx"
    "\x1b[7Gy\x1b[2Cz\x1b[1A\x1b[4Dw\x1b[2B\x1b[Gv"
)


def test_cells_show_what_a_terminal_shows_however_the_output_is_cut() -> None:
    data = OUTPUT.encode()
    screen = pyte.Screen(20, 8)
    pyte.ByteStream(screen).feed(data)
    rng = random.Random(3)
    for _ in range(50):
        cells, at, touched = Cells(20, 8), 0, set[int]()
        while at < len(data):
            size = rng.randrange(1, 12)
            touched |= cells.feed(data[at : at + size])
            at += size
        assert cells.rows == screen.display
        assert touched >= {0, 1, 4, 7}


def test_touched_rows_are_those_written() -> None:
    cells = Cells(20, 4)
    cells.feed(b"\x1b[2J")
    assert cells.feed(b"\x1b[3;2Hhere") == {2}
    assert cells.feed(b"\x1b[1m\x1b[H") == set()


@pytest.mark.parametrize(("values", "share", "wanted"), [([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0, 2.0], 0.99, 2.0)])
def test_percentiles_are_values_that_occurred(values: list[float], share: float, wanted: float) -> None:
    assert percentile(values, share) == wanted
    assert percentile([], share) == float("inf")


def test_every_frame_since_the_last_update_counts_with_its_own_age() -> None:
    assert between(10.0, 10.0 + 3 * FRAME_MS) == [10.0, 10.0 + FRAME_MS, 10.0 + 2 * FRAME_MS]
    assert between(10.0, 10.4) == [10.0]


class Pieces:
    """A terminal that gives what it is given, piece by piece."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read(self, _: float) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def test_a_number_that_is_half_written_is_not_read() -> None:
    now = time.monotonic_ns() // 1_000_000
    older, newer = (f"{marker_of(now - age):,}".encode() for age in (900, 20))
    pieces = (
        b"\x1b[2;3H" + older + b"\x1b[0m",
        b"\x1b[2;3H" + newer[:3],
        # In another shade.
        newer[3:4] + b"\x1b[38;2;1;",
        b"2;3m" + newer[4:],
        b"\x1b[0m",
    )
    watcher = Watcher(Pieces(*pieces))  # type: ignore[arg-type]
    shown = []
    for _ in pieces:
        watcher.read(0.0)
        shown.append(watcher.shown)
    assert shown == [int(older[1:].replace(b",", b""))] * 4 + [int(newer[1:].replace(b",", b""))]
    assert max(watcher.frame_ms) < 1000


def test_a_number_older_than_the_one_before_is_not_believed() -> None:
    now = time.monotonic_ns() // 1_000_000
    first, older = (f"{marker_of(now - age):,}".encode() for age in (20, 90_000))
    watcher = Watcher(Pieces(b"\x1b[2;3H" + first + b"\x1b[0m", b"\x1b[2;3H" + older + b"\x1b[0m"))  # type: ignore[arg-type]
    watcher.read(0.0)
    watcher.read(0.0)
    assert (watcher.shown, watcher.frame_ms) == (int(first[1:].replace(b",", b"")), [])


def test_a_marker_tells_its_age_over_the_wrap() -> None:
    sent = 7 * MARKER_UNIT - 5
    fraction = marker_of(sent) % MARKER_UNIT
    assert marked_age_ms(fraction, sent + 12.5) == 12.5


@pytest.mark.parametrize("kind", [StreamPair, MarkedPair])
def test_the_servers_books_prove(kind: type[StreamPair] | type[MarkedPair]) -> None:
    pair = kind("P007/USD", 25, 7)
    book = OrderBook(PairSpec("P007/USD", "P007", "USD", *pair.decimals), 25)
    first = decode(pair.snapshot())
    assert isinstance(first, BookMessage)
    book.load(first.data[0].bids, first.data[0].asks)
    for _ in range(200):
        message = decode(pair.update())
        assert isinstance(message, BookMessage)
        change = message.data[0]
        book.apply(change.bids, change.asks)
        assert (change.symbol, book.checksum()) == ("P007/USD", change.checksum)


def test_prepared_updates_follow_the_snapshot_and_a_later_snapshot_follows_them() -> None:
    pair = StreamPair("P007/USD", 25, 7)
    pair.prepare(20)
    for taken in (15, 30):
        book = OrderBook(PairSpec("P007/USD", "P007", "USD", *pair.decimals), 25)
        for frame in (pair.snapshot(), *(pair.update() for _ in range(taken))):
            message = decode(frame)
            assert isinstance(message, BookMessage)
            change = message.data[0]
            (book.load if message.type == "snapshot" else book.apply)(change.bids, change.asks)
            assert book.checksum() == change.checksum
