"""The book of single orders, against a slow one that shares nothing with it."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.market.book.l3 import L3Book
from kraken_tui.market.book.l3_views import Level3Changed, QueuedOrder, Reading
from kraken_tui.market.events import Side
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.level3 import Level3Message
from kraken_tui.wire.private import decode
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import parse_timestamp
from tests.private_goldens import goldens, needs_goldens
from tests.reference.level3 import VARIANTS, SlowBook, Venue
from tests.reference.vectors import LEVEL3, levels

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
SIDES = {"bids": Side.BUY, "asks": Side.SELL}


def feed(book: L3Book, frame: str) -> Level3Changed:
    message = decode(frame)
    assert isinstance(message, Level3Message)
    return book.take(message.type, message.data[0], 0)


def row(order_id: str, price: str, qty: str, event: str = "", second: int = 0) -> str:
    kind = f'"event":"{event}",' if event else ""
    stamp = f"2026-01-05T10:00:{second:02}.000000000Z"
    return f'{{{kind}"order_id":"{order_id}","limit_price":{price},"order_qty":{qty},"timestamp":"{stamp}"}}'


def frame(kind: str, bids: str = "", asks: str = "", checksum: object = "null") -> str:
    return (
        f'{{"channel":"level3","type":"{kind}","data":[{{"symbol":"BTC/USD","checksum":{checksum},'
        f'"bids":[{bids}],"asks":[{asks}]}}]}}'
    )


def ids(book: L3Book, side: Side, ticks: int) -> list[str]:
    return [order.order_id for order in book.queue(side, ticks)]


def same(book: L3Book, slow: SlowBook) -> None:
    """Every order of both books, in order."""
    for name, side in SIDES.items():
        ours = [
            (order_id.order_id, from_units(level.ticks, 1), from_units(order_id.lots, 8))
            for level in book.levels(side)
            for order_id in book.queue(side, level.ticks)
        ]
        theirs = [
            (held.order_id, f"{held.price:.1f}", f"{held.qty:.8f}") for level in slow.levels(name) for held in level
        ]
        assert ours == theirs
        for level, (ticks, lots) in zip(book.levels(side), book.side(side).top(), strict=True):
            assert (level.ticks, level.lots) == (ticks, lots) == (ticks, sum(level.sizes))
            assert book.side(side).lots_at(ticks) == lots
    assert book.bids.orders == len(slow.sides["bids"])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), depth=st.sampled_from((10, 12, 100)), thin=st.booleans())
def test_any_messages_give_the_book_of_the_slow_one(seed: int, depth: int, thin: bool) -> None:
    venue = Venue(Random(seed), depth, spread_levels=4 if thin else 30)
    book, slow = L3Book(SPEC, depth), SlowBook(depth, 1, 8)
    for number in range(40):
        text = venue.update(venue.rng.choice((1, 1, 1, 2, 5, 40))) if number else venue.snapshot()
        event = feed(book, text)
        slow.take(text)
        assert (event.verified, event.matched) == (True, True), (number, event.reason)
        assert book.checksum() == venue.checksum() == slow.checksum()
    same(book, slow)
    assert book.counts.unknown_ids == slow.unknown
    assert book.counts.switched == 0


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in ("reference", "level_sorted_by_time")])
def test_our_messages_would_betray_each_wrong_client(variant: str) -> None:
    wrong = 0
    for seed in range(3):
        venue = Venue(Random(seed), 10)
        slow = SlowBook(10, 1, 8, variant)
        for number in range(150):
            slow.take(venue.update(venue.rng.choice((1, 5))) if number else venue.snapshot())
            wrong += slow.checksum() != venue.checksum()
    assert wrong > 5


@needs_goldens
@pytest.mark.parametrize("name", [each["name"] for each in goldens().get("level3", {}).get("sequences", ())])
def test_the_worked_sequences(name: str) -> None:
    (example,) = (each for each in goldens()["level3"]["sequences"] if each["name"] == name)
    spec = PairSpec(example["symbol"], "X", "Y", example["price_precision"], example["qty_precision"])
    book = L3Book(spec, example["depth"])
    for step in example["steps"]:
        assert feed(book, step["frame"]).verified, step["note"]
        assert book.checksum() == step["crc32"]
        if "levels" in step:
            assert [len(book.bids), len(book.asks)] == step["levels"]
            assert [book.bids.orders, book.asks.orders] == step["orders"]
            for side, best in ((book.bids, step["best_bid"]), (book.asks, step["best_ask"])):
                touch = side.best()
                assert (from_units(touch[0], spec.price_precision) if touch else None) == best
        for order_id, wanted in step.get("queue", {}).items():
            at = book.position(order_id)
            if wanted is None:
                assert at is None, step["note"]
                continue
            assert at is not None
            assert at.verified
            decimals = spec.qty_precision
            assert {
                "side": "bids" if at.side is Side.BUY else "asks",
                "price": from_units(at.ticks, spec.price_precision),
                "orders_ahead": at.orders_ahead,
                "qty_ahead": from_units(at.lots_ahead, decimals),
                "orders_behind": at.orders_behind,
                "level_qty": from_units(at.level_lots, decimals),
            } == wanted, step["note"]


@needs_goldens
@pytest.mark.parametrize("name", [each["name"] for each in goldens().get("level3", {}).get("sequences", ())])
def test_each_wrong_client_fails_as_it_did_for_others(name: str) -> None:
    (example,) = (each for each in goldens()["level3"]["sequences"] if each["name"] == name)
    for variant in set(VARIANTS) - {"exponents_not_expanded"}:
        slow = SlowBook(example["depth"], example["price_precision"], example["qty_precision"], variant)
        right = []
        for step in example["steps"]:
            slow.take(step["frame"])
            right.append(slow.checksum() == step["crc32"])
        wanted = example["scores_of_client_variants"][variant]
        assert (sum(right), len(right)) == (wanted["match"], wanted["of"]), variant
        assert (right.index(False) if False in right else None) == wanted["first_mismatch_step"], variant


@needs_goldens
def test_updates_of_the_documented_snapshot() -> None:
    book = documented()
    for step in goldens()["level3"]["documented"]["updates_on_top_of_it_synthetic"]:
        assert feed(book, step["frame"]).verified, step["note"]
        assert book.checksum() == step["crc32"]


@needs_goldens
@pytest.mark.parametrize("number", range(3))
def test_the_program_learns_which_reading_is_meant(number: int) -> None:
    case = goldens()["level3"]["open_questions_as_data"]["cases"][number]
    names = {
        "keep_place": Reading.KEEP,
        "sort_level_by_time": Reading.BY_TIME,
        "quantity_up_goes_to_back": Reading.RAISED,
    }
    unlike = len({reading["crc32"] for reading in case["readings"].values()}) > 1
    for name, reading in case["readings"].items():
        book = L3Book(SPEC, 10)
        assert feed(book, case["snapshot"]).verified
        before = dict(book.counts.readings)
        update = case["update_with_checksum_left_0"].replace('"checksum":0', f'"checksum":{reading["crc32"]}')
        assert feed(book, update).verified, (case["case"], name)
        at = json.loads(update)["data"][0]["bids"][0]["order_id"]
        ticks = next(level.ticks for level in book.levels(Side.BUY) if at in ids(book, Side.BUY, level.ticks))
        queue = [order for level in book.levels(Side.BUY) for order in ids(book, Side.BUY, level.ticks)]
        assert queue == reading["queue"], (case["case"], name)
        told = {each: count - before[each] for each, count in book.counts.readings.items()}
        assert sum(told.values()) == (1 if unlike else 0)
        if unlike:
            (used,) = (each for each, count in told.items() if count)
            assert book.reading is used
            assert used is names[name] or case["readings"][name]["crc32"] in (
                other["crc32"] for key, other in case["readings"].items() if names[key] is used
            )
        assert book.position(at) == book.bids.position(at, verified=True)
        assert ticks


def names(side: str, text: str) -> list[str]:
    """Ids of the documented orders: the guide prints two that later examples name."""
    known = {"asks": {0: "OFVLAA-HRSSP-BK75KB", 1: "OYBAMK-O5DKX-WMPUTM"}}.get(side, {})
    return [known.get(place, f"O{side}{place}") for place in range(len(levels(text)))]


def documented() -> L3Book:
    """The documented snapshot, loaded."""
    book = L3Book(SPEC, 10)
    bids, asks = (
        ",".join(row(name, *order) for name, order in zip(names(side, LEVEL3[side]), levels(LEVEL3[side]), strict=True))
        for side in ("bids", "asks")
    )
    event = feed(book, frame("snapshot", bids, asks, LEVEL3["checksum"]))
    assert event.verified, event.reason
    return book


def three(*more: str) -> L3Book:
    book = L3Book(SPEC, 10)
    feed(book, frame("snapshot", ",".join((row("OA", "100.0", "1.0"), row("OB", "100.0", "2.0", second=1), *more))))
    return book


def test_an_update_before_the_snapshot_is_dropped_and_counted() -> None:
    book = L3Book(SPEC, 10)
    event = feed(book, frame("update", row("OA", "100.0", "1.0", "add")))
    assert event.dropped
    assert not event.verified
    assert event.matched is None
    assert (book.counts.dropped, len(book.bids)) == (1, 0)


def test_a_mismatch_stops_the_book_until_the_next_snapshot() -> None:
    book = three()
    event = feed(book, frame("update", row("OC", "99.0", "1.0", "add"), checksum=7))
    assert event.matched is False
    assert not event.verified
    assert "checksum" in event.reason
    at = book.position("OA")
    assert at is not None
    assert not at.verified
    assert feed(book, frame("update", row("OD", "98.0", "1.0", "add"))).dropped
    assert book.position("OD") is None
    empty = feed(book, frame("snapshot", checksum=0))
    assert (empty.verified, empty.checksum) == (True, 0), "two empty sides give 0, which is a checksum"


def test_without_a_checksum_the_book_is_kept_but_not_proven() -> None:
    book = three()
    assert not book.verified
    event = feed(book, frame("update", row("OC", "99.0", "1.0", "add")))
    assert not event.dropped
    assert not event.verified
    assert event.matched is None
    assert book.position("OC") is not None


@pytest.mark.parametrize("bad", ['"x"', "-1", "0.123456789", "null"])
def test_a_malformed_quantity_ends_the_trust(bad: str) -> None:
    book = three()
    event = feed(book, frame("update", row("OC", "99.0", bad, "add")))
    assert "malformed" in event.reason
    assert not event.verified
    assert feed(book, frame("update", row("OD", "99.0", "1.0", "add"))).dropped


def test_a_row_that_is_no_order_costs_its_book_and_not_the_frame() -> None:
    book = three()
    event = feed(book, frame("update", '{"order_id":7,"event":"add"}'))
    assert "malformed" in event.reason
    assert "malformed" in feed(book, frame("snapshot", '{"order_id":7}')).reason
    assert len(book.bids) == 0


@pytest.mark.parametrize("name", ["", "a\nb", "é", "x" * 65])
def test_an_order_needs_a_name_that_can_be_shown(name: str) -> None:
    assert "usable id" in feed(three(), frame("update", row(json.dumps(name)[1:-1], "99.0", "1", "add"))).reason


def test_a_delete_needs_neither_price_nor_the_right_quantity() -> None:
    book = three()
    event = feed(book, frame("update", '{"event":"delete","order_id":"OA","order_qty":9}'))
    assert event.changes == ((Side.BUY, 1000, 100_000_000, 0, "OA"),)
    assert ids(book, Side.BUY, 1000) == ["OB"]


def test_a_known_add_leaves_and_joins_at_the_back() -> None:
    book = three()
    event = feed(book, frame("update", row("OA", "100.0", "3.0", "add", second=2)))
    assert ids(book, Side.BUY, 1000) == ["OB", "OA"]
    assert [change[2:] for change in event.changes] == [(100_000_000, 0, "OA"), (0, 300_000_000, "OA")]
    assert book.counts.known_adds == 1


def test_add_then_modify_then_delete_in_one_message() -> None:
    book = three()
    entries = [row("OC", "101.0", "1.0", "add"), row("OC", "101.0", "0.5", "modify"), row("OC", "101.0", "9", "delete")]
    event = feed(book, frame("update", ",".join(entries)))
    assert [change[2:4] for change in event.changes] == [(0, 10**8), (10**8, 5 * 10**7), (5 * 10**7, 0)]
    assert len(book.bids) == 1
    assert book.bids.best() == (1000, 300_000_000)


def test_zero_unknown_and_strange_entries_are_counted() -> None:
    book = three()
    entries = [
        row("OC", "99.0", "0.0", "add"),
        row("OA", "100.0", "0.0", "modify"),
        row("OX", "100.0", "1.0", "modify"),
        row("OY", "100.0", "1.0", "delete"),
        row("OZ", "100.0", "1.0", "explode"),
    ]
    feed(book, frame("update", ",".join(entries)))
    counts = book.counts
    assert (counts.zero, counts.unknown_ids, counts.unknown_events) == (2, 2, 1)
    assert ids(book, Side.BUY, 1000) == ["OB"]


def test_adds_with_unlike_or_missing_times() -> None:
    book = three()
    adds = '{"event":"add","order_id":"OC","limit_price":99.0,"order_qty":1,"timestamp":"2026-01-05T10:00:02.5Z"},'
    adds += '{"event":"add","order_id":"OD","limit_price":99.0,"order_qty":1,"timestamp":"2026-01-05T10:00:02.45Z"}'
    feed(book, frame("update", adds))
    assert ids(book, Side.BUY, 990) == ["OD", "OC"]
    adds = adds.replace("OC", "OE").replace("OD", "OF").replace(',"timestamp":"2026-01-05T10:00:02.5Z"', "")
    feed(book, frame("update", adds.replace("99.0", "98.0")))
    assert ids(book, Side.BUY, 980) == ["OE", "OF"], "no time, no sorting"
    assert book.counts.untimed == 1


def test_what_a_level_and_a_place_say() -> None:
    book = three(row("OC", "99.5", "0.5", second=3))
    best, second = book.levels(Side.BUY, 2)
    assert (best.count, best.largest, best.lots, best.sizes) == (2, 2 * 10**8, 3 * 10**8, (10**8, 2 * 10**8))
    start = parse_timestamp("2026-01-05T10:00:00Z")
    assert best.head_ns == start
    assert best.head_age_ns(start + 5) == 5
    assert best.head_age_ns(start - 5) == 0
    assert second.ticks == 995
    assert book.queue(Side.BUY, 1000)[1] == QueuedOrder("OB", 2 * 10**8, start + 10**9, 1, 10**8)
    assert book.queue(Side.SELL, 1000) == ()
    assert book.position("OX") is None
    assert book.asks.best() is None
    assert book.asks.lots_at(5) == 0
    assert not book.crossed


def test_a_new_price_goes_to_the_back_of_its_new_level() -> None:
    book = three(row("OC", "99.0", "1.0", second=2))
    event = feed(book, frame("update", row("OA", "99.0", "1.0", "modify", second=3)))
    assert ids(book, Side.BUY, 990) == ["OC", "OA"]
    assert ids(book, Side.BUY, 1000) == ["OB"]
    assert event.changes == ((Side.BUY, 1000, 10**8, 0, "OA"), (Side.BUY, 990, 0, 10**8, "OA"))


def test_a_reading_that_won_stays_in_use_below_the_ten_levels() -> None:
    orders = [row(f"O{level}{name}", f"{100 - level}.0", "1.0", second=level) for level in range(14) for name in "AB"]
    book = L3Book(SPEC, 100)
    feed(book, frame("snapshot", ",".join(orders)))
    raised = row("O0A", "100.0", "2.0", "modify", second=30)
    twin = L3Book(SPEC, 100)
    feed(twin, frame("snapshot", ",".join(orders)))
    feed(twin, frame("update", raised))
    event = feed(book, frame("update", raised, checksum=twin.checksum_as(Reading.RAISED)))
    assert event.verified
    assert book.reading is Reading.RAISED
    assert ids(book, Side.BUY, 1000) == ["O0B", "O0A"]
    feed(book, frame("update", row("O12A", "88.0", "2.0", "modify", second=31)))
    assert ids(book, Side.BUY, 880) == ["O12B", "O12A"]
    assert book.counts.switched == 1


def test_the_documented_checksum() -> None:
    book = documented()
    assert book.checksum() == 1063832831
    assert {Decimal(from_units(book.bids.best()[0], 1))} == {Decimal("44939.4")}  # type: ignore[index]


def test_losing_the_connection_ends_the_trust() -> None:
    book = L3Book(SPEC, 10)
    assert feed(book, frame("snapshot", checksum=0)).verified
    book.lose("the connection is gone")
    assert not book.verified
    assert book.reason == "the connection is gone"
    book.lose("")
    assert not book.verified


def test_lists_may_be_missing_or_null() -> None:
    book = L3Book(SPEC, 10)
    assert feed(book, '{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","checksum":0}]}').verified
    text = '{"channel":"level3","type":"update","data":[{"symbol":"BTC/USD","checksum":0,"bids":null,"asks":[]}]}'
    assert feed(book, text).verified


def test_mistake_33_a_short_side_is_a_book() -> None:
    book = three()
    assert feed(book, frame("snapshot", row("OA", "100.0", "1.0"), checksum=book_of_one())).verified
    assert (len(book.bids), len(book.asks)) == (1, 0)


def book_of_one() -> int:
    from zlib import crc32

    return crc32(b"1000" + b"100000000")
