"""The file that carries the dial budget over restarts, shared by every process of one user."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kraken_tui.feed.clock import Clock
from kraken_tui.feed.session import Session

_LOCK_TRIES = 25
_LOCK_PAUSE_S = 0.01
_LARGEST = 65536


class BudgetFile:
    """Dials of all processes, so that neither a restart nor a second window gets the user banned.

    Failing (a read-only folder, a foreign file) costs no feed: the budget is then kept in memory.

    Args:
        path: The file; a lock file stands beside it while it is changed. None for no file at all.
        clock: Clocks.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from reading or changing the file; given up after a quarter of a second."""
        handle = self._open_lock() if self._path is not None else None
        try:
            yield
        finally:
            if handle is not None:
                handle.close()

    def _open_lock(self) -> IO[str] | None:
        assert self._path is not None
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._path.parent / f"{self._path.name}.lock"
            handle = os.fdopen(os.open(lock, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="ascii")
        except OSError:
            return None
        for _ in range(_LOCK_TRIES):
            if _lock(handle):
                break
            time.sleep(_LOCK_PAUSE_S)
        return handle

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
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".dials-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(state, file)
                Path(name).replace(self._path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise


def _lock(handle: IO[str]) -> bool:
    """Lock a file for this process without waiting; closing it unlocks. True where there is no way to lock."""
    try:
        import fcntl
    except ImportError:  # Windows: two windows started in the same instant may then count one dial too few.
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
