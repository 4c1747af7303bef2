"""The status at the left of the last row: the price at the cursor, and anything out of the ordinary. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

import msgspec

from kraken_tui.market.book.metrics import AtCursor, at_cursor, fee_of, row_step, row_traded
from kraken_tui.market.events import Side
from kraken_tui.market.freshness import silence_text
from kraken_tui.market.health import long_time
from kraken_tui.market.views import FeedView, Mode, PairView
from kraken_tui.tui.draw.amounts import compact
from kraken_tui.tui.draw.format import basis_points, clock, duration, fine_price, price, quantity
from kraken_tui.tui.draw.mode import progress
from kraken_tui.tui.draw.runs import Line, in_cells, shorten, width_of
from kraken_tui.tui.draw.slowness import Slowness, slowness_text
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.words import counted

STATUS_KEYS = ("feed.pause", "time.live", "replay.again", "feed.reconnect", "replay.skip", "cursor.clear")
"""Commands whose keys the status names."""

_OFFLINE = frozenset({"DISCONNECTED", "COOLDOWN", "CONNECTING"})


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


class Reading(msgspec.Struct, frozen=True):
    """What the cursor's figures are read from.

    Attributes:
        view: The pair at the moment read.
        ticks: The price.
        step: Ticks of a row of the book.
        fee_pct: A taker's fee, percent.
        now: The pair as it is now, where `view` is of the past.
        cut: Whether trades since then are missing, so that what has traded is the least there is.
        pointed: Whether the mouse only points there.
    """

    view: PairView
    ticks: int
    step: int = 1
    fee_pct: float = 0.0
    now: PairView | None = None
    cut: bool = False
    pointed: bool = False


def reading_parts(reading: Reading | None) -> list[Line]:
    """Price, distance, size (and what is left of it now), sums and cost at the cursor, the most important first.

    Empty without a cursor. An unproven book gives no figures, only the price. Beyond the depth of the book sums are
    the least there is, and say so.
    """
    if reading is None or reading.view.spec is None:
        return []
    view, ticks, spec = reading.view, reading.ticks, reading.view.spec
    ground = "!text/tab" if reading.pointed else "!text/cursor"
    parts: list[Line] = [((f" {price(ticks, spec.price_precision)} ", ground),)]
    step = row_step(ticks, reading.step)
    read = at_cursor(view.bids, view.asks, ticks, view.known_depth, step) if view.metrics is not None else None
    if read is None:
        return [*parts, ((" no figures from an unproven book ", "stale"),), *_since_then(reading, step, spec)]
    sign = "+" if read.distance_bps >= 0 else "-"
    parts.append(((f" {sign}{basis_points(abs(read.distance_bps))} bps ", "text"),))
    if read.side is None:
        return [*parts, (("inside the spread ", "muted"),), *_since_then(reading, step, spec)]
    if read.known_to is None or reading.now is not None:
        size = compact(read.size, spec.qty_precision) if read.known_to is None else "–"
        parts.append(((" size ", "muted"), (size, "text"), (f" {in_cells(spec.base)} ", "muted")))
        parts += _queue_parts(view, read, step)
    return parts + _since_then(reading, step, spec) + _sum_parts(read, spec, reading.fee_pct)


def _queue_parts(view: PairView, read: AtCursor, step: int) -> list[Line]:
    """How many orders rest in the row, how old the first of its queue is, and the largest: where all are known."""
    spec, level3 = view.spec, view.level3
    if spec is None or level3 is None or not level3.verified or level3.stale or read.known_to is not None:
        return []
    bids = read.side is Side.BUY
    first, last = (read.ticks, read.ticks + step - 1) if bids else (read.ticks - step + 1, read.ticks)
    levels = [level for level in (level3.bids if bids else level3.asks) if first <= level.ticks <= last]
    if not levels or sum(level.lots for level in levels) != read.size:
        return []
    sizes = [lots for level in levels for lots in level.sizes]
    age_ns = levels[0].head_age_ns(view.now_ns)
    head = () if age_ns is None else ((" head ", "muted"), (duration(age_ns), "text"))
    return [
        ((f" {counted(len(sizes), 'order')}", "text"), *head, (" ", "text")),
        ((" largest ", "muted"), (compact(max(sizes), spec.qty_precision), "text"), (" ", "text")),
    ]


def _since_then(reading: Reading, step: int, spec: PairSpec) -> list[Line]:
    """What is left in the row now, and what has traded there since the moment read."""
    now, then = reading.now, reading.view
    if now is None:
        return []
    read = at_cursor(now.bids, now.asks, reading.ticks, now.known_depth, step) if now.metrics is not None else None
    left = "–" if read is None or read.known_to is not None else compact(read.size, spec.qty_precision)
    traded = row_traded(now.traded, reading.ticks, step) - row_traded(then.traded, reading.ticks, step)
    least = "at least " if reading.cut else ""
    return [
        (("now ", "muted"), (left, "!text"), (" ", "text")),
        ((" traded since ", "muted"), (least, "warn"), (compact(traded, spec.qty_precision), "text"),
         (" ", "text")),
    ]  # fmt: skip


def _sum_parts(read: AtCursor, spec: PairSpec, fee_pct: float) -> list[Line]:
    """Cumulative size, its worth, and what it costs to take all of it: average, slippage and fee."""
    fee = fee_of(read.notional, fee_pct)
    fee_text = compact(fee, spec.price_precision + spec.qty_precision)
    way = "buy to here" if read.side is Side.SELL else "sell to here"
    size = quantity(read.cumulative, spec.qty_precision, 9).strip()
    notional = price(read.notional // 10**spec.qty_precision, spec.price_precision).partition(".")[0]
    if read.known_to is not None:
        edge = price(read.known_to, spec.price_precision)
        size = quantity(_floored(read.cumulative), spec.qty_precision, 9).strip()
        return [
            ((" at least ", "warn"), (size, "text"), (f" {spec.base}, ", "muted"), (f"book known to {edge} ", "warn")),
            (("= at least ", "muted"), (notional, "text"), (f" {spec.quote} ", "muted")),
            ((f" {way} leaves the known book ", "muted"),),
        ]
    if read.sweep is None:
        return []
    average = fine_price(read.sweep.average, spec.price_precision)
    slippage = basis_points(read.sweep.slippage_bps)
    return [
        ((" cum ", "muted"), (size, "text"), (f" {in_cells(spec.base)} ", "muted")),
        (("= ", "muted"), (notional, "text"), (f" {in_cells(spec.quote)} ", "muted")),
        ((f" {way} ", "muted"), (average, "text"), (f" {slippage} bps ", "text")),
        (("+ fee ", "muted"), (fee_text, "text"), (f" {in_cells(spec.quote)} ", "muted")),
    ]


def feed_parts(
    feed: FeedView,
    *,
    paused: tuple[int, int] | None = None,
    past: tuple[int, str] | None = None,
    slowness: Slowness | None = None,
    keys: Mapping[str, str] = MappingProxyType({}),
    step: str = "",
    narrow: bool = False,
) -> list[Line]:
    """What is out of the ordinary: an engine that hangs, a dead feed, no connection, a mode, slow drawing.

    Args:
        feed: The newest view, not the one on a paused screen.
        paused: (moment of the pause, ns since the epoch; messages that came in since); None when it is not.
        past: (moment of the past that is shown, what was found there); None for now.
        slowness: Why fewer pictures are drawn; None at full rate.
        keys: The keys of `STATUS_KEYS`.
        step: What the engine hangs in, as far as it can be told.
        narrow: Whether the row is short, so that HISTORY is left to the badge over it.
    """
    parts: list[Line] = []
    if feed.silent_ns:
        parts.append(((f" {silence_text(feed.silent_ns)} ", "!badge/bad"),))
        if step:
            parts.append(((f" in: {shorten(step, 40)} ", "bad"),))
    if feed.fatal:
        parts.append(((" FEED STOPPED ", "!badge/bad"), (f" {shorten(feed.fatal, 40)} ", "bad")))
    elif not feed.silent_ns:
        parts += _offline_parts(feed, keys.get("feed.reconnect", ""))
    if feed.demo:
        parts.append(((f" DEMO shows: {shorten(feed.demo, 40)} ", "badge/mode"),))
    if paused is not None:
        moment, behind = paused
        text = f" {clock(moment)} UTC, {behind:,} behind, {keys.get('feed.pause', '')} resumes "
        parts.append(((" PAUSED ", "!badge/mode"), (text, "text")))
    if past is None:
        parts += _replay_parts(feed, keys)
    else:
        moment, found = past
        head = () if narrow else ((" HISTORY ", "!badge/mode"), (" ", "text"))
        words: Line = ((f"{clock(moment, 3)} ", "text"), (f" {found} " if found else "", "text"))
        parts.append((*head, *words, (f" {keys.get('time.live', '')} live ", "muted")))
    if slowness is not None:
        parts.append(((f" {slowness_text(slowness)} ", "warn"),))
    return parts


def _replay_parts(feed: FeedView, keys: Mapping[str, str]) -> list[Line]:
    replay = feed.replay
    if feed.mode is not Mode.REPLAY or replay is None or feed.fatal:
        return []
    if replay.seeking:
        stops = f", {keys['cursor.clear']} stops" if "cursor.clear" in keys else ""
        where = f" {shorten(replay.seeking, 60)}, at {progress(replay)}{stops} "
        return [((" SEEKING ", "!badge/mode"), (where, "text"))]
    if replay.problem:
        return [((" REPLAY WAITS ", "!badge/warn"), (f" {shorten(replay.problem, 60)} ", "warn"))]
    if replay.gap_ns:
        now = f", {keys['replay.skip']} now" if "replay.skip" in keys else ""
        text = f" nothing recorded for {long_time(replay.gap_ns)}: skipped in seconds{now} "
        return [((" GAP ", "!badge/mode"), (text, "text"))]
    if replay.finished:
        again = f" {progress(replay)}, press {keys.get('replay.again', '')} to play again "
        return [((" END ", "!badge/mode"), (again, "text"))]
    if replay.paused:
        return [((" PAUSED ", "!badge/mode"), (f" {progress(replay)}, {keys.get('feed.pause', '')} goes on ", "text"))]
    return []


def offline_sentence(feed: FeedView, key: str) -> str:
    """When the next dial comes and how to have it now; "" while connected or in a replay.

    Args:
        feed: The newest view.
        key: Of "feed.reconnect".
    """
    if feed.mode is Mode.REPLAY or feed.state not in _OFFLINE:
        return ""
    if feed.state == "CONNECTING":
        return f"dialling, attempt {feed.attempt + 1}"
    if feed.retry_in_s is None:
        return ""
    wait = ceil(feed.retry_in_s)
    ask = f"; press {key} to try now" if key and feed.allowed_in_s <= 0 and wait > 0 else ""
    return f"next try in {wait} s{ask}"


def dial_sentence(feed: FeedView) -> str:
    """What the key that dials now does at this moment."""
    if feed.mode is Mode.REPLAY:
        return "A recording has no connection."
    if feed.state == "CONNECTING":
        return "Dialling already."
    if feed.state not in _OFFLINE:
        return "Connected: there is nothing to try."
    if feed.allowed_in_s > 0:
        return f"The dial budget allows the next try in {ceil(feed.allowed_in_s)} s."
    return "Dialling now."


def waiting_text(feed: FeedView, keys: Mapping[str, str], paused: str = "") -> str:
    """Why there is nothing of a pair yet, where nothing is wrong with it: one line, or two where offline.

    Args:
        feed: The newest view.
        keys: The keys of `STATUS_KEYS`.
        paused: The pair, where the screen was paused before its first book.
    """
    if paused:
        return f"PAUSED before the first book of {paused}; {keys['feed.pause']} resumes"
    offline = offline_sentence(feed, keys["feed.reconnect"])
    if not offline or not feed.attempt:
        return "waiting for the pair"
    return f"offline: {feed.cause}\n{offline}; kraken-tui --demo needs no network"


def _offline_parts(feed: FeedView, key: str) -> list[Line]:
    sentence = offline_sentence(feed, key)
    # A first dial that is under way is nothing to be told of.
    if not sentence or (feed.state == "CONNECTING" and not feed.attempt):
        return []
    return [((" OFFLINE ", "!badge/warn"), (f" {sentence} ", "warn"))]
