"""docs/FIGURES.md: every command and test run writes what it saw, and how it was run, between two marks."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.machine import speed_text

_DOCS = Path(__file__).parents[2] / "docs"

FIGURES = _DOCS / "FIGURES.md"
"""What was seen. Only commands write it."""

PROMISES = _DOCS / "RELIABILITY.md"
"""What must hold, and how to try it."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def as_run() -> str:
    """This process's command line, as a user of any Python would type it: `python -m module arguments`."""
    words = sys.orig_argv
    module = words.index("-m") if "-m" in words else len(words) - 1
    return shlex.join(["python", *words[module:]])


def write_figures(name: str, figures: str) -> None:
    """Write a section of `FIGURES`: the command as it was run, what it saw, and how fast the machine is."""
    replace_section(FIGURES, name, f"`{as_run()}`\n\n{figures}\n\n({speed_text()})")


def sections(document: Path) -> dict[str, str]:
    """Every section by its name, in the document's order."""
    names = [line[5:-10] for line in document.read_text(encoding="utf-8").splitlines() if line.endswith(":begin -->")]
    return {name: read_section(document, name) for name in names}


def read_section(document: Path, name: str) -> str:
    """What stands between `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: The document has no such marks.
    """
    return _parts(document, name)[1]


def replace_section(document: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: The document has no such marks.
    """
    head, _, tail = _parts(document, name)
    document.write_text(f"{head}\n{text}\n{tail}", encoding="utf-8")


def _parts(document: Path, name: str) -> tuple[str, str, str]:
    """(up to the first mark, between the marks, from the second mark)."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    content = document.read_text(encoding="utf-8")
    head, found, rest = content.partition(begin)
    body, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{document} has no section {name}")
    return head + begin, body.strip("\n"), end + tail


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of all does not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]
