"""The file that carries the dial budget over restarts, shared by every process of one user.

It is locked, read and written by a thread of its own. Where the file does not answer in time (a disk that hangs, a
window that holds the lock), the budget is kept in memory: failing costs no feed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, Protocol

from kraken_tui.feed.clock import Clock
from kraken_tui.feed.connection.dialler import Dialler
from kraken_tui.files import lock, make_folder, open_private, replace_text
from kraken_tui.hand_over import HandOver

ANSWER_S = 0.75
"""Longest a dial waits for the file."""

_LOCK_WAIT_S = 0.25
_DECIDE_S = 1.0
_LARGEST = 65536
_IDLE_S = 600.0
_WAITING = 8


class Spender(Protocol):
    """A session whose dials are counted."""

    dialler: Dialler

    def restore_dials(self, saved: object, now: int, wall_ns: int) -> None:
        """Take over what others have spent."""


class BudgetFile:
    """Dials of all processes, so that neither restarts nor several processes get the user banned.

    Args:
        path: The file; a lock file stands beside it while it is changed. None for no file at all.
        clock: Clocks.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._thread: HandOver[_Exchange] = HandOver(
            "kraken-tui-dials", _serve, items=_WAITING, room=_WAITING, every_s=_IDLE_S
        )

    async def settle(self, session: Spender, decide: Callable[[], bool] = lambda: True) -> bool:
        """Add what others have spent to a session's budget, let `decide` spend, and write all of it.

        No other process reads or changes the file meanwhile; `decide` is called in this thread, once.

        Args:
            session: Whose budget it is.
            decide: Says whether it has spent, by the budget as it is then.

        Returns:
            What `decide` said.
        """
        if self._path is None:
            return decide()
        exchange = _Exchange(self._path, self._clock, session, decide)
        # One that has been busy for so long is not going to answer this time.
        if self._thread.busy_s < ANSWER_S and self._thread.put(exchange, 1):
            with contextlib.suppress(TimeoutError):
                await exchange.wait()
        self._thread.resume()
        return exchange.decided()

    def close(self) -> None:
        """End the thread."""
        self._thread.close()


class _Exchange:
    """One turn of reading, deciding and writing, seen from both threads."""

    def __init__(self, path: Path, clock: Clock, session: Spender, decide: Callable[[], bool]) -> None:
        self.path = path
        self._clock = clock
        self._session = session
        self._decide = decide
        self._loop = asyncio.get_running_loop()
        self._written: asyncio.Future[None] = self._loop.create_future()
        self._decision: bool | None = None
        self._over = False

    # -- in the loop's thread

    async def wait(self) -> None:
        """Until it is written, or for `ANSWER_S`.

        Raises:
            TimeoutError: It took too long.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._written
        finally:
            self._over = True

    def decided(self) -> bool:
        """The decision; made by memory alone where the file has not answered."""
        self._over = True
        if self._decision is None:
            self._decision = self._decide()
        return self._decision

    def _answer(self, saved: Any, reply: Future[Any]) -> None:
        if self._over or reply.cancelled():
            reply.set_result(None)
            return
        try:
            now, wall = self._clock.now(), self._clock.wall()
            if saved is not None:
                self._session.restore_dials(saved, now, wall)
            self._decision = self._decide()
            reply.set_result(self._session.dialler.budget.state(self._clock.now(), self._clock.wall()))
        except Exception as error:
            # A defect: raised where it is heard of, in `wait`.
            reply.set_result(None)
            self._written.set_exception(error)

    def _tell(self) -> None:
        if not self._written.done():
            self._written.set_result(None)

    # -- in the file's thread

    def ask(self, saved: Any) -> Any:
        """What is to be written, once the loop's thread has decided; None for nothing."""
        reply: Future[Any] = Future()
        self._loop.call_soon_threadsafe(self._answer, saved, reply)
        return reply.result(_DECIDE_S)

    def written(self) -> None:
        """All is done."""
        self._loop.call_soon_threadsafe(self._tell)


def _serve(batch: Sequence[_Exchange]) -> int:
    failed = 0
    for exchange in batch:
        try:
            with _locked(exchange.path):
                state = exchange.ask(_read(exchange.path))
                if state is not None:
                    _write(exchange.path, state)
            exchange.written()
        except (RuntimeError, FutureTimeout):
            # The loop is closed, or does not answer: nobody waits for this.
            failed += 1
    return failed


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes from reading or changing the file; given up after a quarter of a second."""
    descriptor = _open_lock(path)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open_lock(path: Path) -> int | None:
    try:
        make_folder(path.parent)
        descriptor = open_private(path.parent / f"{path.name}.lock", os.O_WRONLY | os.O_APPEND)
    except OSError:
        return None
    lock(descriptor, _LOCK_WAIT_S)
    return descriptor


def _read(path: Path) -> Any:
    """What is in the file; None where that cannot be read."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return json.loads(path.read_text(encoding="utf-8")[:_LARGEST])
    return None


def _write(path: Path, state: object) -> None:
    """Replace the file as a whole, so that a kill in between leaves the old one."""
    with contextlib.suppress(OSError):
        make_folder(path.parent)
        replace_text(path, json.dumps(state))
