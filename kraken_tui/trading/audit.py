"""The audit file: every request and every answer, in their order, without secrets, never changed afterwards.

Written by a thread of its own. What could not be written is kept and tried again; while anything is in the way, new
orders are blocked (`problem`), and cancels are not.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from kraken_tui.files import make_folder, open_private
from kraken_tui.hand_over import HandOver
from kraken_tui.secret import redact
from kraken_tui.wire.timestamps import format_timestamp

NAME = "orders.jsonl"
_ITEMS, _ROOM = 10_000, 4_000_000
_HUNG_S = 5.0
_KEPT = 20_000


class Audit:
    """An append-only file of JSON lines.

    Args:
        path: The file, of mode 600; None keeps no file, as for paper and demo money that nobody audits.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._problem = ""
        self._lost = 0
        self._left: deque[bytes] = deque()
        self._file: int | None = None
        self._writer = HandOver(
            "kraken-tui-audit", self._write, items=_ITEMS, room=_ROOM, every_s=0.5, enough=1, finish=self._end
        )

    @property
    def problem(self) -> str:
        """Why new orders are blocked, one clause; "" where all is written."""
        if self.path is None:
            return ""
        counts = self._writer.counts
        if self._writer.error is not None:
            return f"the audit file failed: {type(self._writer.error).__name__}"
        if self._writer.busy_s > _HUNG_S:
            return f"the audit file does not answer ({self.path})"
        if self._lost or counts.dropped:
            return f"lines of the audit file were lost ({self.path}); start the program again"
        return self._problem

    def open(self) -> None:
        """Begin: what is in the way of writing is known before the first order."""
        self.write(0, "start", {})

    def write(self, wall_ns: int, what: str, fields: dict[str, Any]) -> None:
        """Add a line; returns at once.

        Args:
            wall_ns: When, ns since the epoch; 0 for a line without a time.
            what: "request", "answer", "blocked", "armed", "disarmed", ...
            fields: What to say; secrets are taken out of it.
        """
        if self.path is None:
            return
        when = {"time": format_timestamp(wall_ns, 3)} if wall_ns else {}
        text = msgspec.json.encode({**when, "what": what, **fields}).decode()
        line = redact(text).encode() + b"\n"
        self._writer.put(line, len(line))

    def close(self, wait_s: float = 1.0) -> bool:
        """Write what is left; whether all of it is."""
        return self._writer.close(wait_s) and not self._left

    # -- in the thread ---------------------------------------------------------------------------------------------

    def _write(self, lines: Sequence[bytes]) -> int:
        self._left.extend(lines)
        while len(self._left) > _KEPT:
            self._left.popleft()
            self._lost += 1
        try:
            file = self._opened()
            while self._left:
                line = self._left[0]
                done = os.write(file, line)
                if done == len(line):
                    self._left.popleft()
                else:
                    self._left[0] = line[done:]
            if lines:
                os.fsync(file)
            self._problem = ""
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._problem = f"the audit file cannot be written: {reason} ({self.path})"
        return 0

    def _opened(self) -> int:
        if self._file is None:
            assert self.path is not None
            make_folder(self.path.parent)
            file = open_private(self.path, os.O_WRONLY | os.O_APPEND)
            if hasattr(os, "fchmod"):
                os.fchmod(file, 0o600)
            self._file = file
        return self._file

    def _end(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_request(text: str) -> Any:
    """A request as it was sent, without its token, for the audit file."""
    fields = msgspec.json.decode(text)
    if isinstance(fields, dict) and isinstance(fields.get("params"), dict):
        fields["params"].pop("token", None)
    return fields
