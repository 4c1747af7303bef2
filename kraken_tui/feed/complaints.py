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

    def say(self, wall_ns: int, text: str, level: str = "warning") -> list[Note]:
        """A log line the 1st, 10th, 100th, ... time a text comes, nothing in between."""
        self._counts[text] += 1
        if len(self._counts) > _MOST_TEXTS:
            self._counts.clear()
        count = self._counts[text]
        if count not in _SAID_AT:
            return []
        times = f" ({count} times)" if count > 1 else ""
        return [Note(wall_ns, level, clean_text(text + times))]
