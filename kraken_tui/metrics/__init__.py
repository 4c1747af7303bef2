"""Metrics for Prometheus: figures of an engine, read when they are asked for, over HTTP. `start` is the way in.

Nothing is counted here: every figure is read from the views that the engine publishes, so a scrape costs the feed
nothing, and ages are judged by the reader's rule (`market.freshness`), so an engine that hangs shows as growing ages.
"""

from __future__ import annotations

from kraken_tui.metrics.endpoint import Endpoint, need_package, start
from kraken_tui.metrics.figures import Family, More

__all__ = ["Endpoint", "Family", "More", "need_package", "start"]
