"""Checks, their results, and how both are printed: as a table or as JSON."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kraken_tui.text import clean_text
from kraken_tui.words import counted


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"
    FAIL = "FAIL"
    SKIP = "skip"


class Unexpected(Exception):
    """A check failed; the text says what was seen."""


class Skipped(Exception):
    """A check cannot run here; the text says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    Attributes:
        name: What was checked.
        cites: Number in docs/RELIABILITY.md, such as F10 or X1, or "".
        expected: What should happen.
        seen: What happened.
        outcome: Whether the check passed.
        ms: How long it took, ms.
    """

    name: str
    cites: str
    expected: str
    seen: str
    outcome: Outcome
    ms: float


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: What is checked.
        cites: Number in docs/RELIABILITY.md, or "".
        expected: What should happen.
        run: Runs it and returns what was seen; raises `Unexpected` or `Skipped`.
    """

    name: str
    cites: str
    expected: str
    run: Callable[[], str]

    def result(self) -> Result:
        """Run it. Whatever it raises becomes the result, so that one broken check never stops the others."""
        begun = time.perf_counter()
        outcome, seen = Outcome.PASS, ""
        try:
            seen = self.run()
        except Exception as error:
            outcome, seen = _judged(error)
        return self._result(seen, outcome, begun)

    def _result(self, seen: str, outcome: Outcome, begun: float) -> Result:
        ms = (time.perf_counter() - begun) * 1000
        return Result(self.name, self.cites, self.expected, clean_text(seen), outcome, ms)


@dataclass(frozen=True, slots=True)
class AsyncCheck:
    """A `Check` that needs an event loop."""

    name: str
    cites: str
    expected: str
    run: Callable[[], Awaitable[str]]

    async def result(self) -> Result:
        """Run it."""
        begun = time.perf_counter()
        outcome, seen = Outcome.PASS, ""
        try:
            seen = await self.run()
        except Exception as error:
            outcome, seen = _judged(error)
        ms = (time.perf_counter() - begun) * 1000
        return Result(self.name, self.cites, self.expected, clean_text(seen), outcome, ms)


def _judged(error: Exception) -> tuple[Outcome, str]:
    if isinstance(error, Unexpected):
        return Outcome.FAIL, str(error)
    if isinstance(error, Skipped):
        return Outcome.SKIP, str(error)
    return Outcome.FAIL, f"{type(error).__name__}: {error}"


def expect(condition: object, seen: str) -> str:
    """Return what was seen if the condition holds.

    Raises:
        Unexpected: The condition does not hold.
    """
    if not condition:
        raise Unexpected(seen)
    return seen


def exit_code(results: Iterable[Result]) -> int:
    """0 if nothing failed, else 1."""
    return int(any(result.outcome is Outcome.FAIL for result in results))


def summary(results: Sequence[Result], seconds: float) -> str:
    """The last line of the table."""
    count = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    skipped = f", {count[Outcome.SKIP]} skipped" if count[Outcome.SKIP] else ""
    verdict = "all well" if not count[Outcome.FAIL] else f"{count[Outcome.FAIL]} FAILED"
    return f"{counted(len(results), 'check')} in {seconds:.1f} s: {count[Outcome.PASS]} passed{skipped}, {verdict}"


NARROWEST = 48
"""Columns below which a table is of no use."""

_HEADS = ("check", "expected", "seen", "", "ms")
_GAP = "  "


def table(results: Sequence[Result], width: int) -> str:
    """Aligned plain text; a cell too long for its column wraps onto the next line.

    Args:
        results: One line each, in order.
        width: Columns to use; `NARROWEST` at least.
    """
    rows = [
        (f"{result.name} [{result.cites}]" if result.cites else result.name, result.expected, result.seen)
        for result in results
    ]
    room = max(NARROWEST, width) - len(_GAP) * 4 - 4 - 6
    widths = _shares([max(len(row[i]) for row in [*rows, _HEADS[:3]]) for i in range(3)], room)
    lines = [_line([[head] for head in _HEADS], widths)[0].rstrip()]
    for row, result in zip(rows, results, strict=True):
        cells = [textwrap.wrap(text, columns) or [""] for text, columns in zip(row, widths, strict=True)]
        lines += _line([*cells, [str(result.outcome)], [f"{result.ms:.0f}"]], widths)
    return "\n".join(lines) + "\n"


def _shares(wanted: list[int], room: int) -> list[int]:
    """Columns for each cell: its full width, or an equal share of the space the narrower cells leave."""
    given = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    for position, index in enumerate(order):
        given[index] = min(wanted[index], room // (len(order) - position))
        room -= given[index]
    return given


def _line(cells: list[list[str]], widths: list[int]) -> list[str]:
    lines = []
    for number in range(max(map(len, cells))):
        parts = [cell[number] if number < len(cell) else "" for cell in cells]
        left = [text.ljust(columns) for text, columns in zip(parts, widths, strict=False)]
        lines.append(_GAP.join([*left, parts[3].ljust(4), parts[4].rjust(6)]).rstrip())
    return lines


def as_json(results: Sequence[Result], seconds: float, version: str) -> str:
    """One JSON object for machines."""
    return json.dumps(
        {
            "kraken_tui": version,
            "ok": exit_code(results) == 0,
            "seconds": round(seconds, 3),
            "checks": [
                {
                    "name": result.name,
                    "cites": result.cites,
                    "expected": result.expected,
                    "seen": result.seen,
                    "outcome": result.outcome.lower(),
                    "ms": round(result.ms, 1),
                }
                for result in results
            ],
        },
        ensure_ascii=True,
    )
