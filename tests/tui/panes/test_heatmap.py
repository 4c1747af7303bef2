"""The heatmap's pane against the past it draws."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from kraken_tui.market.book.aggregation import aggregate
from kraken_tui.market.events import Side
from kraken_tui.market.history.pulls import PullStack
from kraken_tui.market.orders.values import Fill, Order
from kraken_tui.tui import heat_control
from kraken_tui.tui.draw.heatmap import APART, HEAD_ROWS, UNKNOWN, UNPROVEN
from kraken_tui.tui.draw.picture import BookChoices, Picture, Situation
from kraken_tui.tui.draw.runs import Line, width_of
from kraken_tui.tui.panes.book import BookPane
from kraken_tui.tui.panes.heatmap import HeatmapPane
from kraken_tui.tui.panes.profile import ProfilePane
from kraken_tui.units import SECOND
from tests.tui import accounts, samples
from tests.tui.pane_app import key_at, texts
from tests.tui.pasts import DEPTH, MID, STEP, WALL, Market

WIDTH, ROWS = 60 + APART, 30
HEIGHT = HEAD_ROWS + ROWS + 8
MARKS = set("▵▴▲▿▾▼▁▔")


@pytest.fixture(scope="module")
def market() -> Market:
    """After its story."""
    made = Market()
    made.story()
    return made


def drawn(pane: HeatmapPane, picture: Picture, width: int = WIDTH) -> list[Line]:
    """The pane beside a book of thirty rows."""
    return pane.draw(replace(picture, price_rows=ROWS), width, HEIGHT)


def choices(**fields: object) -> BookChoices:
    """Of a book of rows of twenty ticks."""
    return replace(BookChoices(grouping=STEP, centre=MID // STEP), **fields)


def test_every_cell_is_the_time_weighted_size_of_its_prices(market: Market) -> None:
    pane = HeatmapPane()
    lines = drawn(pane, market.picture())
    view = pane._view
    assert view is not None
    assert view.halves
    assert view.scale is not None
    looked_at, fine = 0, STEP // 2
    for x in range(len(view.columns)):
        start = (view.first + x) * SECOND
        # All messages come at full tenths of a second.
        books = [market.history.book.at(start + tenth * SECOND // 10) for tenth in range(10)]
        known = [book for book in books if book is not None]
        if len(known) < 10 or not all(book.proven for book in known):
            continue
        sums: dict[tuple[Side, int], int] = {}
        for book in known:
            for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
                for bucket, lots in aggregate(levels, fine, side).items():
                    sums[side, bucket] = sums.get((side, bucket), 0) + lots
        for row in range(ROWS):
            line, bucket = lines[HEAD_ROWS + row], view.high - row
            text = "".join(part for part, _ in line)[x]
            key = key_at(line, x)
            if text in MARKS or "unknown" in key:
                continue
            upper = max(sums.get((Side.SELL, 2 * bucket), 0), sums.get((Side.BUY, 2 * bucket + 1), 0))
            lower = max(sums.get((Side.SELL, 2 * bucket - 1), 0), sums.get((Side.BUY, 2 * bucket), 0))
            levels_of = view.scale.level(upper / 10), view.scale.level(lower / 10)
            assert key == (f"text/heat{levels_of[0]}" if text == " " else "heat{}/heat{}".format(*levels_of))
            looked_at += 1
    assert looked_at > 500


def test_zoom_out_and_in_again_changes_no_cell(market: Market) -> None:
    pane, made = HeatmapPane(), choices()
    before = drawn(pane, market.picture(made))
    for steps in (-1, -1, -1, 1, 1, 1):
        heat_control.zoom(made.heat, steps, strip=False)
        away = drawn(pane, market.picture(made))
    assert away == before
    assert drawn(HeatmapPane(), market.picture(choices())) == before


def test_a_wall_that_is_pulled_is_seen_to_end(market: Market) -> None:
    pane = HeatmapPane()
    lines = drawn(pane, market.picture())
    view = pane._view
    assert view is not None
    row = lines[HEAD_ROWS + view.high - WALL // STEP + 1]
    begin = market.history.since_ns
    assert begin is not None
    first = begin // SECOND - view.first
    keys = [key_at(row, x) for x in range(first, len(view.columns))]
    assert all("heat11" in key for key in keys[:20])
    assert not any("heat11" in key for key in keys[20:])


def test_what_is_not_proven_is_hatched_and_never_bridged(market: Market) -> None:
    lines = texts(drawn(HeatmapPane(), market.picture()))[HEAD_ROWS : HEAD_ROWS + ROWS]
    begin = market.history.since_ns
    assert begin is not None
    pane = HeatmapPane()
    drawn(pane, market.picture())
    assert pane._view is not None
    first = begin // SECOND - pane._view.first
    hatched = [x for x in range(WIDTH - APART) if UNPROVEN in {line[x] for line in lines}]
    # From 40 to 45 s after the beginning, and what comes after it until the next proven message.
    assert hatched[:5] == [first + 40 + at for at in range(5)]
    assert len(hatched) <= 6
    before = {line[:first] for line in lines}
    assert set("".join(before)) == {UNKNOWN, " "}


def test_complete_columns_stand_still_and_the_running_one_stands_apart() -> None:
    market, pane = Market(), HeatmapPane()
    market.go(30)
    before = drawn(pane, market.picture())
    market.set(MID - 55, 90 * 10**8)
    market.go(0.5)
    after = drawn(pane, market.picture())
    rows = range(HEAD_ROWS, HEAD_ROWS + ROWS)
    done = WIDTH - APART
    for y in rows:
        assert [key_at(before[y], x) for x in range(done)] == [key_at(after[y], x) for x in range(done)]
    assert any(key_at(before[y], WIDTH - 1) != key_at(after[y], WIDTH - 1) for y in rows)
    market.go(0.5)
    moved = drawn(pane, market.picture())
    for y in rows:
        assert [key_at(moved[y], x) for x in range(done - 1)] == [key_at(after[y], x) for x in range(1, done)]


def test_a_moment_of_the_past_is_marked_and_scrolled_to(market: Market) -> None:
    pane, begin = HeatmapPane(), market.history.since_ns
    assert begin is not None
    moment = begin + 50 * SECOND
    live = drawn(pane, market.picture())
    then = drawn(pane, market.picture(moment_ns=moment))
    assert pane._view is not None
    at = moment // SECOND - pane._view.first
    rows = texts(then)[HEAD_ROWS : HEAD_ROWS + ROWS]
    assert sum(row[at] == "│" for row in rows) > ROWS // 2
    # Nothing of it can look live: there is no running column.
    assert {row[-1] for row in rows} == {" "}
    assert texts(live)[HEAD_ROWS][: at - 1] == rows[0][: at - 1]
    narrow = 12 + APART
    drawn(pane, market.picture(), narrow)
    back = texts(drawn(pane, market.picture(moment_ns=begin + 3 * SECOND), narrow))
    assert any("│" in row[:12] for row in back[HEAD_ROWS : HEAD_ROWS + ROWS])
    assert pane.moment_at(0) == (pane._view.first + 1) * SECOND - 1 if pane._view else False


@pytest.mark.parametrize("size", [(24, 44), (51, 21), (61, 32), (83, 44), (130, 56)])
@pytest.mark.parametrize("density", [False, True])
def test_every_row_fills_its_width_at_any_size(market: Market, size: tuple[int, int], density: bool) -> None:
    width, height = size
    picture = market.picture(density=density, price_rows=min(ROWS, height - HEAD_ROWS))
    lines = HeatmapPane().draw(picture, width, height)
    assert len(lines) <= height
    assert all(width_of(line) <= width for line in lines)
    for line in lines[HEAD_ROWS : HEAD_ROWS + picture.price_rows]:
        assert width_of(line) == width
    assert "Heat" in texts(lines)[0]


def test_the_title_says_what_a_cell_is(market: Market) -> None:
    made = choices()
    title = texts(drawn(HeatmapPane(), market.picture(made), 100))[0]
    assert "1 s a column · average · log · automatic cut-off" in title
    assert "known since" in title
    for change in (heat_control.weigh, heat_control.form):
        change(made.heat)
    heat_control.cut(made.heat, 1)
    title = texts(drawn(HeatmapPane(), market.picture(made), 100))[0]
    assert "greatest · linear · cut off below 70 %" in title
    strip = market.picture(made, situation=Situation(view="book", panes=frozenset({"book", "heatmap"})))
    assert "Heat 5 s greatest" in texts(drawn(HeatmapPane(), strip, 24))[0]


def pulled(market: Market) -> float:
    """Lots that went from the price of the wall without a trade."""
    follows = PullStack(market.history.book, market.history.trades, market.history.since_ns or 0)
    follows.advance(market.now)
    return follows.by_bucket(market.now, 30, 1, fading=False)[MID - 205].pulled


def test_pull_and_stack_stand_beside_the_book_with_their_totals() -> None:
    market = Market()
    market.set(MID - 205, 40 * 10**8)
    market.go(2)
    market.set(MID - 205, 0)
    made = choices(pull_s=30)
    market.go(0.1)
    # Only what rests and moves there counts, with decay: at first all of what was added and taken is there.
    rows = texts(BookPane().draw(market.picture(made), 60, ROWS + HEAD_ROWS))
    assert "±30 s" in rows[1]
    assert "30 s bid" in rows[0]
    (row,) = [row for row in rows if row.startswith(f" {(MID - 205) // STEP * 2:,}")]
    # 40 of the price went within two seconds, what else moved there is far less; stacked before and pulled after.
    assert pulled(market) == 40 * 10**8
    assert "+" in row or "-" in row
    wide = texts(BookPane().draw(market.picture(made, situation=Situation()), 110, ROWS + HEAD_ROWS))
    assert wide[1].rstrip().endswith("±30 s")
    assert all(len(row) <= 110 for row in wide)
    without = texts(BookPane().draw(market.picture(replace(made, pull_s=0)), 60, ROWS + HEAD_ROWS))
    assert "±" not in "".join(without)


def test_in_a_narrow_book_pull_and_stack_take_the_place_of_the_traded_volume_when_asked_for() -> None:
    market = Market()
    market.go(1)
    beside = Situation()
    usual = texts(BookPane().draw(market.picture(choices(), situation=beside), 53, ROWS))[1]
    assert "sold" in usual
    assert "±" not in usual
    asked = choices()
    assert heat_control.pulls(asked) == "Pull/stack over 300 s."
    shown = texts(BookPane().draw(market.picture(asked, situation=beside), 53, ROWS))[1]
    assert "±300 s" in shown
    assert "sold" not in shown


def test_the_profile_is_of_the_session_or_of_the_time_on_screen(market: Market) -> None:
    made = choices()
    heat, profile = HeatmapPane(), ProfilePane()
    drawn(heat, market.picture(made))
    assert "session" in texts(profile.draw(market.picture(made, price_rows=ROWS), 30, ROWS + HEAD_ROWS))[1]
    heat_control.profile(made.heat)
    lines = texts(profile.draw(market.picture(made, price_rows=ROWS), 30, ROWS + HEAD_ROWS))
    assert "on screen 0.18 BTC" in lines[1]
    assert any("POC" in line for line in lines)


def test_cut_offs_go_both_ways_and_end_automatic() -> None:
    made = choices().heat
    said = [heat_control.cut(made, 1) for _ in range(5)]
    assert said[0] == "Heatmap: sizes below the 70th percentile are dark."
    assert said[-1] == "Heatmap: automatic cut-offs."
    assert made.cut is None
    assert [heat_control.cut(made, -1) for _ in range(3)][-1] == "Heatmap: automatic cut-offs."


def test_zoom_ends_at_its_ends() -> None:
    made = choices().heat
    assert [heat_control.zoom(made, -1, strip=True) for _ in range(20)][-1] == "5 min is the longest column there is."
    assert [heat_control.zoom(made, 1, strip=True) for _ in range(20)][-1] == "100 ms is the shortest column there is."
    assert made.column_ns == SECOND


def test_beyond_the_depth_nothing_is_claimed(market: Market) -> None:
    pane = HeatmapPane()
    tall = market.picture(choices(grouping=10, centre=MID // 10), price_rows=2 * DEPTH + 20)
    lines = pane.draw(tall, WIDTH, 2 * DEPTH + 20 + HEAD_ROWS)
    x = WIDTH - APART - 1
    top, bottom = lines[HEAD_ROWS], lines[-1]
    assert key_at(top, x) == key_at(bottom, x) == "faint/unknown"


def test_own_orders_stand_at_the_newest_time_and_those_beyond_the_rows_are_counted(market: Market) -> None:
    def order(key: str, ticks: int, side: Side = Side.BUY) -> Order:
        return accounts.order(key, limit_price=Decimal(ticks).scaleb(-1), side=side)

    picture = market.picture()
    orders = (order("in", MID - 100), order("up", MID + 9_000, Side.SELL), *(order(f"d{n}", 400_000) for n in "12"))
    held = replace(accounts.account(samples.pair()), orders=orders, fills=(), unverified=frozenset())
    pane = HeatmapPane()
    lines = texts(drawn(pane, replace(picture, account=held)))
    view = pane._view
    assert view is not None
    end = len(view.columns)
    row = HEAD_ROWS + view.high - (MID - 100) // STEP
    assert lines[row][:end].endswith("[0.25]")
    assert lines[HEAD_ROWS][:end].endswith("▲1 yours")
    assert lines[HEAD_ROWS + ROWS - 1][:end].endswith("▼2 yours")
    assert not any("yours" in line for line in lines[HEAD_ROWS + 1 : HEAD_ROWS + ROWS - 1])
    # In the past nobody knows where they stood.
    past = texts(drawn(HeatmapPane(), replace(picture, account=held, moment_ns=market.now - 5 * SECOND)))
    assert not any("yours" in line or "[0.25]" in line for line in past)


def test_own_fills_are_marked_at_their_time_and_price(market: Market) -> None:
    picture = market.picture()
    fills = tuple(
        Fill(key, "O", "BTC/USD", side, Decimal(1), Decimal(MID).scaleb(-1), Decimal(1), market.now - back * SECOND,
             maker=True, live=True, session=True)
        for key, side, back in (("B", Side.BUY, 5), ("S", Side.SELL, 9), ("LONG AGO", Side.BUY, 3_000))
    )  # fmt: skip
    held = replace(accounts.account(samples.pair()), orders=(), fills=fills)
    pane = HeatmapPane()
    lines = texts(drawn(pane, replace(picture, account=held)))
    view = pane._view
    assert view is not None
    line = lines[HEAD_ROWS + view.high - MID // STEP]
    for mark, back in (("◆", 5), ("◇", 9)):
        column = (market.now - back * SECOND) // view.width_ns - view.first
        assert line[column] == mark
    assert sum(each.count("◆") + each.count("◇") for each in lines) == 2
