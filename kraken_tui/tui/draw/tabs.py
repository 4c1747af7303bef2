"""The top row: one tab per pair; at the right the state of the connection, the time, and what is being shown. Pure."""

from __future__ import annotations

from math import ceil

import msgspec

from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView, Mode, PairSummary
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.mode import history_badge, mode_badge
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, blank, join_fields, on, shorten, width_of
from kraken_tui.units import SECOND

_UP = frozenset({"SUBSCRIBED", "SUBSCRIBING", "RESYNCING", "DEGRADED"})
_SEPARATOR: Run = ("│", "rule")


class TabRow(msgspec.Struct, frozen=True):
    """The drawn row and where its tabs are.

    Attributes:
        line: The row.
        spans: (first cell, cell after the last, symbol) of each tab in sight.
    """

    line: Line
    spans: tuple[tuple[int, int, str], ...]


def draw_tabs(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the row of tabs: at most one line.

    Args:
        picture: What to draw; the active pair is `picture.pair`.
        width: Cells.
        height: Rows.
    """
    if height < 1:
        return []
    return [tab_row(picture, width).line]


def tab_row(picture: Picture, width: int) -> TabRow:
    """Lay the row out: everything if it fits, else first latency, clock and the other pairs' prices give way."""
    feed = picture.feed
    active = picture.pair.symbol if picture.pair else ""
    right_forms = _past_forms(picture, width) if picture.in_past else _right_forms(feed, width)
    for short in (False, True):
        tabs = [_tab(number, tab, active, short) for number, tab in enumerate(feed.tabs, 1)]
        needed = sum(width_of(runs) + 1 for _, runs in tabs)
        # The cause of a bad connection matters more than the other pairs' prices.
        for right in right_forms if short else right_forms[:-1]:
            if needed + width_of(right) <= width:
                return _assemble(tabs, right, width, 0, 0)
    right = right_forms[-1]
    first, last = _window(tabs, active, width - width_of(right))
    return _assemble(tabs[first:last], right, width, first, len(tabs) - last)


def _window(tabs: list[tuple[str, tuple[Run, ...]]], active: str, room: int) -> tuple[int, int]:
    """Neighbours of the active tab that fit, leaving room for the counts of those that do not."""
    if not tabs:
        return 0, 0
    chosen = next((index for index, (symbol, _) in enumerate(tabs) if symbol == active), 0)
    first, last = chosen, chosen + 1
    used = width_of(tabs[chosen][1]) + 11
    while True:
        for index in (last, first - 1):
            if 0 <= index < len(tabs) and used + width_of(tabs[index][1]) + 1 <= room:
                used += width_of(tabs[index][1]) + 1
                first, last = min(first, index), max(last, index + 1)
                break
        else:
            return first, last


def _assemble(
    tabs: list[tuple[str, tuple[Run, ...]]], right: tuple[Run, ...], width: int, before: int, after: int
) -> TabRow:
    line: list[Run] = []
    spans: list[tuple[int, int, str]] = []
    used = 0
    if before:
        line.append((f" +{before} ", "muted"))
        line.append(_SEPARATOR)
        used = width_of(line)
    for number, (symbol, runs) in enumerate(tabs):
        if number:
            line.append(_SEPARATOR)
            used += 1
        cells = width_of(runs)
        spans.append((used, used + cells, symbol))
        line += runs
        used += cells
    if after:
        line += [_SEPARATOR, (f" +{after} ", "muted")]
        used = width_of(line)
    line.append((" " * max(0, width - used - width_of(right)), "text"))
    return TabRow((*line, *right), tuple(spans))


def _tab(number: int, tab: PairSummary, active: str, short: bool) -> tuple[str, tuple[Run, ...]]:
    """One tab: number, pair, last price with its direction; a mark and dimmed figures where it has a problem."""
    chosen = tab.symbol == active
    ground = "tab" if chosen else ""
    runs: list[Run] = [
        (f" {number} ", on("muted", ground)),
        (shorten(tab.symbol, 14), ("!" if chosen else "") + on("bright" if chosen else "text", ground)),
    ]
    mark, role = _mark(tab)
    if tab.last is not None and not tab.problem and not (short and not chosen):
        text = f" {fmt.price(tab.last, tab.price_precision)} {fmt.direction_glyph(tab.last_direction)}"
        runs.append((text, on("muted" if mark else fmt.direction_role(tab.last_direction), ground)))
    if mark:
        runs.append((f" {mark}", on(role, ground)))
    runs.append((" ", on("text", ground)))
    return tab.symbol, tuple(runs)


def _mark(tab: PairSummary) -> tuple[str, str]:
    if tab.problem:
        return "✗ " + shorten(tab.problem, 16), "bad"
    if tab.proof is Proof.UNVERIFIED:
        return "✗", "bad"
    if tab.proof is Proof.CHECKING:
        return "…", "warn"
    return ("stale", "stale") if tab.stale else ("", "")


def _right_forms(feed: FeedView, width: int) -> list[tuple[Run, ...]]:
    """The right end from its fullest form to its shortest; the mode badge and the state are in all of them."""
    state = connection_state(feed, max(12, width // 3))
    badge, short = mode_badge(feed), mode_badge(feed, short=True)
    clock: tuple[Run, ...] = ((f"{fmt.clock(feed.now_ns)} UTC", "text"),)
    latency = _latency(feed)
    least = connection_state(feed, 0)
    forms = ((state, latency, clock, badge), (state, clock, badge), (state, badge), (least, short))
    return [((" ", "text"), *join_fields([runs for runs in form if runs], 2), (" ", "text")) for form in forms]


def _past_forms(picture: Picture, width: int) -> list[tuple[Run, ...]]:
    """The same while a moment of the past is shown: of its connection nothing is said, of that of now only a fault."""
    feed, moment_ns = picture.feed, picture.moment_ns or 0
    badge = (history_badge(moment_ns, picture.now_ns),)
    fault = connection_state(feed, max(12, width // 3)) if feed.fatal or feed.silent_ns else ()
    now: tuple[Run, ...] = (("now ", "muted"), (f"{fmt.clock(feed.now_ns)} UTC", "muted"))
    mode = mode_badge(feed, short=True)
    forms = ((fault, now, badge, mode), (fault, badge, mode), (connection_state(feed, 0) if fault else (), badge, mode))
    return [((" ", "text"), *join_fields([runs for runs in form if runs], 2), (" ", "text")) for form in forms]


def connection_state(feed: FeedView, room: int) -> tuple[Run, ...]:
    """Connection state in a word; with its cause, in at most `room` cells, while it is not SUBSCRIBED.

    Of an engine that does not answer only that is known. A recording has no connection.
    """
    if feed.fatal:
        return ((shorten(f"✗ FAILED {feed.fatal}", max(8, room)), "!bad"),)
    if feed.silent_ns:
        seconds = feed.silent_ns // SECOND
        return ((f"✗ engine silent {seconds} s" if room else f"✗ {seconds} s", "!bad"),)
    if feed.mode is Mode.REPLAY:
        return ()
    if feed.state == "SUBSCRIBED":
        return (("SUBSCRIBED ●" if room else "●", "ok"),)
    text = f"{feed.state} ○"
    if feed.retry_in_s is not None and room:
        text += f" retry {ceil(feed.retry_in_s)} s"
    if feed.cause and room > len(text) + 6:
        text += " " + shorten(feed.cause, room - len(text))
    return ((text, "!warn"),)


def _latency(feed: FeedView) -> tuple[Run, ...]:
    latency = feed.latency
    if latency.p50 is None or latency.p99 is None or (feed.mode is not Mode.REPLAY and feed.state not in _UP):
        return ()
    return (
        ("feed ", "muted"),
        (f"{latency.p50:>3.0f} ms", "text"),
        (" p99 ", "muted"),
        (f"{latency.p99:>3.0f} ms", "text"),
    )


def draw_badge(text: str, role: str, width: int, height: int) -> list[Line]:
    """Draw a few words, centred, on the colour of a role.

    Args:
        text: What it says.
        role: Colour role of its background.
        width: Cells.
        height: Rows.
    """
    line: Line = ((text.center(width), f"!badge/{role}"),)
    return [line, *(blank(width) for _ in range(height - 1))]
