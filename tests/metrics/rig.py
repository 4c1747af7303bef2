"""Engines made of views, and a scraper that parses strictly."""

from __future__ import annotations

import shutil
import socket
from collections import defaultdict

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.views import FeedView, PairView, Published
from kraken_tui.units import SECOND
from tests.tui import samples

PROMTOOL = shutil.which("promtool")
"""Debian's package `prometheus` has it."""

MADE_NS = 1_000 * SECOND


class Views:
    """An engine of which only the newest views are known.

    Attributes:
        now_ns: The reader's clock.
        notes: What was written to the log.
    """

    def __init__(self, *symbols: str, feed: FeedView | None = None) -> None:
        pairs = {symbol: replace(samples.pair("BTC/USD"), symbol=symbol, made_ns=MADE_NS) for symbol in symbols}
        self.views = Published(replace(feed or samples.feed(), made_ns=MADE_NS), pairs)
        self.now_ns = MADE_NS
        self.notes: list[tuple[str, str]] = []
        self.broken = False

    def published(self) -> Published:
        if self.broken:
            raise ZeroDivisionError("a defect")
        return self.views

    def now(self) -> int:
        return self.now_ns

    def history(self, symbol: str) -> MarketHistory | None:
        return None

    def note(self, level: str, text: str) -> None:
        self.notes.append((level, text))

    def change(self, symbol: str, **fields: object) -> PairView:
        """Publish another view of a pair."""
        view = replace(self.views.pairs[symbol], **fields)
        self.views = replace(self.views, pairs={**self.views.pairs, symbol: view})
        return view


Samples = dict[tuple[tuple[str, str], ...], float]


def parsed(text: bytes) -> dict[str, Samples]:
    """Samples by name and by labels; everything else of the text must be right as well."""
    found: dict[str, Samples] = defaultdict(dict)
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            key = tuple(sorted(sample.labels.items()))
            assert key not in found[sample.name], f"{sample.name} {key} twice"
            found[sample.name][key] = sample.value
    return found


def ask(url: str, request: str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") -> tuple[int, dict[str, str], bytes]:
    """Send one request as it is; returns (status, headers in lower case, body)."""
    host, _, port = url.removeprefix("http://").partition("/")[0].rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        data = b""
        while chunk := connection.recv(65_536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split(" ")[1]), headers, body


def scrape(url: str) -> dict[str, Samples]:
    """Everything that is told at this moment."""
    status, headers, body = ask(url)
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=")
    assert int(headers["content-length"]) == len(body)
    return parsed(body)
