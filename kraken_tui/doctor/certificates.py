"""Bad TLS certificates, from a throw-away authority that only this process trusts, and only for a moment (F17)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kraken_tui.doctor.network import client
from kraken_tui.doctor.report import AsyncCheck, Skipped, expect
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.session import Session

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_VARIABLE = "SSL_CERT_FILE"


class _Authority:
    """Certificates of a folder, by the `openssl` command.

    Raises:
        Skipped: The command is missing or fails.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._openssl = shutil.which("openssl") or ""
        if not self._openssl:
            raise Skipped("the openssl command is not installed, so no test certificates could be made")
        self.root = self._root("ours")

    def _run(self, *arguments: str) -> None:
        try:
            done = subprocess.run(
                [self._openssl, *arguments], cwd=self._folder, capture_output=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Skipped(f"openssl failed: {error}") from None
        if done.returncode:
            raise Skipped("this openssl command cannot make the certificates")

    def _root(self, name: str) -> Path:
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        self._run("req", "-x509", *_EC, *files, "-subj", f"/CN=kraken-tui doctor {name}", "-days", "2")
        return self._folder / f"{name}.pem"

    def certificate(
        self, name: str, *, host: str = "localhost", days: int = 2, root: str = "ours"
    ) -> tuple[Path, Path]:
        """(certificate, key) for a host; `days` below zero has expired."""
        if root != "ours":
            self._root(root)
        (self._folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n", encoding="ascii")
        self._run("req", *_EC, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        signer = ("-CA", f"{root}.pem", "-CAkey", f"{root}.key", "-set_serial", "1")
        self._run(
            "x509", "-req", "-in", f"{name}.csr", *signer, "-days", str(days), "-extfile", f"{name}.ext",
            "-out", f"{name}.pem",
        )  # fmt: skip
        return self._folder / f"{name}.pem", self._folder / f"{name}.key"


@contextlib.contextmanager
def _trusting(root: Path) -> Iterator[None]:
    """Let new TLS connections of this process trust one more authority: the usual way, by the environment."""
    former = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(root)
    try:
        yield
    finally:
        if former is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = former


async def _meet(context: ssl.SSLContext) -> tuple[str, int]:
    """(cause the client gave up with, or "" where TLS was accepted; requests that reached the server)."""
    requests = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        try:
            with contextlib.suppress(OSError):
                requests += bool(await reader.read(1))
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        async with client(f"wss://localhost:{port}/v2") as one:
            await one.until(lambda session: _settled(session), "given up")
            return one.session.cause, requests
    finally:
        server.close()


def _settled(session: Session) -> bool:
    return session.state is State.DISCONNECTED and session.attempt > 0


def _serving(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def bad_certificates() -> str:
    """Wrong host, expired, unknown authority; and a good one, to show that the others were refused for their fault."""
    with tempfile.TemporaryDirectory(prefix="kraken-tui-doctor-") as name:
        return await _bad_certificates(Path(name))


async def _bad_certificates(folder: Path) -> str:
    authority = await asyncio.to_thread(_Authority, folder)
    make = authority.certificate

    def all_kinds() -> dict[str, ssl.SSLContext]:
        return {
            "wrong host": _serving(*make("host", host="kraken.example")),
            "expired": _serving(*make("expired", days=-1)),
            "unknown authority": _serving(*make("unknown", root="theirs")),
        }

    kinds = await asyncio.to_thread(all_kinds)
    good = _serving(*await asyncio.to_thread(make, "good"))
    with _trusting(authority.root):
        cause, requests = await _meet(good)
        if not requests:
            raise Skipped(f"a good certificate is not accepted here either: {cause}")
        for kind, context in kinds.items():
            cause, requests = await _meet(context)
            expect("certificate" in cause and not requests, f"{kind}: {cause}, {requests} requests sent")
    return f"{', '.join(kinds)}: refused, nothing sent; a good one accepted"


async def old_protocol() -> str:
    """A server that speaks TLS 1.1 only."""
    with tempfile.TemporaryDirectory(prefix="kraken-tui-doctor-") as name:
        authority = await asyncio.to_thread(_Authority, Path(name))
        context = _serving(*await asyncio.to_thread(authority.certificate, "old"))
        with _silent_deprecation():
            try:
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion.TLSv1_1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            except (ValueError, ssl.SSLError):
                raise Skipped("this Python's TLS library does not support TLS 1.1") from None
        with _trusting(authority.root):
            cause, requests = await _meet(context)
        return expect(cause and not requests, cause)


@contextlib.contextmanager
def _silent_deprecation() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


async def _one_by_one() -> str:
    """Both, in order, because they share the environment."""
    first = await bad_certificates()
    return f"{first}; TLS 1.1: {await old_protocol()}"


CHECKS = (AsyncCheck("bad certificates, old TLS", "F17", "refused, nothing sent", _one_by_one),)
"""Every check of this module."""
