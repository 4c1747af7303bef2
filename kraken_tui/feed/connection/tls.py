"""The certificate authorities a TLS connection trusts, read from disk without holding up the engine's thread.

They are those of the system (or of SSL_CERT_FILE), read for each dial, so that an update of theirs counts in a program
that runs for days. Certificates and names are always verified; nothing here can be set.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
import threading
from concurrent.futures import Future

READ_S = 5.0
"""Longest wait for the disk."""


class NoAuthorities(OSError):
    """The certificate authorities could not be read in time."""

    def __init__(self) -> None:
        super().__init__(errno.EIO, "the certificate authorities cannot be read, the disk does not answer")


_running: list[Future[ssl.SSLContext]] = []
_lock = threading.Lock()


async def trusted(limit_s: float = READ_S) -> ssl.SSLContext:
    """A context for one connection.

    Raises:
        NoAuthorities: The disk did not answer in time.
        OSError: They could not be read.
    """
    reading = asyncio.wrap_future(_reading())
    try:
        async with asyncio.timeout(limit_s):
            return await asyncio.shield(reading)
    except TimeoutError:
        raise NoAuthorities from None
    finally:
        # Nobody else asks how it ended.
        reading.add_done_callback(lambda future: future.cancelled() or future.exception())


def _reading() -> Future[ssl.SSLContext]:
    """The reading that is under way, or a new one: those of a hung disk do not pile up."""
    with _lock:
        if not _running:
            future: Future[ssl.SSLContext] = Future()
            future.set_running_or_notify_cancel()
            _running.append(future)
            # A daemon: hung, it keeps no process alive.
            threading.Thread(target=_read, args=(future,), name="kraken-tui-tls", daemon=True).start()
        return _running[0]


def _read(future: Future[ssl.SSLContext]) -> None:
    context: ssl.SSLContext | None = None
    problem: BaseException | None = None
    try:
        context = ssl.create_default_context()
    except BaseException as error:
        problem = error
    with _lock:
        _running.clear()
    # Its loop may be closed by now: then nobody waits any more.
    with contextlib.suppress(RuntimeError):
        if context is not None:
            future.set_result(context)
        else:
            future.set_exception(problem or OSError())
