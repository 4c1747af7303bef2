"""Figures in docs/RELIABILITY.md: each command and test run replaces its own section, between two marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "RELIABILITY.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def section(document: Path, name: str) -> str:
    """What stands between `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: The document has no such marks.
    """
    return _split(document, name)[1]


def replace_section(document: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: The document has no such marks.
    """
    head, _, tail = _split(document, name)
    document.write_text(f"{head}\n{text}\n{tail}", encoding="utf-8")


def _split(document: Path, name: str) -> tuple[str, str, str]:
    """What stands before, between and after the marks of a section, the marks outside."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, found, rest = document.read_text(encoding="utf-8").partition(begin)
    inner, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{document} has no section {name}")
    return head + begin, inner.strip("\n"), end + tail
