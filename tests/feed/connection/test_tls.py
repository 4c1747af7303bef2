"""The certificate authorities are read off the engine's thread, with a limit; and verification cannot be turned off."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from kraken_tui.feed.connection.failures import explain
from kraken_tui.feed.connection.sockets import open_socket
from kraken_tui.feed.connection.tls import NoAuthorities, trusted
from kraken_tui.feed.rest.client import RestClient


class Disk:
    """Holds the certificate authorities; `free` lets their readers go on."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.readers: list[threading.Thread] = []
        self._real = ssl.create_default_context

    def read(self) -> ssl.SSLContext:
        self.readers.append(threading.current_thread())
        assert self.free.wait(30)
        return self._real()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk()
    monkeypatch.setattr(ssl, "create_default_context", made.read)
    yield made
    made.free.set()
    for reader in made.readers:
        reader.join(5)


async def test_names_and_certificates_are_verified() -> None:
    context = await trusted()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_a_disk_that_hangs_holds_up_nobody_and_is_told(disk: Disk) -> None:
    """Ten dials wait for one reader, which is not this thread."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(others())
    results = await asyncio.gather(*(trusted(0.3) for _ in range(10)), return_exceptions=True)
    task.cancel()
    assert {type(result) for result in results} == {NoAuthorities}
    assert turns > 3
    assert len(disk.readers) == 1
    assert disk.readers[0] is not threading.current_thread()
    failure = explain(NoAuthorities(), "wss://ws.kraken.com/v2")
    assert failure is not None
    assert failure.cause == (
        "ws.kraken.com cannot be reached: the certificate authorities cannot be read, the disk does not answer"
    )
    disk.free.set()
    assert (await trusted()).verify_mode is ssl.CERT_REQUIRED


async def test_a_dial_ends_within_its_limit_and_one_without_tls_reads_nothing(disk: Disk) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await open_socket("wss://127.0.0.1:9/v2", None, 0.5)
    assert time.monotonic() - began < 3
    assert len(disk.readers) == 1
    with pytest.raises(ConnectionRefusedError):
        await open_socket("ws://127.0.0.1:9/v2", None, 5.0)
    assert len(disk.readers) == 1


async def test_what_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> ssl.SSLContext:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(ssl, "create_default_context", broken)
    with pytest.raises(FileNotFoundError):
        await trusted()


def test_history_reads_them_with_its_first_call_only(disk: Disk) -> None:
    RestClient("https://api.kraken.com")
    assert disk.readers == []
