"""Figures in docs/RELIABILITY.md: each command and test run replaces its own section, between two marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "RELIABILITY.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


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
