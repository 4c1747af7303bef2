"""CSV: texts of every kind of column, quotes, and what is remembered. The rows themselves are in test_tables.py."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.feed.events import BookLine
from kraken_tui.market.events import Side
from kraken_tui.outputs import csv_table
from kraken_tui.outputs.csv_table import CsvTable
from tests.outputs.test_tables import CHANGED, LINE, SPEC, text_of


def book(symbol: str, *ticks: int) -> BookLine:
    changes = tuple((Side.BUY, each, 1, 0) for each in ticks)
    return replace(LINE, changed=replace(CHANGED, symbol=symbol, changes=changes))


def test_rows_of_one_flush_leave_in_one_write_and_an_empty_flush_in_none() -> None:
    written: list[bytes] = []
    sink = CsvTable(lambda _: SPEC, written.append)
    sink.open()
    assert sink.write(book("BTC/USD", 1, 2))
    assert sink.write(book("BTC/USD", 3))
    assert not sink.write(object())
    sink.flush()
    sink.flush()
    assert [part.count(b"\n") for part in written] == [1, 3]
    assert sink.write(book("BTC/USD", 4))
    sink.close()
    sink.close()
    assert [part.count(b"\n") for part in written] == [1, 3, 1]
    assert sink.counts == (4, 0)


@pytest.mark.parametrize(
    ("symbol", "text"),
    [("BTC/USD", "BTC/USD"), ("A,B", '"A,B"'), ('A"B', '"A""B"'), ("A\rB", '"A\rB"'), ('""', '""""""')],
)
def test_a_name_is_quoted_where_it_must_be(symbol: str, text: str) -> None:
    written: list[bytes] = []
    sink = CsvTable(lambda _: SPEC, written.append)
    sink.open()
    sink.write(book(symbol, 1))
    sink.close()
    assert written[1].startswith(f"kraken,{text},".encode())


def test_what_is_remembered_has_an_end_and_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    quoted: list[str] = []

    def from_units(units: int, decimals: int) -> str:
        made.append(units)
        return f"{units}e-{decimals}"

    def quote(text: str) -> str:
        quoted.append(text)
        return text

    monkeypatch.setattr(csv_table, "_CACHED", 3)
    monkeypatch.setattr(csv_table, "from_units", from_units)
    monkeypatch.setattr(csv_table, "_quoted", quote)
    sink = CsvTable(lambda _: SPEC, lambda _: None)
    sink.open()

    def texts(*ticks: int) -> tuple[int, int]:
        made.clear()
        quoted.clear()
        sink.write(book("BTC/USD", *ticks))
        sink.flush()
        return len(made), len(quoted)

    # Prices and the one amount; exchange, symbol and side.
    assert [texts(5), texts(5), texts(5, 6, 7), texts(5), texts(5)] == [(2, 3), (0, 0), (2, 0), (2, 3), (0, 0)]


def test_what_is_unknown_is_empty_and_never_a_zero() -> None:
    unknown = replace(LINE, bids=(), asks=(), changed=replace(CHANGED, checksum=None, verified=False))
    assert text_of(unknown, shape="levels", levels=1)[1].split(",")[4:] == ["", "", "", "", "false", ""]
