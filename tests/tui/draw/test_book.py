"""The tick-aggregated book."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.views import PairView, TradedAt
from kraken_tui.tui.draw.book import HATCH, draw_book
from kraken_tui.tui.draw.book_memory import BarScale, BookMemory, ColumnForm, Flicker, TradedSums
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line
from tests.tui import samples
from tests.tui.pane_app import key_at, text_of, texts

# Prices of one decimal, sizes of two, in steps of 1.0.
ASKS = ((1005, 50), (1007, 150), (1031, 300))
BIDS = ((1000, 100), (996, 40), (975, 400))


def small_view() -> PairView:
    spec = replace(samples.BTC, qty_precision=2)
    return replace(
        samples.pair(),
        spec=spec,
        bids=BIDS,
        asks=ASKS,
        metrics=samples.metrics(BIDS, ASKS, 100),
        traded={1005: TradedAt(2, 70, 0), 1000: TradedAt(1, 0, 30), 5: TradedAt(1, 9, 9)},
    )


def frame_of(view: PairView, **state: object) -> Picture:
    return Picture(view, samples.feed(), BookChoices(grouping=10, **state))  # type: ignore[arg-type]


def drawn(view: PairView, width: int = 60, height: int = 13, centre: int = 100, **state: object) -> list[Line]:
    return draw_book(frame_of(view, **state), width, height, centre)


MARKS = str.maketrans(dict.fromkeys("│┊┤├▸◂", " "))


def row_of(lines: list[Line], price: str) -> str:
    """Text of the row of a price, its marks replaced by blanks."""
    return next(text for text in texts(lines)[2:] if price in text.translate(MARKS).split())


def words(lines: list[Line], price: str) -> list[str]:
    return row_of(lines, price).translate(MARKS).split()


def test_every_step_has_a_row_and_sides_round_outwards() -> None:
    lines = drawn(small_view())
    prices = [text_of(line).translate(MARKS)[26:33].strip() for line in lines[2:]]
    assert prices == [str(price) for price in range(105, 94, -1)]
    # 99.6 falls to 99, 97.5 to 97; 100.5 and 100.7 rise to 101, 103.1 to 104.
    assert words(lines, "101")[1] == "2.00"
    assert words(lines, "104")[1] == "3.00"
    assert words(lines, "99")[-2] == "0.40"
    assert words(lines, "97")[-2] == "4.00"
    assert words(lines, "98") == ["98"]


def test_volume_stands_on_its_aggressors_side() -> None:
    lines = drawn(small_view())
    assert texts(lines)[1].replace("│", " ").split() == ["sold", "bid", "price", "ask", "bought"]
    bought, sold = row_of(lines, "101"), row_of(lines, "100")
    assert bought.index("0.70") > bought.index("101")
    assert sold.index("0.30") < sold.index("100")


def test_sides_mirror_each_other_around_the_price() -> None:
    view = samples.pair()
    level = 12_345_678
    bids = tuple((642_500 - 10 * n, level) for n in range(40))
    asks = tuple((642_510 + 10 * n, level) for n in range(40))
    lines = draw_book(frame_of(replace(view, bids=bids, asks=asks, traded={})), 60, 22, 64_250)
    up, down = text_of(lines[5]), text_of(lines[20])
    assert up.count("█") == down.count("█") == 8
    assert down.index("█") == 8
    assert up.rindex("█") == 59 - 8


def test_rows_stand_still_when_sizes_change() -> None:
    view = samples.pair()
    before = texts(draw_book(frame_of(view), 60, 30, 64_250))
    bids = tuple((ticks, lots * 9 // 10) for ticks, lots in view.bids)
    after = texts(draw_book(frame_of(replace(view, bids=bids)), 60, 30, 64_250))
    middle = slice(24, 36)
    assert [line[middle] for line in before] == [line[middle] for line in after]


def test_the_step_is_in_the_title() -> None:
    assert text_of(drawn(small_view())[0]).startswith("─ Aggregated book ×10 = 1.0 ─")
    assert "cumulative" in text_of(drawn(small_view(), cumulative=True)[0])
    narrow = text_of(draw_book(Picture(samples.pair("PEPE/USD"), samples.feed(), BookChoices(5)), 38, 9, 2469)[0])
    assert narrow.startswith("─ Book ×5 = 0.000000005 ")


def test_touch_rows_are_marked_and_have_their_ground() -> None:
    lines = drawn(small_view())
    assert [text_of(line) for line in lines if "▸" in text_of(line)] == [row_of(lines, "100")]
    assert [text_of(line) for line in lines if "◂" in text_of(line)] == [row_of(lines, "101")]
    grounds = [
        "".join("T" if key.endswith("/touch") else "." for text, key in line for _ in text) for line in lines[2:]
    ]
    # Each has its own half and its price, and nobody else has any.
    assert [ground for ground in grounds if "T" in ground] == [
        f"{'.' * 27}{'T' * 5}.{'T' * 18}{'.' * 9}",
        f"{'.' * 8}{'T' * 18}.{'T' * 5}{'.' * 28}",
    ]


def test_the_band_and_every_tenth_step_are_marked_without_colour() -> None:
    view = samples.pair()
    lines = draw_book(frame_of(view), 60, 42, 64_250)
    left = [text_of(line)[25] for line in lines[2:]]
    assert left[:10] == ["┤", *"┊┊┊┊┊┊┊┊┊"]
    assert left[10] == "┤"
    assert left[11:20] == ["│"] * 9
    assert left[-9:] == ["┊"] * 9
    assert {key_at(line, 25) for line in lines[2:12]} == {"rule"}
    near = draw_book(frame_of(view), 60, 42, 64_260)
    assert {key_at(line, 25) for line in near[2:12]} == {"band"}


@pytest.mark.parametrize(
    ("centre", "state", "note", "role"),
    [
        (100, {}, "recentre: band", "muted"),
        (100, {"recentre": "space"}, "recentre: space", "muted"),
        (109, {}, "touch near band, will recentre", "warn"),
        (109, {"recentre": "never"}, "touch near band", "warn"),
        (117, {"recentre": "space"}, "touch outside band", "warn"),
        (160, {"recentre": "never"}, "touch below ▼ 100", "warn"),
        (40, {"recentre": "never"}, "touch above ▲ 100", "warn"),
    ],
)
def test_the_title_warns_before_the_touch_leaves_the_band(
    centre: int, state: dict[str, object], note: str, role: str
) -> None:
    title = drawn(small_view(), 90, 42, centre, **state)[0]
    assert text_of(title).rstrip().endswith(note)
    assert title[-1][1] == role


def test_cumulative_sizes_grow_outwards() -> None:
    lines = drawn(small_view(), cumulative=True)
    assert [words(lines, price)[-2] for price in ("99", "98", "97")] == ["1.40", "1.40", "5.40"]
    assert [words(lines, price)[1] for price in ("102", "104")] == ["2.00", "5.00"]
    # The largest sum fills its bar, and none is emphasised: each is larger than the one before.
    assert not any("«" in text or "»" in text for text in texts(lines))
    assert not {key for line in lines[2:] for text, key in line if text.strip() in ("5.40", "5.00")} - {"text"}


def test_beyond_the_held_depth_nothing_is_claimed() -> None:
    whole = drawn(small_view())
    assert words(whole, "96") == ["96"]
    cut = drawn(replace(small_view(), depth=3))
    assert HATCH not in row_of(cut, "98")
    assert row_of(cut, "96").count(HATCH) == row_of(cut, "105").count(HATCH) == 18
    marked = drawn(replace(small_view(), depth=3), cursor=960)
    assert [key for line in marked for text, key in line if HATCH in text].count("muted/cursor") == 1
    # 97.5 lies in the row of 97, 103.1 in that of 104; what else lies there is not known.
    assert words(cut, "97")[-2] == "4.00+"
    assert words(cut, "104")[1].startswith("3.00+")


def test_a_book_keeps_its_edge_until_a_deeper_one_has_come() -> None:
    deepening = replace(small_view(), depth=100, book_depth=3)
    assert texts(drawn(deepening)) == texts(drawn(replace(small_view(), depth=3)))


BOOKS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 10**6)), min_size=1, max_size=12)


@settings(max_examples=60)
@given(BOOKS, BOOKS, st.integers(1, 12), st.sampled_from([1, 5, 10]), st.booleans(), st.integers(-12, 12))
def test_a_row_beyond_the_edge_has_neither_bar_nor_number(
    below: list[tuple[int, int]],
    above: list[tuple[int, int]],
    depth: int,
    grouping: int,
    cumulative: bool,
    off: int,
) -> None:
    bids = tuple((1000 - sum(gap for gap, _ in below[: n + 1]), lots) for n, (_, lots) in enumerate(below))[:depth]
    asks = tuple((1000 + sum(gap for gap, _ in above[: n + 1]), lots) for n, (_, lots) in enumerate(above))[:depth]
    view = replace(small_view(), bids=bids, asks=asks, traded={}, depth=depth)
    choices = BookChoices(grouping=grouping, cumulative=cumulative)
    lines = draw_book(Picture(view, samples.feed(), choices), 60, 24, 1000 // grouping + off)
    left, right = (at for at, character in enumerate(text_of(lines[1])) if character == "│")
    assert len(lines) == 24
    for line in lines[2:]:
        text = text_of(line)
        assert len(text) == 60
        row = round(float(text[left + 1 : right].strip("▸◂┊│ ").replace(",", "")) * 10)
        for cells, side, sign in ((text[:left], bids, 1), (text[right + 1 :], asks, -1)):
            # A row holds the prices from its own to the next one towards the touch.
            worst, nearest = sign * side[-1][0], sign * row + grouping - 1
            unknown = len(side) == depth and nearest < worst
            assert (HATCH in cells) == unknown
            if unknown:
                assert not cells.replace(HATCH, "").strip()
            at_least = len(side) == depth and sign * row < worst <= nearest
            assert ("+" in cells) == at_least


def test_bars_use_all_the_free_width_on_both_sides() -> None:
    view = samples.pair()
    bids, asks = ((*side[:3], (side[3][0], 10**11), *side[4:]) for side in (view.bids, view.asks))
    view = replace(view, bids=bids, asks=asks, traded={})
    for width in (46, 60, 74, 80, 84, 120):
        lines = texts(draw_book(frame_of(view), width, 64, 64_250))
        left, right = (at for at, character in enumerate(lines[1]) if character == "│")
        ask_ends = max(row.rindex("»") for row in lines[2:] if "»" in row)
        bid_ends = min(row.index("«") for row in lines[2:] if "«" in row)
        size = lines[1].index("ask") + 3 - right
        volume = 0 if "sold" not in lines[1] else lines[1].index("sold") + 5
        assert bid_ends == volume
        assert left - bid_ends == ask_ends - right
        assert left - bid_ends > size
        assert width - 2 <= ask_ends + volume + 1 <= width


def test_one_wall_does_not_flatten_the_rest() -> None:
    view = samples.pair()
    asks = tuple((642_510 + 10 * n, 50_000_000 if n != 7 else 100 * 50_000_000) for n in range(100))
    lines = texts(draw_book(frame_of(replace(view, asks=asks, bids=view.bids[:1], traded={})), 74, 44, 64_250))
    usual, wall = (row.count("█") for row in (lines[20], lines[15]))
    assert usual >= 10
    assert wall == usual - 1
    assert "»" in lines[15]


def test_large_sizes_stand_out_and_dust_stands_back() -> None:
    view = samples.pair()
    sizes = [1_000_000, *[100_000_000] * 6, 50_000_000, 10_000_000]
    asks = tuple((642_510 + 10 * n, lots) for n, lots in enumerate(sizes))
    lines = draw_book(frame_of(replace(view, asks=asks, bids=view.bids[:1], traded={})), 60, 44, 64_250)
    keys = [key_at(lines[22 - n], 37 + 1).partition("/")[0] for n in range(9)]
    assert keys == ["muted", *["!bright"] * 7, "text"]


def test_the_cursor_marks_the_step_that_holds_its_price() -> None:
    for cursor, price in ((996, "99"), (1005, "101"), (1031, "104")):
        lines = drawn(small_view(), cursor=cursor)
        marked = [text_of(line) for line in lines if any(key.endswith("/cursor") for _, key in line)]
        assert marked == [row_of(lines, price)]


def changed_cells(lines: list[Line]) -> list[str]:
    return [text for line in lines for text, key in line if key.endswith("/changed")]


def test_only_the_cells_of_a_changed_number_are_lit_and_only_for_a_moment() -> None:
    memory, view = BookMemory(), small_view()

    def after(milliseconds: int, bids: tuple[tuple[int, int], ...] = BIDS, **state: object) -> list[Line]:
        now = replace(view, bids=bids, now_ns=view.now_ns + milliseconds * 1_000_000)
        return draw_book(frame_of(now, **state), 60, 13, 100, memory=memory)

    assert changed_cells(after(0)) == []
    other = ((1000, 100), (996, 41), (975, 400))
    lines = after(100, other)
    assert changed_cells(lines) == ["0.41"]
    # The number and no cell more: neither its bar nor the other half.
    [row] = [line for line in lines if any(key.endswith("/changed") for _, key in line)]
    assert sum(len(text) for text, key in row if "/" in key) == 4
    assert changed_cells(after(399, other)) == ["0.41"]
    assert changed_cells(after(400, other)) == []
    # An order that leaves a row changes its sum too; a row that comes into sight has not changed.
    assert changed_cells(after(900, ((1000, 100), (996, 41)))) == []
    assert changed_cells(after(1000, ((1000, 60), (999, 5), (996, 41)))) == ["0.60", "0.46"]
    # In sums everything below a change changes.
    assert changed_cells(after(1100, other, cumulative=True)) == []


def test_a_number_that_reads_the_same_has_not_changed() -> None:
    flicker = Flicker()
    assert flicker.take({1: "0.41", 2: ""}, "form", 0) == frozenset()
    assert flicker.take({1: "0.41", 2: "0.10"}, "form", 10) == frozenset({2})
    assert flicker.take({1: "0.4", 2: "0.1"}, "other form", 20) == frozenset()
    assert flicker.take({1: "0.5", 2: "0.1", 3: "0.7"}, "other form", 30) == frozenset({1})
    flicker.forget()
    assert flicker.take({1: "0.6"}, "other form", 40) == frozenset()
    assert Flicker(on=False).take({1: "0.6"}, "form", 0) == frozenset()


def test_the_scale_of_the_bars_holds() -> None:
    second = 1_000_000_000
    scale = BarScale()
    sizes = [*range(1, 100), 10_000]
    assert scale.take(sizes, 0) == 95
    assert scale.take([*range(1, 120)], 10 * second) == 95
    # Another order of magnitude counts, but not at once, and not more often than every three seconds.
    assert scale.take([size * 10 for size in sizes], 10 * second + 100_000_000) == 95
    grown = scale.take([size * 10 for size in sizes], 20 * second)
    assert 700 < grown < 950
    assert scale.take(sizes, 22 * second) == grown
    shrunk = scale.take(sizes, 30 * second)
    assert 95 < shrunk < 300
    # A replay that goes back begins afresh.
    assert scale.take(sizes, 1 * second) == 95
    assert scale.take([], 30 * second) == 95
    assert BarScale().take([], 0) == 1


def test_columns_keep_their_form_while_it_serves() -> None:
    second = 1_000_000_000
    column = ColumnForm()
    first = column.take([20_000_000, 459_000_000], 8, 8, 4, 0)
    assert column.take([30_000_000, 2_000_000_000], 8, 8, 4, 10 * second) is first
    wide = column.take([50_000_00000000], 8, 8, 4, 20 * second)
    assert wide.text(50_000_00000000).strip() == "50,000"
    assert column.take([20_000_000, 459_000_000], 8, 8, 4, 21 * second) != wide


def test_every_size_of_a_small_coin_can_be_read() -> None:
    choices = BookChoices(grouping=5)
    for symbol in ("PEPE/USD", "DOGE/USD"):
        view = samples.pair(symbol)
        assert view.spec is not None
        centre = view.bids[0][0] // 5
        lines = draw_book(Picture(replace(view, traded={}), samples.feed(), choices), 74, 44, centre)
        numbers = [text for line in lines[2:] for text in text_of(line).translate(MARKS).split() if text[-1] in "KMB"]
        assert len(numbers) >= 20 or symbol != "PEPE/USD"
        assert not any("<" in text or (len(text.strip("0.KMB")) < 2 and text[0] == "0") for text in numbers)


def test_an_unproven_book_is_muted_but_its_trades_are_not() -> None:
    lines = draw_book(frame_of(samples.unverified()), 80, 20, 64_250)
    assert "UNVERIFIED: checksum failed, resyncing" in text_of(lines[0])
    keys = {key for line in lines[2:] for _, key in line}
    assert not keys & {"bid", "ask", "bid-bar", "ask-bar", "bright"}
    assert {"up", "down"} <= keys


def test_prices_below_zero_have_no_row() -> None:
    spec = replace(samples.BTC, qty_precision=2)
    view = replace(small_view(), spec=spec, bids=((2, 5),), asks=((3, 5),), traded={})
    lines = draw_book(Picture(view, samples.feed(), BookChoices(1)), 60, 13, 2)
    assert texts(lines)[-1] == ""
    assert "-" not in "".join(texts(lines)[2:])


def test_before_a_touch_the_pane_says_what_it_waits_for() -> None:
    lines = texts(draw_book(frame_of(samples.waiting()), 60, 13, None))
    assert any("waiting for the first snapshot of the book" in line for line in lines)


def moved(view: PairView, ticks: int) -> PairView:
    """The same book some ticks higher."""
    return replace(
        view,
        bids=tuple((price + ticks, lots) for price, lots in view.bids),
        asks=tuple((price + ticks, lots) for price, lots in view.asks),
    )


def test_trade_sums_are_kept_until_a_trade_or_the_window_changes() -> None:
    sums = TradedSums()
    traded = {1005: TradedAt(2, 70, 0), 1000: TradedAt(1, 0, 30)}
    first = sums.take(traded, 10, 95, 105)
    assert first == {101: TradedAt(2, 70, 0), 100: TradedAt(1, 0, 30)}
    assert sums.take(traded, 10, 95, 105) is first
    assert sums.take(traded, 10, 95, 104) is not first
    assert sums.take({**traded, 1004: TradedAt(1, 5, 0)}, 10, 95, 104)[101] == TradedAt(3, 75, 0)
    assert sums.take(traded, 100, 9, 11) == {11: TradedAt(2, 70, 0), 10: TradedAt(1, 0, 30)}
