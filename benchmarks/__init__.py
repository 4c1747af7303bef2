"""Speed of the parts that decide how the program feels; `python -m benchmarks` runs them all.

Every module is one benchmark with a `run(smoke: bool) -> Report`, and can be run alone, as in
`python -m benchmarks.pipeline`. Adding a module to `MODULES` is all it takes to add one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MODULES = (
    "startup",
    "pipeline",
    "level3",
    "containers",
    "outputs",
    "export",
    "widgets",
    "screen",
    "heatmap",
    "receiving",
    "end_to_end",
    "scale",
    "memory",
    "kafka",
)


@dataclass
class Report:
    """What one benchmark found.

    Attributes:
        title: Heading of its table.
        columns: Names of the columns.
        rows: Text cells, one row a measurement.
        failures: Ratios that are far off, one sentence each; empty on any sane machine.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The table as Markdown, which also reads well in a terminal."""
        table = [self.columns, *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(self.columns))]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        lines.insert(1, " | ".join("-" * width for width in widths))
        return "\n".join([f"## {self.title}", "", *(f"| {line} |" for line in lines), ""])


def main(report: Report) -> int:
    """Print one benchmark's report when its module is run alone."""
    print(report.markdown())
    for failure in report.failures:
        print(f"FAILED: {failure}")
    return 1 if report.failures else 0
