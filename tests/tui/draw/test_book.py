"""The tick-aggregated book."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.views import PairView, TradedAt
from kraken_tui.tui.draw.book import TradedSums, draw_book
from kraken_tui.tui.draw.book_rows import Changed
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
    prices = [text_of(line).translate(MARKS)[27:33].strip() for line in lines[2:]]
    assert prices == [str(price) for price in range(105, 94, -1)]
    # 99.6 falls to 99, 97.5 to 97; 100.5 and 100.7 rise to 101, 103.1 to 104.
    assert words(lines, "101")[-2] == "2.00"
    assert words(lines, "104")[-2] == "3.00"
    assert words(lines, "99")[1] == "0.40"
    assert words(lines, "97")[1] == "4.00"
    assert words(lines, "98") == ["98"]


def test_volume_stands_on_its_aggressors_side() -> None:
    lines = drawn(small_view())
    assert texts(lines)[1].replace("│", " ").split() == ["bid", "sells", "price", "buys", "ask"]
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
    assert up.count("█") == down.count("█") > 0
    assert down.index("█") == 0
    assert up.rstrip().endswith("█")


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
    grounds = [{key.partition("/")[2] for _, key in line} for line in lines[2:]]
    assert [index for index, ground in enumerate(grounds) if ground == {"touch"}] == [4, 5]


def test_the_band_and_every_tenth_step_are_marked_without_colour() -> None:
    view = samples.pair()
    lines = draw_book(frame_of(view), 60, 42, 64_250)
    left = [text_of(line)[25] for line in lines[2:]]
    assert left[:10] == ["┤", *"┊┊┊┊┊┊┊┊┊"]
    assert left[10] == "┤"
    assert left[11:20] == ["│"] * 9
    assert left[-9:] == ["┊"] * 9
    assert {key_at(line, 25) for line in lines[2:12]} == {"band"}


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
    assert [words(lines, price)[1] for price in ("99", "98", "97")] == ["1.40", "1.40", "5.40"]
    assert [words(lines, price)[-2] for price in ("102", "104")] == ["2.00", "5.00"]


def test_beyond_the_held_depth_nothing_is_claimed() -> None:
    whole = drawn(small_view())
    assert words(whole, "96") == ["96"]
    cut = drawn(replace(small_view(), depth=3))
    assert row_of(cut, "98").count("·") == 0
    assert row_of(cut, "96").count("·") == 1
    assert row_of(cut, "105").count("·") == 1


def test_the_cursor_marks_the_step_that_holds_its_price() -> None:
    for cursor, price in ((996, "99"), (1005, "101"), (1031, "104")):
        lines = drawn(small_view(), cursor=cursor)
        marked = [text_of(line) for line in lines if any(key.endswith("/cursor") for _, key in line)]
        assert marked == [row_of(lines, price)]


def test_changed_levels_brighten_their_step() -> None:
    lines = draw_book(frame_of(small_view()), 60, 13, 100, Changed(bids=frozenset({975}), asks=frozenset({1031})))
    marked = [text_of(line) for line in lines if any(key.endswith("/changed") for _, key in line)]
    assert marked == [row_of(lines, "104"), row_of(lines, "97")]


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
