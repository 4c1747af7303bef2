"""The depth ladder."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import BookState
from kraken_tui.tui.draw.book_rows import Changed
from kraken_tui.tui.draw.ladder import draw_ladder
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.panes.book_rows import FLASH_NS, ChangeTracker
from kraken_tui.wire.digits import from_units
from tests.tui import samples
from tests.tui.pane_app import text_of, texts

ASKS = ((1005, 50), (1007, 150), (1010, 300))
BIDS = ((1000, 100), (990, 400))


def small_frame(**state: object) -> Picture:
    """A tiny book of three asks and two bids: prices of one decimal, sizes of two."""
    spec = replace(samples.BTC, qty_precision=2)
    view = replace(
        samples.pair(), spec=spec, bids=BIDS, asks=ASKS, large_lots=0, metrics=samples.metrics(BIDS, ASKS, 100)
    )
    return Picture(view, samples.feed(), BookChoices(**state))  # type: ignore[arg-type]


def test_levels_stand_around_the_touch_with_sums_and_percent() -> None:
    lines = texts(draw_ladder(small_frame(), 46, 9))
    assert lines[0].startswith("─ Depth ladder ─")
    assert lines[0].endswith(" 100 levels ")
    assert lines[1].split() == ["cum%", "cum", "size", "price"]
    assert [line.split()[:4] for line in lines[2:5]] == [
        ["100%", "5.00", "3.00", "101.0"],
        ["40%", "2.00", "1.50", "100.7"],
        ["10%", "0.50", "0.50", "100.5"],
    ]
    assert lines[5].strip("─ ").startswith("spread 0.5 · mid 100.25")
    assert [line.split()[:4] for line in lines[6:8]] == [
        ["20%", "1.00", "1.00", "100.0"],
        ["100%", "5.00", "4.00", "99.0"],
    ]


def test_bars_are_scaled_to_the_largest_in_sight() -> None:
    lines = texts(draw_ladder(small_frame(), 46, 9))
    bars = {line.split()[3]: sum(line.count(c) for c in "█▉▊▋▌▍▎▏") for line in (*lines[2:5], *lines[6:8])}
    assert bars["99.0"] == max(bars.values())
    assert bars["99.0"] == len(lines[7].rstrip()) - lines[7].index("█")
    assert bars["100.5"] < bars["100.0"] < bars["101.0"] < bars["99.0"]


@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD", "DOGE/USD", "ETH/BTC"])
@pytest.mark.parametrize("width", [28, 38, 46, 60, 90])
def test_columns_are_aligned_on_their_decimal_points(symbol: str, width: int) -> None:
    view = samples.pair(symbol)
    lines = texts(draw_ladder(Picture(view, samples.feed()), width, 40))
    rows = [line for number, line in enumerate(lines[2:]) if number != (40 - 3) // 2]
    price_ends = set()
    for line, ticks in zip(
        rows, [*(t for t, _ in reversed(view.asks[:18])), *(t for t, _ in view.bids[:19])], strict=True
    ):
        text = from_units(ticks, view.spec.price_precision if view.spec else 0)
        shown = next(word for word in line.split() if word.replace(",", "") == text)
        price_ends.add(line.index(shown) + len(shown))
    assert len(price_ends) == 1


def test_columns_stand_still_when_digits_change() -> None:
    view = samples.pair()
    before = texts(draw_ladder(Picture(view, samples.feed()), 60, 30))
    bids = tuple((ticks - 7, lots + 12_345) for ticks, lots in view.bids)
    after = texts(draw_ladder(Picture(replace(view, bids=bids), samples.feed()), 60, 30))
    assert [line.index(".") for line in before[2:15]] == [line.index(".") for line in after[2:15]]
    assert [len(line) for line in before] == [len(line) for line in after]


def test_narrow_panes_lose_columns_not_digits() -> None:
    headers = {width: texts(draw_ladder(small_frame(), width, 9))[1].split() for width in (20, 34, 46, 60)}
    assert headers[20] == ["size", "price"]
    assert headers[34] == ["cum", "size", "price"]
    assert headers[46] == ["cum%", "cum", "size", "price"]
    assert headers[60] == ["cum%", "cum", "notional", "size", "price"]
    assert texts(draw_ladder(small_frame(), 60, 9))[2].split()[2] == "303"


def test_touch_rows_have_their_own_ground_and_the_cursor_wins() -> None:
    lines = draw_ladder(small_frame(), 46, 9)
    assert {key.partition("/")[2] for _, key in lines[4]} == {"touch"}
    assert {key.partition("/")[2] for _, key in lines[3]} == {""}
    lines = draw_ladder(small_frame(cursor=1005), 46, 9)
    assert {key.partition("/")[2] for _, key in lines[4]} == {"cursor"}
    assert "faint/cursor" not in {key for _, key in lines[4]}


@pytest.mark.parametrize(("cursor", "row"), [(1006, 3), (1010, 2), (995, 7), (1000, 6), (1003, 5), (980, None)])
def test_a_cursor_between_levels_marks_the_next_one_outwards(cursor: int, row: int | None) -> None:
    lines = draw_ladder(small_frame(cursor=cursor), 46, 9)
    marked = [y for y, line in enumerate(lines) if any(key.endswith("/cursor") for _, key in line)]
    assert marked == ([] if row is None else [row])


def test_changed_rows_have_a_brighter_ground() -> None:
    lines = draw_ladder(small_frame(), 46, 9, Changed(bids=frozenset({990}), asks=frozenset({1010})))
    marked = [y for y, line in enumerate(lines) if any(key.endswith("/changed") for _, key in line)]
    assert marked == [2, 7]


def test_large_orders_stand_out() -> None:
    picture = small_frame()
    assert picture.pair is not None
    picture = replace(picture, pair=replace(picture.pair, large_lots=400))
    bold = [text_of(line) for line in draw_ladder(picture, 46, 9) if any(key.startswith("!") for _, key in line)]
    assert len(bold) == 1
    assert "99.0" in bold[0]


@pytest.mark.parametrize("view", [samples.unverified(), samples.checking()])
def test_an_unproven_book_is_muted_and_says_why(view: samples.PairView) -> None:
    lines = draw_ladder(Picture(view, samples.feed()), 60, 20, Changed(frozenset({642_500}), frozenset()))
    assert f"{view.proof.value}: {view.proof_reason}" in text_of(lines[0])
    keys = {key for y, line in enumerate(lines[2:]) for _, key in line if y != 8}
    assert keys <= {"muted", "faint"}
    assert "no figures: book" in text_of(lines[10])


def test_a_stale_book_says_so_and_drops_its_side_colours() -> None:
    lines = draw_ladder(Picture(samples.stale(), samples.feed()), 60, 20)
    assert "STALE 75 s: no message for 12 s" in text_of(lines[0])
    keys = {key.partition("/")[0] for line in lines[2:] for _, key in line}
    assert "stale" in keys
    assert not keys & {"bid", "ask"}


def test_the_reason_survives_a_narrow_title() -> None:
    title = text_of(draw_ladder(Picture(samples.unverified(), samples.feed()), 40, 20)[0])
    assert title.startswith("─ Ladder ")
    assert "UNVERIFIED: checksum" in title
    assert title.rstrip().endswith("…")


def test_a_crossed_book_is_named() -> None:
    lines = texts(draw_ladder(Picture(samples.crossed(), samples.feed()), 70, 20))
    assert any("crossed by the venue: bid 64,250.4 ≥ ask 64,250.1" in line for line in lines)


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (None, "waiting for the pair"),
        (samples.waiting(), "waiting for the first snapshot of the book"),
        (samples.waiting(state=BookState.WAIT_ACK), "waiting for the exchange to grant the subscription"),
        (samples.waiting(state=BookState.RESYNCING), "resyncing: waiting for a new snapshot"),
        (samples.refused(), "Currency pair not supported"),
        (samples.empty(), "the book is empty"),
    ],
)
def test_an_empty_pane_says_what_it_waits_for(view: samples.PairView | None, sentence: str) -> None:
    lines = texts(draw_ladder(Picture(view, samples.feed()), 70, 20))
    row = next(line for line in lines if sentence in line)
    assert abs(len(row) - len(row.strip()) - (70 - len(row.strip())) // 2) <= 1


def test_a_lost_connection_is_named_where_nothing_else_is_shown() -> None:
    lines = texts(draw_ladder(Picture(samples.waiting(), samples.reconnecting()), 80, 20))
    assert any("DISCONNECTED: no message for 10 s" in line for line in lines)
    assert any("next try in 5 s" in line for line in lines)


@pytest.mark.parametrize(("side", "text"), [("bids", "no bids"), ("asks", "no asks")])
def test_one_empty_side_is_named(side: str, text: str) -> None:
    lines = texts(draw_ladder(Picture(samples.empty(side=side), samples.feed()), 60, 20))
    assert sum(f"─ {text} ─" in line for line in lines) == 1


def test_scrolling_moves_the_window() -> None:
    still, moved = (texts(draw_ladder(Picture(samples.pair(), samples.feed()), 60, 20, offset=n)) for n in (0, 5))
    assert [line.split()[-2:] for line in still[2:9]] != [line.split()[-2:] for line in moved[2:9]]
    assert "scrolled +5" in moved[0]
    spread = [next(y for y, line in enumerate(lines) if "spread" in line) for lines in (still, moved)]
    assert spread[1] == spread[0] + 5
    far = texts(draw_ladder(Picture(samples.pair(), samples.feed()), 60, 20, offset=60))
    assert not any("spread" in line for line in far)
    assert len(far) == 20


def test_changes_last_300_ms_of_the_view_s_clock() -> None:
    tracker = ChangeTracker()
    view = samples.pair()
    assert tracker.take(view) == Changed()
    bids = ((view.bids[0][0], view.bids[0][1] + 1), *view.bids[1:])
    changed = replace(view, bids=bids, now_ns=view.now_ns + 1)
    assert tracker.take(changed).bids == {view.bids[0][0]}
    later = replace(changed, now_ns=changed.now_ns + FLASH_NS - 1)
    assert tracker.take(later).bids == {view.bids[0][0]}
    assert tracker.take(replace(changed, now_ns=changed.now_ns + FLASH_NS)) == Changed()


def test_levels_that_come_into_sight_are_no_changes() -> None:
    tracker = ChangeTracker()
    view = samples.pair(count=10)
    tracker.take(view)
    worst = view.bids[-1][0]
    shifted = replace(view, bids=(*view.bids[1:], (worst - 5, 77)), now_ns=view.now_ns + 1)
    assert tracker.take(shifted) == Changed()


def test_another_pair_or_an_unproven_book_flashes_nothing() -> None:
    tracker = ChangeTracker()
    tracker.take(samples.pair())
    assert tracker.take(samples.pair("ETH/BTC")) == Changed()
    assert tracker.take(samples.unverified("ETH/BTC")) == Changed()


def _scroll_up() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


def test_levels_the_checksum_does_not_cover_are_a_shade_fainter_until_audited() -> None:
    audited = samples.pair()
    lines = draw_ladder(Picture(audited, samples.feed()), 46, 40)
    assert texts(lines)[0].endswith(" 100 levels ")
    unaudited = replace(audited, audited_ns=None, large_lots=0)
    faint = draw_ladder(Picture(unaudited, samples.feed()), 46, 40)
    # No number changes, and colour does not say it alone.
    assert [text[1:] for text in texts(faint)[1:]] == [text[1:] for text in texts(lines)[1:]]
    assert texts(faint)[0].endswith(" top 10 proven ")
    middle = 2 + (40 - 3) // 2
    size = f"{from_units(audited.bids[10][1], 8)}"[:4]
    eleventh, tenth = faint[middle + 11], faint[middle + 10]
    assert [key for text, key in eleventh if size in text] == ["muted"]
    assert [key for text, key in lines[middle + 11] if size in text] == ["text"]
    assert [key for _, key in tenth] == [key for _, key in lines[middle + 10]]
    shallow = replace(unaudited, depth=10, bids=audited.bids[:10], asks=audited.asks[:10])
    assert texts(draw_ladder(Picture(shallow, samples.feed()), 46, 40))[0].endswith(" 10 levels ")


def test_without_flashes_no_change_is_noticed() -> None:
    tracker = ChangeTracker(on=False)
    view = samples.pair()
    tracker.take(view)
    (best, lots), *rest = view.bids
    assert tracker.take(replace(view, bids=((best, lots + 1), *rest))) == Changed()
