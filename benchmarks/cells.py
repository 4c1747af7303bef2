"""What a terminal shows, as rows of text: enough of one to find when a number changed, at a fraction of pyte's cost.

It knows text, cursor positions, and erasing; all else that the program writes moves nothing. Characters that are two
cells wide are taken for one, which no benchmark's screen holds.
"""

from __future__ import annotations

import codecs
import re

_TOKEN = re.compile(
    r"\x1b\[(?P<row>\d*);?(?P<column>\d*)H|\x1b\[(?P<by>\d*)(?P<move>[A-DG])"
    r"|\x1b\[(?P<erase>[012]?)(?P<what>[JK])|\x1b\[[0-9;?<>=]*[ -/]*[@-~]"
    r"|\x1b[P\]^_][^\x1b\x07]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f])|(?P<text>[^\x00-\x1f\x1b]+)"
)
_RESET = ("\x1b[0m", "\x1b[0m\x1b[?2026l")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?<>= -/]*|[P\]^_][^\x1b\x07]*)?\Z")


class Cells:
    """A screen of `columns` x `rows` cells.

    Attributes:
        rows: Text of every row.
        unfinished: The row that may be written on with the next output; -1 where colours were reset, as at the end of a
            picture.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self.rows = [" " * columns for _ in range(rows)]
        self.unfinished = -1
        self._row = self._column = 0
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> set[int]:
        """Take output; returns the numbers of the rows that were written."""
        text = self._rest + self._decoder.decode(data)
        cut = _UNFINISHED.search(text)
        self._rest = text[cut.start() :] if cut else ""
        text = text[: cut.start()] if cut else text
        touched: set[int] = set()
        for token in _TOKEN.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                touched.add(self._put(token["text"]))
            elif kind == "column":
                self._row = min(int(token["row"] or 1), len(self.rows)) - 1
                self._column = int(token["column"] or 1) - 1
            elif kind == "move":
                self._move(int(token["by"] or 1), token["move"])
            elif kind == "what":
                touched |= self._erase(token["erase"], token["what"])
            elif kind == "control":
                self._control(token["control"])
        if text or self._rest:
            # A number may be written in two shades, so the end of a text is not that of a number.
            self.unfinished = -1 if not self._rest and text.endswith(_RESET) else self._row
        return touched

    def _put(self, text: str) -> int:
        row, column = self._row, self._column
        old = self.rows[row]
        self.rows[row] = (old[:column] + text + old[column + len(text) :])[: self._columns]
        self._column = column + len(text)
        return row

    def _move(self, by: int, how: str) -> None:
        if how == "G":
            self._column = by - 1
        else:
            down, right = {"A": (-by, 0), "B": (by, 0), "C": (0, by), "D": (0, -by)}[how]
            self._row = min(max(0, self._row + down), len(self.rows) - 1)
            self._column = min(max(0, self._column + right), self._columns - 1)

    def _control(self, control: str) -> None:
        if control == "\r":
            self._column = 0
        elif control == "\n":
            self._row = min(self._row + 1, len(self.rows) - 1)
        elif control == "\b":
            self._column = max(0, self._column - 1)

    def _erase(self, how: str, what: str) -> set[int]:
        if what == "J":
            # The program only ever clears the whole screen.
            self.rows = [" " * self._columns for _ in self.rows]
            return set(range(len(self.rows)))
        old = self.rows[self._row]
        start, end = {"1": (0, self._column + 1), "2": (0, self._columns)}.get(how, (self._column, self._columns))
        self.rows[self._row] = old[:start] + " " * (end - start) + old[end:]
        return {self._row}
