"""The compiled core: what it takes, what it leaves to Python, and that nobody can tell which of them it was.

`python -m tests.rig.core` compares far more frames than this.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui import core
from kraken_tui.feed.proof.book_history import BookHistory
from kraken_tui.feed.session import Session
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookState, Side
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec
from tests.rig import core as rig
from tests.rig.clock import SECOND, VENUE_START
from tests.rig.fuzz import mutated
from tests.rig.scripted import ScriptedVenue

pytestmark = pytest.mark.skipif(core.update is None, reason="there is no compiled core here")

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
GRANTED = {"BTC/USD"}
BID = '{"price":100.5,"qty":0.00000007}'


def twins(depth: int = 10, seed: int = 1, precisions: tuple[int, int] = (1, 8)) -> rig.Twins:
    return rig.Twins(Random(seed), depth, precisions)


def declined(frame: bytes | str) -> bool:
    """Whether the core leaves a frame to Python; both paths must then agree on it as well."""
    pair = twins()
    taken = pair.take(frame)
    pair.compare()
    return not taken


def usual(bids: str = BID, asks: str = "", checksum: str = "5", stamp: str = rig.STAMP) -> str:
    return rig.frame_of(bids, asks, checksum, stamp)


def test_the_usual_update_is_taken_as_bytes_and_as_text() -> None:
    assert not declined(usual())
    assert not declined(usual().encode())
    assert not declined(usual(BID, BID))
    assert not declined(usual("", ""))


def test_what_the_core_returns() -> None:
    assert core.update is not None
    lane = core.new_lane()
    assert lane is not None
    book = OrderBook(SPEC, 2)
    book.load([WireLevel("100.5", "1.00000000"), WireLevel("99.0", "0.00000005")], [WireLevel("101.0", "2.00000000")])
    book.share(lane)
    lane.open = True
    gone = '{"price":99.0,"qty":0.00000000},{"price":98.0,"qty":0.00000000}'
    found = core.update(usual(f"{BID},{gone}", "", "7", "2023-10-06T17:35:55.440295Z"), {"BTC/USD": lane}, GRANTED)
    changes = ((Side.BUY, 1005, 10**8, 7), (Side.BUY, 990, 5, 0), (Side.BUY, 980, 0, 0))
    stamp = ("2023-10-06T17:35:55.440295Z", 1_696_613_755_440_295_000)
    assert found == ("BTC/USD", changes, 7, book.checksum(), *stamp)
    assert (book.bids.top(), book.asks.top()) == (((1005, 7),), ((1010, 2 * 10**8),))


@pytest.mark.parametrize("number", rig.NUMBERS)
def test_numbers_of_another_form_are_left_to_python(number: str) -> None:
    assert declined(usual(f'{{"price":{number},"qty":0.00000007}}')) is (number not in ("-",) and not _plain(number, 1))
    assert declined(usual("", f'{BID},{{"price":100.5,"qty":{number}}}')) is not _plain(number, 8)


def _plain(number: str, decimals: int) -> bool:
    """Whether a number has exactly so many decimals, no more than 18 digits, and is no price of zero."""
    whole, _, fraction = number.partition(".")
    plain = (whole + fraction).isdigit() and number[0].isdigit() and (whole == "0" or whole[0] != "0")
    zero_price = decimals == 1 and not (whole + fraction).strip("0")
    return plain and len(fraction) == decimals and len(whole + fraction) <= 18 and not zero_price


@pytest.mark.parametrize("stamp", rig.STAMPS)
def test_timestamps_are_read_alike(stamp: str) -> None:
    declined(usual(stamp=stamp))


@pytest.mark.parametrize("checksum", rig.CHECKSUMS)
def test_checksums_are_read_alike(checksum: str) -> None:
    assert declined(usual(checksum=checksum)) is (checksum not in ("4294967295", "0"))


@pytest.mark.parametrize(
    "frame",
    [
        usual().replace(",", ", "), usual() + "\n", " " + usual(), usual().replace("BTC/USD", "BTC\\/USD"),
        usual().replace("BTC/USD", "XRP/USD"), usual().replace('"update"', '"snapshot"'), usual()[:-1], "", b"\xff",
        usual().replace('"bids"', '"b"'), usual().replace('"asks":[],', ""), usual(",".join([BID] * 101)),
        usual(f"{BID},"), usual(f"{BID}{BID}"), usual()[: usual().index(',"timestamp"')] + "}]}", usual() + "\0",
        usual().replace("]}", '],"more":1}'), usual("\ud800"), '{"channel":"heartbeat"}',
    ],
)  # fmt: skip
def test_everything_else_is_left_to_python(frame: bytes | str) -> None:
    assert declined(frame)


def test_a_lane_is_closed_until_it_is_opened_and_follows_the_book_it_was_given_last() -> None:
    assert core.update is not None
    lane = core.new_lane()
    assert lane is not None
    first, second = OrderBook(SPEC, 10), OrderBook(SPEC, 10)
    lane.open = True
    assert core.update(usual(), {"BTC/USD": lane}, GRANTED) is None  # of no book yet
    lane.open = False
    first.share(lane)
    assert core.update(usual(), {"BTC/USD": lane}, GRANTED) is None
    lane.open = True
    assert core.update(usual(), {}, GRANTED) is None
    assert core.update(usual(), {"BTC/USD": lane}, set()) is None
    assert core.update(usual(), {"BTC/USD": lane}, GRANTED) is not None
    second.share(lane)
    second.load([], [WireLevel("1.0", "1.00000000")])
    found = core.update(usual(""), {"BTC/USD": lane}, GRANTED)
    assert found is not None
    assert found[3] == second.checksum() != first.checksum()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (b"",),
        (b"", {}),
        (b"", {}, 1),
        (b"", [], {}),
        (b"", None, {}),
        (usual(), {"BTC/USD": 5}, GRANTED),
        (5, {}, {}),
    ],
)
def test_no_argument_makes_it_crash(arguments: tuple[Any, ...]) -> None:
    call: Any = core.update
    with contextlib.suppress(TypeError):
        assert call(*arguments) is None


@pytest.mark.parametrize("broken", ["_keys", "_levels", "_digits", "_stale", "_total"])
def test_lists_that_were_tampered_with_are_an_exception_and_no_crash(broken: str) -> None:
    assert core.update is not None
    for junk in ([], [None], ["x", 5, object()]):
        lane = core.new_lane()
        assert lane is not None
        book = OrderBook(SPEC, 10)
        book.load([WireLevel(f"{n}.5", "1.00000000") for n in range(90, 105)], [])
        book.share(lane)
        lane.open = True
        getattr(book.bids, broken)[:] = junk
        for _ in range(3):
            for bids in (BID, '{"price":95.5,"qty":0.00000000}', '{"price":1.5,"qty":1.00000000}'):
                with contextlib.suppress(TypeError, IndexError):
                    core.update(usual(bids), {"BTC/USD": lane}, GRANTED)
        with pytest.raises((TypeError, AttributeError)):
            lane.follow(object(), object(), 1, 8, 10)


@pytest.mark.parametrize("precisions", rig.PRECISIONS)
@pytest.mark.parametrize("depth", [10, 1000])
def test_both_paths_keep_the_same_books(depth: int, precisions: tuple[int, int]) -> None:
    pair = twins(depth, depth, precisions)
    for _ in range(700):
        pair.step()
    pair.compare()
    assert (pair.counts["core"] > 350) is (18 not in precisions)


TOKENS = [
    '{"price":', '"qty":', "1.5", "0.00000000", "100.5", "0.00000007", ",", "]", "}", '"bids":[', '"asks":[', "e5",
    '"checksum":', '"timestamp":"', rig.STAMP, '"', " ", "\\", "9" * 19, "-", "\x00", BID,
]  # fmt: skip


@settings(max_examples=300)
@given(st.data())
def test_any_text_in_place_of_a_part_gives_the_same(data: st.DataObject) -> None:
    frame = usual(f"{BID},{BID}", BID)
    at = data.draw(st.integers(0, len(frame)))
    to = data.draw(st.integers(at, min(len(frame), at + 30)))
    insert = "".join(data.draw(st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=4)))
    pair = twins()
    pair.take((frame[:at] + insert + frame[to:]).encode("utf-8", "surrogatepass"))
    pair.take(frame)
    pair.compare()


LOTS = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 10**17))


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.lists(st.tuples(st.integers(1, 60), LOTS), max_size=6)), max_size=12))
def test_any_updates_give_the_same_books(messages: list[tuple[bool, list[tuple[int, int]]]]) -> None:
    pair = twins(10)
    for is_bid, levels in messages:
        text = ",".join(f'{{"price":{t // 10}.{t % 10},"qty":{q // 10**8}.{q % 10**8:08d}}}' for t, q in levels)
        assert pair.take(usual(text, "") if is_bid else usual("", text))
        pair.compare()


@pytest.mark.realtime
@pytest.mark.parametrize(("value", "name"), [("1", "pure Python"), ("", "compiled core"), ("0", "compiled core")])
def test_a_variable_switches_it_off(value: str, name: str) -> None:
    environment = {**os.environ, core.VARIABLE: value}
    command = [sys.executable, "-m", "kraken_tui", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.endswith(f", {name}\n")


# -- whole sessions -----------------------------------------------------------------------------------------------


class TwoSessions:
    """A session with the core and one without: the same frames, clocks and wishes for both."""

    SYMBOLS = ("BTC/USD", "ETH/USD")

    def __init__(self, seed: int, **options: Any) -> None:
        self.rng, self.venue = Random(seed), ScriptedVenue(seed=seed)
        self.both = [Session(depth=10, rng=Random(seed), **options) for _ in range(2)]
        self.compiled, self.pure = self.both
        self.pure._dispatch._offer = None
        self.taken = 0
        self._update = self.compiled._dispatch._lane._update
        self.compiled._dispatch._lane._update = self._watched
        self.now = 10**12
        for symbol in self.SYMBOLS:
            self.all("want", symbol, self.now, self.wall)

    def _watched(self, frame: bytes | str, lanes: Any, granted: Any) -> Any:
        assert self._update is not None
        found = self._update(frame, lanes, granted)
        if found is not None:
            # Whatever opened the lane, the frame must have been one that Python would have applied.
            self.taken += 1
            assert self.pure.policy.expects("book", found[0])
            assert self.pure.stitchers[found[0]].steady
        return found

    @property
    def wall(self) -> int:
        return VENUE_START + self.now - 10**12

    def all(self, name: str, *arguments: Any, **named: Any) -> None:
        for session in self.both:
            getattr(session, name)(*arguments, **named)
        self.same()

    def frame(self, data: bytes | str) -> None:
        self.now += self.rng.randrange(1, SECOND // 20)
        self.venue.wall = self.wall
        self.all("frame", data, self.now, self.wall)

    def same(self) -> None:
        mine, true = self.both
        assert mine.take_events() == true.take_events()
        assert mine.state is true.state
        assert (mine.counters.frames, mine.counters.applied) == (true.counters.frames, true.counters.applied)
        assert mine.counters.ignored == true.counters.ignored
        assert mine.counters.rejected == true.counters.rejected
        assert (mine.census.unknown, mine.census._seen) == (true.census.unknown, true.census._seen)
        for symbol, its in mine.stitchers.items():
            other = true.stitchers[symbol]
            assert its.counters == other.counters
            assert (its.state, its.proof, its.reason) == (other.state, other.proof, other.reason)
            assert its.venue_ns == other.venue_ns
            assert [*its.book.bids, *its.book.asks] == [*other.book.bids, *other.book.asks]
            assert (its.history is None) is (other.history is None)
            if its.history is not None and other.history is not None:
                assert its.history._messages == other.history._messages

    def serve(self) -> None:
        """Dial where that is due, and answer what is asked."""
        self.all("tick", self.now, self.wall)
        if self.pure.wants_dial(self.now):
            self.venue.subscribed.clear()
            self.all("dialling", self.now, self.wall)
            self.all("opened", self.now, self.wall)
            self.frame(self.venue.welcome())
        for _ in range(20):
            sends = [session.take_sends() for session in self.both]
            assert sends[0] == sends[1]
            answers = [answer for text in sends[1] for answer in self.venue.answer(text)]
            if not answers:
                return
            for answer in answers:
                self.frame(answer)
                if self.rng.random() < 0.3:
                    self.update()

    def update(self) -> None:
        symbols = [symbol for channel, symbol in self.venue.subscribed if channel == "book" and symbol]
        if symbols:
            self.frame(self.venue.book_update(self.rng.choice(symbols)))

    def trouble(self) -> None:
        rng, venue = self.rng, self.venue
        symbol, now, wall = rng.choice(self.SYMBOLS), self.now, self.wall
        kind = rng.randrange(11)
        if kind == 0:
            venue.wrong_checksums[symbol] = rng.choice((1, 1, 5))
        elif kind == 1 and symbol in venue.books:
            venue.book_update(symbol)  # lost on the way
        elif kind == 2:
            self.all("set_depth", rng.choice((10, 25)), now, wall)
        elif kind == 3:
            self.all("unwant", symbol, now, wall)
        elif kind == 4:
            self.all("want", symbol, now, wall)
        elif kind == 5:
            self.all("disconnected", "lost", now, wall)
        elif kind == 6 and symbol in venue.books:
            self.frame(mutated(venue.book_update(symbol).encode(), rng))
        elif kind == 7:
            for session in self.both:
                for pair in session.pairs.values():
                    if pair.state is BookState.LIVE:
                        pair.stitcher.history = BookHistory(pair.book, pair.stitcher.venue_ns)
        elif kind == 8:
            self.all("interrupted", "a gap", now, wall)
        elif kind == 9 and symbol in venue.books:
            self.frame(venue.book_update(symbol).replace(',"checksum"', ',"more":1,"checksum"'))
        elif kind == 10:
            self.frame(venue.ticker(symbol))


@pytest.mark.parametrize("seed", range(25))
def test_a_session_is_the_same_with_the_core_and_without(seed: int) -> None:
    two = TwoSessions(seed, replay=False)
    for _ in range(60):
        two.now += two.rng.choice((SECOND // 10, SECOND, 6 * SECOND))
        two.serve()
        for _ in range(two.rng.randrange(25)):
            two.update()
        if two.rng.random() < 0.5:
            two.trouble()
    assert two.taken > 50
