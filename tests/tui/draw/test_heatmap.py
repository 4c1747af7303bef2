"""The heatmap's cells: brightness, what is not known, trades and the touch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.history.columns import Column
from kraken_tui.market.history.prints import TradeColumn
from kraken_tui.tui.draw.heat_scale import Scale
from kraken_tui.tui.draw.heat_view import HeatView
from kraken_tui.tui.draw.heatmap import (
    APART,
    HEAD_ROWS,
    UNKNOWN,
    UNPROVEN,
    ColumnCells,
    column_cells,
    draw_heatmap,
)
from kraken_tui.tui.draw.runs import width_of
from kraken_tui.units import SECOND
from tests.tui import samples

SPEC = samples.spec_of("BTC/USD")
SCALE = Scale(10.0, 1_000.0)
TIERS = (10.0, 100.0)


def column(index: int = 100, **fields: object) -> Column:
    """A column that is known, with asks in 105 and bids in 103 at a step of ten ticks."""
    made = Column(index, {105: 500.0, -103: 20.0}, known=True, proven=True, bid=1_030, ask=1_050)
    return replace(made, **fields)


def view(**fields: object) -> HeatView:
    """Ten rows from bucket 109 down to 100, one column and the running one."""
    made = HeatView(
        spec=SPEC,
        step=10,
        halves=False,
        high=109,
        rows=10,
        first=100,
        columns=[column()],
        running=column(101),
        width_ns=SECOND,
        trades={},
        cvd=0,
        scale=SCALE,
        notes=["1 s a column"],
    )
    return replace(made, **fields)


def cell(made: HeatView, bucket: int, of: Column | None = None) -> tuple[str, str]:
    """The cell of a bucket in a column."""
    return column_cells(made, of or column(), TIERS)[made.high - bucket]


def test_brightness_is_the_scales() -> None:
    far = column(cells={107: 500.0, -101: 20.0})
    assert cell(view(), 107, far) == (" ", f"text/heat{SCALE.level(500)}")
    assert cell(view(), 101, far) == (" ", f"text/heat{SCALE.level(20)}")
    assert cell(view(), 108, far) == (" ", "text/heat0")


def test_the_touch_is_a_pair_of_lines() -> None:
    assert cell(view(), 105) == ("▁", f"ask/heat{SCALE.level(500)}")
    assert cell(view(), 103) == ("▔", f"bid/heat{SCALE.level(20)}")


def test_what_is_not_known_is_not_empty() -> None:
    edge = column(low=102, high=106)
    known = {bucket for bucket in range(100, 110) if cell(view(), bucket, edge)[1] != "faint/unknown"}
    assert known == {102, 103, 104, 105, 106}
    for bucket in (100, 101, 107, 109):
        text, style = cell(view(), bucket, edge)
        assert style == "faint/unknown"
        assert text in (UNKNOWN, " ")
    before = column_cells(view(), Column(100, {}), TIERS)
    assert {style for _, style in before} == {"faint/unknown"}
    assert UNKNOWN in {text for text, _ in before}


def test_an_unproven_column_is_hatched_and_claims_no_touch() -> None:
    doubtful = column_cells(view(), column(proven=False), TIERS)
    assert {text for text, _ in doubtful} == {UNPROVEN}


heat = st.builds(
    Column,
    st.integers(100, 200),
    st.dictionaries(st.integers(-240, 240).filter(bool), st.floats(0.1, 1e6), max_size=40),
    st.none() | st.integers(90, 110),
    st.none() | st.integers(90, 230),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(1_000, 1_050),
    st.none() | st.integers(1_050, 1_100),
)


@given(made=heat, density=st.booleans(), halves=st.booleans(), ascii_only=st.booleans())
def test_unknown_never_looks_empty_and_the_known_never_unknown(
    made: Column, density: bool, halves: bool, ascii_only: bool
) -> None:
    shown = view(density=density, halves=halves and not density, ascii_only=ascii_only and density)
    factor = 2 if shown.halves else 1
    for row, (text, style) in enumerate(column_cells(shown, made, TIERS)):
        bucket = shown.high - row
        lowest, highest = (2 * bucket - 1, 2 * bucket + 1) if shown.halves else (bucket, bucket)
        nothing = not made.known and not made.cells
        beyond = (made.low is not None and lowest + (factor - 1) < made.low) or (
            made.high is not None and highest - (factor - 1) > made.high
        )
        if nothing or beyond:
            touched = text in "▁▔" and style.partition("/")[0] in ("bid", "ask") and not nothing
            assert touched or style == "faint/unknown"
            assert touched or not density or text == UNKNOWN
        elif not made.proven:
            assert text == UNPROVEN
        else:
            assert text not in (UNKNOWN, UNPROVEN)
            assert "unknown" not in style


def test_trades_stand_on_top_by_aggressor_and_size() -> None:
    trades = TradeColumn({105: (500, 0), 103: (0, 50), 104: (3, 1)}, 503, 51)
    made = view(trades={100: trades})
    assert cell(made, 105) == ("▲", "heat-bought/heat4")
    assert cell(made, 103) == ("▾", f"heat-sold/heat{SCALE.level(20)}")
    assert cell(made, 104) == ("▵", "heat-bought/heat0")


def test_two_prices_a_cell() -> None:
    # Half steps of five ticks: asks of row 105 are in halves 209 and 210, bids of row 103 in 206 and 207.
    halves = column(cells={210: 500.0, 209: 20.0, -207: 500.0, -206: 0.0}, bid=None, ask=None)
    made = view(halves=True)
    upper, lower = SCALE.level(500), SCALE.level(20)
    assert cell(made, 105, halves) == ("▀", f"heat{upper}/heat{lower}")
    assert cell(made, 103, halves) == ("▀", f"heat{upper}/heat0")
    assert cell(made, 104, halves) == (" ", "text/heat0")


def test_without_colours_density_tells_the_size() -> None:
    made = view(density=True)
    far = column(cells={107: 5_000.0, -101: 20.0})
    assert cell(made, 107, far)[0] == "█"
    assert cell(made, 101, far)[0] == "░"
    assert cell(made, 108, far)[0] == " "


def test_every_row_has_its_width_and_the_running_column_stands_apart() -> None:
    count = 40
    made = view(columns=[column(100 + at) for at in range(count)], running=column(140))
    lines = draw_heatmap(made, count + APART, HEAD_ROWS + 10 + 6, ColumnCells())
    assert len(lines) == HEAD_ROWS + 10 + 6
    for line in lines[HEAD_ROWS : HEAD_ROWS + 10]:
        assert width_of(line) == count + APART
        text = "".join(part for part, _ in line)
        assert text[count] == "▏"


def test_a_kept_column_is_drawn_as_a_new_one() -> None:
    cells = ColumnCells()
    made = view(columns=[column(100 + at) for at in range(10)])
    first = draw_heatmap(made, 12, 20, cells)
    assert draw_heatmap(made, 12, 20, cells) == first
    moved = replace(made, high=110)
    assert draw_heatmap(moved, 12, 20, cells) == draw_heatmap(moved, 12, 20, ColumnCells()) != first
    traded = replace(made, trades={104: TradeColumn({106: (500, 0)}, 500, 0)})
    assert draw_heatmap(traded, 12, 20, cells) == draw_heatmap(traded, 12, 20, ColumnCells())


def test_the_cursor_crosses_everything() -> None:
    made = view(columns=[column(100 + at) for at in range(6)], cursor=108, moment=102)
    lines = draw_heatmap(made, 8, HEAD_ROWS + 10, ColumnCells())
    row = "".join(part for part, _ in lines[HEAD_ROWS + 1])
    assert row == "──┼───▏─"
    assert all("".join(part for part, _ in line)[2] in "│┼▁▔" for line in lines[HEAD_ROWS:])


def test_delta_and_cumulative_delta_stand_below_their_columns() -> None:
    trades = {
        101: TradeColumn({105: (800, 0)}, 800, 0, before=50),
        103: TradeColumn({103: (0, 400)}, 0, 400, before=850),
    }
    made = view(columns=[column(100 + at) for at in range(6)], trades=trades, cvd=50, running=None)
    lines = draw_heatmap(made, 8, HEAD_ROWS + 10 + 7, ColumnCells())
    below = ["".join(part for part, _ in line) for line in lines[HEAD_ROWS + 10 :]]
    assert below[1][1] == "█"
    assert below[2][3] == "▄"
    assert below[-1][0] == "▁"
    assert below[-1][1] == "█"
