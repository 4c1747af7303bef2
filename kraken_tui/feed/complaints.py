"""Log lines about bad values from the exchange, repeated ever more rarely."""

from __future__ import annotations

from collections import Counter

from kraken_tui.feed.events import Note
from kraken_tui.text import clean_text

_MOST_TEXTS = 1000
_SAID_AT = (1, 10, 100, 1000, 10_000)


class Complaints:
    """Counts texts; pure."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def say(self, wall_ns: int, text: str, level: str = "warning", kind: str = "") -> list[Note]:
        """A log line the 1st, 10th, 100th, ... time a text comes, nothing in between.

        Args:
            wall_ns: Wall clock ns.
            text: What there is to say.
            level: See `Note`.
            kind: What is counted where the texts differ each time; the text itself without it.
        """
        kind = kind or text
        if kind not in self._counts and len(self._counts) >= _MOST_TEXTS:
            # Too many to tell apart: the rest counts as one.
            kind, text = "", f"remarks of {_MOST_TEXTS:,} kinds, the rest is no longer told apart, such as: {text}"
        self._counts[kind] += 1
        count = self._counts[kind]
        if count not in _SAID_AT:
            return []
        times = f" ({count} times)" if count > 1 else ""
        return [Note(wall_ns, level, clean_text(text + times))]
