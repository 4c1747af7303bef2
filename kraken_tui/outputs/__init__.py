"""Where events go besides the screen. `SINKS` is the only list of sinks: a new one is one file and one row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from kraken_tui.errors import ConfigurationError
from kraken_tui.outputs.sink import Sink, SpecOf


@dataclass(frozen=True, slots=True)
class SinkRow:
    """One kind of sink.

    Attributes:
        name: What a user calls it.
        factory: "module:class", imported when the sink is made; called with (spec_of, out, **options).
        extra: Extra of this package that installs its dependencies; "" if it has none.
        options: Names of the keyword options it takes.
    """

    name: str
    factory: str
    extra: str = ""
    options: tuple[str, ...] = ()

    def make(self, spec_of: SpecOf, out: Callable[[bytes], None], **options: Any) -> Sink:
        """Make the sink.

        Args:
            spec_of: Precisions of a symbol, None while they are unknown.
            out: Standard output, for the sinks that write there.
            options: Some of the row's options.

        Raises:
            ConfigurationError: It takes no such option, or a package it needs is not installed.
        """
        for option in options:
            if option not in self.options:
                raise ConfigurationError(f"the sink {self.name} has no option {option}")
        module, _, kind = self.factory.partition(":")
        try:
            factory: Callable[..., Sink] = getattr(import_module(module), kind)
        except ImportError as error:
            if not self.extra:
                raise
            raise ConfigurationError(
                f"the sink {self.name} needs the package {error.name}; install kraken-tui[{self.extra}]"
            ) from None
        return factory(spec_of, out, **options)


SINKS = {
    row.name: row
    for row in (
        SinkRow("jsonlines", "kraken_tui.outputs.jsonlines:JsonLines", options=("snapshot_trades",)),
        SinkRow("csv", "kraken_tui.outputs.csv_table:CsvTable", options=("shape", "levels", "clock")),
        SinkRow("parquet", "kraken_tui.outputs.parquet:ParquetTable", "parquet", options=("shape", "levels", "clock")),
        SinkRow("kafka", "kraken_tui.outputs.kafka:KafkaSink", "kafka", options=("plan", "source", "tell", "lost")),
    )
}
"""Every sink by its name."""
