"""Rows as CSV: comma, header, UTC microseconds, prices and amounts with the exchange's digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kraken_tui.outputs.tables import DECIMAL, FLAG, TEXT, Column, Exact, Row, Table
from kraken_tui.wire.digits import from_units

_CACHED = 50_000


class CsvTable(Table):
    """The sink that writes CSV; see `Table` for the arguments."""

    def open(self) -> None:
        """See `Sink`: writes the header."""
        self._texts: dict[Exact, str] = {}
        self._quoted: dict[object, str] = {}
        self._writers = [self._writer(column) for column in self._shape.columns]
        self._out((",".join(column.name for column in self._shape.columns) + "\n").encode())

    def flush(self) -> None:
        """See `Sink`."""
        rows, self._waiting = self._waiting, []
        self._emit(rows)

    def close(self) -> None:
        """See `Sink`; the output belongs to the caller."""
        self._emit(self._finish())

    def _emit(self, rows: list[Row]) -> None:
        if not rows:
            return
        if len(self._texts) > _CACHED:
            self._texts.clear()
            self._quoted.clear()
        # By columns: one call for all values of a kind instead of one for each.
        columns = [write(values) for write, values in zip(self._writers, zip(*rows, strict=True), strict=True)]
        self._out(("\n".join(map(",".join, zip(*columns, strict=True))) + "\n").encode())

    def _writer(self, column: Column) -> Callable[[Iterable[Any]], list[str]]:
        if column.kind == DECIMAL:
            return self._decimals
        if column.kind == FLAG:
            return lambda values: ["true" if value else "false" for value in values]
        if column.kind == TEXT:
            return self._names
        return lambda values: ["" if value is None else str(value) for value in values]

    def _names(self, values: Iterable[Any]) -> list[str]:
        known = self._quoted
        for value in set(values) - known.keys():
            known[value] = _quoted(str(value))
        return [known[value] for value in values]

    def _decimals(self, values: Iterable[Any]) -> list[str]:
        known, found = self._texts, list[str]()
        for value in values:
            text = known.get(value) if value is not None else ""
            if text is None:
                text = known[value] = from_units(*value)
            found.append(text)
        return found


def _quoted(text: str) -> str:
    if any(character in text for character in ',"\r\n'):
        escaped = text.replace('"', '""')
        return f'"{escaped}"'
    return text
