"""Nonces that only grow, over processes and restarts: one small file for each key, locked while a request is under way.

Whoever holds the turn takes a nonce, signs, sends and waits for the answer; so requests of one key cannot overtake
each other on the network, whichever of the user's processes sends them. Blocking: call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from kraken_tui.files import lock, make_folder, open_private
from kraken_tui.units import SECOND
from kraken_tui.wire.signing import next_nonce

WAIT_S = 20.0
"""Longest wait for another request of the same key."""

LOCKOUT_NS = 15 * 60 * SECOND
"""How long nothing is sent after the exchange has locked the key. Its own time is not documented."""

_DIGITS = 20


class Busy(Exception):
    """Another request of this key has been under way for too long; private to `feed.rest`."""


class Nonces:
    """The nonces of one key.

    Args:
        folder: Where the file is; None keeps the last nonce in memory.
        fingerprint: Of the key (`ApiKey.fingerprint`); part of the file's name.
        wall: Wall time, ns.
        wait_s: Longest wait for the turn.

    Attributes:
        problem: Why the file is not used, one clause; "" if it is. Nonces then grow within this process and with the
            clock.
    """

    def __init__(
        self, folder: Path | None, fingerprint: str, wall: Callable[[], int], *, wait_s: float = WAIT_S
    ) -> None:
        self._path = None if folder is None else folder / f"nonce-{fingerprint}"
        self._wall = wall
        self._wait_s = wait_s
        self._mutex = threading.Lock()
        self._last = 0
        self._locked_until = 0
        self.problem = ""

    @contextlib.contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait for the turn, and hold it.

        Raises:
            Busy: It did not come in time.
        """
        if not self._mutex.acquire(timeout=self._wait_s):
            raise Busy
        try:
            descriptor = self._open()
            try:
                if descriptor is not None and not lock(descriptor, self._wait_s):
                    raise Busy
                last, locked_until = self._read(descriptor)
                yield Turn(self, descriptor, max(last, self._last), max(locked_until, self._locked_until))
            finally:
                if descriptor is not None:
                    os.close(descriptor)
        finally:
            self._mutex.release()

    def _open(self) -> int | None:
        if self._path is None:
            return None
        try:
            make_folder(self._path.parent)
            return open_private(self._path, os.O_RDWR)
        except OSError as error:
            self.problem = f"the nonce is not kept: {error.strerror}"
            return None

    def _read(self, descriptor: int | None) -> tuple[int, int]:
        """What the file holds; zeros for one that is new or broken, after which the clock is enough."""
        if descriptor is None:
            return 0, 0
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            words = os.read(descriptor, 64).split()
        except OSError as error:
            self.problem = f"the nonce is not kept: {error.strerror}"
            return 0, 0
        numbers = [int(word) if word.isdigit() and len(word) <= _DIGITS else 0 for word in words[:2]]
        last, locked_until = (*numbers, 0, 0)[:2]
        # A clock that was set back must not lock the key for years.
        return last, min(locked_until, self._wall() + LOCKOUT_NS)

    def _keep(self, descriptor: int | None, last: int, locked_until: int) -> None:
        """Written before the request is sent, so that a kill in between costs a number and not the key."""
        self._last, self._locked_until = last, locked_until
        if descriptor is None:
            return
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            # Always as long, in one call: a kill leaves the old numbers or the new ones.
            os.write(descriptor, b"%020d %020d\n" % (last, locked_until))
        except OSError as error:
            self.problem = f"the nonce is not kept: {error.strerror}"


class Turn:
    """The turn to send one request.

    Attributes:
        locked_ns: Ns for which nothing may be sent, because the exchange has locked the key; 0 for none.
    """

    def __init__(self, nonces: Nonces, descriptor: int | None, last: int, locked_until: int) -> None:
        self._nonces = nonces
        self._descriptor = descriptor
        self._last = last
        self._locked_until = locked_until
        self.locked_ns = max(0, locked_until - nonces._wall())

    def take(self) -> int:
        """The nonce of this request.

        Raises:
            ValueError: See `next_nonce`.
        """
        self._last = next_nonce(self._nonces._wall(), self._last)
        self._nonces._keep(self._descriptor, self._last, self._locked_until)
        return self._last

    def locked(self) -> None:
        """The exchange has locked the key: nobody sends anything for `LOCKOUT_NS`."""
        self._locked_until = self._nonces._wall() + LOCKOUT_NS
        self._nonces._keep(self._descriptor, self._last, self._locked_until)
