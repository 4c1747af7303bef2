"""Values as tables of pandas, polars and Arrow: which columns a type of value has, and what becomes of each.

The libraries are imported where they are used; without one of them there is one sentence that says how to get it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from enum import Enum, StrEnum
from functools import lru_cache, reduce
from importlib import import_module
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, SupportsIndex, TypeVar, Union, get_args, get_origin
from typing import get_type_hints as hints_of

from kraken_tui.errors import ConfigurationError
from kraken_tui.market.plain import Value, plain
from kraken_tui.units import SCALE, SECOND, VALUE_SCALE

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

DIGITS = 38
"""Digits of the widest decimal that Arrow and polars share."""

_EXACTLY = Context(prec=DIGITS, traps=[Inexact, InvalidOperation])
_NO_TIME = -(2**63)
"""How numpy writes a time that is not known."""


class Note(StrEnum):
    """What a type says of its decimals beside their being decimals; without one they are a price or a quantity."""

    WORTH = "price times quantity"
    HALVED = "half of a price"
    COMPUTED = "computed by floats"


Worth = Annotated[Decimal, Note.WORTH]
"""Exact, with the decimals of a price and a quantity together."""

Halved = Annotated[Decimal, Note.HALVED]
"""Exact, with one decimal more than a price."""

Computed = Annotated[Decimal, Note.COMPUTED]
"""An average, a share, basis points: fifteen digits or so."""


_SCALES: dict[Note | None, int] = {Note.WORTH: VALUE_SCALE, Note.HALVED: SCALE + 1}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    TIME = "time"
    FLAG = "flag"
    WHOLE = "whole"
    FLOAT = "float"
    EXACT = "exact"


class Column(NamedTuple):
    """One column of a table.

    Attributes:
        name: Its name: that of the field; a time ends in `_time` in place of its unit.
        path: Fields that lead from a row to its value.
        kind: What it holds.
        scale: Decimals of an EXACT one.
        unit_ns: ns that a TIME counts in.
        unknown: Whether it may hold None.
    """

    name: str
    path: tuple[str, ...]
    kind: Kind
    scale: int = 0
    unit_ns: int = 1
    unknown: bool = False

    def values(self, rows: Iterable[object], floats: bool) -> list[Any]:
        """What every row holds there, as plain numbers, text, and ns since the epoch; decimals stay decimals."""
        found: list[Any] = [reduce(_field, self.path, row) for row in rows]
        if self.kind is Kind.TEXT:
            return [each.value if isinstance(each, Enum) else each for each in found]
        if self.kind is Kind.TIME and self.unit_ns != 1:
            return [None if each is None else each * self.unit_ns for each in found]
        if self.kind is Kind.FLOAT or (self.kind is Kind.EXACT and floats):
            return [None if each is None else float(each) for each in found]
        return found

    def fitted(self, values: Iterable[Decimal | None]) -> list[Decimal | None]:
        """Decimals with all the column's places.

        Raises:
            ConfigurationError: One has more digits than fit.
        """
        step = Decimal(1).scaleb(-self.scale)
        try:
            return [None if each is None else _EXACTLY.quantize(each, step) for each in values]
        except DecimalException:
            raise ConfigurationError(
                f"a number of the column {self.name} has more digits than a decimal({DIGITS}, {self.scale}) holds "
                "exactly; use floats=True, or records()"
            ) from None


def _field(value: object, name: str) -> Any:
    return None if value is None else getattr(value, name)


# -- which columns there are ------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def columns_of(kind: type) -> tuple[Column, ...]:
    """The columns of a type of value; a value within a value gives its own, named after both.

    Raises:
        ConfigurationError: It has a field that is no column, such as a tuple.
    """
    if not issubclass(kind, Value):
        raise ConfigurationError(f"rows are values of this package, such as Trade or Candle, not {kind.__name__}")
    return tuple(_columns(kind))


def _columns(kind: type[Value]) -> Iterator[Column]:
    hints = hints_of(kind, include_extras=True)
    for name in kind.__struct_fields__:
        held, unknown = _without_none(hints[name])
        if isinstance(held, type) and issubclass(held, Value):
            for inner in columns_of(held):
                yield inner._replace(
                    name=f"{name}_{inner.name}", path=(name, *inner.path), unknown=unknown or inner.unknown
                )
            continue
        column = _column(name, held)
        if column is None:
            raise ConfigurationError(
                f"{kind.__name__} is no row of a table: its {name} is no single value (of a book, take its ladder())"
            )
        yield column._replace(unknown=unknown)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """The type of a field, and whether the field may hold None."""
    if get_origin(hint) not in (Union, UnionType):
        return hint, False
    known = [each for each in get_args(hint) if each is not type(None)]
    return (known[0] if len(known) == 1 else hint), True


def _column(name: str, hint: Any) -> Column | None:
    note = next((each for each in get_args(hint)[1:] if isinstance(each, Note)), None)
    kind = get_args(hint)[0] if note else hint
    if not isinstance(kind, type):
        return None
    if issubclass(kind, Decimal):
        if note is Note.COMPUTED:
            return Column(name, (name,), Kind.FLOAT)
        return Column(name, (name,), Kind.EXACT, _SCALES.get(note, SCALE))
    if kind is int and name == "ns":
        return Column("time", (name,), Kind.TIME)
    if kind is int and name.endswith("_ns"):
        return Column(f"{name.removesuffix('_ns')}_time", (name,), Kind.TIME)
    if kind is int and name == "begin_s":
        return Column("begin_time", (name,), Kind.TIME, unit_ns=SECOND)
    plain_kinds = ((bool, Kind.FLAG), (int, Kind.WHOLE), (float, Kind.FLOAT), (str, Kind.TEXT), (Enum, Kind.TEXT))
    found = next((each for base, each in plain_kinds if issubclass(kind, base)), None)
    return None if found is None else Column(name, (name,), found)


# -- what becomes of them ---------------------------------------------------------------------------------------------


def _library(call: str, name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        if error.name != name:
            raise
        raise ConfigurationError(
            f"{call} needs the package {name}; install it with: pip install 'kraken-tui[{extra}]'"
        ) from None


def _arrow(pa: Any, column: Column, rows: Sequence[object], floats: bool) -> Any:
    values = column.values(rows, floats)
    if column.kind is Kind.EXACT and not floats:
        return pa.array(column.fitted(values), type=pa.decimal128(DIGITS, column.scale))
    kinds: dict[Kind, Callable[[], Any]] = {
        Kind.TEXT: pa.string,
        Kind.TIME: lambda: pa.timestamp("ns", tz="UTC"),
        Kind.FLAG: pa.bool_,
        Kind.WHOLE: pa.int64,
    }
    return pa.array(values, type=kinds.get(column.kind, pa.float64)())


def _polars(pl: Any, column: Column, rows: Sequence[object], floats: bool) -> Any:
    values = column.values(rows, floats)
    if column.kind is Kind.EXACT and not floats:
        return pl.Series(column.name, column.fitted(values), pl.Decimal(DIGITS, column.scale))
    kinds = {Kind.TEXT: pl.String, Kind.TIME: pl.Datetime("ns", "UTC"), Kind.FLAG: pl.Boolean, Kind.WHOLE: pl.Int64}
    return pl.Series(column.name, values, kinds.get(column.kind, pl.Float64))


def _pandas(pd: Any, column: Column, rows: Sequence[object], floats: bool) -> Any:
    values = column.values(rows, floats)
    if column.kind is Kind.TIME:
        # Not by `to_datetime`, which takes times beside unknown ones through floats.
        numpy = import_module("numpy")
        counted = numpy.array([_NO_TIME if each is None else each for each in values], dtype="int64")
        return pd.Series(pd.DatetimeIndex(counted.view("datetime64[ns]")).tz_localize("UTC"))
    if column.kind is Kind.EXACT and not floats:
        return pd.Series(values, dtype=object)
    kinds = {Kind.TEXT: "string", Kind.FLAG: "bool", Kind.WHOLE: "int64"}
    unknown = {Kind.FLAG: "boolean", Kind.WHOLE: "Int64"}
    return pd.Series(values, dtype=(kinds | unknown if column.unknown else kinds).get(column.kind, "float64"))


class Tabular:
    """What has rows: it can be turned into dicts, and into tables of other libraries.

    Exact decimals become `decimal128(38, 10)`, and `(38, 20)` where a price and a quantity are multiplied, as in the
    files of `export`; in pandas, which has none, they stay `Decimal` objects. Figures that are computed, and so had
    no more digits in the first place, become floats. Times become UTC timestamps in ns and are called `..._time`.
    A value that is not known is null. The types of a table's columns never depend on what is in it.
    """

    __slots__ = ()

    def _rows(self) -> Sequence[Value]:
        raise NotImplementedError

    def _row_type(self) -> type | None:
        """Type of the rows; None where nothing says it."""
        raise NotImplementedError

    def _about(self) -> Mapping[str, Any]:
        """What holds for all rows, in the terms of JSON."""
        return {}

    def _columns(self) -> tuple[Column, ...]:
        kind = self._row_type()
        return () if kind is None else columns_of(kind)

    def records(self) -> list[dict[str, Any]]:
        """The rows as dicts by field, values unchanged: decimals stay decimals, sides stay `Side`."""
        return [{name: getattr(row, name) for name in row.__struct_fields__} for row in self._rows()]

    def to_arrow(self, *, floats: bool = False) -> pa.Table:
        """The rows as a `pyarrow.Table` (extra `arrow`); what holds for all of them is in its schema's metadata.

        Args:
            floats: Make floats of exact decimals too.

        Raises:
            ConfigurationError: pyarrow is not installed, or a number does not fit exactly.
        """
        pa = _library("to_arrow", "pyarrow", "arrow")
        columns, rows = self._columns(), self._rows()
        table = pa.table({column.name: _arrow(pa, column, rows, floats) for column in columns})
        about = self._about()
        return table.replace_schema_metadata({"kraken-tui": json.dumps(about)}) if about else table

    def to_polars(self, *, floats: bool = False) -> pl.DataFrame:
        """The rows as a `polars.DataFrame` (extra `polars`). Arguments and errors are those of `to_arrow`."""
        library = _library("to_polars", "polars", "polars")
        frame: pl.DataFrame = library.DataFrame(
            [_polars(library, column, self._rows(), floats) for column in self._columns()]
        )
        return frame

    def to_pandas(self, *, floats: bool = False) -> pd.DataFrame:
        """The rows as a `pandas.DataFrame` (extra `pandas`); what holds for all of them is in its `attrs`.

        Arguments and errors are those of `to_arrow`. `Decimal` objects are exact, but slow and not to be plotted:
        `floats=True` is what most analysis wants.
        """
        library = _library("to_pandas", "pandas", "pandas")
        frame: pd.DataFrame = library.DataFrame(
            {column.name: _pandas(library, column, self._rows(), floats) for column in self._columns()}
        )
        frame.attrs.update(self._about())
        return frame


V = TypeVar("V", bound=Value)


class Rows(Tabular, tuple[V, ...]):
    """A tuple of values of one type that can become a table, such as trades, candles, quotes or events.

    Args:
        values: The values, also straight from a stream.
        kind: Their type, for the columns of an empty one; None for that of the first value.
    """

    _kind: type | None

    def __new__(cls, values: Iterable[V] = (), kind: type | None = None) -> Rows[V]:
        """See the class."""
        made = super().__new__(cls, values)
        made._kind = kind
        return made

    @property
    def rows(self) -> Rows[V]:
        """The values themselves."""
        return self

    def _rows(self) -> Sequence[Value]:
        kinds = {type(each) for each in self}
        if len(kinds) > 1:
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise ConfigurationError(f"rows of a table are values of one type; these are {names}")
        return self

    def _row_type(self) -> type | None:
        return type(self[0]) if self else self._kind

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        """One value, or some as rows again."""
        if isinstance(index, slice):
            return Rows(super().__getitem__(index), self._row_type())
        return super().__getitem__(index)


def about(value: Value, without: str = "rows") -> dict[str, Any]:
    """The fields of a table that hold for all its rows, in the terms of JSON."""
    fields = {name: getattr(value, name) for name in value.__struct_fields__ if name != without}
    return {name: plain(each) for name, each in fields.items() if not isinstance(each, tuple)}
