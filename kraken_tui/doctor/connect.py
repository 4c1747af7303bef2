"""`kraken-tui doctor --connect`: can the exchange be reached from here? One dial, counted like any other."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kraken_tui.doctor.report import Outcome, Result
from kraken_tui.engine.loop import forgive_lost_connections
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.reach import NoNameServer, resolve
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.connection.websocket import run
from kraken_tui.feed.events import FeedEvent, InstrumentsKnown, Refused, StateChanged
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.settings.address import check_url, proxy_for
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.words import counted, signed

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

WHOLE_LIMIT_S = 25.0
"""Longest the whole may take: open, instrument list and first book have 10 s each, seldom all of them."""

_RESOLVE_S = 5.0
_EXPIRY_WARNING_DAYS = 7
_MOST_OFFSET_S = 2.0
_DOWN = frozenset({State.DISCONNECTED, State.COOLDOWN, State.CLOSED})


class Visit:
    """One visit to an exchange.

    Args:
        url: WebSocket address, see `settings.address.check_url`.
        pair: Pair whose book is proven.
        budget_path: File that carries the dial budget over restarts; None to keep it in memory.
        limits: Timers.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    def __init__(self, url: str, pair: str, *, budget_path: Path | None, limits: Limits | None = None) -> None:
        self._url = check_url(url)
        self._pair = pair
        self._budget_path = budget_path
        self._clock = SystemClock()
        self._session = Session(limits, depth=10)
        self._session.want(pair)
        self._results: list[Result] = []
        self._at: dict[str, float] = {}
        self._refused = ""
        self._instruments = 0
        self._lost = ""
        self._certificate: dict[str, Any] | None = None
        self._protocol = ""
        self._over = asyncio.Event()

    async def results(self) -> list[Result]:
        """Visit the exchange; one result a stage."""
        if await self._resolve():
            await self._visit()
        return self._results

    def _add(self, name: str, expected: str, seen: str, outcome: Outcome, ms: float) -> None:
        self._results.append(Result(name, "", expected, clean_text(seen), outcome, ms))

    # -- name

    async def _resolve(self) -> bool:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        expected = "the name has an address"
        proxy = proxy_for(self._url)[1]
        if proxy:
            self._add("name resolution", expected, f"left to the proxy {proxy}", Outcome.SKIP, 0.0)
            return True
        begun = time.perf_counter()
        try:
            found = await resolve(host, parts.port or 443, _RESOLVE_S)
        except NoNameServer:
            seen = f"no address for {host} within {_RESOLVE_S:.0f} s; check the network and its name server"
        except OSError:
            seen = f"the name {host} was not found; check this computer's network and name server"
        else:
            addresses = sorted({str(address.where[0]) for address in found})
            seen = f"{host}: {', '.join(addresses[:3])}{' ...' if len(addresses) > 3 else ''}"
            self._add("name resolution", expected, seen, Outcome.PASS, _ms(begun))
            return True
        self._add("name resolution", expected, seen, Outcome.FAIL, _ms(begun))
        return False

    # -- visit

    async def _visit(self) -> None:
        begun = time.perf_counter()
        feed = asyncio.create_task(
            run(
                self._session,
                self._url,
                self._clock,
                self._take,
                self._over,
                budget_path=self._budget_path,
                on_connection=self._connected,
            )
        )
        looking = asyncio.create_task(self._look())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), WHOLE_LIMIT_S)
        looking.cancel()
        # Read before the farewell, which unproves everything.
        self._judge(begun)
        self._over.set()
        await feed

    async def _look(self) -> None:
        """End the visit where the budget allows no dial, or when all is known."""
        while not self._over.is_set():
            await asyncio.sleep(0.02)
            if "dialled" not in self._at and not self._lost:
                wait = self._session.retry_in_s(self._clock.now()) or 0.0
                if wait > 1:
                    self._lost = f"no dial: the dial budget of this computer is spent for another {wait:.0f} s"
                    self._over.set()
            if "book" in self._at and "offset" in self._at:
                self._over.set()

    def _take(self, events: list[FeedEvent]) -> None:
        for event in events:
            if isinstance(event, StateChanged):
                self._state(event)
            elif isinstance(event, InstrumentsKnown):
                self._instruments = event.count
                self._reach("instruments")
            elif isinstance(event, Refused):
                near = f"; nearest: {', '.join(event.nearest)}" if event.nearest else ""
                self._refused = f"{event.symbol} was refused: {event.error}{near}"
                self._reach("book")
        session = self._session
        if session.system != "unknown":
            self._reach("status")
        if session.latency.offset_ns is not None:
            self._reach("offset")
        if any(stitcher.proof is Proof.VERIFIED for stitcher in session.stitchers.values()):
            self._reach("book")

    def _state(self, event: StateChanged) -> None:
        if event.state == State.CONNECTING:
            self._reach("dialled")
        elif event.state == State.COOLDOWN and "dialled" not in self._at:
            wait = f" for another {event.retry_in_s:.0f} s" if event.retry_in_s else ""
            self._lost = f"no dial: {event.cause}; the program waits{wait}"
            self._over.set()
        elif event.state in _DOWN and "dialled" in self._at and not self._over.is_set():
            self._lost = event.cause
            self._over.set()

    def _connected(self, connection: ClientConnection) -> None:
        self._reach("open")
        tls: ssl.SSLObject | None = connection.transport.get_extra_info("ssl_object")
        if tls is not None:
            self._certificate = tls.getpeercert() or {}
            self._protocol = tls.version() or ""

    def _reach(self, stage: str) -> None:
        self._at.setdefault(stage, time.perf_counter())

    # -- verdict

    def _judge(self, begun: float) -> None:
        dialled = self._at.get("dialled", begun)
        opened = self._at.get("open")
        lost = self._lost or f"nothing within {WHOLE_LIMIT_S:.0f} s"
        if opened is None:
            self._add("connection", "open within 10 s", lost, Outcome.FAIL, _ms(begun))
            return
        self._add("connection", "open within 10 s", "one dial", Outcome.PASS, (opened - dialled) * 1000)
        self._judge_certificate()
        session = self._session
        offset = session.latency.wall_offset_ns or 0
        trip = (session.latency.round_trip_ns or 0) / 1e6
        clock = f"{signed(offset / SECOND, 3)} s, round trip {trip:.1f} ms"
        near = abs(offset) <= _MOST_OFFSET_S * SECOND
        advice = "" if near else "; set this computer's clock (ages are corrected, logs are not)"
        book = self._refused or f"{', '.join(session.stitchers)} VERIFIED, {session.counters.checks_ok} checksums right"
        for stage, name, expected, seen, right in (
            ("status", "status frame", "online", f"the exchange is {session.system}", session.system == "online"),
            ("offset", "clock offset", f"within {_MOST_OFFSET_S:.0f} s", clock + advice, near),
            ("instruments", "instrument list", "received", counted(self._instruments, "pair"), self._instruments > 0),
            ("book", "first book", "VERIFIED", book, not self._refused),
        ):
            at = self._at.get(stage)
            if at is None:
                self._add(name, expected, lost, Outcome.FAIL, _ms(opened))
            else:
                self._add(name, expected, seen, Outcome.PASS if right else Outcome.FAIL, (at - opened) * 1000)

    def _judge_certificate(self) -> None:
        expected = f"valid for over {_EXPIRY_WARNING_DAYS} days"
        certificate = self._certificate
        if certificate is None:
            self._add("TLS", expected, "not used: the server is on this computer", Outcome.SKIP, 0.0)
            return
        issuer = {key: value for part in certificate.get("issuer", ()) for key, value in part}
        name = issuer.get("organizationName") or issuer.get("commonName") or "an unnamed authority"
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        days = (ends - datetime.now(UTC)).days
        seen = f"{self._protocol}, by {name}, until {ends:%Y-%m-%d} ({days} days)"
        self._add("TLS", expected, seen, Outcome.PASS if days > _EXPIRY_WARNING_DAYS else Outcome.FAIL, 0.0)


def _ms(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


def visit(url: str, pair: str, *, budget_path: Path | None) -> list[Result]:
    """Visit an exchange once.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    async def go() -> list[Result]:
        asyncio.get_running_loop().set_exception_handler(forgive_lost_connections)
        return await Visit(url, pair, budget_path=budget_path).results()

    return asyncio.run(go())
