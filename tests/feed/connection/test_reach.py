"""Names and addresses: a name server that hangs, and a host whose first address swallows attempts (C01)."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kraken_tui.exchange import ExchangeThread
from kraken_tui.feed.connection import reach
from kraken_tui.feed.connection.failures import explain
from kraken_tui.feed.connection.reach import Address, NoNameServer, connect, resolve
from kraken_tui.feed.connection.sockets import close_socket, open_socket

V4, V6 = socket.AF_INET, socket.AF_INET6


class NameServer:
    """Answers from a table; `hold` makes it hang."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, tuple[Any, ...]]]] = {}
        self.asked: list[str] = []
        self.free = threading.Event()
        self.free.set()
        self._real = socket.getaddrinfo

    def __call__(self, host: str, port: int, *, type: int, flags: int = 0) -> list[Any]:  # noqa: A002 - getaddrinfo's own
        if flags & socket.AI_NUMERICHOST:
            return self._real(host, port, type=type, flags=flags)
        self.asked.append(host)
        assert self.free.wait(30)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, type, 6, "", where) for family, where in self.answers[host]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(reach.socket, "getaddrinfo", server)
    yield server
    server.free.set()


async def test_a_number_asks_nobody(names: NameServer) -> None:
    assert await resolve("127.0.0.1", 80) == [Address(V4, ("127.0.0.1", 80))]
    assert await resolve("::1", 80) == [Address(V6, ("::1", 80, 0, 0))]
    assert names.asked == []


async def test_families_take_turns_and_the_first_stays_first(names: NameServer) -> None:
    sixes = [(V6, (f"2001:db8::{n}", 1, 0, 0)) for n in range(3)]
    fours = [(V4, (f"192.0.2.{n}", 1)) for n in range(2)]
    names.answers["x"] = [*sixes, *fours, sixes[0]]
    assert [one.where[0] for one in await resolve("x", 1)] == [
        "2001:db8::0", "192.0.2.0", "2001:db8::1", "192.0.2.1", "2001:db8::2",
    ]  # fmt: skip


async def test_a_name_that_is_not_there_is_told_as_such(names: NameServer) -> None:
    with pytest.raises(socket.gaierror) as caught:
        await resolve("nowhere", 1)
    failure = explain(caught.value, "wss://nowhere/v2")
    assert failure is not None
    assert failure.cause == "the name nowhere was not found"
    with pytest.raises(socket.gaierror):
        await resolve("x" * 70 + ".com", 1)


async def test_a_name_server_that_hangs_is_left_after_its_limit_and_asked_once(names: NameServer) -> None:
    names.free.clear()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(NoNameServer) as caught:
            await resolve("slow", 1, 0.05)
    assert time.monotonic() - began < 2
    assert names.asked == ["slow"], "hung lookups do not pile up"
    failure = explain(caught.value, "wss://slow/v2")
    assert failure is not None
    assert failure.cause == "slow cannot be reached: the name server does not answer"
    names.answers["slow"] = [(V4, ("192.0.2.1", 1))]
    names.free.set()
    assert await resolve("slow", 1, 5) == [Address(V4, ("192.0.2.1", 1))]


async def test_a_lookup_that_is_given_up_leaves_the_others_waiting(names: NameServer) -> None:
    names.free.clear()
    names.answers["slow"] = [(V4, ("192.0.2.1", 1))]
    first, second = (asyncio.create_task(resolve("slow", 1)) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    names.free.set()
    assert len(await second) == 1


def swallowing(
    monkeypatch: pytest.MonkeyPatch, outcome: dict[str, Callable[[], None] | None]
) -> list[tuple[str, float]]:
    """Connection attempts that hang (None) or end as told, by address; returns (address, when)."""
    tried: list[tuple[str, float]] = []
    began = time.monotonic()

    async def sock_connect(made: socket.socket, where: tuple[Any, ...]) -> None:
        tried.append((where[0], time.monotonic() - began))
        end = outcome[where[0]]
        if end is None:
            await asyncio.sleep(3600)
        else:
            end()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", sock_connect, raising=False)
    return tried


def refuse() -> None:
    raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def addresses(count: int) -> list[Address]:
    return [Address(V4, (f"192.0.2.{number}", 443)) for number in range(count)]


async def test_the_next_address_is_tried_after_a_quarter_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = swallowing(monkeypatch, {"192.0.2.0": None, "192.0.2.1": None, "192.0.2.2": lambda: None})
    made, chosen = await connect(addresses(3))
    made.close()
    assert chosen == addresses(3)[2]
    assert [where for where, _ in tried] == ["192.0.2.0", "192.0.2.1", "192.0.2.2"]
    assert reach.NEXT_ADDRESS_S == 0.25
    assert tried[1][1] - tried[0][1] >= 0.24
    assert tried[2][1] - tried[1][1] >= 0.24


async def test_a_refused_address_costs_no_wait_and_the_first_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable() -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    tried = swallowing(monkeypatch, {"192.0.2.0": refuse, "192.0.2.1": unreachable})
    with pytest.raises(ConnectionRefusedError):
        await connect(addresses(2), delay_s=3600)
    assert len(tried) == 2


async def test_of_two_that_answer_at_once_one_is_kept_and_all_others_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[socket.socket] = []
    real = socket.socket

    def make(*args: Any) -> socket.socket:
        opened.append(real(*args))
        return opened[-1]

    monkeypatch.setattr(reach.socket, "socket", make)
    swallowing(monkeypatch, {"192.0.2.0": None, "192.0.2.1": lambda: None, "192.0.2.2": lambda: None})
    made, _ = await connect(addresses(3), delay_s=0)
    assert [one for one in opened if one.fileno() >= 0] == [made]
    made.close()


async def test_a_cancelled_race_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []
    real = socket.socket

    def make(*args: Any) -> socket.socket:
        opened.append(real(*args))
        return opened[-1]

    monkeypatch.setattr(reach.socket, "socket", make)
    swallowing(monkeypatch, {"192.0.2.0": None, "192.0.2.1": None})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connect(addresses(2), delay_s=0.01)
    assert len(opened) == 2
    assert all(one.fileno() < 0 for one in opened)


@pytest.mark.realtime
async def test_c01_a_host_whose_first_address_swallows_attempts_is_reached_all_the_same(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener with a full backlog swallows attempts, as a dropped packet would."""
    exchange = ExchangeThread(seed=1)
    exchange.start()
    try:
        port = int(exchange.ws_url.split(":")[2].split("/")[0])
        with socket.socket() as hole:
            hole.bind(("127.0.0.1", 0))
            hole.listen(0)
            full = [socket.socket() for _ in range(8)]
            for one in full:
                one.setblocking(False)
                one.connect_ex(hole.getsockname())
            await asyncio.sleep(0.05)
            names.answers["two.test"] = [(V4, hole.getsockname()), (V4, ("127.0.0.1", port))]
            monkeypatch.setattr("kraken_tui.settings.address.LOOPBACK", frozenset({"two.test"}), raising=False)
            began = time.monotonic()
            live = await open_socket(f"ws://two.test:{port}/v2", None, 10)
            assert 0.2 < time.monotonic() - began < 3
            await close_socket(live)
            for one in full:
                one.close()
    finally:
        exchange.stop()


HANGS = """
import socket, sys, time
real = socket.getaddrinfo
def hang(host, *rest, **more):
    if host == "127.0.0.1" or more.get("flags"):
        return real(host, *rest, **more)
    time.sleep(60)
socket.getaddrinfo = hang
from kraken_tui.cli.main import main
began = time.monotonic()
code = main(["stream", "BTC/USD", "--url", "wss://hangs.test/v2", "--rest-url", "https://hangs.test", "--seconds", "1"])
print(f"ended after {time.monotonic() - began:.1f}", file=sys.stderr, flush=True)
sys.exit(code)
"""


@pytest.mark.realtime
def test_a_name_server_that_hangs_does_not_delay_the_end() -> None:
    began = time.monotonic()
    run = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=50, check=False)
    after = float(run.stderr.rpartition("ended after ")[2])
    assert after < 1 + 2 + 1.5
    assert time.monotonic() - began < 30, "the process does not wait for the name server's minute either"
