"""Tables of other libraries: the same values to the last digit, in columns whose types never depend on the values."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import BookLine, ConfigurationError, KrakenClient, PriceTrades, Quote, Rows, Side, Ticker, Trade
from kraken_tui.client.frames import Column, Kind, columns_of
from kraken_tui.market.plain import Value
from tests.client.client_rig import LONG

NS = 1_700_000_000_123_456_789
"""A time that a float does not hold."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def price_trades(**given: Any) -> PriceTrades:
    values: dict[str, Any] = {
        "price": Decimal("64161.3"), "count": 3, "volume": Decimal("0.10000001"), "bought": Decimal("0.10000000"),
        "sold": Decimal("0.00000001"), "delta": Decimal("0.09999999"), "average": Decimal("0.0333333366666"),
        "last_ns": NS, "last_side": Side.BUY, "last_qty": Decimal("0.00000001"),
    }  # fmt: skip
    return PriceTrades(**values | given)


UNKNOWN = {"last_ns": None, "last_side": None, "last_qty": None}


def pyarrow_rows(rows: Any, **how: bool) -> list[dict[str, Any]]:
    pa = pytest.importorskip("pyarrow", reason="needs kraken-tui[arrow]")
    table = rows.to_arrow(**how)
    times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    for name in times:
        assert table.schema.field(name).type == pa.timestamp("ns", tz="UTC")
        at = table.column_names.index(name)
        table = table.set_column(at, name, table.column(name).cast(pa.int64()))
    return list(table.to_pylist())


def polars_rows(rows: Any, **how: bool) -> list[dict[str, Any]]:
    pl = pytest.importorskip("polars", reason="needs kraken-tui[polars]")
    frame = rows.to_polars(**how)
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.Datetime):
            assert (kind.time_unit, kind.time_zone) == ("ns", "UTC")
            frame = frame.with_columns(frame[name].cast(pl.Int64))
    return list(frame.to_dicts())


def pandas_rows(rows: Any, **how: bool) -> list[dict[str, Any]]:
    pd = pytest.importorskip("pandas", reason="needs kraken-tui[pandas]")
    frame = rows.to_pandas(**how)
    columns = {}
    for name in frame.columns:
        values = list(frame[name])
        if str(frame[name].dtype) == "datetime64[ns, UTC]":
            values = [each if each is pd.NaT else each.value for each in values]
        columns[name] = [None if each is None or each is pd.NaT or pd.isna(each) else each for each in values]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


LIBRARIES = [pyarrow_rows, polars_rows, pandas_rows]
each_library = pytest.mark.parametrize("read", LIBRARIES, ids=lambda read: read.__name__)


def expected(row: Value, floats: bool = False) -> dict[str, Any]:
    """A row as a table must hold it: worked out field by field, without the columns' own table."""
    found: dict[str, Any] = {}
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, Enum):
            value = value.value
        if name.endswith("_ns"):
            name = f"{name[:-3]}_time"
        elif name == "ns":
            name = "time"
        elif name == "begin_s":
            name, value = "begin_time", value * 10**9
        computed = name in ("share", "cumulative_share", "distance_bps", "average")
        found[name] = float(value) if isinstance(value, Decimal) and (floats or computed) else value
    return found


@each_library
@pytest.mark.parametrize("floats", [False, True])
def test_every_value_is_there_to_the_last_digit(read: Callable[..., list[dict[str, Any]]], floats: bool) -> None:
    rows = Rows([price_trades(), price_trades(**UNKNOWN), price_trades(price=Decimal("0.1"), last_ns=1)])
    found = read(rows, floats=floats)
    assert found == [expected(row, floats) for row in rows]
    assert isinstance(found[0]["price"], float if floats else Decimal)
    assert isinstance(found[0]["average"], float)
    assert found[0]["last_time"] == NS, "not a nanosecond lost, beside one that is unknown"


@pytest.fixture(scope="module")
def client() -> Iterator[KrakenClient]:
    with KrakenClient("BTC/USD", depth=25, history_min=1, demo=True) as client:
        client.wait_verified_sync("BTC/USD", timeout=LONG)
        stream = client.events(Trade)
        while not any(trade.live for trade in client.trades("BTC/USD")):
            assert stream.get(LONG)
        yield client


TABLES: dict[str, Callable[[KrakenClient], Any]] = {
    "ladder": lambda client: client.ladder("BTC/USD", 5),
    "aggregate": lambda client: client.aggregate("BTC/USD", "50", rows=11),
    "large_orders": lambda client: client.large_orders("BTC/USD", "0.5"),
    "trades_at_price": lambda client: client.trades_at_price("BTC/USD"),
    "profile": lambda client: client.profile("BTC/USD"),
    "trades": lambda client: client.trades("BTC/USD"),
    "candles": lambda client: client.candles("BTC/USD"),
    "pairs": lambda client: client.pairs("btc"),
    "view": lambda client: client.view("BTC/USD").bids,  # type: ignore[union-attr]
}


@each_library
@pytest.mark.parametrize("name", TABLES)
def test_what_the_client_gives_is_a_table(
    client: KrakenClient, name: str, read: Callable[..., list[dict[str, Any]]]
) -> None:
    table = TABLES[name](client)
    assert len(table.rows)
    assert read(table) == [expected(row) for row in table.rows]


def test_a_heatmap_is_a_table_of_its_cells(client: KrakenClient) -> None:
    pl = pytest.importorskip("polars", reason="needs kraken-tui[polars]")
    table = client.heatmap("BTC/USD", step="1", columns=3, width_s=0.25)
    frame = table.to_polars()
    assert frame.height == len(table.rows) > 0
    assert frame["begin_time"].dtype == pl.Datetime("ns", "UTC")
    assert [float(cell.qty) for cell in table.rows] == frame["qty"].to_list()


def test_the_types_of_the_columns_do_not_depend_on_the_values() -> None:
    pytest.importorskip("pyarrow", reason="needs kraken-tui[arrow]")
    full, unknown, empty = Rows([price_trades()]), Rows([price_trades(**UNKNOWN)]), Rows((), PriceTrades)
    assert full.to_arrow().schema == unknown.to_arrow().schema == empty.to_arrow().schema
    assert str(full.to_arrow().schema.field("price").type) == "decimal128(38, 10)"
    polars = pytest.importorskip("polars", reason="needs kraken-tui[polars]")
    assert full.to_polars().schema == unknown.to_polars().schema == empty.to_polars().schema
    assert polars.concat([full.to_polars(), unknown.to_polars(), empty.to_polars()]).height == 2
    pytest.importorskip("pandas", reason="needs kraken-tui[pandas]")
    for floats in (False, True):
        kinds = [list(rows.to_pandas(floats=floats).dtypes) for rows in (full, unknown, empty)]
        assert kinds[0] == kinds[1] == kinds[2]


def test_worth_has_the_decimals_of_price_and_quantity_together() -> None:
    scales = {column.name: (column.kind, column.scale) for column in columns_of(columns_type("Candle"))}
    assert scales["open"] == (Kind.EXACT, 10)
    assert scales["turnover"] == (Kind.EXACT, 20)
    ladder = {column.name: (column.kind, column.scale) for column in columns_of(columns_type("LadderLevel"))}
    assert ladder["notional"] == ladder["cumulative_notional"] == (Kind.EXACT, 20)
    assert ladder["distance"] == (Kind.EXACT, 11), "half a tick"
    assert ladder["distance_bps"] == ladder["share"] == (Kind.FLOAT, 0)


def columns_type(name: str) -> type:
    import kraken_tui

    found: type = getattr(kraken_tui, name)
    return found


@each_library
@pytest.mark.parametrize("price", ["0.12345678901", "12345678901234567890123456789"])
def test_a_number_that_does_not_fit_exactly_is_refused_not_rounded(
    read: Callable[..., list[dict[str, Any]]], price: str
) -> None:
    rows = Rows([price_trades(price=Decimal(price))])
    if read is pandas_rows:
        assert read(rows)[0]["price"] == Decimal(price)
        return
    read(Rows([price_trades()]))
    with pytest.raises(ConfigurationError, match=r"column price has more digits .*floats=True"):
        read(rows)
    assert read(rows, floats=True)[0]["price"] == float(price)


def test_what_holds_for_all_rows_goes_with_the_table(client: KrakenClient) -> None:
    pytest.importorskip("pyarrow", reason="needs kraken-tui[arrow]")
    ladder = client.ladder("BTC/USD", 2)
    assert ladder is not None
    said = ladder.to_arrow().schema.metadata[b"kraken-tui"].decode()
    assert f'"symbol": "BTC/USD", "ns": {ladder.ns}, "verified": {str(ladder.verified).lower()}' in said
    pytest.importorskip("pandas", reason="needs kraken-tui[pandas]")
    assert ladder.to_pandas().attrs["mid"] == str(ladder.mid)
    assert "bids" not in ladder.to_pandas().attrs


@pytest.mark.parametrize(
    ("call", "module", "extra"),
    [("to_arrow", "pyarrow", "arrow"), ("to_polars", "polars", "polars"), ("to_pandas", "pandas", "pandas")],
)
def test_a_library_that_is_missing_is_one_sentence(
    call: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError) as raised:
        getattr(Rows([price_trades()]), call)()
    assert str(raised.value) == f"{call} needs the package {module}; install it with: pip install 'kraken-tui[{extra}]'"


def test_rows_are_a_tuple() -> None:
    values = (price_trades(), price_trades(count=4), price_trades(count=5))
    rows = Rows(iter(values))
    assert rows == values
    assert hash(rows) == hash(values)
    assert rows.rows is rows
    assert rows[1].count == 4
    assert isinstance(rows[1:], Rows)
    assert rows[1:] == values[1:]
    assert rows[:0].to_arrow().schema == rows.to_arrow().schema
    again = pickle.loads(pickle.dumps(Rows((), Quote)))
    assert (again, again._row_type()) == ((), Quote)
    assert [row["count"] for row in rows.records()] == [3, 4, 5]


def test_rows_of_a_stream(small: Path) -> None:
    client = KrakenClient(replay=small)
    stream = client.events(Trade)
    with client:
        rows = Rows(islice(stream, 10))
    assert len(rows) == 10
    assert rows.to_arrow()["trade_id"].to_pylist() == [trade.trade_id for trade in rows]


def test_a_value_within_a_value_gives_columns_of_both_names(client: KrakenClient) -> None:
    touch = client.best_bid_ask("BTC/USD")
    assert touch is not None
    names = [column.name for column in columns_of(type(touch))]
    assert names[1:5] == ["bid_price", "bid_qty", "bid_ticks", "bid_lots"]
    assert all(column.unknown for column in columns_of(type(touch))[1:5])
    assert Column("ask_price", ("ask", "price"), Kind.EXACT, 10, 1, True).values([touch], floats=False) == [
        touch.ask and touch.ask.price
    ]


def test_what_is_no_table_says_so(small: Path) -> None:
    ticker = Ticker(*[None] * 9)
    with pytest.raises(ConfigurationError, match="values of one type; these are PriceTrades, Ticker"):
        Rows([price_trades(), ticker]).to_arrow()  # type: ignore[list-item]
    client = KrakenClient(replay=small)
    stream = client.events(BookLine)
    with client, pytest.raises(ConfigurationError, match=r"BookLine is no row of a table: .* `?ladder"):
        Rows([next(iter(stream))]).to_arrow()
    with pytest.raises(ConfigurationError, match="not int"):
        Rows([1]).to_arrow()  # type: ignore[type-var]
    assert Rows().to_arrow().num_columns == 0
