"""Parquet: numbers at the edge of what 128 bits hold, row groups, and a file that is whole once it is closed."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import BookLine
from kraken_tui.market.events import Side
from tests.outputs.test_tables import CHANGED, LINE, SPEC

pytest.importorskip("pyarrow", reason="needs kraken-tui[parquet]")

import pyarrow.parquet as pq

from kraken_tui.outputs import parquet
from kraken_tui.outputs.parquet import ParquetTable


def changed(*levels: tuple[int, int]) -> BookLine:
    return replace(LINE, changed=replace(CHANGED, changes=tuple((Side.BUY, ticks, 0, lots) for ticks, lots in levels)))


def written(*lines: BookLine, shape: str = "updates", levels: int = 1) -> io.BytesIO:
    data = io.BytesIO()
    sink = ParquetTable(lambda _: SPEC, data.write, shape=shape, levels=levels)
    sink.open()
    for line in lines:
        assert sink.write(line)
        sink.flush()
    sink.close()
    length = data.tell()
    sink.close()
    assert data.tell() == length, "closed once"
    data.seek(0)
    return data


def test_numbers_are_exact_at_every_length() -> None:
    pairs = [(1, 1), (0, 0), (9, 10**8), (10**28, 1), (10**29 - 1, 10**36 - 1), (452_853, 123_456_789_012_345)]
    rows = pq.read_table(written(changed(*pairs))).to_pylist()
    assert [(row["price"], row["amount"]) for row in rows] == [
        (Decimal(f"{ticks}E-1"), Decimal(f"{lots}E-8")) for ticks, lots in pairs
    ]


def test_a_number_of_more_than_38_digits_is_refused_by_its_column() -> None:
    # From 38 nines on, and from 127 bits on.
    for line, column in (
        (changed((10**29, 1)), "price"),
        (changed((1, 10**36)), "amount"),
        (changed((2**127 // 10**9 + 1, 1)), "price"),
        (changed((1, 2**127 // 100 + 1)), "amount"),
        (changed((2**128 // 10**9, 1)), "price"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            written(line)
        assert str(caught.value) == (
            f"a number of the column {column} has more digits than Parquet can hold exactly; use --to csv"
        )


def test_as_many_decimals_as_the_column_has_are_held_and_no_more() -> None:
    most = replace(LINE, spec=replace(SPEC, price_precision=10))
    assert pq.read_table(written(most)).to_pylist()[0]["price"] == Decimal("0.0000452852")
    with pytest.raises(ConfigurationError, match="price"):
        written(replace(LINE, spec=replace(SPEC, price_precision=11)))


def test_what_is_unknown_is_null_and_stands_where_it_belongs() -> None:
    none = replace(LINE, asks=(), changed=replace(CHANGED, checksum=None, verified=False))
    rows = pq.read_table(written(none, LINE, none, shape="levels")).to_pylist()
    assert [(row["asks[0].price"], row["bids[0].price"], row["checksum"], row["verified"]) for row in rows] == [
        (None, Decimal("0.7"), None, False),
        (Decimal("45285.3"), Decimal("0.7"), 4_294_967_295, True),
        (None, Decimal("0.7"), None, False),
    ]


def test_types_are_exact_and_the_file_says_what_it_is() -> None:
    schema = pq.read_schema(written(LINE))
    assert {name: str(schema.field(name).type) for name in schema.names} == {
        "exchange": "string", "symbol": "string", "timestamp": "timestamp[us, tz=UTC]",
        "local_timestamp": "timestamp[us, tz=UTC]", "is_snapshot": "bool", "side": "string",
        "price": "decimal128(38, 10)", "amount": "decimal128(38, 10)", "verified": "bool", "checksum": "uint32",
        "depth": "int64",
    }  # fmt: skip
    assert json.loads(schema.metadata[b"kraken-tui"])["shape"] == "updates"


def test_a_row_group_is_written_once_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parquet.GROUP_CELLS == 400_000
    # Two rows of eleven columns a message: six of them are exactly enough.
    monkeypatch.setattr(parquet, "GROUP_CELLS", 6 * 2 * 11)
    file = pq.ParquetFile(written(*[changed((number, 1), (number, 2)) for number in range(13)]))
    assert [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)] == [12, 12, 2]
    monkeypatch.setattr(parquet, "GROUP_CELLS", 6 * 2 * 11 + 1)
    assert pq.ParquetFile(written(*[changed((1, 1), (1, 2))] * 7)).metadata.row_group(0).num_rows == 14
    assert file.read().column("price").to_pylist()[::2] == [Decimal(number).scaleb(-1) for number in range(13)]


def test_without_rows_there_is_a_file_without_rows() -> None:
    table = pq.read_table(written())
    assert (table.num_rows, len(table.column_names)) == (0, 11)
