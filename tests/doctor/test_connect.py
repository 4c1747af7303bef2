"""`doctor --connect` against the local exchange, well and ill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kraken_tui.doctor import certificates
from kraken_tui.doctor.connect import Visit, visit
from kraken_tui.doctor.report import Outcome, Result, Skipped
from kraken_tui.exchange import ExchangeThread
from kraken_tui.feed.limits import Limits
from tests.rig.raw import tcp

NOBODY = "ws://127.0.0.1:9/v2"
STAGES = ["name resolution", "connection", "TLS", "status frame", "clock offset", "instrument list", "first book"]


@pytest.fixture
def exchange() -> Iterator[ExchangeThread]:
    with ExchangeThread(pairs=["BTC/USD", "ETH/USD"]) as running:
        yield running


def failed(results: list[Result]) -> dict[str, str]:
    return {result.name: result.seen for result in results if result.outcome is Outcome.FAIL}


def dials(path: Path) -> int:
    return len(json.loads(path.read_text())["dials"])


def test_a_healthy_exchange_passes_every_stage_with_one_dial(exchange: ExchangeThread, tmp_path: Path) -> None:
    budget = tmp_path / "dials.json"
    results = visit(exchange.ws_url, "xbtusd", budget_path=budget)
    assert [result.name for result in results] == STAGES
    assert failed(results) == {}
    seen = {result.name: result.seen for result in results}
    assert seen["first book"].startswith("BTC/USD VERIFIED, ")
    assert seen["instrument list"] == "2 pairs"
    assert seen["clock offset"].startswith(("+0.00", "-0.00"))
    assert seen["TLS"].startswith("not used")
    assert all(0 <= result.ms < 5000 for result in results)
    assert dials(budget) == 1


def test_each_visit_counts_in_the_budget_and_a_spent_one_allows_none(exchange: ExchangeThread, tmp_path: Path) -> None:
    budget = tmp_path / "dials.json"
    limits = Limits(dial_limit=2)

    def once() -> list[Result]:
        async def go() -> list[Result]:
            return await Visit(exchange.ws_url, "BTC/USD", budget_path=budget, limits=limits).results()

        return asyncio.run(go())

    assert failed(once()) == failed(once()) == {}
    assert dials(budget) == 2
    said = failed(once())
    assert said["connection"].startswith("no dial: the dial budget of this computer is spent for another ")
    assert dials(budget) == 2


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (429, "127.0.0.1 answered HTTP 429 Too Many Requests"),
        (503, "127.0.0.1 answered HTTP 503 Service Unavailable"),
    ],
)
def test_a_refused_dial_is_not_repeated(exchange: ExchangeThread, tmp_path: Path, status: int, sentence: str) -> None:
    exchange.faults.refuse_connections(status)
    budget = tmp_path / "dials.json"
    assert failed(visit(exchange.ws_url, "BTC/USD", budget_path=budget)) == {"connection": sentence}
    assert dials(budget) == 1


def test_a_ban_is_respected_by_the_next_visit(exchange: ExchangeThread, tmp_path: Path) -> None:
    exchange.faults.refuse_connections(429, retry_after_s=1200)
    budget = tmp_path / "dials.json"
    visit(exchange.ws_url, "BTC/USD", budget_path=budget)
    exchange.faults.accept_connections()
    said = failed(visit(exchange.ws_url, "BTC/USD", budget_path=budget))["connection"]
    assert said.startswith("no dial: the exchange refused connections before")
    assert dials(budget) == 1


def test_nobody_there(tmp_path: Path) -> None:
    results = visit(NOBODY, "BTC/USD", budget_path=None)
    assert failed(results) == {"connection": "127.0.0.1:9 refused the connection"}
    assert [result.name for result in results] == ["name resolution", "connection"]


def test_a_name_that_does_not_exist_costs_no_dial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    budget = tmp_path / "dials.json"
    results = visit("wss://nowhere.invalid/v2", "BTC/USD", budget_path=budget)
    assert [(result.name, result.outcome) for result in results] == [("name resolution", Outcome.FAIL)]
    assert "the name nowhere.invalid was not found" in results[0].seen
    assert not budget.exists()


def test_a_pair_that_does_not_exist_is_named_with_its_neighbours(exchange: ExchangeThread) -> None:
    said = failed(visit(exchange.ws_url, "BTC/USDD", budget_path=None))
    assert list(said) == ["first book"]
    assert "BTC/USD" in said["first book"]


def test_maintenance_and_a_clock_that_is_wrong_are_told(
    exchange: ExchangeThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.faults.set_system_status("maintenance")
    from kraken_tui.feed.clock import SystemClock

    real = SystemClock.wall
    monkeypatch.setattr(SystemClock, "wall", lambda self: real(self) + 90 * 10**9)
    said = failed(visit(exchange.ws_url, "BTC/USD", budget_path=None))
    assert said["status frame"] == "the exchange is maintenance"
    assert 89.5 < float(said["clock offset"].split(" s")[0]) < 90.5
    assert said["clock offset"].endswith("set this computer's clock (ages are corrected, logs are not)")


def test_a_server_without_books_is_given_up(exchange: ExchangeThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kraken_tui.doctor.connect.WHOLE_LIMIT_S", 0.6)
    exchange.faults.withhold_snapshots("BTC/USD", 100)
    assert failed(visit(exchange.ws_url, "BTC/USD", budget_path=None)) == {"first book": "nothing within 1 s"}


@pytest.mark.parametrize(("days", "outcome"), [(30, Outcome.PASS), (3, Outcome.FAIL)])
def test_a_certificate_is_shown_and_one_that_ends_soon_is_a_finding(
    exchange: ExchangeThread, tmp_path: Path, days: int, outcome: Outcome
) -> None:
    """Over TLS, with a throw-away authority, through a server that only unpacks it."""
    try:
        authority = certificates._Authority(tmp_path)
        files = authority.certificate("server", days=days)
    except Skipped as reason:
        pytest.skip(str(reason))
    context = certificates._serving(*files)
    port = int(exchange.rest_url.rpartition(":")[2])

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(pump(reader, onward[1]), pump(onward[0], writer), return_exceptions=True)
        finally:
            onward[1].transport.abort()

    async def go() -> list[Result]:
        async with tcp(forward, ssl=context) as own:
            return await Visit(f"wss://localhost:{own}/v2", "BTC/USD", budget_path=None).results()

    with certificates._trusting(authority.root):
        results = asyncio.run(go())
    tls = results[2]
    assert (tls.name, tls.outcome) == ("TLS", outcome)
    assert tls.seen.startswith("TLSv1.3, by kraken-tui doctor ours, until 20")
    assert tls.seen.endswith(f"({days - 1} days)")
    assert set(failed(results)) <= {"TLS"}
