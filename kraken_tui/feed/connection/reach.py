"""From a host name to a connected socket: names are looked up with a limit, and addresses raced (RFC 8305).

asyncio would look names up in its executor, whose hung threads hold up the end of the program, and uvloop knows no
race of addresses. Here a lookup is a daemon thread that is left behind when it takes too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import chain, zip_longest
from typing import Any, NamedTuple

RESOLVE_S = 5.0
"""Longest wait for a name server."""

NEXT_ADDRESS_S = 0.25
"""How long an address is tried alone (RFC 8305, section 5: Connection Attempt Delay)."""


class NoNameServer(OSError):
    """The name server did not answer in time."""

    def __init__(self) -> None:
        super().__init__(errno.EIO, "the name server does not answer")


class Address(NamedTuple):
    """Where to connect to: family and socket address, as `socket` takes them."""

    family: int
    where: tuple[Any, ...]


_running: dict[tuple[str, int], Future[list[Address]]] = {}
_lock = threading.Lock()


async def resolve(host: str, port: int, limit_s: float = RESOLVE_S) -> list[Address]:
    """Addresses of a host in the order in which they are to be tried: families take turns.

    Raises:
        NoNameServer: No answer in time.
        OSError: The name was not found.
    """
    with contextlib.suppress(socket.gaierror):
        # An address is no question to anybody.
        return _looked_up(host, port, socket.AI_NUMERICHOST)
    lookup = asyncio.wrap_future(_lookup(host, port))
    try:
        async with asyncio.timeout(limit_s):
            return await asyncio.shield(lookup)
    except TimeoutError:
        raise NoNameServer from None
    finally:
        # Nobody else asks how it ended.
        lookup.add_done_callback(lambda future: future.cancelled() or future.exception())


def _lookup(host: str, port: int) -> Future[list[Address]]:
    """The lookup that is running, or a new one: those of a hung name server do not pile up."""
    with _lock:
        found = _running.get((host, port))
        if found is None:
            found = _running[host, port] = Future()
            found.set_running_or_notify_cancel()
            threading.Thread(target=_look_up, args=(host, port, found), name="kraken-tui-name", daemon=True).start()
        return found


def _look_up(host: str, port: int, future: Future[list[Address]]) -> None:
    found: list[Address] | None = None
    problem: BaseException | None = None
    try:
        found = _looked_up(host, port)
    except BaseException as error:
        problem = error
    with _lock:
        del _running[host, port]
    # Its loop may be closed by now: then nobody waits any more.
    with contextlib.suppress(RuntimeError):
        if problem is not None:
            future.set_exception(problem)
        else:
            future.set_result(found or [])


def _looked_up(host: str, port: int, flags: int = 0) -> list[Address]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from None
    found = list(dict.fromkeys(Address(int(family), where) for family, _, _, _, where in rows))
    first = [address for address in found if address.family == found[0].family]
    others = [address for address in found if address.family != found[0].family]
    return [address for address in chain(*zip_longest(first, others)) if address is not None]


async def connect(addresses: Sequence[Address], delay_s: float = NEXT_ADDRESS_S) -> tuple[socket.socket, Address]:
    """A socket connected to the first address that answers; the next is tried when one fails or takes too long.

    Raises:
        OSError: None could be reached; the error of the first.
    """
    waiting = list(addresses)
    trying: set[asyncio.Task[tuple[socket.socket, Address]]] = set()
    errors: dict[Address, OSError] = {}
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_attempt(waiting.pop(0), errors)))
            done, _ = await asyncio.wait(
                trying, timeout=delay_s if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                if task.exception() is None:
                    trying.discard(task)
                    return task.result()
            trying -= done
    finally:
        for task in trying:
            task.cancel()
        for ended in await asyncio.gather(*trying, return_exceptions=True):
            if not isinstance(ended, BaseException):
                ended[0].close()
    raise next(errors[address] for address in addresses if address in errors)


async def _attempt(address: Address, errors: dict[Address, OSError]) -> tuple[socket.socket, Address]:
    try:
        made = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            await asyncio.get_running_loop().sock_connect(made, address.where)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        errors[address] = error
        raise
    return made, address
