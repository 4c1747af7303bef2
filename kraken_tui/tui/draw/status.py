"""The status at the left of the last row: the price at the cursor, and anything out of the ordinary. Pure."""

from __future__ import annotations

from kraken_tui.market.book.metrics import at_cursor
from kraken_tui.market.freshness import silence_text
from kraken_tui.market.health import long_time
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.tui.draw.format import basis_points, fine_price, price, quantity
from kraken_tui.tui.draw.runs import Line, in_cells, shorten, width_of


def fitting(parts: list[Line], width: int) -> Line:
    """The first parts that fit whole in `width` cells: a number is shown entirely or not at all."""
    runs: Line = ()
    for part in parts:
        if width_of(runs) + width_of(part) > width:
            break
        runs += part
    return runs


def _floored(lots: int) -> int:
    """The four leading digits of a quantity: the least there is must not be rounded up."""
    scale: int = 10 ** max(0, len(str(lots)) - 4)
    return lots // scale * scale


def cursor_parts(view: PairView | None, ticks: int | None) -> list[Line]:
    """Distance, cumulative size, notional and sweep cost at the cursor's price, the most important first.

    Empty without a cursor. An unproven book gives no figures, only the price. Beyond the depth of the book sums are
    the least there is, and say so.
    """
    if view is None or view.spec is None or ticks is None:
        return []
    spec = view.spec
    parts: list[Line] = [((f" {price(ticks, spec.price_precision)} ", "!text/cursor"),)]
    read = at_cursor(view.bids, view.asks, ticks, view.known_depth) if view.metrics is not None else None
    if read is None:
        return [*parts, ((" no figures from an unproven book ", "stale"),)]
    sign = "+" if read.distance_bps >= 0 else "-"
    parts.append(((f" {sign}{basis_points(abs(read.distance_bps))} bps ", "text"),))
    if read.side is None:
        return [*parts, (("inside the spread ", "muted"),)]
    size = quantity(read.cumulative, spec.qty_precision, 9).strip()
    notional = price(read.notional // 10**spec.qty_precision, spec.price_precision).partition(".")[0]
    if read.known_to is not None:
        edge = price(read.known_to, spec.price_precision)
        size = quantity(_floored(read.cumulative), spec.qty_precision, 9).strip()
        return [
            *parts,
            ((" at least ", "warn"), (size, "text"), (f" {spec.base}, ", "muted"), (f"book known to {edge} ", "warn")),
            (("= at least ", "muted"), (notional, "text"), (f" {spec.quote} ", "muted")),
            ((" sweep leaves the known book ", "muted"),),
        ]
    if read.sweep is None:
        return parts
    average = fine_price(read.sweep.average, spec.price_precision)
    slippage = basis_points(read.sweep.slippage_bps)
    return [
        *parts,
        ((" cum ", "muted"), (size, "text"), (f" {in_cells(spec.base)} ", "muted")),
        (("= ", "muted"), (notional, "text"), (f" {in_cells(spec.quote)} ", "muted")),
        ((" sweep ", "muted"), (average, "text"), (f" {slippage} bps ", "text")),
    ]


def feed_parts(
    feed: FeedView, *, behind: int | None, fps: float | None, resume: str, step: str = "", skip: str = ""
) -> list[Line]:
    """What is out of the ordinary: an engine that hangs, a dead feed, a frozen screen, a slow terminal.

    Args:
        feed: The newest view, not the frozen one.
        behind: Messages that came in since the screen was frozen; None when it is not.
        fps: The rate the screen fell back to; None at full rate.
        resume: Key that unfreezes.
        step: What the engine hangs in, as far as it can be told.
        skip: Key that skips a gap of a recording.
    """
    parts: list[Line] = []
    if feed.silent_ns:
        parts.append(((f" {silence_text(feed.silent_ns)} ", "!badge/bad"),))
        if step:
            parts.append(((f" in: {shorten(step, 40)} ", "bad"),))
    if feed.fatal:
        parts.append(((" FEED STOPPED ", "!badge/bad"), (f" {shorten(feed.fatal, 40)} ", "bad")))
    parts += _replay_parts(feed, skip)
    if feed.demo:
        parts.append(((f" DEMO shows: {shorten(feed.demo, 40)} ", "badge/warn"),))
    if behind is not None:
        parts.append(((" PAUSED ", "!badge/warn"), (f" {behind:,} behind, {resume} resumes ", "warn")))
    if fps is not None:
        parts.append(((f" slow terminal: {fps:g} fps ", "warn"),))
    return parts


def _replay_parts(feed: FeedView, skip: str) -> list[Line]:
    """A replay that stands still, and a gap of the recording."""
    replay = feed.replay
    if replay is None:
        return []
    parts: list[Line] = []
    if replay.problem:
        parts.append(((" REPLAY WAITS ", "!badge/warn"), (f" {shorten(replay.problem, 60)} ", "warn")))
    if replay.gap_ns:
        now = f", {skip} now" if skip else ""
        text = f" nothing recorded for {long_time(replay.gap_ns)}: skipped in seconds{now} "
        parts.append(((" GAP ", "badge/accent"), (text, "text")))
    return parts
