"""The status at the left of the last row: what the cursor reads, and whatever is out of the ordinary. Pure."""

from __future__ import annotations

from kraken_tui.market.imbalance import at_cursor
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.tui.format import basis_points, fine_price, price, quantity, shorten
from kraken_tui.tui.pane import Line, Run


def cursor_line(view: PairView | None, ticks: int | None) -> Line:
    """Cumulative size, notional, distance and sweep cost at the cursor's price; empty without a cursor.

    An unproven book gives no figures, only the price.
    """
    if view is None or view.spec is None or ticks is None:
        return ()
    spec = view.spec
    runs: list[Run] = [(f" {price(ticks, spec.price_precision)} ", "!text/cursor")]
    read = at_cursor(view.bids, view.asks, ticks) if view.metrics is not None else None
    if read is None:
        return (*runs, (" no figures from an unproven book ", "stale"))
    distance = f" {'+' if read.distance_bps >= 0 else '-'}{basis_points(abs(read.distance_bps))} bps"
    if read.side is None or not read.cumulative:
        return (*runs, (f"{distance}, inside the spread ", "muted"))
    notional = read.notional // 10**spec.qty_precision
    runs += [
        (distance, "text"),
        (" cum ", "muted"),
        (quantity(read.cumulative, spec.qty_precision, 9).strip(), "text"),
        (f" {spec.base}", "muted"),
        (" = ", "muted"),
        (price(notional, spec.price_precision).partition(".")[0], "text"),
        (f" {spec.quote}", "muted"),
    ]
    if read.sweep is not None:
        runs += [
            (" sweep ", "muted"),
            (fine_price(read.sweep.average, spec.price_precision), "text"),
            (f" {basis_points(read.sweep.slippage_bps)} bps ", "text"),
        ]
    return tuple(runs)


def feed_line(feed: FeedView, *, behind: int | None, fps: float | None, resume: str) -> Line:
    """What is out of the ordinary: a dead feed, a frozen screen, a slow terminal.

    Args:
        feed: The newest view, not the frozen one.
        behind: Messages that came in since the screen was frozen; None when it is not.
        fps: The rate the screen fell back to; None at full rate.
        resume: Key that unfreezes.
    """
    runs: list[Run] = []
    if feed.fatal:
        runs += [(" FEED STOPPED ", "!badge/bad"), (f" {shorten(feed.fatal, 70)} ", "bad")]
    if behind is not None:
        runs += [(" PAUSED ", "!badge/warn"), (f" {behind:,} messages behind, {resume} resumes ", "warn")]
    if fps is not None:
        runs.append((f" slow terminal: {fps:g} fps ", "warn"))
    return tuple(runs)
