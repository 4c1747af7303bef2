"""The book against a slow reference and the documented examples; recordings: tests/captures."""

import time
import tracemalloc
from collections.abc import Iterable
from decimal import Decimal
from random import Random
from unittest import mock
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.errors import InvalidNumber
from kraken_tui.market.book import l2 as module
from kraken_tui.market.book.l2 import BookSide, OrderBook
from kraken_tui.market.events import Side
from kraken_tui.settings import DEPTHS
from kraken_tui.wire.digits import from_units, to_units
from kraken_tui.wire.messages import BookData, WireLevel
from kraken_tui.wire.symbols import PairSpec
from tests.reference import vectors
from tests.reference.vectors import BTC_USD, MATIC_USD, without_trailing_zeros

SPEC = PairSpec("BTC/USD", "BTC", "USD", price_precision=1, qty_precision=8)


class SlowBook:
    """Section 4.2 word for word, in Decimal text and plain dicts; shares no code with the real one."""

    def __init__(self, price_precision: int, qty_precision: int, depth: int) -> None:
        self.quantum = Decimal(1).scaleb(-price_precision), Decimal(1).scaleb(-qty_precision)
        self.depth = depth
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}

    def load(self, **sides: list[WireLevel]) -> None:
        self.sides = {"bids": {}, "asks": {}}
        self.apply(**sides)

    def apply(self, **sides: list[WireLevel]) -> None:
        for name, levels in sides.items():
            for level in levels:
                price, qty = Decimal(str(level.price)), Decimal(str(level.qty))
                if qty == 0:
                    self.sides[name].pop(price, None)
                else:
                    self.sides[name][price] = qty
            self.sides[name] = dict(self.sorted(name)[: self.depth])

    def sorted(self, name: str) -> list[tuple[Decimal, Decimal]]:
        return sorted(self.sides[name].items(), reverse=name == "bids")

    def checksum(self) -> int:
        text = ""
        for name in ("asks", "bids"):
            for level in self.sorted(name)[:10]:
                for number, quantum in zip(level, self.quantum, strict=True):
                    text += f"{number.quantize(quantum):f}".replace(".", "").lstrip("0")
        register = 0xFFFFFFFF
        for byte in text.encode():
            register ^= byte
            for _ in range(8):
                register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
        return register ^ 0xFFFFFFFF

    def units(self, name: str) -> list[tuple[int, int]]:
        return [(int(p / self.quantum[0]), int(q / self.quantum[1])) for p, q in self.sorted(name)]


def feed_message(book: OrderBook, kind: str, data: BookData) -> None:
    if kind == "snapshot":
        book.load(data.bids, data.asks)
    else:
        book.apply(data.bids, data.asks)


class TestDocumented:
    def test_btc_usd(self) -> None:
        book = OrderBook(SPEC, 10)
        book.load(wire(vectors.levels(BTC_USD["bids"])), wire(vectors.levels(BTC_USD["asks"])))
        assert book.checksum() == BTC_USD["checksum"]

    def test_matic_usd(self) -> None:
        spec = PairSpec("MATIC/USD", "MATIC", "USD", MATIC_USD["price_precision"], MATIC_USD["qty_precision"])
        book = OrderBook(spec, 10)
        # As printed: the numbers lost their trailing zeros.
        book.load(*(wire(without_trailing_zeros(MATIC_USD[name])) for name in ("bids", "asks")))
        assert book.checksum() == MATIC_USD["checksum"]
        changes = book.apply(wire(without_trailing_zeros(MATIC_USD["update"])), [])
        assert changes == ((Side.BUY, 5657, 60_670_854_372, 109_839_475_580),)
        assert book.checksum() == MATIC_USD["checksum_after"]


def wire(levels: Iterable[Iterable[str]]) -> list[WireLevel]:
    return [WireLevel(price, qty) for price, qty in levels]


def level(ticks: int, lots: int) -> WireLevel:
    return WireLevel(from_units(ticks, 1), from_units(lots, 8))


# Few prices, so that messages hit the same ones, remove unknown ones and refill.
ENTRY = st.builds(level, st.integers(1, 40), st.one_of(st.just(0), st.integers(1, 10**12)))
ENTRIES = st.lists(ENTRY, max_size=12)


# Also as if every message were a long one.
MANY = pytest.mark.parametrize("many", [module._MANY, 1])


@MANY
@given(
    bids=ENTRIES,
    asks=ENTRIES,
    messages=st.lists(st.tuples(st.booleans(), ENTRIES, ENTRIES), max_size=8),
    depth=st.sampled_from([1, 3, *DEPTHS]),
)
def test_random_messages_against_the_slow_book(
    many: int,
    bids: list[WireLevel],
    asks: list[WireLevel],
    messages: list[tuple[bool, list[WireLevel], list[WireLevel]]],
    depth: int,
) -> None:
    book, slow = OrderBook(SPEC, depth), SlowBook(1, 8, depth)
    twin = OrderBook(SPEC, depth)
    for snapshot, bid_entries, ask_entries in [(True, bids, asks), *messages]:
        with mock.patch.object(module, "_MANY", many):
            changes = book.load(bid_entries, ask_entries) if snapshot else book.apply(bid_entries, ask_entries)
        assert changes == (twin.load if snapshot else twin.apply)(bid_entries, ask_entries)
        if snapshot:
            slow.load(bids=bid_entries, asks=ask_entries)
        else:
            slow.apply(bids=bid_entries, asks=ask_entries)
        assert list(book.bids) == slow.units("bids")
        assert list(book.asks) == slow.units("asks")
        assert book.checksum() == slow.checksum()
        for side in (book.bids, book.asks):
            assert len(side._keys) == len(side._levels)
            assert side.total == sum(lots for _, lots in side)
            assert side.best() == next(iter(side), None)
            assert all(side.lots_at(ticks) == lots for ticks, lots in side)


@pytest.mark.parametrize("order", ["best first", "worst first", "as it comes"])
def test_a_long_message_takes_time_in_proportion(order: str) -> None:
    """In the worst order, 100,000 levels took 6.4 s; the bound leaves room for a busy machine."""
    entries = [level(ticks, 1 + ticks % 7) for ticks in range(1, 100_001)]
    if order == "best first":
        entries.reverse()
    elif order == "as it comes":
        Random(1).shuffle(entries)
    book = OrderBook(SPEC, 10)
    began = time.process_time()
    changes = book.apply(entries, [])
    assert time.process_time() - began < 2
    assert len(changes) == 100_000
    assert book.bids.top() == tuple((ticks, 1 + ticks % 7) for ticks in range(100_000, 99_990, -1))


@MANY
@pytest.mark.parametrize(
    "bad", [WireLevel("x", "1"), WireLevel("0.0", "1"), WireLevel("1.0", "-1"), WireLevel(None, 1)]
)
def test_a_bad_number_is_refused_in_a_message_of_any_length(many: int, bad: WireLevel) -> None:
    book = OrderBook(SPEC, 10)
    with mock.patch.object(module, "_MANY", many), pytest.raises(InvalidNumber):
        book.apply([level(10, 1), bad], [])


@given(st.sampled_from(Side), st.lists(st.tuples(st.integers(1, 30), st.integers(0, 9))))
def test_levels_put_one_by_one_against_a_dict(name: Side, levels: list[tuple[int, int]]) -> None:
    side, slow = BookSide(name), dict[int, int]()
    for ticks, lots in levels:
        assert side.put(ticks, lots) == slow.pop(ticks, 0)
        if lots:
            slow[ticks] = lots
        best_first = sorted(slow.items(), reverse=name is Side.BUY)
        assert list(side) == best_first
        assert side.checksum_digits() == "".join(f"{t}{q}" for t, q in best_first[:10]).encode()
    assert [side.lots_at(ticks) for ticks in range(32)] == [slow.get(ticks, 0) for ticks in range(32)]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 3), st.booleans()), max_size=60))
def test_digits_and_total_are_those_of_the_levels_however_they_came(steps: list[tuple[bool, int, int, bool]]) -> None:
    book = OrderBook(PairSpec("BTC/USD", "BTC", "USD", 1, 1), 25)
    for directly, ticks, lots, looked_at in steps:
        if directly:
            book.asks.put(ticks, lots)
            book.asks.truncate(25)
        else:
            book.apply([], [WireLevel(f"{ticks // 10}.{ticks % 10}", f"0.{lots}")])
        if looked_at:
            best = book.asks.top(10)
            assert book.asks.checksum_digits() == "".join(f"{ticks}{lots}" for ticks, lots in best).encode()
        assert book.asks.total == sum(lots for _, lots in book.asks.top())


def test_cutting_a_side_short_shortens_its_digits() -> None:
    side = BookSide(Side.SELL)
    for ticks in range(1, 13):
        side.put(ticks, 1)
    side.truncate(12)
    assert len(side) == 12
    side.truncate(11)
    assert len(side) == 11
    assert side.checksum_digits() == b"112131415161718191101"
    side.truncate(5)
    assert side.checksum_digits() == b"1121314151"


@given(ENTRIES, ENTRIES)
def test_changes_tell_the_whole_story(first: list[WireLevel], second: list[WireLevel]) -> None:
    book = OrderBook(SPEC, 1000)
    book.load(first, [])
    mirror = dict(book.bids)
    for side, ticks, before, after in book.apply(second, []):
        assert side is Side.BUY
        assert mirror.get(ticks, 0) == before
        mirror[ticks] = after
    assert {ticks: lots for ticks, lots in mirror.items() if lots} == dict(book.bids)


def test_same_price_toggling_in_one_message() -> None:
    book = OrderBook(SPEC, 10)
    book.load([level(10, 5)], [level(20, 5)])
    changes = book.apply([level(10, 0), level(10, 7), level(10, 0), level(10, 9)], [])
    assert [change[2:] for change in changes] == [(5, 0), (0, 7), (7, 0), (0, 9)]
    assert list(book.bids) == [(10, 9)]


def test_truncation_drops_the_worst_and_reports_no_change() -> None:
    book = OrderBook(SPEC, 2)
    book.load([level(10, 1), level(9, 1)], [level(20, 1), level(21, 1)])
    changes = book.apply([level(11, 1)], [level(19, 1)])
    assert len(changes) == 2
    assert list(book.bids) == [(11, 1), (10, 1)]
    assert list(book.asks) == [(19, 1), (20, 1)]


def test_a_new_book_is_empty() -> None:
    book = OrderBook(SPEC, 10)
    assert book.checksum() == 0
    assert book.bids.best() is book.asks.best() is None


def test_crossed() -> None:
    book = OrderBook(SPEC, 10)
    assert not book.crossed
    book.load([level(20, 1)], [level(20, 1)])
    assert book.crossed
    book.load([level(19, 1)], [level(20, 1)])
    assert not book.crossed


@pytest.mark.parametrize(
    ("price", "qty"),
    [
        ("NaN", "1.0"),
        ("1.0", "-1"),
        ("0.0", "1.0"),
        ("1.05", "1"),
        ("1.0", "-0.00000001"),
        ("1.0", "x.00000000"),
        ("1.0", "١.00000000"),
        ("1.0", "1.2.00000000"),
        ("1.0", ".00000001"),
        ("1.0", f"{10**40}.00000000"),
    ],
)
def test_a_bad_snapshot_leaves_an_empty_book(price: str, qty: str) -> None:
    bad = WireLevel(price, qty)
    book = OrderBook(SPEC, 10)
    book.load([level(10, 1)], [level(20, 1)])
    with pytest.raises(InvalidNumber):
        book.load([level(10, 1), bad], [level(20, 1)])
    assert len(book.bids) == len(book.asks) == 0
    with pytest.raises(InvalidNumber):
        book.apply([bad], [])


def test_top_and_clear() -> None:
    book = OrderBook(SPEC, 10)
    book.load([level(ticks, ticks) for ticks in (8, 10, 9)], [])
    assert book.bids.top(2) == ((10, 10), (9, 9))
    assert book.bids.top() == ((10, 10), (9, 9), (8, 8))
    assert book.asks.best() is None
    assert to_units("1.0", 1) == 10
    book.clear()
    assert book.checksum() == 0


@pytest.mark.parametrize(
    ("qty", "lots"), [("5", 5 * 10**8), (5, 5 * 10**8), ("5.5", 55 * 10**7), ("1e-08", 1), ("0", 0), (0, 0), ("0.0", 0)]
)
def test_a_quantity_means_the_same_however_it_is_written(qty: object, lots: int) -> None:
    book = OrderBook(SPEC, 10)
    book.load([WireLevel("1.0", qty)], [])
    assert book.bids.lots_at(10) == lots
    assert book.checksum() == (crc32(f"10{lots}".encode()) if lots else 0)


@pytest.mark.parametrize("qty", [True, [1], {"a": 1}, None, 1.5])
def test_what_is_no_quantity_is_refused(qty: object) -> None:
    with pytest.raises(InvalidNumber):
        OrderBook(SPEC, 10).load([WireLevel("1.0", qty)], [])


@pytest.mark.parametrize("bad", [True, [1], {"a": 1}, None, 1.5, -1, "1e999", ""])
def test_what_is_no_price_is_refused_even_where_an_equal_one_is_known(bad: object) -> None:
    book = OrderBook(PairSpec("A/B", "A", "B", 0, 0), 10)
    book.load([WireLevel("1", "5"), WireLevel(1, 5), WireLevel(2, 5)], [])
    with pytest.raises(InvalidNumber):
        book.apply([WireLevel(bad, "5")], [])
    with pytest.raises(InvalidNumber):
        book.apply([WireLevel("1", bad)], [])


def test_prices_that_come_and_go_for_days_cost_little_memory() -> None:
    book = OrderBook(PairSpec("BTC/USD", "BTC", "USD", 1, 8), 100)
    tracemalloc.start()
    try:
        for tick in range(20_000):
            price = f"{60_000 + tick / 10:.1f}"
            book.apply([WireLevel(price, "1.00000000"), WireLevel(price, "0.00000000")], [])
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 1.5e6


class DeepVenue:
    """The exchange's side of P1: a whole book, of which a client of some depth is told what it must be told.

    A level that only falls out of the depth is not told; one that comes into it again is (PROTOCOL.md section 4.2).
    """

    def __init__(self, depth: int, rng: Random) -> None:
        self.depth, self._rng = depth, rng
        below = range(10**6 - 1, 10**6 - 1 - 3 * depth, -1)
        above = range(10**6 + 1, 10**6 + 1 + 3 * depth)
        count = rng.choice((depth - 1, depth, depth + 1, 2 * depth))
        self.sides = [{ticks: self._lots() for ticks in rng.sample(side, count)} for side in (below, above)]
        self._ranges = (below, above)

    def _lots(self) -> int:
        return self._rng.randrange(1, 10**12)

    def shown(self) -> list[list[tuple[int, int]]]:
        """Bids and asks to the depth, best first."""
        return [sorted(side.items(), reverse=not index)[: self.depth] for index, side in enumerate(self.sides)]

    def message(self) -> list[list[tuple[int, int]]]:
        """What one message tells after a few changes of the whole book; zero lots remove a level."""
        before = [dict(side) for side in self.shown()]
        for _ in range(self._rng.randrange(1, 6)):
            index = self._rng.randrange(2)
            side, reach = self.sides[index], self._rng.choice((5, self.depth, 3 * self.depth))
            ticks = self._ranges[index][self._rng.randrange(min(reach, 3 * self.depth))]
            if self._rng.random() < 0.5:
                side.pop(ticks, None)
            else:
                side[ticks] = self._lots()
        told = []
        for index, after in enumerate(map(dict, self.shown())):
            gone = [(ticks, 0) for ticks in before[index] if ticks not in self.sides[index]]
            told.append(gone + [level for level in after.items() if before[index].get(level[0]) != level[1]])
        for changes in told:
            self._rng.shuffle(changes)
        return told


@pytest.mark.parametrize("depth", DEPTHS)
@settings(max_examples=12)
@given(st.integers(0, 2**32))
def test_p1_p3_the_book_equals_the_venues_at_every_depth(depth: int, seed: int) -> None:
    venue, book = DeepVenue(depth, Random(seed)), OrderBook(SPEC, depth)
    bids, asks = venue.shown()
    book.load([level(*entry) for entry in bids], [level(*entry) for entry in asks])
    for _ in range(12):
        bids, asks = venue.message()
        book.apply([level(*entry) for entry in bids], [level(*entry) for entry in asks])
        shown = [list(book.bids), list(book.asks)]
        assert shown == venue.shown()
        for side, best_first in zip(shown, (True, False), strict=True):
            prices = [ticks for ticks, _ in side]
            assert prices == sorted(set(prices), reverse=best_first)
            assert all(lots > 0 for _, lots in side)
            assert len(side) <= depth


@settings(max_examples=50)
@given(ENTRIES, ENTRIES, st.lists(st.tuples(ENTRIES, ENTRIES), max_size=5), ENTRIES, ENTRIES, ENTRIES, ENTRIES)
def test_p9_a_snapshot_makes_all_earlier_history_irrelevant(
    bids: list[WireLevel],
    asks: list[WireLevel],
    history: list[tuple[list[WireLevel], list[WireLevel]]],
    new_bids: list[WireLevel],
    new_asks: list[WireLevel],
    later_bids: list[WireLevel],
    later_asks: list[WireLevel],
) -> None:
    old, fresh = OrderBook(SPEC, 10), OrderBook(SPEC, 10)
    old.load(bids, asks)
    for changes in history:
        old.apply(*changes)
    for book in (old, fresh):
        book.load(new_bids, new_asks)
    assert (list(old.bids), list(old.asks)) == (list(fresh.bids), list(fresh.asks))
    assert old.apply(later_bids, later_asks) == fresh.apply(later_bids, later_asks)
    assert (list(old.bids), list(old.asks), old.checksum()) == (list(fresh.bids), list(fresh.asks), fresh.checksum())


@pytest.mark.parametrize("bids", [0, 1, 9, 10, 11])
@pytest.mark.parametrize("asks", [0, 1, 9, 10, 11])
def test_p2_short_sides_that_no_recording_holds(bids: int, asks: int) -> None:
    rng, book, slow = Random(f"{bids}/{asks}"), OrderBook(SPEC, 25), SlowBook(1, 8, 25)
    for _ in range(20):
        sides = [
            [level(ticks, rng.randrange(1, 10**9)) for ticks in rng.sample(between, count)]
            for between, count in ((range(1, 500), bids), (range(500, 999), asks))
        ]
        book.load(*sides)
        slow.load(bids=sides[0], asks=sides[1])
        assert book.checksum() == slow.checksum()
        assert (book.checksum() == 0) is (bids == asks == 0)


def test_prices_are_remembered_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_PRICES", 3)
    book = OrderBook(SPEC, 10)
    kept = []
    for ticks in range(1, 6):
        book.apply([level(ticks, 1)], [])
        kept.append(len(book._prices))
    assert kept == [1, 2, 3, 1, 2]


def test_the_total_is_right_after_a_message_of_which_a_part_was_refused() -> None:
    book = OrderBook(SPEC, 10)
    book.apply([level(10, 1), level(9, 2)], [level(11, 4)])
    with pytest.raises(InvalidNumber):
        book.apply([level(8, 5), WireLevel("x", "1")], [])
    assert book.bids.total == sum(lots for _, lots in book.bids.top())
    assert book.asks.total == sum(lots for _, lots in book.asks.top())
