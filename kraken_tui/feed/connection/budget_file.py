"""The file that carries the dial budget over restarts, shared by every process of one user."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from kraken_tui.feed.clock import Clock
from kraken_tui.feed.session import Session
from kraken_tui.files import lock, make_folder, open_private, replace_text

_LOCK_WAIT_S = 0.25
_LARGEST = 65536


class BudgetFile:
    """Dials of all processes, so that neither restarts nor several processes get the user banned.

    If the file cannot be used (a read-only folder, a foreign file), the budget is kept in memory.

    Args:
        path: The file; a lock file stands beside it while it is changed. None for no file at all.
        clock: Clocks.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from reading or changing the file; gives up after a quarter of a second."""
        descriptor = None if self._path is None else self._open_lock(self._path)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _open_lock(self, path: Path) -> int | None:
        try:
            make_folder(path.parent)
            descriptor = open_private(path.parent / f"{path.name}.lock", os.O_WRONLY | os.O_APPEND)
        except OSError:
            return None
        lock(descriptor, _LOCK_WAIT_S)
        return descriptor

    def load(self, session: Session) -> None:
        """Add to a session's budget what others have spent."""
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = self._path.read_text(encoding="utf-8")[:_LARGEST]
            session.restore_dials(json.loads(text), self._clock.now(), self._clock.wall())

    def save(self, session: Session) -> None:
        """Replace the file as a whole, so that a kill in between leaves the old one; others' dials are kept."""
        if self._path is None:
            return
        self.load(session)
        state = session.dialler.budget.state(self._clock.now(), self._clock.wall())
        with contextlib.suppress(OSError):
            make_folder(self._path.parent)
            replace_text(self._path, json.dumps(state))
