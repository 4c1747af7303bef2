"""The rows of each shape, from events made by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import BookLine
from kraken_tui.market.events import BookChanged, Candle, CandleChanged, FlowEvent, FlowKind, Side, Trade
from kraken_tui.outputs import SINKS
from kraken_tui.outputs.csv_table import CsvTable
from kraken_tui.outputs.tables import SHAPES
from kraken_tui.wire.symbols import PairSpec

NS = 1_795_262_400_123_456_789
SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
CHANGED = BookChanged(
    "BTC/USD",
    "update",
    True,
    4_294_967_295,
    "x",
    NS - 5_000_000,
    NS,
    ((Side.SELL, 452852, 5, 0), (Side.BUY, 7, 0, 10**8)),
)
LINE = BookLine(CHANGED, ((7, 10**8),), ((452853, 1), (452854, 2)), SPEC, 25)


def text_of(*events: object, shape: str, levels: int = 2, spec: PairSpec | None = SPEC) -> list[str]:
    written: list[bytes] = []
    sink = CsvTable(lambda _: spec, written.append, shape=shape, levels=levels, clock=lambda: NS)
    sink.open()
    for event in events:
        sink.write(event)
        sink.flush()
    sink.close()
    sink.close()
    found = b"".join(written).decode().splitlines()
    assert sink.counts.written == len(found) - 1
    return found


def test_an_update_is_a_row_for_each_level_in_the_order_of_the_message() -> None:
    head, *rows = text_of(LINE, shape="updates")
    assert head == "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount,verified,checksum,depth"
    stamps = "1795262400118456,1795262400123456"
    assert rows == [
        f"kraken,BTC/USD,{stamps},false,ask,45285.2,0.00000000,true,4294967295,25",
        f"kraken,BTC/USD,{stamps},false,bid,0.7,1.00000000,true,4294967295,25",
    ]


def test_a_snapshot_is_all_levels_and_what_is_unknown_is_empty() -> None:
    changed = replace(CHANGED, kind="snapshot", verified=False, checksum=None, venue_ns=None, changes=())
    _, *rows = text_of(replace(LINE, changed=changed, depth=0), shape="updates")
    stamps = "1795262400123456,1795262400123456"
    assert rows == [
        f"kraken,BTC/USD,{stamps},true,bid,0.7,1.00000000,false,,",
        f"kraken,BTC/USD,{stamps},true,ask,45285.3,0.00000001,false,,",
        f"kraken,BTC/USD,{stamps},true,ask,45285.4,0.00000002,false,,",
    ]


def test_levels_are_told_when_they_or_their_proof_change() -> None:
    deeper = replace(LINE, asks=(*LINE.asks, (452900, 5)))
    unproven = replace(LINE, changed=replace(CHANGED, verified=False))
    head, *rows = text_of(LINE, LINE, deeper, unproven, LINE, shape="levels")
    assert head.startswith("exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,")
    assert [row.split(",")[4:] for row in rows[:2]] == [
        ["45285.3", "0.00000001", "0.7", "1.00000000", "45285.4", "0.00000002", "", "", "true", "4294967295"],
        ["45285.3", "0.00000001", "0.7", "1.00000000", "45285.4", "0.00000002", "", "", "false", "4294967295"],
    ]
    assert len(rows) == 3


def test_trades_candles_and_flow() -> None:
    trade = Trade("BTC/USD", Side.SELL, 452852, 5, "limit", 77, "x", NS - 1_000, live=False)
    assert text_of(trade, shape="trades")[1:] == [
        "kraken,BTC/USD,1795262400123455,1795262400123456,77,sell,45285.2,0.00000005,true"
    ]
    flow = FlowEvent("BTC/USD", NS, FlowKind.SWEEP, Side.BUY, 10, 3, 4, 8, 29, 6)
    assert text_of(flow, shape="flow")[1:] == [
        "kraken,BTC/USD,1795262400123456,1795262400123456,sweep,buy,1.0,0.00000003,4,0.8,0.000000029,6"
    ]
    for shape, event in (("trades", trade), ("flow", flow)):
        assert len(text_of(event, LINE, shape=shape, spec=None)) == 1


def test_a_candle_is_one_row_in_the_order_of_time_whatever_was_told_in_between() -> None:
    def candle(minute: int, close: int, *, closed: bool = True) -> CandleChanged:
        return CandleChanged("BTC/USD", Candle(minute * 60, 1, 10, 20, 5, close, 30, 450, 2, closed))

    told = (candle(1, 11), candle(2, 12, closed=False), candle(2, 13), candle(1, 14), candle(3, 15), candle(4, 16),
            candle(5, 17, closed=False))  # fmt: skip
    _, *rows = text_of(*told, shape="candles")
    assert [(row.split(",")[2], row.split(",")[8], row.split(",")[-1]) for row in rows] == [
        ("60000000", "1.4", "true"), ("120000000", "1.3", "true"), ("180000000", "1.5", "true"),
        ("240000000", "1.6", "true"), ("300000000", "1.7", "false"),
    ]  # fmt: skip
    assert rows[0].split(",")[4:] == ["1", "1.0", "2.0", "0.5", "1.4", "0.00000030", "1.5", "2", "true"]


def test_a_name_that_csv_would_take_apart_is_quoted() -> None:
    odd = replace(LINE, changed=replace(CHANGED, symbol='A,"B'))
    assert text_of(odd, shape="updates")[1].startswith('kraken,"A,""B",')


def test_there_is_no_other_shape() -> None:
    with pytest.raises(ConfigurationError, match="shape takes one of updates, levels, trades, candles, flow"):
        SINKS["csv"].make(lambda _: None, lambda _: None, shape="rows")
    from kraken_tui.cli.export import SHAPES as OFFERED

    assert tuple(SHAPES) == OFFERED


def test_parquet_holds_exactly_the_same_numbers_and_says_what_it_cannot() -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs kraken-tui[parquet]")
    import io

    def read(line: BookLine, shape: str = "updates") -> list[dict[str, object]]:
        data = io.BytesIO()
        sink = SINKS["parquet"].make(lambda _: SPEC, lambda part: data.write(part), shape=shape, levels=2)
        sink.open()
        sink.write(line)
        sink.close()
        found: list[dict[str, object]] = pq.read_table(data).to_pylist()
        return found

    large = replace(LINE, changed=replace(CHANGED, changes=((Side.BUY, 10**18 + 1, 0, 10**27 + 7),)))
    (row,) = read(large)
    assert (row["price"], row["amount"]) == (Decimal("100000000000000000.1"), Decimal("10000000000000000000.00000007"))
    assert (row["checksum"], row["depth"], row["verified"]) == (4_294_967_295, 25, True)
    (wide,) = read(LINE, "levels")
    assert (wide["bids[0].price"], wide["bids[1].price"]) == (Decimal("0.7"), None)
    finer = replace(LINE, spec=replace(SPEC, price_precision=11))
    with pytest.raises(ConfigurationError, match="more digits than Parquet can hold exactly; use --to csv"):
        read(finer)


TRADE = Trade("BTC/USD", Side.BUY, 10, 3, "limit", 1, "x", NS)
FLOW = FlowEvent("BTC/USD", NS, FlowKind.WALL, Side.BUY, 10, 3)
CANDLE = CandleChanged("BTC/USD", Candle(60, 1, 10, 20, 5, 11, 30, 450, 2, True))
EVENTS = {"updates": LINE, "levels": LINE, "trades": TRADE, "candles": CANDLE, "flow": FLOW}


def made(shape: str, spec: PairSpec | None = SPEC) -> CsvTable:
    sink = CsvTable(lambda _: spec, lambda _: None, shape=shape, clock=lambda: NS)
    sink.open()
    return sink


@pytest.mark.parametrize("shape", SHAPES)
def test_only_what_a_shape_shows_is_taken_and_nothing_is_left_out_of_the_rest(shape: str) -> None:
    sink = made(shape)
    assert sink.counts == (0, 0)
    for name, event in EVENTS.items():
        shown = EVENTS[shape] is event
        assert sink._shape.rows(event) == [] or shown, name
    sink = made(shape)
    assert sink.write(object()) is False
    # Candles are held back until the next are there.
    assert sink.write(EVENTS[shape]) is (shape != "candles")
    sink.close()
    assert sink.counts == (2 if shape == "updates" else 1, 0)


@pytest.mark.parametrize("shape", ["trades", "candles", "flow"])
def test_what_cannot_be_written_for_want_of_precisions_is_counted(shape: str) -> None:
    sink = made(shape, None)
    for number in (1, 2):
        assert sink.write(EVENTS[shape]) is False
        if shape != "candles":
            assert sink.counts == (0, number)
    sink.close()
    assert sink.counts == (0, 1 if shape == "candles" else 2)


def test_nothing_else_is_shown_again_where_levels_stay() -> None:
    sink = made("levels")
    assert [sink.write(LINE), sink.write(LINE)] == [True, False]
    assert sink._shape.rows(LINE) == []
    assert [column.name for column in sink._shape.columns].count("asks[9].price") == 1
    assert "asks[10].price" not in [column.name for column in sink._shape.columns]


def test_levels_have_both_times_in_microseconds() -> None:
    for venue_ns, stamp in ((NS - 5_000_000, "1795262400118456"), (None, "1795262400123456")):
        line = replace(LINE, changed=replace(CHANGED, venue_ns=venue_ns))
        assert text_of(line, shape="levels")[1].split(",")[2:4] == [stamp, "1795262400123456"]


def test_the_three_newest_candles_are_held_back_and_keep_the_moment_they_were_told() -> None:
    sink = made("candles")
    for minute in (1, 2, 3):
        assert sink.write(replace(CANDLE, candle=replace(CANDLE.candle, begin_s=60 * minute))) is False
    assert sink.write(replace(CANDLE, candle=replace(CANDLE.candle, begin_s=240))) is True
    assert sink.counts.written == 1
    sink.close()
    assert sink.counts.written == 4
    assert text_of(CANDLE, shape="candles")[1].split(",")[2:4] == ["60000000", "1795262400123456"]


def test_decimals_of_typed_columns() -> None:
    scales = {column.name: column.scale for shape in SHAPES for column in made(shape)._shape.columns}
    assert {scale for name, scale in scales.items() if name != "value"} == {10}
    assert scales["value"] == 20
