"""The endpoint that Prometheus scrapes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from kraken_tui.errors import ConfigurationError
from kraken_tui.metrics.figures import COUNTER, HISTOGRAM, PREFIX, Family, More, Source, figures
from kraken_tui.metrics.server import Server
from kraken_tui.settings.address import LOOPBACK, listen_address
from kraken_tui.text import clean_text

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

PATH = "/metrics"

SHARED_S = 0.25
"""Scrapes within this time get the same answer: many scrapers cost no more than a few."""


class Told(Source, Protocol):
    """An engine whose log can be written to; see `engine.api.MarketSource`."""

    def note(self, level: str, text: str) -> None:
        """Add a line to the program's log."""
        ...


class Endpoint:
    """What listens for one engine; made by `start`.

    Attributes:
        url: Where the metrics are; "" where the address cannot be listened on.
        problem: Why not, one sentence; else "".
    """

    def __init__(self, engine: Told, host: str, port: int, more: Sequence[More], clock: Callable[[], float]) -> None:
        self._engine = engine
        self._more = tuple(more)
        self._clock = clock
        self._registry: CollectorRegistry | None = None
        self._kept: tuple[float, str, tuple[bytes, str]] | None = None
        self._told = ""
        self._server: Server | None = None
        self.url = self.problem = ""
        shown = f"[{host}]" if ":" in host else host
        try:
            self._server = Server(host, port, PATH, self._answer, self._failed, clock)
        except OSError as error:
            reason = clean_text(os.strerror(error.errno) if error.errno else error, 80).lower()
            self.problem = f"no metrics at {shown}:{port}: {reason}; everything else goes on"
            engine.note("error", self.problem)
            return
        self.url = f"http://{shown}:{self._server.port}{PATH}"
        engine.note("info", f"metrics at {self.url}")
        if host not in LOOPBACK and not host.startswith("127."):
            engine.note(
                "warning", "whoever reaches this address can read the metrics, the names of your pairs included"
            )

    def close(self) -> None:
        """Stop listening, within a second; a second call does nothing."""
        if self._server is not None:
            self._server.close()

    # -- in the server's thread ---------------------------------------------------------------------------------

    def _answer(self, accept: str) -> tuple[bytes, str]:
        now = self._clock()
        if self._kept is not None and self._kept[1] == accept and now - self._kept[0] < SHARED_S:
            return self._kept[2]
        # Not before somebody asks: the import takes a tenth of a second.
        from prometheus_client.exposition import choose_encoder

        if self._registry is None:
            self._registry = self._new_registry()
        encode, kind = choose_encoder(accept)
        answer = encode(self._registry), kind
        self._kept = self._clock(), accept, answer
        return answer

    def _new_registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry, ProcessCollector

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return registry

    def collect(self) -> Iterable[Metric]:
        """All figures of this moment, as the Prometheus client has them; called by its registry."""
        for family in figures(self._engine):
            yield _metric(family)
        for more in self._more:
            for family in more():
                yield _metric(family)

    def _failed(self, error: Exception) -> None:
        text = f"metrics failed: {type(error).__name__}: {error}"
        if text != self._told:
            self._told = text
            self._engine.note("error", text)


def need_package() -> None:
    """Find out whether metrics can be served at all.

    Raises:
        ConfigurationError: The Prometheus client is not installed.
    """
    if find_spec("prometheus_client") is None:
        raise ConfigurationError(
            "metrics need the package prometheus-client; install it with: pip install 'kraken-tui[metrics]'"
        )


def start(
    engine: Told, address: str, more: Sequence[More] = (), *, clock: Callable[[], float] = time.monotonic
) -> Endpoint:
    """Serve the metrics of an engine, in a thread of its own, until `Endpoint.close`.

    The engine need not have started. An address that cannot be listened on is said in `Endpoint.problem` and in the
    log, and is no error: whatever the program is for goes on.

    Args:
        engine: An `engine.Engine`.
        address: HOST:PORT, as `settings.metrics_addr` has it.
        more: Where further figures come from, such as those of an output.
        clock: Monotonic seconds.

    Raises:
        ConfigurationError: The Prometheus client is not installed, or the address is not one.
    """
    host, port = listen_address(address)
    need_package()
    return Endpoint(engine, host, port, more, clock)


def _metric(family: Family) -> Metric:
    from prometheus_client.core import Metric
    from prometheus_client.samples import Sample

    name = PREFIX + family.name
    metric = Metric(name.removesuffix("_total") if family.kind == COUNTER else name, family.help, family.kind)
    told = f"{name}_bucket" if family.kind == HISTOGRAM else name
    metric.samples = [Sample(told, dict(labels), value) for labels, value in family.samples]
    if family.kind == HISTOGRAM:
        metric.samples += [
            Sample(f"{name}_count", {}, family.samples[-1][1]), Sample(f"{name}_sum", {}, family.sum)
        ]  # fmt: skip
    return metric
